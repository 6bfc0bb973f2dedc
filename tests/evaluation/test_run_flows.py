"""A flow is played to its end whatever the model does, and an interrupted evaluation ends with the same rows.

The answerer is a script: it answers a conversation by its first words and by how many answers it holds already.
"""

import random
from dataclasses import dataclass, field

import pytest
from tests.support.jsonl import read_jsonl
from tests.support.tiny import tiny_tokenizer

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.data.own_tools.flows import Flow
from callwright.data.tools_file.flow_steps import FlowStep, Goal
from callwright.engines.base import Generation
from callwright.errors import FormatError
from callwright.evaluation.answerer import UNREADABLE, EngineAnswerer, ModelAnswer, Prompt
from callwright.evaluation.flows import run_flows
from callwright.evaluation.row import read_rows
from callwright.evaluation.settings import ToolsSuiteSettings
from callwright.formats import get_format
from callwright.scoring.expected import GOAL_NOT_MET
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


FLOWS = [flow(number) for number in range(9)]
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
    """Answers as SCRIPT says and remembers who was asked together, and which prompts; breaks down before a batch."""

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
        self.batches.append([f"flow_{number}" for number, _ in places])
        self.prompts += prompts
        return [self.say(SCRIPT[number][turn]) for number, turn in places]

    @staticmethod
    def place(conversation):
        """The number of the flow, and how many answers there are."""
        number = int(conversation.messages[0].content.partition(":")[0])
        return number, sum(message.role == "assistant" for message in conversation.messages)

    @staticmethod
    def say(answer):
        if answer == FAILS:
            return ModelAnswer(text="", calls=None, failure="out of memory")
        if answer == UNREAD:
            return ModelAnswer(text="<call", calls=None, issues=(UNREADABLE,))
        if isinstance(answer, str):
            return ModelAnswer(text=answer, calls=(), token_ids=(1,), message=Message("assistant", answer))
        calls = tuple(answer)
        return ModelAnswer(text="calls", calls=calls, message=Message("assistant", "Well.", tool_calls=calls))


def run(directory, *, flows=FLOWS, answerer=None, settings=SETTINGS, **hooks):
    answerer = answerer or Script()
    return run_flows(answerer, flows, settings, directory / "flow.jsonl", **hooks), answerer


def rows(directory):
    """All rows by id, without what the clock said."""
    found = [
        {key: value for key, value in row.items() if key != "seconds"} for row in read_jsonl(directory / "flow.jsonl")
    ]
    assert len({row["id"] for row in found}) == len(found), "two rows for one flow"
    return {row["id"]: row for row in found}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The rows of an evaluation that was never stopped, and its answerer."""
    directory = tmp_path_factory.mktemp("whole")
    done, answerer = run(directory)
    assert done
    return rows(directory), answerer


def test_every_flow_has_one_row_with_a_verdict_and_its_reason(whole):
    found, _ = whole
    assert found.keys() == {flow.id for flow in FLOWS}
    assert {name: row["error_detail"] for name, row in found.items() if not row["valid"]} == DETAILS
    types = {row["error_type"] for name, row in found.items() if name in DETAILS and name != "flow_7"}
    assert types == {GOAL_NOT_MET}
    assert found["flow_7"]["error_type"] == "answerer:no_answer"
    assert {row["category"] for row in found.values()} == {"flow"}


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
        Message("assistant", "Well.", tool_calls=(search(1), note(1))),
        Message("tool", "1. Title 1", name="search"),
        Message("tool", "stored", name="note"),
    )
    assert whole[0]["flow_1"]["prompt"] == Script().prepare(second).text


def test_the_flows_of_a_group_go_step_by_step_together_until_each_has_ended(whole):
    asked = whole[1].batches
    groups = [{"flow_0", "flow_1", "flow_2", "flow_3"}, {"flow_4", "flow_5", "flow_6", "flow_7"}, {"flow_8"}]
    assert [next(n for n, group in enumerate(groups) if group >= set(batch)) for batch in asked] == [0] * 5 + [
        1
    ] * 5 + [2] * 3
    assert [len(batch) for batch in asked] == [4, 3, 2, 1, 1, 4, 4, 2, 1, 1, 1, 1, 1]


def test_a_step_whose_prompts_have_grown_too_long_for_one_batch_is_asked_in_several(tmp_path, whole):
    longest = max(len(prompt.ids) for prompt in whole[1].prompts)
    _, answerer = run(tmp_path, settings=SETTINGS.model_copy(update={"batch_tokens": longest}))
    assert len(answerer.batches) > len(whole[1].batches)
    assert rows(tmp_path) == whole[0]


def test_the_order_in_which_flows_come_changes_nothing(tmp_path, whole):
    _, answerer = run(tmp_path, flows=random.Random(1).sample(FLOWS, len(FLOWS)))
    assert answerer.batches == whole[1].batches
    assert rows(tmp_path) == whole[0]


@pytest.mark.parametrize("batches", range(13))
def test_one_that_was_stopped_before_any_step_ends_with_the_same_rows(tmp_path, whole, batches):
    first = Script()
    done, _ = run(tmp_path, answerer=first, should_stop=lambda: len(first.batches) == batches)
    assert not done
    assert first.batches == whole[1].batches[:batches]
    kept = rows(tmp_path) if (tmp_path / "flow.jsonl").exists() else {}
    assert kept.items() <= whole[0].items()
    done, second = run(tmp_path)
    assert done
    assert rows(tmp_path) == whole[0]
    groups = [whole[1].batches[0:5], whole[1].batches[5:10], whole[1].batches[10:]]
    assert second.batches == [batch for group in groups if set(group[0]) - kept.keys() for batch in group]


def test_an_engine_that_breaks_down_in_a_step_loses_no_row_of_flows_that_had_ended(tmp_path, whole):
    with pytest.raises(RuntimeError, match="broke down"):
        run(tmp_path, answerer=Script(breaks_at=3))
    assert rows(tmp_path).keys() == {"flow_0", "flow_1", "flow_2"}
    assert run(tmp_path)[0]
    assert rows(tmp_path) == whole[0]


@pytest.mark.parametrize("seed", range(5))
def test_a_file_cut_at_any_byte_is_completed_to_the_same_rows(tmp_path, whole, seed):
    run(tmp_path)
    path = tmp_path / "flow.jsonl"
    data = path.read_bytes()
    path.write_bytes(data[: random.Random(seed).randrange(len(data))])
    assert run(tmp_path)[0]
    assert rows(tmp_path) == whole[0]


def test_a_finished_one_asks_nothing(tmp_path):
    run(tmp_path)
    done, answerer = run(tmp_path, should_stop=lambda: True)
    assert done
    assert answerer.batches == []


def test_progress_counts_every_flow_once_and_what_was_found_first(tmp_path):
    calls = []
    run(tmp_path, advance=lambda *progress: calls.append(progress))
    assert calls[0] == (0, 0)
    assert sum(count for count, _ in calls) == len(FLOWS)
    assert sum(share for _, share in calls) == pytest.approx(1)
    calls.clear()
    run(tmp_path, advance=lambda *progress: calls.append(progress))
    assert calls == [(len(FLOWS), pytest.approx(1))]


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

    assert run(tmp_path, flows=FLOWS[:1], answerer=EngineAnswerer(Engine(), fmt, tokenizer))[0]
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
