"""The command line as a user meets it: instant help, one line for every mistake, and filters that answer every line.

A process is started where it is what is tested: its start, its streams and what they are encoded in, its end.
"""

import inspect
import json
import os
import re
import shlex
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from tests.support.processes import HANGS

from callwright import cli
from callwright.evaluation.bfcl import load_category
from callwright.formats import FORMATS, MODELS, get_format
from callwright.scoring.categories import CATEGORIES

CONSOLE_SCRIPT = [str(Path(sys.executable).with_name("callwright"))]
MODULE = [sys.executable, "-m", "callwright"]
HEAVY = {"jax", "jaxlib", "flax", "tunix", "qwix", "optax", "orbax", "numpy", "scipy", "gguf", "pydantic", "ruamel"}
RIGHT = "[calculate_triangle_area(base=10, height=5)]"


def call(command, *arguments, stdin=b"", **environment):
    return subprocess.run([*command, *arguments], input=stdin, capture_output=True, env=os.environ | environment)


@pytest.fixture
def inside(monkeypatch):
    """Runs the command line in this process, with streams of its own, and gives exit code, output and errors."""

    def run(*arguments, stdin=b"", encoding="utf-8"):
        streams = [TextIOWrapper(BytesIO(data), encoding=encoding) for data in (stdin, b"", b"")]
        with monkeypatch.context() as patch, pytest.raises(SystemExit) as left:
            for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
                patch.setattr(sys, name, stream)
            cli.main([str(argument) for argument in arguments])
        for stream in streams[1:]:
            stream.flush()
        return left.value.code, *(stream.buffer.getvalue() for stream in streams[1:])

    return run


@pytest.fixture
def refused(capsys):
    """Runs the command line in this process, and gives the one line and the exit code with which it refuses."""

    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("\n") == 1, err
        assert err.startswith("callwright: ")
        return left.value.code, err

    return run


COMMANDS = ("run", "report", "score", "render", "parse", "formats", "instrument", "doctor")
FILTERS = {"score": {"entry": "simple_python_0", "text": "[f()]"}} | {
    "render": {"format": "xml", "messages": [{"role": "user", "content": "hi"}]},
    "parse": {"format": "xml", "raw": "hi"},
}
"""A good row of every filter."""


@pytest.mark.parametrize("command", [[], ["run"], ["instrument"]], ids=lambda c: " ".join(c) or "-")
def test_help_needs_nothing_heavy(command):
    done = call([sys.executable, "-X", "importtime", "-m", "callwright"], *command, "--help")
    assert done.returncode == 0
    assert b"Usage: callwright" in done.stdout
    imported = {line.rsplit("|")[-1].strip().split(".")[0] for line in done.stderr.decode().splitlines()}
    assert "callwright" in imported, "this test reads what the interpreter says of its imports"
    assert not HEAVY & imported


