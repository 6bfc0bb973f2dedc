"""Schemas with everything that people write: references in their place, and nothing lost without a word."""

import json
import time
from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.formats.test_chat_templates import both
from tests.formats.test_every_format import every_format, patient
from tests.support.conversations import KEYS, rich_tools, schemas

from callwright.conversation import Conversation, Message, Tool
from callwright.errors import FormatError
from callwright.formats import FORMATS, get_format
from callwright.formats.omissions import without_names
from callwright.formats.template_file import TemplateFormat
from callwright.openai import read_tool

OWN = [FORMATS[name] for name in ("xml/args", "xml/arguments", "tool_code")]
JSON = [FORMATS[name] for name in ("bfcl", "llama31", "llama4", "mistral/v11", "mistral/v13", "qwen25", "qwen3")]
GEMMA = [FORMATS[name] for name in ("gemma4/31b", "functiongemma")]
ASK = Message("user", "Hi")


def named(formats):
    return pytest.mark.parametrize("fmt", formats, ids=[fmt.id for fmt in formats])


def rendered(fmt, *tools):
    return fmt.render(Conversation((ASK,), tools))


def tool_with(parameters, **more):
    function = {"name": "f", "description": "d", "parameters": parameters} | more
    return read_tool({"type": "function", "function": function})


def printed(fmt, parameters):
    """The schema as one of our own formats prints it."""
    text = rendered(fmt, tool_with(parameters)).text
    return json.JSONDecoder().raw_decode(text, text.index("[{"))[0][0]["parameters"]


def positions(schema, place=(), path="", enclosing=()):
    """Every keyword of a schema: where it stands, the parameter it belongs to, and the keywords it stands in."""
    for keyword, value in schema.items():
        at = (*place, keyword)
        yield at, path, enclosing
        inner = (*enclosing, (path, keyword))
        inside = {"items": f"{path}[]", "additionalProperties": f"{path}.{keyword}"}.get(keyword, path)
        if keyword == "properties":
            for name, one in value.items():
                yield from positions(one, (*at, name), f"{path}.{name}" if path else name, inner)
        elif keyword in ("items", "additionalProperties") and isinstance(value, dict):
            yield from positions(value, at, inside, inner)
        elif keyword in ("items", "anyOf", "oneOf", "allOf") and isinstance(value, list):
            for n, one in enumerate(value):
                yield from positions(one, (*at, n), inside, inner)


