"""A tools file is what docs/tools-file.md says, and a mistake in one is one line with file, tool and key."""

import re
from collections import Counter
from pathlib import Path

import jsonschema_rs
import pytest

from callwright.data.own_tools.sides import one_side
from callwright.data.rng import Rng
from callwright.data.synthetic import tools
from callwright.data.synthetic.naming import offer_tool
from callwright.data.synthetic.phrasing import query
from callwright.data.synthetic.requests import request_call, request_calls
from callwright.data.tools_file import conversations, declaration, flows, pools
from callwright.data.tools_file.includes import piece_paths
from callwright.data.tools_file.load import SHARED_POOLS, load_tools_file, shared_pools
from callwright.errors import DataError
from callwright.settings import Settings
from callwright.yaml_files import format_yaml, parse_yaml, read_package_yaml, read_yaml

DOCS = (Path(__file__).parents[3] / "docs" / "tools-file.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)
TOOL = {
    "verbs": ["set"],
    "nouns": ["timer"],
    "description": "Sets a timer.",
    "parameters": {
        "minutes": {"description": "Minutes", "type": "integer", "minimum": 1, "maximum": 9},
        "label": {"description": "Name", "default": "none", "values": ["tea", "rice"]},
    },
    "phrasings": ["set a timer for {minutes} minutes[ for {label}]"],
}
MINUTES, LABEL = TOOL["parameters"].values()
NAMED = {key: value for key, value in TOOL.items() if key not in ("verbs", "nouns")} | {"name": "set_timer"}
OTHER = NAMED | {"parameters": {"minutes": MINUTES, "to": LABEL}, "phrasings": ["wait {minutes}[ for {to}]"]}
TEXT, LIST = {"description": "P", "values": ["a"]}, {"description": "P", "enum": ["a", "b"]}
LISTED = {"name": "t", "description": "T.", "parameters": {"p": LIST}, "phrasings": ["set {p}"]}
FEW = {"description": "Minutes", "type": "array", "items": {"values": ["a", "b", "b"]}}
NOWHERE = {"description": "Minutes", "pool": "x"}
EXAMPLE_DATA = parse_yaml(EXAMPLE, "the example")


def written(tmp_path, data):
    path = tmp_path / "mine.yaml"
    path.write_text(data if isinstance(data, str) else format_yaml(data), encoding="utf-8")
    return path


def keys_of(value):
    """Every key of a value, at any depth."""
    if isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from keys_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


def test_the_documented_example_makes_valid_calls_whose_arguments_stand_in_the_query(tmp_path):
    group = load_tools_file(written(tmp_path, EXAMPLE))
    names = Counter()
    for number in range(120):
        rng = Rng("example", number)
        offered = offer_tool(group, rng.pick(group.tools), rng)
        request = request_call(offered, rng) if number % 3 else request_calls(offered, 2, rng)
        text = query([(offered, request)], rng)
        names[offered.tool.name] += 1
        for call, values in zip(request.calls, request.values, strict=True):
            jsonschema_rs.validator_for(offered.tool.parameters | {"additionalProperties": False}).validate(
                call.arguments
            )
            for value in values.values():
                for leaf in value.leaves or (value,):
                    assert leaf.text.casefold() in text.casefold()
    assert names["plan_meal"] > 25
    assert len(names) > 20


def test_a_tool_with_a_name_is_offered_as_it_stands(tmp_path):
    group = load_tools_file(written(tmp_path, EXAMPLE))
    offers = [offer_tool(group, group.tools[-1], Rng(number)).tool for number in range(20)]
    assert all(tool == offers[0] for tool in offers)
    assert offers[0].description == "Plans a meal."
    assert list(offers[0].parameters["properties"]) == list(EXAMPLE_DATA["tools"][-1]["parameters"])
    assert offers[0].parameters["required"] == ["dishes", "day", "guests"]
    assert offers[0].parameters["properties"]["day"] == {"type": "string", "description": "The day, as YYYY-MM-DD"}


def test_the_documented_example_has_every_key_and_the_text_explains_each():
    explained = set(re.findall(r"`(\w+)`", DOCS)) | {"type"}
    keys = {
        field.alias or name
        for module in (declaration, pools, conversations, flows)
        for settings in vars(module).values()
        if isinstance(settings, type) and issubclass(settings, Settings)
        for name, field in settings.model_fields.items()
    } - {"[drawn]", "include"}  # the example is one file
    assert keys <= set(keys_of(EXAMPLE_DATA))
    assert keys <= explained
    assert set(shared_pools()) <= explained
    types = set(re.findall(r"type: Literal\[\"(\w+)\"\]", Path(pools.__file__).read_text())) - {"string"}
    assert types == set(re.findall(r"`type: (\w+)`", DOCS))


def test_what_is_kept_of_the_packages_files_is_what_they_say(tmp_path, monkeypatch):
    paths = [SHARED_POOLS, Path(tools.__file__).with_name("weather.yaml")]
    fresh = [read_yaml(path) for path in paths]
    monkeypatch.setenv("CALLWRIGHT_CACHE", str(tmp_path / "cache"))
    assert read_package_yaml(paths) == read_package_yaml(paths) == fresh
    (kept,) = (tmp_path / "cache" / "yaml").iterdir()
    kept.write_text("{torn")
    assert read_package_yaml(paths) == fresh
    monkeypatch.setenv("CALLWRIGHT_CACHE", "/dev/null/nowhere")
    assert read_package_yaml(paths) == fresh


@pytest.mark.parametrize(
    ("change", "key", "says"),
    [
        ({"phrasing": ["x"]}, "a known key", "got phrasing; did you mean phrasings?"),
        ({"description": []}, "description", "at least 1"),
        ({"nouns": []}, "", "either a name, or verbs and nouns"),
        ({"name": "set_timer"}, "", "either a name, or verbs and nouns"),
        ({"nouns": ["my timer"]}, "nouns.0", "text that matches"),
        ({"phrasings": []}, "phrasings", "at least 1"),
        (
            {"phrasings": ["set a timer[ for {minutes} minutes]"]},
            "phrasings.0",
            "{minutes} must stand",
        ),
        ({"phrasings": ["for {minutes} {unit}"]}, "phrasings.0", "{unit} is no parameter here"),
        ({"phrasings": ["for {minutes} [x [y]]"]}, "phrasings.0", "square brackets open and close in pairs"),
        ({"phrasings": ["for {minutes} ]["]}, "phrasings.0", "square brackets open and close in pairs"),
        ({"phrasings": ["for {minutes} {0.x}"]}, "phrasings.0", "braces stand around the name"),
        ({"phrasings": ["for {minutes!r}"]}, "phrasings.0", "braces stand around the name"),
        ({"phrasings": ["for {minutes} {{}}"]}, "phrasings.0", "braces stand around the name"),
        (
            {"phrasings": ["for {minutes} and {label}"]},
            "phrasings",
            "in at least one, every optional parameter must stand in square brackets",
        ),
        ({"phrasings": [" [{minutes}]"]}, "phrasings.0", "something must stand in it outside"),
        ({"series": {"head": "set timers", "item": "{minutes}"}}, "series.head", "{n}"),
        ({"series": {"head": "set {n} timers", "item": "some"}}, "series", "{minutes} must stand in head or item"),
        ({"series": {"head": "set {n} for {label}", "item": "{minutes}"}}, "series", "optional parameters"),
        ({"series": {"head": "set {n} timers"}}, "series.item", "a value; got nothing"),
        ({"fan_out": ["hours"]}, "fan_out.0", "hours is no parameter"),
        ({"result": {"values": {"id": {"values": ["a"]}}, "answer": "{label}"}}, "result.answer", "{label} is no"),
        ({"result": {"values": {"id": {"kind": 1}}, "answer": "x"}}, "result.values.id", "say what the values are"),
        ({"near_misses": ["sell {timer}"]}, "near_misses.0", "{timer} is no parameter here"),
        ({"incomplete": ["set {minutes}"]}, "incomplete.0", "it must lack a required parameter"),
        ({"incomplete": ["set it", "wait[ {minutes}]"]}, "incomplete.1", "it must lack a required parameter"),
        ({"answers": ["that one"]}, "answers.0", "a parameter must stand in it outside of square brackets"),
        ({"follow_ups": ["again"]}, "follow_ups.0", "a parameter must stand in it outside of square brackets"),
        ({"corrections": ["no[, {label}]"]}, "corrections.0", "a parameter must stand in it outside"),
        ({"pronouns": ["again for {x}"]}, "pronouns.0", "{x} is no parameter here"),
    ],
)
def test_what_is_wrong_with_a_tool_is_named(tmp_path, change, key, says):
    with pytest.raises(DataError) as raised:
        load_tools_file(written(tmp_path, {"version": 1, "tools": [TOOL, {**TOOL, **change}]}))
    line = str(raised.value)
    assert f"{key or 'keys'} of tool set" in line
    assert f" in {tmp_path / 'mine.yaml'}, line " in line
    assert says in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("values", "key", "says"),
    [
        ({}, "minutes", "say what the values are"),
        ({"type": "text"}, "minutes", "say what the values are"),
        ({"type": "integer", "minimum": 1}, "minutes.maximum", "a value; got nothing"),
        ({"type": "integer", "minimum": 9, "maximum": 1}, "minutes", "minimum 9 is above maximum 1"),
        ({"type": "integer", "minimum": 1, "maximum": "many"}, "minutes.maximum", "a whole number"),
        ({"type": "integer", "minimum": True, "maximum": 3}, "minutes.minimum", "number"),
        ({"type": "integer", "minimum": 1, "maximum": 3, "step": 0}, "minutes.step", "a number of at least 1"),
        ({"type": "time", "minimum": 1}, "a known key", "got parameters.minutes.minimum; use one of: type"),
        ({"values": []}, "minutes.values", "at least 1"),
        ({"values": ["a", ""]}, "minutes.values.1", "at least 1"),
        ({"values": [1, 2]}, "minutes.values.0", "text"),
        ({"enum": {"a": ["x"], "b": "x"}}, "minutes.enum", "'x' means both 'a' and 'b'"),
        ({"enum": [["a"], {"b": 1}]}, "minutes.enum", "texts, as a list or each with the wordings"),
        ({"enum": [1, 2]}, "minutes.enum", "a number in quotes is a text"),
        ({"enum": {"a": []}}, "minutes.enum.a", "at least 1"),
        ({"parts": [["a"], []]}, "minutes.parts.1", "at least 1"),
        ({"type": "number", "minimum": 1, "maximum": 1e300}, "minutes", "within 1000000000000 of 0"),
        ({"type": "array", "items": {"values": ["a"]}, "minItems": 9}, "minutes", "minItems 9 is above maxItems 5"),
        ({"type": "boolean"}, "minutes.when_true", "a value; got nothing"),
        ({"type": "array", "items": {"type": "word"}}, "minutes.items", "say what the values are"),
        ({"type": "object", "phrasing": "{a}", "properties": {}}, "minutes.properties", "at least 1"),
        (
            {"type": "object", "phrasing": "{b}", "properties": {"a": {"description": "A", "type": "time"}}},
            "minutes",
            "phrasing must name each of a",
        ),
        (
            {
                "type": "object",
                "phrasing": "{a} {a.__class__}",
                "properties": {"a": {"description": "A", "type": "time"}},
            },
            "minutes",
            "phrasing must name each of a",
        ),
        ({"anyOf": [{"values": ["a"]}, {"value": ["b"]}]}, "minutes.anyOf.1", "say what the values are"),
        ({"values": ["a"], "default": 3, "required": True}, "minutes", "a required parameter has no default"),
        ({"values": ["a"], "required": "yes"}, "minutes.required", "write true or false"),
        ({"values": ["a"], "aliases": ["a b"]}, "minutes.aliases.0", "text that matches"),
    ],
)
def test_what_is_wrong_with_a_parameter_is_named(tmp_path, values, key, says):
    tool = TOOL | {"parameters": {"minutes": {"description": "Minutes", **values}, "label": LABEL}}
    with pytest.raises(DataError) as raised:
        load_tools_file(written(tmp_path, {"version": 1, "tools": [tool]}))
    line = str(raised.value)
    key = key if key == "a known key" else f"parameters.{key}"
    assert f"expected {key} of tool set_timer in {tmp_path / 'mine.yaml'}" in line
    assert says in line


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ([TOOL], "keys and values in"),
        ({"tools": [TOOL]}, "version in"),
        ({"version": 0, "tools": [TOOL]}, "version in"),
        ({"version": 1}, "at least one tool in"),
        ({"version": 1, "tools": [TOOL], "off_topic": ["how are you?", ""]}, "off_topic.1 in"),
        ({"version": 1, "tools": [TOOL], "noise": {"misheard": {"": ["x"]}}}, "noise.misheard. in"),
        ({"version": 1, "tools": ["x"]}, "tool number 1 in"),
        ({"version": 1, "tools": [TOOL], "tool": []}, "got tool; did you mean tools?"),
        (
            {"version": 1, "tools": [TOOL], "pools": {"a": {"pool": "b"}}},
            "a pool that is declared before, here or in the package (use one of: first_name, ",
        ),
        ({"version": 1, "tools": [TOOL], "pools": {"a": {"pool": "a"}}}, "pools.a in"),
        ({"version": 1, "tools": [TOOL], "pools": {"a": {"type": "date", "minimum": 9}}}, "pools.a.minimum in"),
        (
            {"version": 1, "tools": [TOOL | {"parameters": {"minutes": NOWHERE, "label": LABEL}}]},
            "tool set_timer in",
        ),
        ({"version": 1, "tools": [NAMED, OTHER]}, "this is another tool: to is no parameter of the first entry"),
        (
            {"version": 1, "tools": [LISTED, LISTED | {"parameters": {"p": TEXT}}]},
            "p has other values in the first entry",
        ),
        ({"version": 1, "tools": [LISTED, LISTED | {"parameters": {"p": MINUTES}}]}, "p has other values in the first"),
        (
            {"version": 1, "tools": [TOOL | {"parameters": {"minutes": FEW, "label": LABEL}}]},
            "parameters.minutes of tool set_timer in",
        ),
        ("tools: [", "line 1"),
        ({"version": 0, "tools": [TOOL]}, "write version: 1; nothing else changes"),
        ({"version": 1, "tools": [NAMED], "fallback": {"tool": "stop"}}, "fallback.tool in"),
        ({"version": 1, "tools": [NAMED], "fallback": {"tool": "set_timr"}}, "did you mean set_timer?"),
        ({"version": 1, "tools": [NAMED], "fallback": {"tool": "set_timer"}}, "a tool without required parameters"),
        ({"version": 1, "tools": [NAMED], "fallback": {}}, "either a tool or words"),
        ({"version": 1, "tools": [NAMED], "fallback": {"tool": "set_timer", "words": "no"}}, "either a tool or words"),
        ({"version": 1, "tools": [NAMED], "user_line": "{who}: {text}"}, "user_line in"),
        ({"version": 1, "tools": [NAMED], "user_line": "hello"}, "{text} must stand in it"),
        ({"version": 1, "tools": [NAMED], "user_line": "{text!r}"}, "{text} must stand in it"),
        ({"version": 1, "tools": [NAMED], "histories": [[{"user": "a"}]]}, "histories.0 in"),
        ({"version": 1, "tools": [NAMED], "histories": [[{"user": "a"}, {"user": "b"}]]}, "histories.0.1 in"),
        ({"version": 1, "tools": [NAMED], "histories": [[{"user": "a"}, {"system": "b"}]]}, "histories.0.1.system in"),
        (
            {"version": 1, "tools": [NAMED], "histories": [[{"user": "a"}, {"assistant": "b"}, {"user": "c"}]]},
            "a message of the assistant at the end, because a request follows",
        ),
        ({"version": 1, "tools": [NAMED], "missing": "guess"}, "missing in"),
        ({"version": 1, "tools": [NAMED], "noise": {"speech": 2}}, "noise.speech in"),
        ({"version": 1, "tools": [NAMED], "noise": {"misheard": {"a": []}}}, "noise.misheard.a in"),
        ({"version": 1, "tools": [NAMED], "small_talk": "no"}, "write true or false"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path, data, says):
    with pytest.raises(DataError, match=re.escape(says)) as raised:
        load_tools_file(written(tmp_path, data))
    assert "mine.yaml" in str(raised.value)


