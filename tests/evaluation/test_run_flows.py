"""A flow is played to its end whatever the model does, its steps are asked beside the requests, and an interrupted
evaluation ends with the same rows.

The answerer is a script: it answers a conversation by its first words and by how many answers it holds already.
"""

import json
import random
import shutil
from dataclasses import dataclass, field

import pytest
from tests.support.jsonl import read_jsonl
from tests.support.tiny import tiny_tokenizer

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.data.own_tools.flows import Flow
from callwright.data.tools_file.flow_steps import FlowStep, Goal
from callwright.engines.base import Generation
from callwright.errors import DataError, FormatError
from callwright.evaluation.answerer import UNREADABLE, EngineAnswerer, ModelAnswer, Prompt
from callwright.evaluation.flows import FlowPlay
from callwright.evaluation.own_tools import ToolsEntry
from callwright.evaluation.plays import OneAnswer
from callwright.evaluation.row import read_rows
from callwright.evaluation.run import evaluate
from callwright.evaluation.settings import ToolsSuiteSettings
from callwright.formats import get_format
from callwright.scoring.expected import GOAL_NOT_MET
from callwright.storage import JsonLines
from callwright.tokens import encode_segments

TOOLS = (
    Tool("search", "Searches.", {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}),
    Tool("note", "Notes.", {"type": "object", "properties": {"content": {"type": "string"}}, "required": ["content"]}),
)
SETTINGS = ToolsSuiteSettings(path="tools.yaml", batch_size=4, batch_tokens=100_000, max_steps=5)


def search(number):
    return ToolCall("search", {"query": f"topic {number}"})


def note(number):
    return ToolCall("note", {"content": f"Title {number}"})


def flow(number):
    steps = (FlowStep(search(number), f"1. Title {number}"), FlowStep(note(number), "stored"))
    request = Message("user", f"{number}: search and note")
    goal = Goal(tuple(step.call for step in steps), (f"Title {number}",))
    return Flow(f"flow_{number}", "pick", Conversation((request,), TOOLS), steps, f"It is Title {number}.", goal)


def request(number):
    """A request that is as long as some steps of flows are."""
    words = Message("user", f"{number}: note" + " it" * (number % 10 * 15))
    return ToolsEntry(f"single_{number}", "single", Conversation((words,), TOOLS), (note(number),))


FLOWS = [flow(number) for number in range(9)]
REQUESTS = [request(number) for number in range(100, 120)]
UNKNOWN, AGAIN = ToolCall("serch", {}), ToolCall("search", {"query": "more"})
FAILS = "the request fails"
UNREAD = "a call that cannot be read"
SCRIPT = {  # the answers of each flow: calls, or words
    0: [[search(0)], [note(0)], "It is Title 0."],
    1: [[search(1), note(1)], "It is title 1, noted."],
    2: ["I do not know."],
    3: [[UNKNOWN], [AGAIN], [search(3)], [note(3)], "Title 3"],
    4: [[AGAIN]] * 9,
    5: [[search(5)], UNREAD],
    6: [[search(6)], [note(6)], "Done."],
    7: [[search(7)], FAILS],
    8: [[note(8)], [search(8)], "It is Title 8."],
}
BATCHES = 13
DETAILS = {
    "flow_2": "no call of search with {'query': 'topic 2'} in its place",
    "flow_4": "no final answer within 5 steps",
    "flow_5": "a call was begun that cannot be read",
    "flow_6": "the answer does not say 'Title 6'",
    "flow_7": "out of memory",
    "flow_8": "no call of note with {'content': 'Title 8'} in its place",
}


@dataclass
class Script:
    """Answers as SCRIPT says, and every request with a note; remembers who was asked together, and which prompts.

    It breaks down before a batch.
    """

    breaks_at: int | None = None
    batches: list = field(default_factory=list)
    prompts: list = field(default_factory=list)

    def prepare(self, conversation):
        text = "\n".join(str(message) for message in conversation.messages)
        return Prompt(conversation, text, tuple(text.encode()))

    def answer(self, prompts, *, max_new_tokens):
        assert max_new_tokens == SETTINGS.max_new_tokens
        if len(self.batches) == self.breaks_at:
            raise RuntimeError("the engine broke down")
        places = [self.place(prompt.conversation) for prompt in prompts]
        self.batches.append(places)
        self.prompts += prompts
        return [self.say([note(number)] if number >= 100 else SCRIPT[number][turn]) for number, turn in places]

    @staticmethod
    def place(conversation):
        """The number of the flow or the request, and how many answers there are."""
        number = int(conversation.messages[0].content.partition(":")[0])
        return number, sum(message.role == "assistant" for message in conversation.messages)

    @staticmethod
    def say(answer):
        if answer == FAILS:
            return ModelAnswer(text="", failure="out of memory")
        if answer == UNREAD:
            return ModelAnswer(text="<call", issues=(UNREADABLE,))
        if isinstance(answer, str):
            return ModelAnswer(text=answer, token_ids=(1,), message=Message("assistant", answer))
        return ModelAnswer(text="calls", message=Message("assistant", "Well.", "Hm.", tuple(answer)))