def test_the_installed_script_and_the_module_are_the_same_command():
    script, module = (call(command, "--help") for command in (CONSOLE_SCRIPT, MODULE))
    assert script.returncode == module.returncode == 0
    assert script.stdout == module.stdout
    for command in COMMANDS:
        assert re.search(rf"│ {command} +", script.stdout.decode())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("runn", "a command of callwright; got runn; did you mean run or runs? see callwright --help"),
        ("formats shwo", "a command of callwright formats; got shwo; did you mean show?"),
        ("run --steps 3", "an option of callwright run; got --steps; did you mean --stages?"),
        ("run c.yaml --dryrun", "an option of callwright run; got --dryrun; did you mean --dry-run?"),
        ("run c.yaml --stages three", "a whole number for --stages; got 'three'; see callwright run --help"),
        ("run --stages 1 2 c.yaml", "a whole number for --stages; got 'c.yaml'; write arguments before --stages, "),
        ("run c.yaml --dry-run=maybe", "no value, or true or false, for --dry-run; got 'maybe'; "),
        ("run c.yaml --set", "a value after --set; got none; see callwright run --help"),
        ("run c.yaml --stages", "a value after --stages; got none; "),
        ("run a.yaml b.yaml", "no further argument of callwright run; got b.yaml; "),
        ("run a.yaml --runs a --runs b", "--runs once; got it several times; leave all but one out"),
        ("report", "RUN for callwright report; got none; see callwright report --help"),
        (
            "probe --format qwen3 llamacpp",
            "a target to probe; got none; name one, or a saved report: --from REPORT.json; ",
        ),
        ("instrument script --format xml -o x", "LINES for callwright instrument script; got none; write it before "),
        ("eval compare runs/a", "B for callwright eval compare; got none; see callwright eval compare --help"),
        ("eval tools runs/a --file", "a value after --file; got none; see callwright eval tools --help"),
        ("probe llamacpp --set", "a value after --set; got none; "),
        ("data show x.jsonl --count x", "a whole number for --count; got 'x'; "),
        ("data show x.jsonl --count 0", "a number >= 1 for --count; got 0; "),
        ("instrument xray --prompt-tokens -1 -o x.gguf", "a number >= 1 for --prompt-tokens; got -1; "),
        ("instrument xray --prompt-tokens 1 --output", "a value after --output; got none; "),
        ("instrument xray --prompt-tokens 1 --outptu x", "--output for callwright instrument xray; got --outptu; did "),
        (
            "instrument script x --format xml -o x --architecture lama",
            "one of llama, gemma3 for --architecture; got 'lama'; did you mean llama? ",
        ),
    ],
)
def test_a_mistyped_command_line_is_refused_in_one_line(refused, arguments, says):
    code, line = refused(*arguments.split())
    assert code == 2
    assert line.startswith(f"callwright: expected {says}")


