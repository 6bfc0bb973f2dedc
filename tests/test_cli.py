"""The command line as a user meets it: instant help, one line for every mistake, and filters that answer every line."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from callwright import cli
from callwright.evaluation.bfcl import load_category
from callwright.scoring.categories import CATEGORIES

CONSOLE_SCRIPT = [str(Path(sys.executable).with_name("callwright"))]
MODULE = [sys.executable, "-m", "callwright.cli"]
HEAVY = {"jax", "jaxlib", "flax", "tunix", "qwix", "optax", "orbax", "numpy", "scipy", "gguf", "pydantic", "yaml"}
RIGHT = "[calculate_triangle_area(base=10, height=5)]"


def call(command, *arguments, stdin=b"", **environment):
    return subprocess.run([*command, *arguments], input=stdin, capture_output=True, env=os.environ | environment)


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


@pytest.mark.parametrize("command", [[], ["run"], ["report"], ["score"], ["doctor"]], ids=lambda c: " ".join(c) or "-")
def test_help_needs_nothing_heavy(command):
    done = call([sys.executable, "-X", "importtime", "-m", "callwright.cli"], *command, "--help")
    assert done.returncode == 0
    assert b"Usage: callwright" in done.stdout
    imported = {line.rsplit("|")[-1].strip().split(".")[0] for line in done.stderr.decode().splitlines()}
    assert "callwright" in imported, "this test reads what the interpreter says of its imports"
    assert not HEAVY & imported


def test_the_installed_script_and_the_module_are_the_same_command():
    script, module = (call(command, "--help") for command in (CONSOLE_SCRIPT, MODULE))
    assert script.returncode == module.returncode == 0
    assert script.stdout == module.stdout
    for command in ("run", "report", "score", "doctor"):
        assert re.search(rf"│ {command} +", script.stdout.decode())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["runn"], 'Unknown command "runn"'),
        (["run", "--steps", "3"], "--steps"),
        (["run", "--stages", "three"], '"three"'),
        (["run", "a.yaml", "b.yaml"], "b.yaml"),
        (["report"], "requires an argument"),
    ],
)
def test_a_mistyped_command_line_is_refused_in_one_line(refused, arguments, says):
    code, line = refused(*arguments)
    assert code == 2
    assert says in line
    assert "see callwright --help" in line


def test_reporting_on_what_is_no_run_is_refused(refused, tmp_path):
    code, line = refused("report", tmp_path / "runs" / "nowhere")
    assert code == 2
    assert "nowhere" in line
    assert "name a directory under runs/" in line
    assert not list(tmp_path.iterdir())


def test_a_mistake_has_the_same_exit_code_through_the_installed_script(tmp_path):
    done = call(CONSOLE_SCRIPT, "run", str(tmp_path / "nowhere.yaml"))
    assert done.returncode == 2
    assert done.stderr.decode().count("\n") == 1
    assert "nowhere.yaml; got No such file or directory; name an existing file" in done.stderr.decode()


@pytest.fixture(scope="module")
def score():
    """`callwright score` on lines, as a user pipes them."""
    for name in CATEGORIES:
        load_category(name)  # so that the filter finds the benchmark in the cache

    def run(*lines, **environment):
        done = call(MODULE, "score", stdin=b"".join(line + b"\n" for line in lines), **environment)
        assert done.returncode == 0, done.stderr.decode()
        assert done.stderr == b""
        return [json.loads(line) for line in done.stdout.splitlines()]

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
        *("a", None, 2, None, None, "nobody", {"any": ["JSON"]}, "both", "xml", "format", "relevance")
    ]
    assert [answer.get("valid", "error") for answer in answers] == [
        *(True, "error", False, "error", True, "error", False, "error", False, "error", True)
    ]
    assert [answer["error_type"] for answer in answers if answer.get("valid") is False] == [
        "simple_function_checker:missing_required",
        "ast_decoder:decoder_failed",
        "simple_function_checker:wrong_func_name",
    ]
    for answer in answers:
        assert answer.keys() in ({"id", "valid", "error_type"}, {"id", "error"})


def test_an_error_says_what_was_expected_what_came_and_what_to_do(score):
    (answer,) = score(b"[1]")
    assert answer["error"] == "expected a JSON object; got a JSON list; write one object a line"


@pytest.mark.parametrize(
    ("odd", "stdin"),
    [
        (b'{"id": "\\ud800", "entry": "simple_python_0", "text": "f"}', "strict"),
        (b'{"id": 1, "entry": "\\udfff", "text": "f"}', "strict"),
        (b'{"id": 1, "entry": "simple_python_0", "text": "\xff"}', "strict"),
        (b'{"id": 1, "entry": "simple_python_0", "text": "\xff"}', "surrogateescape"),
        (b'{"id": 1, "entry": "simple_python_0",\r "text": "f"}', "strict"),
        (b'{"id": 1, "entry": "simple_python_0", "text": "\xe2\x80\xa8"}', "strict"),
        (b"[" * 100_000, "strict"),
        (line(id=1, text="[" * 100_000), "strict"),
    ],
    ids=[
        "surrogate id",
        "surrogate name",
        "no UTF-8",
        "no UTF-8, lenient",
        "CR",
        "line separator",
        "deep",
        "deep text",
    ],
)
def test_a_line_that_no_text_can_hold_is_answered_and_so_are_its_neighbours(score, odd, stdin):
    before, answer, after = score(
        line(id="before", text=RIGHT), odd, line(id="after", text=RIGHT), PYTHONIOENCODING=f"utf-8:{stdin}"
    )
    assert (before["id"], before["valid"]) == ("before", True)
    assert answer.get("valid", False) is False
    assert (after["id"], after["valid"]) == ("after", True)


def test_an_answer_comes_before_the_next_line_is_needed(score):
    """As a filter between two programs that wait for each other."""
    process = subprocess.Popen([*MODULE, "score"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for number in range(3):
        process.stdin.write(line(id=number, text=RIGHT) + b"\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == number
    process.stdin.close()
    process.stdout.close()
    assert process.wait(timeout=30) == 0


def test_a_reader_that_leaves_early_is_no_reason_for_a_traceback(score):
    process = subprocess.Popen(
        [*MODULE, "score"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    process.stdin.write(line(id=1, text=RIGHT) + b"\n")
    process.stdin.close()
    assert process.wait(timeout=30) == 1
    assert process.stderr.read() == b""
    process.stderr.close()