def run(directory, *, flows=FLOWS, requests=REQUESTS, answerer=None, settings=SETTINGS, **hooks):
    answerer = answerer or Script()
    plays = [FlowPlay(flow, settings.max_steps) for flow in flows] + [OneAnswer(request) for request in requests]
    return evaluate(answerer, plays, settings, directory, **hooks), answerer


def rows(directory):
    """All rows by id, without what the clock said."""
    found = {}
    for name in ("flow", "single"):
        for row in read_jsonl(directory / f"{name}.jsonl"):
            assert row["id"] not in found, "two rows for one entry"
            assert row["category"] == name
            found[row["id"]] = {key: value for key, value in row.items() if key != "seconds"}
    return found


def steps(directory):
    """All answers after which a flow went on, without what the clock said."""
    found = {}
    for line in read_jsonl(directory / "steps" / "flow.jsonl"):
        assert (line["id"], line["step"]) not in found, "two lines for one answer"
        found[line["id"], line["step"]] = {key: value for key, value in line.items() if key != "seconds"}
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The rows of an evaluation that was never stopped, and its answerer."""
    directory = tmp_path_factory.mktemp("whole")
    done, answerer = run(directory)
    assert done
    assert len(answerer.batches) == BATCHES
    return rows(directory), answerer


def test_every_flow_has_one_row_with_a_verdict_and_its_reason(whole):
    found, _ = whole
    assert found.keys() == {one.id for one in (*FLOWS, *REQUESTS)}
    assert {name: row["error_detail"] for name, row in found.items() if not row["valid"]} == DETAILS
    types = {row["error_type"] for name, row in found.items() if name in DETAILS and name != "flow_7"}
    assert types == {GOAL_NOT_MET}
    assert found["flow_7"]["error_type"] == "answerer:no_answer"


def test_a_row_holds_each_answer_with_its_calls_and_what_came_back(tmp_path):
    run(tmp_path)
    found = {row.id: row for row in read_rows(tmp_path / "flow.jsonl")}
    steps = found["flow_3"].steps
    assert [step.results for step in steps] == [
        ("error: there is no tool 'serch'",),
        ("nothing found",),
        ("1. Title 3",),
        ("stored",),
        (),
    ]
    assert [step.raw for step in steps] == ["calls"] * 4 + ["Title 3"]
    assert [call.name for call in found["flow_3"].calls] == ["serch", "search", "search", "note"]
    assert [call.name for call in found["flow_3"].expected] == ["search", "note"]
    assert found["flow_1"].steps[0].results == ("1. Title 1", "stored")
    assert found["flow_5"].steps[1].calls is None
    assert (found["flow_5"].raw, found["flow_5"].parse_errors) == ("<call", (UNREADABLE,))
    assert [call.name for call in found["flow_5"].calls] == ["search"]
    assert len(found["flow_4"].steps) == SETTINGS.max_steps
    assert found["flow_0"].question == "0: search and note"


def test_the_next_prompt_has_the_answer_and_the_results_of_its_calls(whole):
    conversations = [prompt.conversation for prompt in whole[1].prompts]
    (second,) = (one for one in conversations if Script.place(one) == (1, 1))
    assert second.tools == TOOLS
    assert second.messages == (
        FLOWS[1].conversation.messages[0],
        Message("assistant", "Well.", "Hm.", (search(1), note(1))),
        Message("tool", "1. Title 1", name="search"),
        Message("tool", "stored", name="note"),
    )
    assert whole[0]["flow_1"]["prompt"] == Script().prepare(second).text


def test_steps_of_flows_are_asked_beside_requests_of_their_length(whole):
    answerer = whole[1]
    assert sum(map(len, answerer.batches)) == len(REQUESTS) + sum(
        len(row["steps"]) for row in whole[0].values() if "steps" in row
    )
    lengths = iter([len(prompt.ids) for prompt in answerer.prompts])
    sizes = [[next(lengths) for _ in batch] for batch in answerer.batches]
    mixed = [
        size
        for batch, size in zip(answerer.batches, sizes, strict=True)
        if len({number < 100 for number, _ in batch}) == 2
    ]
    assert len(mixed) > 3
    assert all(max(size) < 1.5 * min(size) for size in mixed)
    assert all(len(batch) == SETTINGS.batch_size for batch in answerer.batches[:8])


def test_a_step_is_asked_once_the_batch_of_the_one_before_has_been_answered(whole):
    answered = set()
    for batch in whole[1].batches:
        assert all((number, turn - 1) in answered for number, turn in batch if turn)
        answered |= set(batch)


def test_a_prompt_that_has_grown_too_long_for_a_batch_is_asked_alone(tmp_path, whole):
    longest = max(len(prompt.ids) for prompt in whole[1].prompts)
    _, answerer = run(tmp_path, settings=SETTINGS.model_copy(update={"batch_tokens": longest}))
    assert len(answerer.batches) > len(whole[1].batches)
    assert rows(tmp_path) == whole[0]


def test_the_order_in_which_they_come_changes_nothing(tmp_path, whole):
    draw = random.Random(1)
    _, answerer = run(tmp_path, flows=draw.sample(FLOWS, 9), requests=draw.sample(REQUESTS, 20))
    assert answerer.batches == whole[1].batches
    assert rows(tmp_path) == whole[0]


@pytest.mark.parametrize("batches", range(BATCHES))
def test_one_that_was_stopped_before_any_batch_goes_on_with_that_batch(tmp_path, whole, batches):
    first = Script()
    done, _ = run(tmp_path, answerer=first, should_stop=lambda: len(first.batches) == batches)
    assert not done
    assert first.batches == whole[1].batches[:batches]
    done, second = run(tmp_path)
    assert done
    assert first.batches + second.batches == whole[1].batches
    assert rows(tmp_path) == whole[0]


def test_an_engine_that_breaks_down_loses_no_answer_of_earlier_batches(tmp_path, whole):
    for batches in (3, 2):
        with pytest.raises(RuntimeError, match="broke down"):
            run(tmp_path, answerer=Script(breaks_at=batches))
    answered = {(f"flow_{number}", turn) for batch in whole[1].batches[:5] for number, turn in batch if number < 100}
    ended = {(row["id"], len(row["steps"]) - 1) for row in rows(tmp_path).values() if "steps" in row}
    assert steps(tmp_path).keys() | ended == answered
    assert run(tmp_path)[0]
    assert rows(tmp_path) == whole[0]


@pytest.mark.parametrize("appends", range(18))
def test_a_kill_while_the_answers_of_a_batch_are_written_ends_with_the_same_rows_and_steps(
    tmp_path, whole, monkeypatch, appends
):
    """Between two files, or in the middle of a line."""
    run(tmp_path / "whole")
    append, written = JsonLines.append, []

    def until_killed(self, *new):
        if len(written) == appends:
            with self.path.open("ab") as file:
                file.write(json.dumps(new[0]).encode()[:-9])
            raise KeyboardInterrupt
        append(self, *new)
        written.append(self.path)

    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(JsonLines, "append", until_killed)
        run(tmp_path)
    done, answerer = run(tmp_path)
    assert done
    assert answerer.batches == whole[1].batches[-len(answerer.batches) :]
    assert rows(tmp_path) == whole[0]
    assert steps(tmp_path) == steps(tmp_path / "whole")


@pytest.mark.parametrize("seed", range(8))
def test_files_cut_at_any_byte_are_completed_to_the_same_rows_and_answers(tmp_path, whole, seed):
    """Some of them: an answer that is known is not added again."""
    draw = random.Random(seed)
    run(tmp_path)
    known = steps(tmp_path)
    for path in draw.sample(sorted(tmp_path.rglob("*.jsonl")), draw.randrange(1, 4)):
        data = path.read_bytes()
        path.write_bytes(data[: draw.randrange(len(data))])
    done, answerer = run(tmp_path)
    assert done
    assert [batch for batch in whole[1].batches if batch in answerer.batches] == answerer.batches
    assert rows(tmp_path) == whole[0]
    assert steps(tmp_path).items() <= known.items()


def test_a_row_that_is_taken_out_is_asked_again_with_its_batch_alone(tmp_path, whole):
    run(tmp_path)
    path = tmp_path / "flow.jsonl"
    path.write_text("".join(line for line in path.read_text().splitlines(True) if '"flow_3"' not in line))
    done, answerer = run(tmp_path)
    assert done
    assert answerer.batches == [batch for batch in whole[1].batches if (3, 4) in batch]
    assert rows(tmp_path) == whole[0]


def test_an_answer_that_was_recorded_wins_over_the_one_that_is_asked_for_again(tmp_path, whole):
    """A server's answer may differ when it is asked again: what is on disk stays true."""
    run(tmp_path)
    path = tmp_path / "single.jsonl"
    path.write_text("")

    class Other(Script):
        def say(self, answer):
            return Script.say("Something else.")

    assert run(tmp_path, answerer=Other())[0]
    found = rows(tmp_path)
    assert {name: row for name, row in found.items() if name.startswith("flow")} == {
        name: row for name, row in whole[0].items() if name.startswith("flow")
    }
    assert {row["raw"] for name, row in found.items() if name.startswith("single")} == {"Something else."}


