"""`callwright eval tools`: any labelled conversations, told what is wrong before a model is loaded, asked once."""

import json
import re
import shutil

import pytest
from tests.support.house import BASE, LIGHT, RIGHT, TURNS, TWO, WORDS, Scripted, calls, says, write
from tests.support.jsonl import read_jsonl

ROWS = "runs/house/evaluations/stage2/tools/files/test"


def test_the_last_message_of_every_line_is_scored_by_kind_and_tool_with_intervals(house, asked, inside):
    place = house(None)
    asked(Scripted())
    wrong = [says("the attic"), calls(("light", {"room": "attic"}))]
    code, out, err = inside(place, "eval", "tools", BASE, "--file", write(place, RIGHT, wrong, TWO, WORDS, TURNS))
    assert code == 0, err
    assert out == (
        "test.jsonl, runs/house/stage2 (base model): 1 of 5 right\n\n"
        "kind      right  share  95% interval\n"
        "call     1 of 3  33.3%      6.1–79.2\n"
        "several  0 of 1   0.0%      0.0–79.3\n"
        "no_call  0 of 1   0.0%      0.0–79.3\n"
        "all      1 of 5  20.0%      3.6–62.4\n\n"
        "tool    right  share  95% interval\n"
        "light  1 of 3  33.3%      6.1–79.2\n"
        "lock   0 of 1   0.0%      0.0–79.3\n"
    )
    rows = {path.stem: read_jsonl(path) for path in (place / ROWS).iterdir()}
    assert {kind: sorted(row["id"] for row in found) for kind, found in rows.items()} == {
        "call": ["test_1_1", "test_2_1", "test_5_5"], "several": ["test_3_1"], "no_call": ["test_4_1"]
    }  # fmt: skip


def test_all_turns_are_asked_for_after_those_before_them_as_the_file_has_them(house, asked, inside):
    place = house(None)
    answerer = asked(Scripted())
    unlearned = [says("hm"), {"role": "assistant", "content": "Wrong.", "weight": 0}, *RIGHT]
    code, out, err = inside(place, "eval", "tools", BASE, "--file", write(place, TURNS, unlearned), "--turns", "all")
    assert code == 0, err
    assert "2 of 4 right" in out
    asked_for = sorted(tuple(message.content for message in one.messages) for one in answerer.asked)
    assert asked_for == [
        ("hm", "Wrong.", "the hall is dark"),
        ("the hall is dark",),
        ("the hall is dark", None, "on"),
        ("the hall is dark", None, "on", "It is on.", "lock up"),
    ]
    questions = [row["question"] for row in read_jsonl(place / ROWS / "call.jsonl")]
    assert "the hall is dark\non\nIt is on.\nlock up" in questions


def test_what_has_its_row_is_not_asked_again(house, asked, inside):
    place = house(None)
    asked(Scripted())
    inside(place, "eval", "tools", BASE, "--file", write(place, TURNS))
    first = (place / ROWS / "call.jsonl").read_bytes()
    asked(Scripted(made=()))
    _, out, _ = inside(place, "eval", "tools", BASE, "--file", "test.jsonl", "--turns", "all")
    assert "1 of 3 right" in out
    assert (place / ROWS / "call.jsonl").read_bytes().startswith(first)
    assert len(read_jsonl(place / ROWS / "call.jsonl")) == 2
    asked(None)
    assert inside(place, "eval", "tools", BASE, "--file", "test.jsonl", "--turns", "all")[1] == out


def test_a_command_that_was_stopped_goes_on_where_it_was(house, asked, inside):
    place = house(None)
    write(place, RIGHT, TWO, WORDS, TURNS)
    asked(Scripted(stop_after=2))
    code, out, err = inside(place, "eval", "tools", BASE, "--file", "test.jsonl")
    assert (code, out) == (130, "")
    assert "the rows so far are kept" in err
    rest = asked(Scripted())
    code, out, err = inside(place, "eval", "tools", BASE, "--file", "test.jsonl")
    assert (code, len(rest.asked)) == (0, 2)
    assert "1 of 4 right" in out


