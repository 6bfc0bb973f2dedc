"""The examples of the documentation do what it says; `tests/support/examples.py` says what is done with each."""

import contextlib
import io
import re
import shlex
import sys

import pytest
from tests.support import examples
from tests.support.command_lines import parsed

from callwright import cli
from callwright.bakeoff.settings import load_bakeoff
from callwright.data.registry import open_source
from callwright.orchestration.config import load_config

CONFIG = examples.ROOT / "config"
SESSIONS = [pytest.param(lines, id=id) for id, lines in examples.sessions()]
PYTHON = [pytest.param(block, id=block.id) for block in examples.blocks("python")]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The directory in which examples are run."""
    (line,) = [block.text for block in examples.blocks("json") if block.page == "README.md"]
    (tmp_path / "mine.jsonl").write_text(line, encoding="utf-8")
    (tmp_path / "config").symlink_to(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command):
    """The exit code of a command, and all that it prints."""
    if command.words[0] == "echo":
        code, printed = 0, f"{' '.join(command.words[1:])}\n"
    else:
        code, printed = run_ours(command)
    if command.stdout:
        with command.stdout.open("a" if command.appends else "w", encoding="utf-8") as file:
            file.write(printed)
        printed = ""
    return code, printed


def run_ours(command):
    """The same of one of ours, in this process."""
    text = command.stdin if isinstance(command.stdin, str) else command.stdin.read_text(encoding="utf-8")
    stdin = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as left:
        for name, stream in (("stdin", stdin), ("stdout", printed), ("stderr", printed)):
            patch.setattr(sys, name, stream)
        cli.main(list(command.words[1:]))
    return left.value.code, printed.buffer.getvalue().decode()


@pytest.mark.parametrize("lines", SESSIONS)
def test_command_lines_do_and_print_what_the_documentation_shows(lines, place):
    for line, shown in lines:
        (command,) = examples.pipeline(line)
        code, printed = run(command)
        if shown is None:
            assert code == 0, printed
        else:
            examples.check_output(shown, printed)


@pytest.mark.parametrize("block", PYTHON)
def test_a_python_example_runs(block):
    program, printed = compile(block.text, "the documentation", "exec"), io.StringIO()
    if not block.compiled_only:
        with contextlib.redirect_stdout(printed):
            exec(program, {"__name__": "example"})
        if block.output is not None:
            examples.check_output(block.output, printed.getvalue())


def test_the_tools_file_of_the_readme_makes_examples(tmp_path):
    (text,) = [block.text for block in examples.blocks("yaml") if block.page == "README.md"]
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    source = open_source("tools", {"path": path, "examples": 60})
    called = {call.name for example in map(source.__getitem__, range(60)) for call in example.expected_calls}
    assert called == {"set_timer"}


def lines_on_top_of_configurations():
    tops = "\n".join(path.read_text(encoding="utf-8").split("\n\n")[0] for path in sorted(CONFIG.glob("*.yaml")))
    return re.findall(r"(?<=#   )callwright (?:bakeoff )?\S+ \S+\.yaml(?: --\S+(?: [^\s-]\S*)*)*", tops)


@pytest.mark.parametrize("line", sorted({*examples.command_lines(), *lines_on_top_of_configurations()}))
def test_a_command_line_is_one_that_the_program_takes(line, place):
    for command in examples.pipeline(line):
        if command.words[0] == "callwright":
            _, said = parsed(shlex.join(command.words))
            if said.get("config") is not None and command.words[1] == "bakeoff":
                load_bakeoff(said["config"])
            elif said.get("config") is not None:
                load_config(said["config"], said.get("overrides") or ())


@pytest.mark.parametrize("text", [block.text for block in examples.blocks("yaml") if block.page == "guide.md"])
def test_a_part_of_a_configuration_is_one(text, place):
    (place / "part.yaml").write_text(text, encoding="utf-8")
    load_config(place / "part.yaml")