def test_an_answer_that_cannot_be_read_is_refused_with_file_and_line(tmp_path):
    run(tmp_path)
    path = tmp_path / "steps" / "flow.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1].replace('"step":0', '"step":"0"'), *lines[2:]]) + "\n")
    with pytest.raises(DataError, match=r"expected step in line 2 of .*steps/flow.jsonl: a whole number; got '0'"):
        run(tmp_path)


def test_a_finished_one_asks_nothing(tmp_path):
    run(tmp_path)
    shutil.rmtree(tmp_path / "steps")
    done, answerer = run(tmp_path, should_stop=lambda: True)
    assert done
    assert answerer.batches == []


def test_progress_counts_every_entry_once_and_what_was_found_first(tmp_path):
    calls = []
    run(tmp_path, advance=lambda *progress: calls.append(progress))
    assert calls[0] == (0, 0)
    assert sum(count for count, _ in calls) == len(FLOWS) + len(REQUESTS)
    assert sum(share for _, share in calls) == pytest.approx(1)
    calls.clear()
    run(tmp_path, advance=lambda *progress: calls.append(progress))
    assert calls == [(len(FLOWS) + len(REQUESTS), pytest.approx(1))]


def test_an_answer_that_the_format_cannot_write_ends_its_flow_alone(tmp_path, whole):
    class Strict(Script):
        def prepare(self, conversation):
            if Script.place(conversation) == (3, 1):
                raise FormatError("a name without spaces", "'ser ch'", "rename it")
            return super().prepare(conversation)

    assert run(tmp_path, answerer=Strict())[0]
    found = rows(tmp_path)
    assert found["flow_3"]["error_detail"] == "the format cannot write this answer: 'ser ch'"
    assert len(found["flow_3"]["steps"]) == 1
    assert {name: row for name, row in found.items() if name != "flow_3"} == {
        name: row for name, row in whole[0].items() if name != "flow_3"
    }