def test_json_holds_the_same_numbers(house, asked, inside):
    place = house(None)
    asked(Scripted())
    _, out, _ = inside(place, "eval", "tools", BASE, "--file", write(place, RIGHT, WORDS), "--json")
    found = json.loads(out)
    assert {key: found[key] for key in ("run", "stage", "file", "turns", "rows")} == {
        "run": "runs/house", "stage": 2, "file": "test.jsonl", "turns": "last", "rows": ROWS
    }  # fmt: skip
    assert (found["all"]["correct"], found["all"]["total"], found["all"]["accuracy"]) == (1, 2, 0.5)
    assert found["kinds"]["no_call"]["errors"] == {"tools:unnecessary_call": 1}
    assert found["tools"]["light"]["low"] == pytest.approx(0.2065, abs=1e-4)


def test_lines_without_tools_or_system_message_take_the_projects(house, asked, inside):
    place = house()
    answerer = asked(Scripted())
    own = [{"role": "system", "content": "Mine."}, *RIGHT]
    code, _, err = inside(
        place, "eval", "tools", BASE, "--file", write(place, {"messages": RIGHT}, {"messages": own}, TURNS)
    )
    assert code == 0, err
    by_length = sorted(answerer.asked, key=lambda one: (len(one.messages), one.messages[0].content))
    systems = [one.messages[0].content for one in by_length]
    assert systems == ["Mine.", "You run the house.", "You run the house."]
    assert [tool.description for tool in by_length[0].tools] == ["Turns on a light.", "Locks."]
    assert [tool.description for tool in by_length[2].tools] == [None, None]
    assert "note: 2 lines without tools: asked with the run's" in err
    assert "note: 2 lines without a system message: asked with the run's" in err


BAD_LINES = {
    "no JSON": ("{", "expected line 2 of bad.jsonl: JSON; got "),
    "no messages": (
        {"messages": [], "tools": [LIGHT]},
        "line 2 of bad.jsonl: a message of the assistant to ask for; got none",
    ),
    "nothing said": ({"messages": [says("hm")], "tools": [LIGHT]}, "a message of the assistant to ask for; got none"),
    "unknown tool": (
        {"messages": [says("hm"), calls(("lite", {}))], "tools": [LIGHT]},
        "line 2 of bad.jsonl: messages[1].tool_calls[0] to call one of tools; got lite; add the tool or correct ",
    ),
    "no tools": ({"messages": RIGHT}, "line 2 of bad.jsonl: tools, in the line or the run's; got none; "),
    "a picture": (
        {"messages": [{"role": "user", "content": [{"type": "image_url"}]}, RIGHT[1]], "tools": [LIGHT]},
        "line 2 of bad.jsonl: messages[0].content[0] to be a text part",
    ),
    "what the format cannot say": (
        {"messages": [{"role": "tool", "content": "x"}, *RIGHT], "tools": [LIGHT]},
        "expected line 2 of bad.jsonl: ",
    ),
}