LINES = """\
version: 1
pools:
  label:
    values: [tea,
      rice]
tools:
  - name: set_timer
    description: Sets a timer.
    parameters:
      minutes: {description: Minutes, type: integer, minimum: 1, maximum: 9}
    phrasings:
      - set a timer for {minutes} minutes
      - wait {minutes} minutes
"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("wait {minutes} minutes", "wait {seconds}", "phrasings.1 of tool set_timer in FILE, line 13: {seconds} is no"),
        ("values: [tea,\n      rice]", "values: []", "pools.label.values in FILE, line 4: at least 1"),
        ("maximum: 9", "most: 9", "a known key of tool set_timer in FILE, line 10; got parameters.minutes.most"),
        ("minimum: 1, ", "", "parameters.minutes.minimum of tool set_timer in FILE, line 10: a value; got nothing"),
        ("version: 1", "version: 2", "version in FILE, line 1"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, old, new, says):
    path = written(tmp_path, LINES)
    load_tools_file(path)
    written(tmp_path, LINES.replace(old, new))
    with pytest.raises(DataError, match=re.escape(says.replace("FILE", str(path)))):
        load_tools_file(path)


def test_what_is_included_counts_as_if_it_stood_in_the_file(tmp_path):
    pieces = {
        "pools.yaml": "version: 1\npools:\n  label: {values: [tea, rice]}\n",
        "tools.yaml": LINES.replace("pools:\n  label:\n    values: [tea,\n      rice]\n", ""),
        "mine.yaml": "version: 1\ninclude: [pools.yaml, tools.yaml]\npools:\n  drink: {pool: label}\nsystem: Hello.\n",
    }
    for name, text in pieces.items():
        (tmp_path / name).write_text(text)
    group = load_tools_file(tmp_path / "mine.yaml")
    assert [tool.name for tool in group.tools] == ["set_timer"]
    assert list(group.pools) == ["label", "drink"]
    assert piece_paths(tmp_path / "mine.yaml") == [tmp_path / name for name in pieces]
    wrong = {
        "tools.yaml": (
            "wait {minutes}",
            "wait {x}",
            f"of tool set_timer in {tmp_path / 'tools.yaml'}, line 9",
        ),
        "pools.yaml": ("values: [", "value: [", f"pools.label in {tmp_path / 'pools.yaml'}, line 3"),
        "mine.yaml": ("drink:", "label:", "lists and pools alone are joined"),
    }
    for name, (old, new, says) in wrong.items():
        (tmp_path / name).write_text(pieces[name].replace(old, new))
        with pytest.raises(DataError, match=re.escape(says)):
            load_tools_file(tmp_path / "mine.yaml")
        (tmp_path / name).write_text(pieces[name])


@pytest.mark.parametrize("include", ["[none.yaml]", "none.yaml", "[1]"])
def test_what_cannot_be_included_is_named(tmp_path, include):
    with pytest.raises(DataError, match=r"none\.yaml|mine\.yaml, as a list"):
        load_tools_file(written(tmp_path, f"version: 1\ninclude: {include}\n"))


def test_a_tool_may_have_several_entries_and_is_offered_once(tmp_path):
    more = NAMED | {"parameters": {"minutes": MINUTES | {"maximum": 5}}, "phrasings": ["wait {minutes}"]}
    group = load_tools_file(written(tmp_path, {"version": 1, "tools": [NAMED, more]}))
    assert [tool.name for tool in group.tools] == ["set_timer", "set_timer"]
    assert group.named == (group.tools[0],)
    assert [tool.parameters["properties"].keys() for tool in one_side(group, False).offered] == [{"minutes", "label"}]


def test_required_parameters_stand_first(tmp_path):
    tool = TOOL | {"parameters": {"label": LABEL, "minutes": MINUTES}}
    with pytest.raises(DataError, match=r"parameters of tool set_timer in .*, line 8: required ones stand first"):
        load_tools_file(written(tmp_path, {"version": 1, "tools": [tool]}))


def test_a_pool_of_the_file_hides_one_of_the_package(tmp_path):
    tool = TOOL | {"parameters": {"minutes": MINUTES, "label": {"description": "Town", "default": 1, "pool": "town"}}}
    own = {"town": {"values": ["Atlantis"]}, "city": {"anyOf": [{"pool": "town"}, {"pool": "us_town"}]}}
    group = load_tools_file(written(tmp_path, {"version": 1, "pools": own, "tools": [tool]}))
    (value_type,) = group.tools[0].parameters["label"].types
    assert value_type.draw(Rng(1)).json == "Atlantis"
