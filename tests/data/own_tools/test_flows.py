"""A flow's own calls solve it, and what a model may know is told to it."""

import re
from functools import cache

import jsonschema_rs
import pytest
from tests.support.movie_flow import FLOW, GENRES, MOVIES, changed, load

from callwright.conversation import Message, ToolCall
from callwright.data.own_tools.flows import NOTHING, draw_flow
from callwright.data.own_tools.sides import one_side
from callwright.data.rng import Rng
from callwright.data.tools_file.flow_steps import Goal

SCHEMAS = {
    "search": {
        "properties": {
            "query": {"type": "string"},
            "source": {"enum": ["sethflix", "general"]},
            "limit": {"type": "integer"},
        },
        "required": ["query"],
        "additionalProperties": False,
    },
    "note": {
        "properties": {"key": {"type": "string"}, "content": {"type": "string"}},
        "required": ["key", "content"],
        "additionalProperties": False,
    },
}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return load(tmp_path_factory.mktemp("flows"), FLOW)


@cache
def offered(file):
    return one_side(file, held_out=False).offered


def draw(file, number, *, held_out=False):
    return draw_flow(file.flows[0], offered(file), Rng("flow", number), held_out=held_out)


def test_the_calls_of_a_drawn_flow_solve_it_and_satisfy_their_schemas(file):
    for number in range(60):
        flow = draw(file, number, held_out=number % 2 == 0)
        calls = flow.calls
        assert [call.name for call in calls] == ["search", "note"]
        for call in calls:
            jsonschema_rs.validate(SCHEMAS[call.name], call.arguments)
        assert flow.failure(calls, flow.answer) == ""
        assert flow.failure(calls[:1], flow.answer) != ""
        made = []
        for step in flow.steps:
            assert flow.result(step.call, made) == step.result
            made.append(step.call)


def test_what_the_request_says_becomes_arguments_and_what_a_result_says_becomes_later_ones(file):
    for number in range(30):
        flow = draw(file, number)
        (request,) = (message.content for message in flow.conversation.messages)
        search, note = (call.arguments for call in flow.calls)
        assert search["query"].removesuffix(" movies") in GENRES
        assert search["query"].removesuffix(" movies") in request
        assert type(search["limit"]) is int
        assert {"sethflix": r"the library|my shelf", "general": "the wiki"}[search["source"]]
        assert re.search({"sethflix": "the library|my shelf", "general": "the wiki"}[search["source"]], request)
        assert re.fullmatch(rf"1\. {note['content']} \(\d{{4}}\) - {search['source']}", flow.steps[0].result)
        assert flow.steps[1].result == f"stored: tonight = {note['content']}"
        assert note["content"] in flow.answer
        assert "{" not in request + flow.answer
        assert flow.goal == Goal(flow.calls, (note["content"],))


def test_the_whole_conversation_is_the_request_then_a_call_and_its_result_in_turn_then_the_answer(file):
    flow = draw(file, 1)
    gold = flow.gold()
    assert [tool.name for tool in gold.tools] == ["search", "note"]
    assert gold.messages == (
        *flow.conversation.messages,
        Message("assistant", tool_calls=(flow.steps[0].call,)),
        Message("tool", flow.steps[0].result, name="search"),
        Message("assistant", tool_calls=(flow.steps[1].call,)),
        Message("tool", flow.steps[1].result, name="note"),
        Message("assistant", flow.answer),
    )


def test_the_same_choices_draw_the_same_flow_and_others_another(file, tmp_path):
    assert draw(file, 7) == draw(load(tmp_path, FLOW), 7)
    assert len({draw(file, number).id for number in range(50)}) == 50
    assert len({draw(file, number).conversation.messages for number in range(50)}) > 40


def test_requests_and_values_that_are_held_out_are_never_learned(file):
    learned, kept = ([draw(file, number, held_out=side) for number in range(300)] for side in (False, True))

    def requests(flows):
        """The requests without their values."""
        found = set()
        for flow in flows:
            text = flow.conversation.messages[0].content
            for name in ("where", "count", "genre"):
                text = text.replace(flow.values[name].text, name)
            found.add(text.removesuffix(", please"))
        return found

    assert len(requests(learned)) == 5
    assert len(requests(kept)) == 1
    assert not requests(learned) & requests(kept)
    for name in ("genre", "title", "count", "year"):
        sides = [{flow.values[name].json for flow in flows} for flows in (learned, kept)]
        assert all(sides)
        assert not sides[0] & sides[1], name


def test_values_of_one_flow_are_worded_differently(tmp_path):
    two = changed(("steps", 0, "result"), {"values": {"title": {"values": MOVIES}, "other": {"values": MOVIES}},
        "text": "{title}, {other}"})  # fmt: skip
    two["answers"] = ["{title}"]
    file = load(tmp_path, two)
    for number in range(50):
        values = draw(file, number).values
        assert values["title"].json != values["other"].json


def test_a_result_without_text_is_the_object_of_its_values(tmp_path):
    file = load(tmp_path, changed(("steps", 0, "result", "text"), ...))
    flow = draw(file, 3)
    assert flow.steps[0].result == {"title": flow.steps[1].call.arguments["content"], "year": flow.values["year"].json}


