"""A flow's own calls solve it, what a model may know is told to it, and a mistake in a flow is one line."""

import copy
import re

import jsonschema_rs
import pytest

from callwright.conversation import Message, ToolCall
from callwright.data.own_tools.flows import NOTHING, Goal, draw_flow
from callwright.data.synthetic.rng import Rng
from callwright.data.synthetic.tools_file import load_tools_file
from callwright.errors import DataError
from callwright.yaml_files import format_yaml

GENRES = ["heist", "cyberpunk", "western", "noir", "ghost", "road", "samurai", "disaster", "courtroom", "spy"]
MOVIES = [
    f"{first} {second}" for first in ("Silent", "Last", "Broken", "Golden") for second in ("Harbor", "Orbit", "Oath")
]
FLOW = {
    "name": "movie_pick",
    "values": {
        "genre": {"values": GENRES},
        "count": {"type": "integer", "minimum": 2, "maximum": 90},
        "where": {"enum": {"sethflix": ["the library", "my shelf"], "general": "the wiki"}},
    },
    "requests": [
        "search {where} for {count} {genre} movies and note the first",
        "I want {count} {genre} movies from {where}; write down the best",
        "{count} {genre} movies in {where}? keep one for tonight[, please]",
        "look in {where}: {count} of the {genre} kind, and note your pick",
        "note one of {count} {genre} movies that {where} has",
        "for tonight: {count} {genre} movies, {where}, and write one down",
    ],
    "steps": [
        {
            "tool": "search",
            "arguments": {"query": "{genre} movies", "source": "{where}", "limit": "{count}"},
            "result": {
                "values": {"title": {"values": MOVIES}, "year": {"type": "year", "minimum": 1950, "maximum": 2020}},
                "text": "1. {title} ({year}) - {where}",
            },
        },
        {"tool": "note", "arguments": {"key": "tonight", "content": "{title}"}, "result": "stored: tonight = {title}"},
    ],
    "answers": ["I picked {title} from {year}.", "Tonight: {title} ({year}), found in {where}."],
    "goal": {"calls": "all", "answer": ["{title}"]},
}
TOOLS = [
    {
        "name": "search",
        "description": "Searches.",
        "parameters": {
            "query": {"description": "Words", "values": ["x"]},
            "source": {"description": "Where", "required": False, "enum": ["sethflix", "general"]},
            "limit": {"description": "How many", "required": False, "type": "integer", "minimum": 1, "maximum": 99},
        },
        "phrasings": ["search for {query}[ in {source}][, {limit} of them]"],
    },
    {
        "name": "note",
        "description": "Stores a fact.",
        "parameters": {
            "key": {"description": "Short id", "values": ["x"]},
            "content": {"description": "The fact", "values": ["y"]},
        },
        "phrasings": ["note {content} as {key}"],
    },
]
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


def load(tmp_path, *flows):
    path = tmp_path / "mine.yaml"
    path.write_text(format_yaml({"version": 1, "tools": TOOLS, "flows": list(flows)}), encoding="utf-8")
    return load_tools_file(path)


def changed(path, value, flow=FLOW):
    """The flow with another value at a path of keys; ... takes the key out."""
    flow = copy.deepcopy(flow)
    *above, last = path
    place = flow
    for key in above:
        place = place[key]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return flow


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return load(tmp_path_factory.mktemp("flows"), FLOW)


def draw(file, number, *, held_out=False):
    return draw_flow(file.flows[0], file, Rng("flow", number), held_out=held_out)


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