@pytest.mark.slow
def test_mistakes_are_told_before_anything_is_imported_that_takes_seconds(tmp_path):
    (tmp_path / "c.yaml").write_text("seed: 1\n")
    (tmp_path / "wrong.yaml").write_text("sed: 1\n")
    mistakes = ["wrong.yaml", "nowhere.yaml", "c.yaml --stages 9", "c.yaml --set nonsense", "c.yaml --set lora.rank=x"]
    code = f"""
import sys
from callwright.cli import main
for words in {mistakes}:
    try:
        main(["run", *words.split()])
    except SystemExit as left:
        print(left.code, *{{name for name in sys.modules if "." not in name}})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert len(done.stderr.splitlines()) == len(mistakes)
    for line in done.stdout.splitlines():
        exit_code, *imported = line.split()
        assert exit_code == "2"
        assert not {"jax", "flax", "tunix", "optax", "orbax", "scipy"} & set(imported)


OPTIONS = {"run": "--stages 1 2", "probe": "--only rendering --format qwen3", "data show": "--count 1"} | {
    "instrument script": "--context 99",
    "instrument dice": "--context 99",
    "instrument xray": "--model nowhere.gguf",
    "instrument read": "--model nowhere.gguf",
    "instrument probe": "--cases nowhere.yaml --part dice",
}
"""What stands for [OPTIONS] in a usage line; options that take several values are among them."""


def commands(app=cli.app, *chain):
    """Every command that takes arguments or options, as its words."""
    names = [name for name in app if not name.startswith("-")]
    for name in names:
        yield from commands(app[name], *chain, name)
    if not names and app.default_command and inspect.signature(app.default_command).parameters:
        yield chain


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_a_usage_line_is_understood_as_it_is_printed(inside, refused, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, out, _ = inside(*command, "--help")
    name = " ".join(command)
    usage = out.decode().partition(f"Usage: callwright {name} ")[2].splitlines()[0]
    usage = usage.replace("[OPTIONS]", OPTIONS.get(name, "")).replace("INT", "5")
    arguments = ["nowhere" if word.isupper() else word for word in usage.split()]
    code, line = refused(*command, *arguments)
    assert code == 2
    assert "nowhere" in line and "--help" not in line
    assert not list(tmp_path.iterdir())


def test_reporting_on_what_is_no_run_is_refused(refused, tmp_path):
    code, line = refused("report", tmp_path / "runs" / "nowhere")
    assert code == 2
    assert "nowhere" in line
    assert "name a directory under runs/" in line
    assert not list(tmp_path.iterdir())


def test_a_mistake_has_the_same_exit_code_through_the_installed_script():
    done = call(CONSOLE_SCRIPT, "formats", "show", "nowhere")
    assert done.returncode == 2
    assert done.stderr.decode().count("\n") == 1
    assert "got 'nowhere'; use one of: xml, " in done.stderr.decode()


def test_a_configuration_that_is_not_there_is_refused(refused, tmp_path):
    code, line = refused("run", tmp_path / "nowhere.yaml")
    assert code == 2
    assert "nowhere.yaml; got No such file or directory; name an existing file" in line


def test_a_configuration_that_says_a_key_twice_is_refused(refused, tmp_path):
    path = tmp_path / "twice.yaml"
    path.write_text("sft_full:\n  enabled: true\n  enabled: false\n")
    code, line = refused("run", path)
    assert code == 2
    assert "twice.yaml, line 3; got the key 'enabled' twice" in line


@pytest.fixture
def score(inside):
    """`callwright score` on lines, as a user pipes them."""

    def run(*lines, exits=0):
        code, out, err = inside("score", stdin=b"".join(line + b"\n" for line in lines))
        assert (code, err) == (exits, b"")
        return [json.loads(line) for line in out.splitlines()]

    return run


def line(**row):
    return json.dumps({"entry": "simple_python_0", "category": "simple_python"} | row).encode()


def test_every_line_is_answered_by_one_in_its_order(score):
    said = [
        line(id="a", text=RIGHT),
        b"no JSON",
        line(id=2, text="[calculate_triangle_area(base=10)]"),
        b"",
        line(id=None, calls=[{"name": "calculate_triangle_area", "arguments": {"base": 10, "height": 5}}]),
        line(id="nobody", entry="simple_python_400", text=RIGHT),
        line(id={"any": ["JSON"]}, calls=None),
        line(id="both", text=RIGHT, calls=[]),
        line(id="xml", format="xml", text='<tool_call>\n{"name": "f", "args": {}}\n</tool_call>'),
        line(id="format", format="yaml", text="f: {}"),
        line(id="relevance", entry="irrelevance_0", category="irrelevance", text="I cannot."),
    ]
    answers = score(*said)
    assert [answer["id"] for answer in answers] == [
        *("a", None, 2, None, "nobody", {"any": ["JSON"]}, "both", "xml", "format", "relevance")
    ]
    assert [answer.get("valid", "error") for answer in answers] == [
        *(True, "error", False, True, "error", False, "error", False, "error", True)
    ]
    assert [answer["error_type"] for answer in answers if answer.get("valid") is False] == [
        "simple_function_checker:missing_required",
        "ast_decoder:decoder_failed",
        "simple_function_checker:wrong_func_name",
    ]
    for answer in answers:
        assert answer.keys() in ({"id", "valid", "error_type"}, {"id", "error"})


def test_an_error_says_what_was_expected_what_came_and_what_to_do(score):
    (answer,) = score(b"[1]", exits=1)
    assert answer["error"] == "expected a JSON object; got a JSON list; write one object a line"


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
def test_lines_that_no_text_can_hold_are_answered_and_so_are_their_neighbours(errors):
    odd = [
        b'{"id": "\\ud800", "entry": "simple_python_0", "text": "f"}',
        b'{"id": 1, "entry": "\\udfff", "text": "f"}',
        b'{"id": 1, "entry": "simple_python_0", "text": "\xff"}',
        b'{"id": 1, "entry": "simple_python_0",\r "text": "f"}',
        b'{"id": 1, "entry": "simple_python_0", "text": "\xe2\x80\xa8"}',
        b"[" * 100_000,
        line(id=1, text="[" * 100_000),
    ]
    for name in CATEGORIES:
        load_category(name)  # so that the filter finds the benchmark in the cache
    good = line(id="good", text=RIGHT)
    stdin = b"".join(one + b"\n" + good + b"\n" for one in (good, *odd))
    done = call(MODULE, "score", stdin=stdin, PYTHONIOENCODING=f"utf-8:{errors}")
    assert (done.returncode, done.stderr) == (0, b"")
    answers = [json.loads(answer) for answer in done.stdout.splitlines()]
    assert len(answers) == 2 * (1 + len(odd))
    assert {(answer["id"], answer["valid"]) for answer in (answers[0], *answers[1::2])} == {("good", True)}
    assert not any(answer.get("valid", False) for answer in answers[2::2])


@pytest.fixture(params=FILTERS)
def filtering(request):
    """Starts a filter with these streams, and gives the process and a good line."""
    load = {"score": lambda: [load_category(name) for name in CATEGORIES]}.get(request.param)
    if load:
        load()
    running = []

    def start(**streams):
        running.append(subprocess.Popen([*MODULE, request.param], **streams))
        return running[-1], json.dumps({"id": "x"} | FILTERS[request.param]).encode() + b"\n"

    yield start
    for process in running:
        process.kill()
        process.wait()


def test_an_answer_comes_before_the_next_line_is_needed(filtering):
    """As a filter between two programs that wait for each other."""
    process, row = filtering(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for _ in range(3):
        process.stdin.write(row[:5])
        process.stdin.flush()
        process.stdin.write(row[5:])
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        assert answer["id"] == "x" and "error" not in answer
    process.stdin.close()
    process.stdout.close()
    assert process.wait(HANGS) == 0


def test_a_reader_that_leaves_early_is_no_reason_for_a_traceback(filtering):
    process, row = filtering(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    process.stdin.write(row)
    process.stdin.close()
    assert process.wait(HANGS) == 1
    assert process.stderr.read() == b""
    process.stderr.close()


def test_an_answer_that_cannot_be_written_is_one_line():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*MODULE, "--help"], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr.decode().count("\n") == 1 and "No space left on device" in done.stderr.decode()


@pytest.mark.parametrize("streams", ["<&-", ">&-", "<&- >&-"])
def test_streams_that_the_caller_closed_are_empty(streams):
    command = shlex.join([*MODULE, "parse"])
    done = subprocess.run(["sh", "-c", f"{command} {streams}"], stdin=subprocess.DEVNULL, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.fixture(params=["render", "parse"])
def piped(request, inside):
    """`callwright render` or `callwright parse` on lines as a user pipes them, and a good row of it."""

    def run(*lines):
        code, out, err = inside(request.param, stdin=b"\n".join(lines))
        assert (code, err) == (0, b"")
        return [json.loads(line) for line in out.splitlines()]

    return run, FILTERS[request.param]


def test_every_line_of_a_formats_filter_is_answered_by_one_in_its_order(piped):
    run, row = piped
    lines = [
        json.dumps({"id": "first"} | row).encode(),
        b"",
        b"no JSON",
        json.dumps({"id": 2, "format": "yaml"}).encode(),
        json.dumps({"id": 3}).encode(),
        b"[" * 100_000,
        json.dumps({"id": float("inf")} | row).encode(),
        b'{"id": "\\ud800", "format": "\\udfff"}',
        json.dumps({"id": "last, not ended by a line break"} | row).encode(),
    ]
    answers = run(*lines)
    assert [answer["id"] for answer in answers] == [
        *("first", None, 2, 3, None, None, "\ud800", "last, not ended by a line break")
    ]
    assert ["error" in answer for answer in answers] == [False, *[True] * 6, False]


@pytest.mark.parametrize("command", FILTERS)
def test_a_filter_exits_with_1_if_every_line_was_bad_and_passes_over_blank_ones(inside, command):
    good = json.dumps(FILTERS[command]).encode()
    nothing = (b"", b"\n", b" \t\r\n\n", b"\xef\xbb\xbf\n")
    some_good = (good, good + b"\n{}", b"no JSON\r\n\r\n" + good)
    all_bad = (b"{}", b"\n{}\nno JSON\n  \n", b'{"id": NaN}', good[:-1] + b', "id": NaN}')
    for code, texts in ((0, nothing + some_good), (1, all_bad)):
        for text in texts:
            left, out, err = inside(command, stdin=text)
            assert (left, err) == (code, b""), text
            assert len(out.splitlines()) == len([line for line in text.splitlines() if line.strip(b" \t\xef\xbb\xbf")])


def test_many_lines_and_long_ones_are_answered_one_by_one(piped):
    run, row = piped
    answers = run(*(json.dumps({"id": number, "pad": "x" * (number * 300)} | row).encode() for number in range(700)))
    assert [answer["id"] for answer in answers] == list(range(700))
    assert not any("error" in answer for answer in answers)


def test_a_call_goes_through_both_filters_and_nothing_is_lost_that_no_encoding_holds(inside):
    said = "\ud800 é 東 \u2028 "
    function = {"name": "f", "arguments": json.dumps({"x": said, "n": [1, 1.0, 2**70]})}
    messages = [
        {"role": "user", "content": "STRAY"},
        {"role": "assistant", "content": said, "tool_calls": [{"type": "function", "function": function}]},
    ]
    row = json.dumps({"id": 1, "format": "xml", "variant": "arguments", "messages": messages}).encode()
    [rendered] = map(json.loads, inside("render", stdin=row.replace(b"STRAY", b"\xff"))[1].splitlines())
    assert rendered.keys() == {"id", "prompt"}
    before, raw = rendered["prompt"].split("<start_of_turn>model\n")
    assert "\udcff" in before
    row = json.dumps({"id": 1, "format": "xml", "variant": "arguments", "raw": raw}).encode()
    [parsed] = map(json.loads, inside("parse", stdin=row)[1].splitlines())
    assert parsed == {
        "id": 1,
        "content": said,
        "reasoning": None,
        "tool_calls": [{"name": "f", "arguments": {"x": said, "n": [1, 1.0, 2**70]}}],
        "complete": True,
        "errors": [],
    }
    assert list(map(type, parsed["tool_calls"][0]["arguments"]["n"])) == [int, float, int]


def test_all_formats_are_listed_with_models_default_and_stops(inside):
    code, out, _ = inside("formats")
    assert code == 0
    lines = out.decode().splitlines()[1:]
    assert [line.split()[0] for line in lines] == list(FORMATS)
    for line, fmt in zip(lines, FORMATS.values(), strict=True):
        assert all(said in line for said in (*MODELS[fmt.id], *fmt.stops))
    defaults = [line.split()[0] for line in lines if "(default)" in line]
    assert defaults == ["xml/args", "qwen3-xml", "gemma4/31b", "mistral/v3"]


def test_the_formats_are_listed_as_json(inside):
    code, out, err = inside("formats", "--json")
    assert (code, err) == (0, b"")
    listed = json.loads(out)
    assert [one["format"] for one in listed] == list(FORMATS)
    for one in listed:
        fmt = FORMATS[one["format"]]
        assert (one["models"], one["stops"]) == (list(MODELS[fmt.id]), list(fmt.stops))
        assert one["default"] == (get_format(fmt.name) is fmt)


@pytest.mark.parametrize("name", FORMATS)
def test_the_example_is_shown_in_every_format_with_its_marks(inside, name):
    code, out, err = inside("formats", "show", name, encoding="ascii")
    assert (code, err) == (0, b"")
    lines = out.decode("ascii").splitlines()
    fmt = FORMATS[name]
    assert any(line.startswith("C") and fmt.stops[0] in line for line in lines)
    assert any(line.startswith((" T", "CT")) and "get_weather" in line for line in lines)
    assert b"\x1b" not in out


def test_on_a_terminal_the_example_is_in_colour():
    done = call(MODULE, "formats", "show", "xml", FORCE_COLOR="1", TERM="xterm", PYTHONIOENCODING="utf-8")
    text = done.stdout.decode()
    assert "\x1b[1;35m<bos>" in text, "control"
    assert "\x1b[4mI will look both up." in text, "trained on"
    assert "\x1b[1;4;35m<end_of_turn>" in text, "both"
    assert re.sub(r"\x1b\[[0-9;]*m", "", text).count("⏎\n") > 20


def test_a_format_that_does_not_exist_is_refused(refused):
    for name in ("yaml", "xml/yaml"):
        code, line = refused("formats", "show", name)
        assert code == 2
        assert "use one of: xml" in line


def test_what_is_aborted_is_not_said_to_continue_unless_the_command_says_so(refused, monkeypatch):
    def abort():
        raise KeyboardInterrupt

    monkeypatch.setattr("callwright.evaluation.score_command.answer_lines", lambda *_: abort())
    assert refused("score") == (130, "callwright: aborted; what was written before is kept\n")