def test_lists_and_numbers_keep_their_type_alone_and_are_written_out_within_a_text(tmp_path):
    flow = changed(("values",), FLOW["values"] | {"genre": {"type": "array", "items": {"values": GENRES}}})
    flow["steps"][1]["arguments"]["content"] = "{genre}: {count}, {title}"
    drawn = draw(load(tmp_path, flow), 3)
    genres = drawn.values["genre"].json
    assert len(genres) > 1
    assert drawn.steps[0].call.arguments["query"] == f"{', '.join(genres)} movies"
    content = f"{', '.join(genres)}: {drawn.values['count'].json}, {drawn.values['title'].json}"
    assert drawn.steps[1].call.arguments["content"] == content


@pytest.mark.parametrize(
    ("arguments", "same"),
    [
        ({}, True),
        ({"query": "HEIST-movies."}, True),
        ({"limit": 5.0}, True),
        ({"limit": 6}, False),
        ({"limit": "5"}, False),
        ({"query": "heist"}, False),
        ({"source": ...}, False),
    ],
)
def test_calls_are_compared_by_the_rules_of_the_suite(file, arguments, same):
    flow = next(
        flow
        for flow in (draw(file, number) for number in range(5000))
        if flow.values["genre"].json == "heist" and flow.values["count"].json == 5
    )
    given = {**flow.steps[0].call.arguments, **arguments}
    call = ToolCall("search", {name: value for name, value in given.items() if value is not ...})
    assert (flow.result(call, ()) == flow.steps[0].result) is same
    assert (flow.failure([call, flow.steps[1].call], flow.answer) == "") is same


def test_a_goal_holds_if_its_calls_were_made_in_order_and_the_answer_says_its_texts(file):
    flow = draw(file, 2)
    first, second = flow.calls
    other = ToolCall("search", {"query": "other"})
    title = flow.values["title"].text
    assert flow.failure([other, first, other, first, second, other], f"it is {title.upper()}!") == ""
    assert flow.failure([second, first], title).startswith("no call of note with {'content': ")
    assert flow.failure([first, second], "done") == f"the answer does not say '{title}'"
    assert flow.failure([], title).startswith("no call of search")
    further = ToolCall("note", {**second.arguments, "user": "Ana"})
    assert flow.failure([first, further], title).startswith("no call of note")


def test_a_goal_of_its_own_asks_for_no_more_than_it_names(tmp_path):
    goal = {"calls": [{"tool": "search"}, {"tool": "note", "arguments": {"key": "tonight"}}]}
    flow = draw(load(tmp_path, changed(("goal",), goal)), 1)
    search, note = ToolCall("search", {"query": "anything"}), ToolCall("note", {"key": "Tonight", "content": "x"})
    assert flow.failure([search, note], "") == ""
    assert flow.failure([note, search], "") != ""
    assert flow.failure([search, ToolCall("note", {"key": "later", "content": "x"})], "") != ""
    assert flow.failure([search, ToolCall("note", {"content": "x"})], "") != ""


def test_the_goal_is_by_default_that_all_calls_were_made(tmp_path):
    flow = draw(load(tmp_path, changed(("goal",), ...)), 1)
    assert flow.goal == Goal(flow.calls)


def test_a_call_of_no_step_finds_nothing_and_a_repeated_one_the_same_again(file):
    flow = draw(file, 4)
    first, second = flow.calls
    assert flow.result(ToolCall("search", {"query": "opera"}), ()) == NOTHING
    assert flow.result(ToolCall("search", {"query": "opera"}), (first, second)) == NOTHING
    for made in ((), (first,), (first, second), (second, first, first)):
        assert flow.result(first, made) == flow.steps[0].result
        assert flow.result(second, made) == flow.steps[1].result


def test_a_call_that_two_steps_make_gives_the_later_result_once_its_turn_has_come(tmp_path):
    look = {"tool": "search", "arguments": {"query": "{genre}"}, "result": "none yet"}
    add = {"tool": "note", "arguments": {"key": "a", "content": "{genre}"}, "result": "stored"}
    flow = changed(("steps",), [look, add, look | {"result": "one"}])
    flow |= {"answers": ["done"], "goal": {}}
    drawn = draw(load(tmp_path, flow), 1)
    look, add, _ = drawn.calls
    assert [drawn.result(look, made) for made in ((), (look,), (look, look))] == ["none yet"] * 3
    assert [drawn.result(look, made) for made in ((look, add), (look, add, look))] == ["one"] * 2
    assert drawn.result(look, (add,)) == "none yet"
    assert drawn.failure([look, add], "") != ""


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (ToolCall("serch", {"query": "x"}), "there is no tool 'serch'"),
        (ToolCall("search", {}), "query is missing in a call of search"),
        (ToolCall("search", {"query": 5}), "query is of type integer, not string in a call of search"),
        (
            ToolCall("search", {"query": "x", "source": "attic"}),
            "source is none of sethflix, general in a call of search",
        ),
        (ToolCall("search", {"query": "x", "limit": 1.5}), "limit is of type number, not integer in a call of search"),
        (
            ToolCall("search", {"query": "x", "limit": True}),
            "limit is of type boolean, not integer in a call of search",
        ),
        (ToolCall("search", {"query": "x", "q" * 500: 1}), f"{'q' * 80} is no parameter in a call of search"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_call_that_cannot_be_made_is_told_so(file, call, says):
    assert draw(file, 5).result(call, ()) == f"error: {says}"
