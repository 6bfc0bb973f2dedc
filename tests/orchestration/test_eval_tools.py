"""`callwright eval tools`: any labelled conversations, told what is wrong before a model is loaded, asked once."""

import json
import re
import shutil

import pytest
from tests.support.jsonl import read_jsonl

from callwright.conversation import Message, ToolCall
from callwright.evaluation.answerer import ModelAnswer, Prompt
from callwright.formats import get_format
from callwright.orchestration import stages
from callwright.orchestration.config import PipelineConfig
from callwright.orchestration.environment import describe_environment
from callwright.orchestration.provenance import describe_versions
from callwright.orchestration.start import begin, prepare
from callwright.yaml_files import format_yaml

LIGHT = {"type": "function", "function": {"name": "light", "parameters": {"type": "object", "properties": {
    "room": {"type": "string"}, "level": {"type": "integer", "default": 3}}, "required": ["room"]}}}  # fmt: skip
LOCK = {"type": "function", "function": {"name": "lock", "parameters": {"type": "object", "properties": {}}}}
PROJECT = {
    "version": 1,
    "system": ["You run the house.", "Another one."],
    "tools": [
        {
            "name": "light",
            "description": "Turns on a light.",
            "parameters": {"room": {"description": "Where", "values": [f"room {n}" for n in range(12)]}},
            "phrasings": ["light in {room}", "turn on the light in {room}", "{room} is dark", "I can't see in {room}"],
        },
        {"name": "lock", "description": "Locks.", "phrasings": ["lock the door", "lock up"]},
    ],
}


def says(text):
    return {"role": "user", "content": text}


def calls(*made):
    functions = [{"name": name, "arguments": json.dumps(arguments)} for name, arguments in made]
    return {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": f} for f in functions]}


RIGHT = [says("the hall is dark"), calls(("light", {"room": "hall"}))]
TWO = [says("hall and attic"), calls(("light", {"room": "hall"}), ("light", {"room": "attic"}))]
WORDS = [says("who are you?"), {"role": "assistant", "content": "A house."}]
ON = {"role": "tool", "tool_call_id": "1", "content": "on"}
TURNS = [*RIGHT, ON, {"role": "assistant", "content": "It is on."}, says("lock up"), calls(("lock", {}))]


class Scripted:
    """An answerer that has the same answer for everything, and keeps what it was asked."""

    def __init__(self, made=(("light", {"room": "Hall"}),), stop_after=None):
        self.made, self.stop_after, self.asked = made, stop_after, []

    def prepare(self, conversation):
        text = get_format("xml").render(conversation, add_generation_prompt=True).text
        return Prompt(conversation, text, tuple(range(len(text) // 20)))

    def answer(self, prompts, *, max_new_tokens):
        if self.stop_after is not None and len(self.asked) >= self.stop_after:
            raise KeyboardInterrupt
        self.asked += [prompt.conversation for prompt in prompts]
        message = Message("assistant", tool_calls=tuple(ToolCall(*one) for one in self.made))
        return [ModelAnswer(text="said", token_ids=(1,), finish_reason="stop", message=message) for _ in prompts]


@pytest.fixture
def house(tmp_path, tiny_model, monkeypatch, shared_cache):
    """Makes a run, with nothing trained, whose suite `tools` asks about PROJECT; without it if `suite` is None."""
    monkeypatch.setenv("CALLWRIGHT_CACHE", str(shared_cache))
    (tmp_path / "house.yaml").write_text(format_yaml(PROJECT))

    def make(suite=(2,), **tools):
        section = {"path": str(tmp_path / "house.yaml"), "requests": 6, "baseline_requests": 6, "batch_size": 2}
        own = None if suite is None else section | tools | {"after": list(suite)}
        config = PipelineConfig.model_validate(
            {
                "name": "house",
                "model": {"source": str(tiny_model.directory)},
                "evaluation": {"bfcl": {"after": [], "batch_size": 2}, "tools": own},
            }
        )
        context = prepare(config, tmp_path / "runs", None)
        with context.run:
            begin(context, describe_versions(), describe_environment())
        return tmp_path

    return make


@pytest.fixture
def asked(monkeypatch):
    """Puts an answerer in the model's place; None where no model may be loaded."""

    def use(answerer):
        def after(context, stage):
            assert answerer is not None, "the model is loaded"
            return answerer

        monkeypatch.setattr(stages, "answerer_after", after)
        return answerer

    return use


def write(directory, *conversations, name="test.jsonl", tools=(LIGHT, LOCK)):
    lines = [one if isinstance(one, dict) else {"messages": one, "tools": list(tools)} for one in conversations]
    (directory / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return name


BASE = "runs/house/stage2"
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


@pytest.mark.slow
def test_the_model_of_a_real_run_is_asked(finished, desk, inside):
    shutil.copytree(finished.path, desk.path)
    write(desk.directory, RIGHT, WORDS)
    code, out, err = inside(desk.directory, "eval", "tools", "runs/tiny", "--file", "test.jsonl")
    assert code == 0, err
    assert "test.jsonl, runs/tiny/stage5 (GRPO): " in out
    assert "of 2 right" in out