@pytest.mark.parametrize("case", BAD_LINES)
def test_a_bad_line_is_one_error_before_the_model_is_loaded(house, asked, inside, case):
    place = house(None)
    line, message = BAD_LINES[case]
    asked(None)
    first = json.dumps({"messages": RIGHT, "tools": [LIGHT]})
    (place / "bad.jsonl").write_text(f"{first}\n{line if isinstance(line, str) else json.dumps(line)}\n")
    code, out, err = inside(place, "eval", "tools", BASE, "--file", "bad.jsonl")
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert message in err
    assert not (place / "runs/house/evaluations").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("runs/nowhere --file test.jsonl", "expected a run in runs/nowhere; got no events.jsonl of one; "),
        (
            "runs/house --file test.jsonl",
            "a finished evaluation of runs/house; got none; name a stage, such as ",
        ),
        ("runs/house/stage4 --file test.jsonl", "a finished stage 4 of runs/house; got none; "),
        (f"{BASE} --file nowhere.jsonl", "a readable file at nowhere.jsonl; got No such file or directory; "),
        (f"{BASE} --file test.jsonl --turns some", "one of last, all for --turns; got 'some'; "),
        (
            "runs/house",
            "evaluation.tools in runs/house/config.yaml; got null; score a file with --file, or begin ",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused(house, asked, inside, arguments, says):
    place = house(None)
    write(place, RIGHT)
    asked(None)
    code, out, err = inside(place, "eval", "tools", *arguments.split())
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert says in err


def test_rows_of_a_file_that_was_changed_are_not_continued(house, asked, inside):
    place = house(None)
    asked(Scripted())
    inside(place, "eval", "tools", BASE, "--file", write(place, RIGHT))
    asked(None)
    write(place, [says("another request"), RIGHT[1]])
    code, _, err = inside(place, "eval", "tools", BASE, "--file", "test.jsonl")
    assert code == 2
    assert f"expected rows of test.jsonl in {ROWS}; got one of another request under the id test_1_1; remove " in err


def test_other_weights_than_the_runs_are_refused(house, asked, inside, tiny_model):
    place = house(None)
    asked(None)
    log = place / "runs/house/events.jsonl"
    log.write_text(log.read_text().replace(tiny_model.sha256, "0" * 64))
    code, _, err = inside(place, "eval", "tools", BASE, "--file", write(place, RIGHT))
    assert code == 2
    assert f"the weights that runs/house began with (sha256 {'0' * 64}); got {tiny_model.sha256} from " in err
    assert not (place / ROWS).exists()


def test_what_is_not_read_is_said(house, asked, inside):
    place = house(None)
    asked(Scripted())
    odd = {"messages": [{**says("hm"), "audio": "x"}, RIGHT[1]], "tools": [LIGHT]}
    _, _, err = inside(place, "eval", "tools", BASE, "--file", write(place, odd, odd))
    assert "note: messages[].audio is not read (2 times)" in err


def test_the_runs_own_suite_is_continued_and_then_printed(house, asked, inside):
    place = house()
    asked(Scripted(stop_after=2))
    code, out, err = inside(place, "eval", "tools", "runs/house")
    assert code == 130, err
    rest = asked(Scripted())
    code, out, err = inside(place, "eval", "tools", "runs/house")
    assert code == 0, err
    assert 0 < len(rest.asked) <= 4
    title = re.match(r"tools, runs/house/stage2 \(base model\): \d of 6 right\n", out)
    assert title, out
    assert json.loads((place / "runs/house/results.json").read_text())["evaluations"]["stage2"]["tools"]["by_tool"]
    asked(None)
    assert inside(place, "eval", "tools", "runs/house")[1] == out
    assert json.loads(inside(place, "eval", "tools", BASE, "--json")[1])["suite"] == "tools"


def test_a_stage_that_the_suite_does_not_follow_is_refused(house, asked, inside):
    place = house((2, 3))
    asked(None)
    code, _, err = inside(place, "eval", "tools", "runs/house/stage4")
    assert code == 2
    assert "a stage that tools follows in runs/house (2, 3); got 4; name one of these" in err


def test_bfcl_is_continued_and_printed_by_category(house, asked, inside):
    place = house(None, bfcl={"sample": {"simple_python": 2, "irrelevance": 2}, "batch_size": 2})
    asked(Scripted(stop_after=2))
    assert inside(place, "eval", "bfcl", BASE)[0] == 130
    rest = asked(Scripted())
    code, out, err = inside(place, "eval", "bfcl", BASE)
    assert (code, len(rest.asked)) == (0, 2), err
    assert out == (
        "bfcl, runs/house/stage2 (base model): 0 of 4 right\n\n"
        "category        right  share  95% interval\n"
        "simple_python  0 of 2   0.0%      0.0–65.8\n"
        "irrelevance    0 of 2   0.0%      0.0–65.8\n"
        "all            0 of 4   0.0%      0.0–49.0\n"
    )
    asked(None)
    assert inside(place, "eval", "bfcl", "runs/house")[1] == out
    assert json.loads(inside(place, "eval", "bfcl", BASE, "--json")[1])["categories"]["irrelevance"]["total"] == 2


@pytest.mark.slow
def test_the_model_of_a_real_run_is_asked(finished, desk, inside):
    shutil.copytree(finished.path, desk.path)
    write(desk.directory, RIGHT, WORDS)
    code, out, err = inside(desk.directory, "eval", "tools", "runs/tiny", "--file", "test.jsonl")
    assert code == 0, err
    assert "test.jsonl, runs/tiny/stage5 (GRPO): " in out
    assert "of 2 right" in out
