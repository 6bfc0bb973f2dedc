"""A mistake in a flow is one line that names file, line and key."""

import pytest
from tests.support.movie_flow import FLOW, changed, load

from callwright.errors import DataError


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