@pytest.mark.parametrize(
    ("path", "value", "key", "says"),
    [
        (("requests",), FLOW["requests"][:4], "requests", "at least 5"),
        (("requests", 2), FLOW["requests"][1], "requests.2", "two requests are the same"),
        (("requests", 2), "a {genre} {mood} movie", "requests.2", "{mood} is no parameter here"),
        (("requests", 2), "a {genre.__class__} movie", "requests.2", "braces stand around the name"),
        (("requests", 2), "a movie[ that is {genre}]", "steps.0.arguments.query", "the model has not seen {genre}: it"),
        (("values", "genre"), {"pool": "genres"}, "values.genre", "a pool that is declared before"),
        (("values", "genre"), {"values": []}, "values.genre.values", "at least 1"),
        (
            ("values", "where"),
            {"values": ["sethflix"] * 500 + ["attic"]},
            "steps.0.arguments.source",
            "{where} can be 'attic', and source is one of sethflix, general",
        ),
        (("steps",), FLOW["steps"][:1], "steps", "at least 2"),
        (("steps",), FLOW["steps"] + FLOW["steps"][1:] * 6, "steps", "at most 7"),
        (("steps", 0, "tool"), "serch", "steps.0.tool", "serch is no tool of this file (did you mean search?"),
        (("steps", 1, "arguments", "content"), "{titel}", "steps.1.arguments.content", "{titel} is no value here"),
        (("steps", 1, "arguments", "content"), "{0}", "steps.1.arguments.content", "{0} is no value here"),
        (("steps", 1, "arguments", "content"), "{title!r}", "steps.1.arguments.content", "braces stand around"),
        (("steps", 1, "arguments", "content"), ["{{}}"], "steps.1.arguments.content", "braces stand around"),
        (
            ("steps", 0, "arguments", "query"),
            "{title}",
            "steps.0.arguments.query",
            "{title} is not known yet: it comes with the result of step 1",
        ),
        (("steps", 0, "arguments", "limit"), "{genre}", "steps.0.arguments", "limit is of type string, not integer"),
        (("steps", 0, "arguments", "source"), "attic", "steps.0.arguments", "source is none of sethflix, general"),
        (("steps", 0, "arguments", "query"), ..., "steps.0.arguments", "query is missing"),
        (("steps", 0, "arguments", "lmit"), 5, "steps.0.arguments", "lmit is no parameter"),
        (("steps", 0, "result", "text"), "1. {title} {author}", "steps.0.result", "{author} is no value here"),
        (("steps", 0, "result", "text"), "one movie", "steps.1.arguments.content", "the model has not seen {title}"),
        (("steps", 0, "result"), {"values": {}}, "steps.0.result", "a text, or values"),
        (("steps", 0, "result"), {"text": ""}, "steps.0.result.text", "at least 1 char"),
        (
            ("steps", 0, "result", "values", "genre"),
            {"values": ["x"]},
            "steps.0.result.values.genre",
            "two values have",
        ),
        (("steps", 1, "result"), ..., "steps.1.result", "a value; got nothing"),
        (("answers",), [], "answers", "at least 1"),
        (("answers", 0), "I picked {name}.", "answers.0", "{name} is no value here"),
        (("goal",), {"calls": []}, "goal", "a goal without either always holds"),
        (("goal", "calls"), "some", "goal.calls", "a list"),
        (("goal", "calls"), [{"tool": "notes"}], "goal.calls.0.tool", "notes is no tool of this file"),
        (
            ("goal", "calls"),
            [{"tool": "note", "arguments": {"key": "{day}"}}],
            "goal.calls.0.arguments",
            "{day} is no value here",
        ),
        (
            ("goal", "calls"),
            [{"tool": "note", "arguments": {"key": "later"}}],
            "goal",
            "does not hold for the flow's own steps and answers[0]: no call of note with {'key': 'later'}",
        ),
        (("goal", "calls"), [{"tool": "note"}, {"tool": "search"}], "goal", "no call of search with {} in its place"),
        (("goal", "answer"), ["{where}"], "goal", "does not hold for the flow's own steps and answers[0]: the answer"),
        (("goal", "answer"), ["{mood}"], "goal.answer.0", "{mood} is no value here"),
        (("goal", "anser"), ["x"], "a known key", "did you mean answer?"),
        (("name",), "movie pick", "name", "text that matches"),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_what_is_wrong_with_a_flow_is_one_line_with_file_and_key(tmp_path, path, value, key, says):
    with pytest.raises(DataError) as raised:
        load(tmp_path, changed(path, value))
    line = str(raised.value)
    expected = "a known key in" if key == "a known key" else f"flows.0.{key} in"
    assert line.startswith(f"expected {expected} {tmp_path / 'mine.yaml'}, line ")
    assert says in line
    assert "\n" not in line


def test_two_flows_of_one_name_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"flows\.1\.name in .*: two flows have the name movie_pick"):
        load(tmp_path, FLOW, FLOW)