def test_an_engine_gets_its_own_calls_and_their_results_in_its_next_prompt(tmp_path):
    fmt, tokenizer = get_format("xml"), tiny_tokenizer()
    outputs = [
        'Let me see.\n<tool_call>\n{"name": "search", "args": {"query": "topic 0"}}\n</tool_call>',
        '<tool_call>\n{"name": "note", "args": {"content": "Title 0"}}\n</tool_call>',
        "It is Title 0.",
    ]
    asked = []

    class Engine:
        def generate(self, prompts, *, max_new_tokens, sampling):
            asked.extend(prompts)
            return [Generation(tuple(tokenizer.encode(outputs[len(asked) - 1])), "stop", 9)]

    assert run(tmp_path, flows=FLOWS[:1], requests=(), answerer=EngineAnswerer(Engine(), fmt, tokenizer))[0]
    (row,) = read_rows(tmp_path / "flow.jsonl")
    assert row.valid
    assert [step.raw for step in row.steps] == outputs
    messages = (
        *FLOWS[0].conversation.messages,
        Message("assistant", "Let me see.", tool_calls=(search(0),)),
        Message("tool", "1. Title 0", name="search"),
        Message("assistant", tool_calls=(note(0),)),
        Message("tool", "stored", name="note"),
    )
    whole = fmt.render(Conversation(messages, TOOLS), add_generation_prompt=True)
    assert row.prompt == whole.text
    assert asked[-1] == row.prompt_ids == tuple(encode_segments(tokenizer, whole.segments)[0])
