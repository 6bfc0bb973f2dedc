"""`callwright eval show`: everything of one entry, found in any evaluation of the run, and nothing that acts."""

from pathlib import Path

import pytest
from tests.support.evaluated_runs import evaluated_run, row
from tests.support.fake_run import HOSTILE

from callwright import cli
from callwright.evaluation.row import RowStep
from callwright.formats.grammar import ParseIssue


@pytest.fixture
def show(tmp_path, monkeypatch, capsys):
    """Runs the command on a run with these evaluations, and gives exit code, output and errors."""

    def run(stages, *arguments):
        monkeypatch.chdir(tmp_path)
        evaluated_run(Path("runs/a"), stages)
        with pytest.raises(SystemExit) as left:
            cli.main(["eval", "show", *arguments])
        return left.value.code, *capsys.readouterr()

    return run


WRONG = row("single-1", "single", False, parse_errors=(ParseIssue("an object that is not JSON", 7),))


def test_prompt_output_calls_expected_and_reason_are_shown(show):
    code, out, _ = show({3: {"tools/single": [row("single-0", "single", True), WRONG]}}, "runs/a", "single-1")
    assert code == 0
    assert out == (
        "single-1: single of tools, runs/a/stage3 (SFT small)\n\n"
        "Prompt (3 tokens)\n  <bos>user: turn on the light\n\n"
        "Model output\n  light(room=...)\n\n"
        'Calls\n  light(room="cellar", level=3)\n\n'
        'Expected\n  light(room="kitchen", level=3)\n\n'
        "Verdict\n  wrong\n  tools:wrong_value\n  An argument has another value than the expected one.\n"
        "  room: expected 'kitchen', got 'cellar'\n"
        "  at 7: an object that is not JSON\n"
    )


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"calls": ()}, "\nCalls\n  (none)\n"),
        ({"calls": None}, "\nCalls\n  (none could be read)\n"),
        ({"raw": ""}, "\nModel output\n  (none)\n"),
        ({"expected": ()}, "\nExpected\n  no call\n"),
        ({"prompt": ""}, "\nQuestion (the server renders the prompt)\n  turn on the light, please (x)\n"),
        ({"finish_reason": "length"}, "\n  Cut by the token limit.\n"),
        ({"raw": "two\nlines"}, "\n  two\n  lines\n"),
    ],
)
def test_what_is_absent_is_said(show, fields, says):
    code, out, _ = show({3: {"tools/single": [row("x", "single", False, **fields)]}}, "runs/a", "x")
    assert code == 0
    assert says in out


def test_every_step_of_a_flow_is_shown_with_the_results(show):
    steps = (
        RowStep(raw="I look.", calls=(), results=("a text", {"found": 2})),
        RowStep(raw="There are two.", calls=(), results=()),
    )
    flow = row("flow_0", "flow", True, raw="There are two.", steps=steps)
    _, out, _ = show({3: {"tools/flow": [flow]}}, "runs/a", "flow_0")
    assert (
        'Model output, step 1\n  I look.\n\nResult\n  a text\n\nResult\n  {"found": 2}\n\n'
        "Model output\n  There are two.\n\nCalls\n"
    ) in out


def test_without_a_stage_the_last_evaluation_that_has_the_entry_is_shown(show):
    stages = {
        2: {"simple_python": [row("simple_python_0", "simple_python", True)]},
        4: {"tools/single": [row("single-0", "single", True)]},
        5: {"tools/single": [row("single-0", "single", False)]},
    }
    assert "single of tools, runs/a/stage5 (GRPO)" in show(stages, "runs/a", "single-0")[1]
    assert "single of tools, runs/a/stage4 (SFT full)" in show(stages, "runs/a/checkpoints/stage4", "single-0")[1]
    assert "of bfcl, runs/a/stage2 (base model)" in show(stages, "runs/a", "simple_python_0")[1]


def test_an_entry_of_a_file_that_was_scored_is_found(show):
    stages = {3: {"tools/files/mine/call": [row("mine-7", "call", True)]}}
    assert "mine-7: call of mine, runs/a/stage3" in show(stages, "runs/a", "mine-7")[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("runs/a single_1", "an entry that runs/a was asked; got 'single_1'; did you mean single-1?"),
        ("runs/a/stage2 single-1", "expected evaluated entries in runs/a/stage2; got none; "),
        ("runs/b single-1", "expected a run in runs/b; got no events.jsonl of one; name a directory under runs/"),
        ("runs/a/stage1 single-1", "a stage of runs/a that is evaluated; got stage 1; name one of: 2, 3, 4, 5"),
    ],
)
def test_what_does_not_exist_is_refused_with_the_nearest_names(show, arguments, says):
    code, out, err = show({3: {"tools/single": [WRONG]}}, *arguments.split())
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err


@pytest.mark.parametrize("attack", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_that_a_model_said_acts_on_the_terminal(show, attack):
    evil = row("x", "single", False, raw=attack, prompt=attack, error_detail=attack, question=attack)
    code, out, _ = show({3: {"tools/single": [evil]}}, "runs/a", "x")
    assert code == 0
    assert all(character.isprintable() or character in "\n\t" for character in out)