def references(value):
    """The references that are left in a schema."""
    if isinstance(value, dict):
        yield from [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        for key, one in value.items():
            yield from references(one) if key not in ("default", "const", "enum") else ()
    for one in value if isinstance(value, list) else ():
        yield from references(one)


def says_nothing(keyword, value):
    if keyword == "const" or (keyword == "default" and value is not None):
        return False
    if keyword == "title" or (keyword == "additionalProperties" and value is True):
        return True
    return value is None or value is False or value in ("", [], {})


def without(parameters, place):
    """The schema without one keyword, and what that keyword had."""
    copy = schema = deepcopy(dict(parameters))
    for key in place[:-1]:
        schema = schema[key]
    return copy, schema.pop(place[-1])


def lost(warnings):
    """The keywords that are warned of, each with its parameter."""
    found = set()
    for warning in warnings:
        subject, _, keywords = warning.removeprefix("tools[0] f: ").partition(" loses ")
        path = subject.removeprefix("parameter ") if subject.startswith("parameter ") else ""
        found |= {(path, words.split()[0]) for words in keywords.split(", ")}
    return found


def prompt_and_lost(fmt, parameters):
    """What is printed and what is warned of; refused schemas are none of this test."""
    try:
        found = rendered(fmt, tool_with(parameters))
    except FormatError:
        return None, set()
    return found.text, lost(found.warnings)


@every_format
@given(data=st.data())
@patient
def test_a_keyword_makes_a_difference_in_the_prompt_or_is_warned_of(fmt, data):
    nothing_is_lost_in_silence(fmt, data.draw(rich_tools(None) if fmt in OWN else rich_tools()).parameters)


@named([FORMATS[name] for name in ("gemma4/31b", "functiongemma", "hermes3", "mistral/v3", "qwen25", "qwen3-xml")])
@given(tool=rich_tools())
@settings(patient, max_examples=20)
def test_the_same_holds_of_a_template_in_a_file(fmt, tool, tmp_path_factory):
    nothing_is_lost_in_silence(in_a_file(fmt, tmp_path_factory), tool.parameters)


def nothing_is_lost_in_silence(fmt, parameters):
    text, missing = prompt_and_lost(fmt, parameters)
    for place, path, enclosing in positions(parameters) if text else ():
        fewer, value = without(parameters, place)
        if place == ("type",) or says_nothing(place[-1], value) or missing & {(path, place[-1]), *enclosing}:
            continue
        if not (fmt in OWN and place == ("$defs",)):
            assert prompt_and_lost(fmt, fewer)[0] != text, (place, missing)


@every_format
def test_a_template_in_a_file_warns_as_the_format_does(fmt, tmp_path_factory):
    line = {"type": "integer", "minimum": 1, "enum": [1, 2], "description": "Which"}
    parameters = {
        "type": "object", "title": "F", "description": "What for", "required": ["line"],
        "properties": {"line": line, "all": {"anyOf": [{"type": "boolean"}, {"type": "null"}], "default": None}},
    }  # fmt: skip
    tools = (tool_with(POINT), tool_with(parameters, strict=True))
    assert set(rendered(in_a_file(fmt, tmp_path_factory), *tools).warnings) == set(rendered(fmt, *tools).warnings)


def test_a_template_that_prints_no_tools_says_so(tmp_path):
    path = tmp_path / "chat.jinja"
    path.write_text("{% for m in messages %}{{ m.content }}{% endfor %}")
    [warning] = rendered(get_format(f"template:{path}", "xml"), tool_with(POINT)).warnings
    assert warning == "tools[0] f loses everything: the template prints no tools"


def in_a_file(fmt, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / f"{fmt.name}-{fmt.variant}-schemas.jinja"
    path.write_text(fmt.chat_template(), encoding="utf-8")
    return TemplateFormat(path, fmt)


@named(JSON)
@given(tool=rich_tools())
@patient
def test_a_family_that_prints_the_source_loses_nothing(fmt, tool):
    assert not rendered(fmt, tool).warnings
    assert tool.given is not None


@every_format
@given(tool=rich_tools())
@patient
def test_the_emitted_template_follows_references_as_the_renderer_does(fmt, tool):
    try:
        ours, theirs = both(fmt, Conversation((ASK,), (tool,)))
    except FormatError:
        return
    assert theirs == ours


@named(OWN)
@given(tool=rich_tools())
@patient
def test_no_reference_is_left_in_our_own_formats(fmt, tool):
    try:
        schema = printed(fmt, tool.parameters)
    except FormatError:
        return
    assert not list(references(schema))


POINT = {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]}
DEFINED = {"Point": POINT, "a/b~c%": {"enum": ["x"]}, "Alias": {"$ref": "#/$defs/Point", "description": "Another."}}
POINTERS = [
    "#/$defs/Point",
    "#/%24defs/a~1b~0c%25",
    "#/$defs/Alias",
    "#/$defs/Point/properties/x",
    "#/properties/z/anyOf/1",
]
TARGETS = [POINT, {"enum": ["x"]}, POINT | {"description": "Another."}, {"type": "number"}, {"type": "null"}]


TREE = {"type": "object", "properties": {"left": {"$ref": "#/$defs/Tree"}, "n": {"type": "integer"}}}
CUT = {"type": "object", "properties": {"left": {"type": "object"}, "n": {"type": "integer"}}}


def in_place(schema):
    """The schema with what it refers to in place of references, by another way of doing it."""
    if isinstance(schema, list):
        return [in_place(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("$ref"), str):
        schema = TARGETS[POINTERS.index(schema["$ref"])] | {
            key: value for key, value in schema.items() if key != "$ref"
        }
    return {key: value if key == "default" else in_place(value) for key, value in schema.items()}


@named(OWN)
@given(properties=st.dictionaries(KEYS, schemas(2, st.sampled_from(POINTERS)), max_size=3))
@patient
def test_a_reference_prints_as_what_it_refers_to(fmt, properties):
    properties |= {"z": {"anyOf": [{"type": "string"}, {"type": "null"}]}, "p": {"$ref": "#/$defs/Point"}}
    parameters = {"type": "object", "properties": properties}
    assert printed(fmt, parameters | {"$defs": DEFINED}) == printed(fmt, in_place(parameters))


@named(OWN)
@pytest.mark.parametrize("key", ["$defs", "definitions"])
def test_the_schema_of_all_parameters_may_be_a_reference(fmt, key):
    parameters = {"$ref": f"#/{key}/Point", key: {"Point": POINT}}
    assert printed(fmt, parameters) == printed(fmt, POINT)
    assert not rendered(fmt, tool_with(parameters)).warnings


@named(OWN)
@pytest.mark.parametrize(
    ("properties", "expected", "path"),
    [
        ({"tree": {"$ref": "#/$defs/Tree"}}, {"tree": CUT}, "tree.left"),
        (
            {"trees": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}},
            {"trees": {"type": "array", "items": CUT}},
            "trees[].left",
        ),
        ({"all": {"$ref": "#", "description": "All."}}, {"all": {"type": "object", "description": "All."}}, "all"),
        ({"a": {"$ref": "#/properties/b"}, "b": {"$ref": "#/properties/a"}}, {"a": {}, "b": {}}, "a"),
    ],
)
def test_recursion_is_cut_with_a_warning(fmt, properties, expected, path):
    parameters = {"type": "object", "properties": properties, "$defs": {"Tree": TREE}}
    assert printed(fmt, parameters) == {"type": "object", "properties": expected}
    warnings = rendered(fmt, tool_with(parameters)).warnings
    assert any(warning.startswith(f"tools[0] f: parameter {path} loses $ref #") for warning in warnings)
    assert all("(recursive)" in warning for warning in warnings)


@named(OWN)
@pytest.mark.parametrize(
    "reference",
    ["#/$defs/Missing", "https://example.com/a.json", "other.json#/a", "#anchor", "#/required/1", "", "/$defs"],
)
def test_a_reference_to_nothing_is_named(fmt, reference):
    parameters = {"type": "object", "properties": {"p": {"$ref": reference}}, "required": ["p"], "$defs": {}}
    [warning] = rendered(fmt, tool_with(parameters)).warnings
    assert warning == f"tools[0] f: parameter p loses $ref {reference} (the schema has nothing there)"


@named(OWN)
def test_what_stands_beside_a_reference_counts_and_what_it_replaces_is_named(fmt):
    beside = {"$ref": "#/$defs/P", "description": "Mine.", "type": "string", "enum": ["a"]}
    parameters = {
        "type": "object",
        "properties": {"p": beside},
        "$defs": {"P": {"enum": ["b"], "description": "Theirs."}},
    }
    assert printed(fmt, parameters)["properties"] == {"p": {"type": "string", "description": "Mine.", "enum": ["a"]}}
    assert rendered(fmt, tool_with(parameters)).warnings == ("tools[0] f: parameter p loses enum of #/$defs/P",)


@named(OWN)
def test_definitions_that_nothing_refers_to_print_as_before(fmt):
    parameters = {"type": "object", "properties": {}, "$defs": {"P": {"type": "string", "minimum": 1}}}
    assert printed(fmt, parameters) == parameters
    assert not rendered(fmt, tool_with(parameters)).warnings


@named(OWN)
def test_definitions_that_double_and_schemas_too_deep_are_refused_at_once(fmt):
    twice = [{name: {"$ref": f"#/$defs/D{n}"} for name in "ab"} for n in range(61)]
    double = {f"D{n}": {"type": "object", "properties": twice[n + 1]} for n in range(60)}
    deep = {"type": "string"}
    for _ in range(5000):
        deep = {"type": "array", "items": deep}
    started = time.process_time()
    for properties in ({"d": {"$ref": "#/$defs/D0"}}, {"d": deep}):
        with pytest.raises(FormatError, match=r"tools\[0\]"):
            rendered(fmt, Tool("f", "d", {"type": "object", "properties": properties, "$defs": double | {"D60": {}}}))
    assert time.process_time() - started < 5


@named(GEMMA)
@pytest.mark.parametrize(
    ("schema", "missing"),
    [
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "anyOf"),
        ({"type": "integer", "enum": [1, 2]}, "enum"),
        ({"type": ["string", "null"], "enum": ["a", None]}, "enum, type"),
        ({"type": "integer", "minimum": 0, "maximum": 9}, "minimum, maximum"),
        ({"$ref": "#/$defs/P"}, "$ref"),
        ({"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1}, "minProperties"),
        ({"type": "string", "default": "", "title": "N", "examples": []}, "default"),
    ],
)
def test_gemma_names_tool_parameter_and_keyword(fmt, schema, missing):
    [warning] = rendered(fmt, tool_with({"type": "object", "properties": {"n": schema}})).warnings
    assert set(warning.removeprefix("tools[0] f: parameter n loses ").split(", ")) == set(missing.split(", "))


@named(GEMMA)
def test_gemma_names_references_below_items(fmt):
    for items in ({"$ref": "#/$defs/P"}, {"anyOf": [{"$ref": "#/$defs/P"}]}, {"properties": {"b": {"$ref": "#"}}}):
        parameters = {"type": "object", "properties": {"a": {"type": "array", "items": items}}}
        [warning] = rendered(fmt, tool_with(parameters)).warnings
        assert warning.startswith("tools[0] f: parameter a[") and warning.endswith(" loses $ref")


@every_format
def test_what_generators_write_everywhere_is_no_loss(fmt):
    person = {"type": "string", "title": "Name", "description": "Who"}
    parameters = {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "F", "type": "object",
        "properties": {"name": person}, "required": ["name"], "additionalProperties": False,
    }  # fmt: skip
    assert not rendered(fmt, tool_with(parameters, strict=True)).warnings


@every_format
def test_keys_of_the_tool_itself_are_printed_or_named(fmt):
    plain, more = (rendered(fmt, tool_with(POINT, **keys)) for keys in ({}, {"return": {"type": "string"}}))
    assert plain.text != more.text or more.warnings == ("tools[0] f loses return",)


def test_warnings_of_many_tools_count_as_one_without_names():
    tools = [tool_with({"type": "object", "properties": {name: {"minimum": 1}}}) for name in "ab"]
    kinds = {without_names(warning) for warning in rendered(FORMATS["xml/args"], *tools).warnings}
    assert kinds == {"tools[0] loses minimum", "tools[1] loses minimum"}
    assert without_names("messages[1].content loses a channel") == "messages[1].content loses a channel"


def test_hermes_names_what_a_schema_without_properties_says():
    found = rendered(FORMATS["hermes3"], tool_with({"type": "object", "additionalProperties": {"type": "string"}}))
    assert found.warnings == ("tools[0] f: the schema of its parameters loses additionalProperties",)


def test_every_tool_and_every_parameter_has_its_own_warning():
    tools = [tool_with({"type": "object", "properties": {n: {"minimum": 1, "x": 2} for n in "ab"}}) for _ in range(2)]
    expected = [f"tools[{n}] f: parameter {name} loses minimum, x" for n in range(2) for name in "ab"]
    assert list(rendered(FORMATS["xml/args"], *tools).warnings) == expected
