"""What runtimes were seen to do to prompts has a name in every format that can show it, alone and beside another thing.

Each fault is done to the request or to the text of our own prompt, without the probe's functions. Beside it stands one
thing that any runtime may do, or that Ollama documents that it does: thinking where nothing is said of it. Such a
choice may stand beside a fault, and never in its place.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.fault import in_json

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import CallwrightError
from callwright.formats import FORMATS, get_format
from callwright.instruments.vocabulary import Vocabulary
from callwright.probe.cases.load import read_cases
from callwright.probe.causes.registry import Cause
from callwright.probe.causes.search import explain_prompt
from callwright.probe.classify import classify
from callwright.probe.prompt import RenderedRequest, joined, pieces_as_json
from callwright.probe.targets.base import Target
from callwright.tokens import Segment

GEMMA = ("gemma4", "functiongemma")
WITH_JSON = ("xml", "qwen3", "qwen25", "llama31", "mistral", "tool_code")
KEYWORDS = ("description", "type", "properties", "required", "nullable")


@cache
def vocabulary_of(name):
    return Vocabulary(get_format(name))


def typed(kind, **more):
    return {"type": kind, "description": "What it is", **more}


# What is done to a conversation before it is rendered.


def with_schemas(talk, change):
    """Every parameter's schema changed; None takes the parameter away."""
    tools = []
    for tool in talk.tools:
        changed = {name: change(name, schema) for name, schema in tool.parameters["properties"].items()}
        kept = {name: schema for name, schema in changed.items() if schema is not None}
        tools.append(replace(tool, parameters={**tool.parameters, "properties": kept}, given=None))
    return replace(talk, tools=tuple(tools))


def first_types(talk):
    def narrowed(name, schema):
        kind = schema.get("type")
        return {**schema, "type": kind[0]} if isinstance(kind, list) else schema

    return with_schemas(talk, narrowed)


def without_keywords(talk):
    return with_schemas(talk, lambda name, schema: None if name in KEYWORDS else schema)


def with_results(talk, change):
    results = [message for message in talk.messages if message.role == "tool"]
    changed = iter(change(results))
    return replace(talk, messages=tuple(next(changed) if one.role == "tool" else one for one in talk.messages))


def results_reversed(talk):
    return with_results(talk, lambda results: results[::-1])


def results_of_other_calls(talk):
    def renamed(results):
        return [
            replace(result, name=other.name, tool_call_id=other.tool_call_id)
            for result, other in zip(results, results[::-1], strict=True)
        ]

    return with_results(talk, renamed)


def system_first(talk):
    messages = sorted(talk.messages, key=lambda message: message.role != "system")
    return replace(talk, messages=tuple(messages))


# What is done to the pieces of a prompt.


def edited(pieces, change):
    return joined((text if special else change(text), special) for text, special in pieces)


def replaced(pattern, new):
    return lambda pieces: edited(pieces, lambda text: re.sub(pattern, new, text))


def without_empty_types(pieces):
    text = "".join(f"\ue000{text}\ue001" if special else text for text, special in pieces)
    text = re.sub(r",?type:(\ue000[^\ue001]*\ue001)\1", "", text)
    parts = re.findall(r"\ue000([^\ue001]*)\ue001|([^\ue000]+)", text)
    return joined((special or plain, bool(special)) for special, plain in parts)


def as_go_structs(pieces):
    """Each function as Go prints a struct of name, description and parameters, whose properties know how to be JSON."""

    def struct(function):
        schema = function["parameters"]
        required = " ".join(schema.get("required", ()))
        properties = json.dumps(schema.get("properties", {}), separators=(",", ":"), sort_keys=True)
        kind = schema.get("type", "")
        return f"{{{function['name']} {function['description']} {{{kind} <nil> <nil> [{required}] {properties}}}}}"

    def printed(value, text):
        function = value.get("function", value)
        if not {"name", "parameters"} <= function.keys():
            return text
        return f'{{"type": "function", "function": {struct(function)}}}' if "function" in value else struct(function)

    segments = in_json([Segment(text, control=special) for text, special in pieces], printed)
    return joined((segment.text, segment.control) for segment in segments)


def as_go_maps(pieces):
    """The parameters of each function as Go prints a map, its keys sorted."""

    def go(value):
        if isinstance(value, dict):
            return "map[" + " ".join(f"{key}:{go(value[key])}" for key in sorted(value)) + "]"
        return "[" + " ".join(map(go, value)) + "]" if isinstance(value, list) else str(value)

    def printed(value, text):
        parameters = value.get("function", value).get("parameters")
        start = text.find('"parameters": ') + len('"parameters": ')
        if not parameters or text.find('"parameters": ') < 0:
            return text
        end = json.JSONDecoder().raw_decode(text, start)[1]
        return text[:start] + go(parameters) + text[end:]

    segments = in_json([Segment(text, control=special) for text, special in pieces], printed)
    return joined((segment.text, segment.control) for segment in segments)


def cut_in_the_middle(pieces):
    """The first tokens are kept, and as many of the last as do not reach the beginning of the longest text."""
    units = [unit for text, special in pieces for unit in ([(text, True)] if special else [(c, False) for c in text])]
    long = max(range(len(pieces)), key=lambda place: len(pieces[place][0]))
    behind = sum(1 if special else len(text) for text, special in pieces[long + 1 :])
    return joined([*units[:4], *units[-(behind + 200) :]])


BOS = {fmt.bos for fmt in FORMATS.values()} - {""}


def same(value):
    return value


@dataclass(frozen=True)
class Kind:
    """A fault.

    Attributes:
      cause: What it is to be called.
      talk: What is done to the conversation.
      edit: What is done to the prompt's pieces.
      formats: The families that can show it; all where none is named.
      target: The runtime that does it; "" for any.
      schemas: Schemas of parameters that show it, by name.
      shown: The format that `make test` looks at; the others are looked at in `make test-all`.
      in_context: Whether the prompt does not fit.
    """

    cause: str
    talk: Callable[[Conversation], Conversation] = same
    edit: Callable[[Any], Any] = same
    formats: tuple[str, ...] = ()
    target: str = ""
    schemas: tuple[tuple[str, dict], ...] = ()
    in_context: bool = False
    shown: str = "qwen3"


_ALTERNATIVES = {"anyOf": [typed("string"), {"type": "object", "properties": {}}], "description": "One or the other"}
KINDS = {
    "of several types the first": Kind(
        "type-lost",
        shown="gemma4/31b",
        talk=first_types,
        schemas=(("label", typed(["string", "null"])), ("size", typed(["integer", "string"]))),
    ),
    "an empty type left out": Kind(
        "type-lost",
        shown="gemma4/31b",
        edit=without_empty_types,
        formats=GEMMA,
        target="Ollama",
        schemas=(("either", _ALTERNATIVES), ("anything", {}), ("other", {"$ref": "#/$defs/other"})),
    ),
    "parameters named like keywords": Kind(
        "parameter-dropped", talk=without_keywords, schemas=tuple((name, typed("string")) for name in KEYWORDS)
    ),
    "Go's nil": Kind("null-as-text", edit=replaced(r"\b(null|None)\b", "<nil>")),
    "a result without its key": Kind(
        "result-rewritten",
        edit=replaced(r"^(response:[^{]+\{)value:", r"\1"),
        formats=GEMMA,
        target="Ollama",
        shown="functiongemma",
    ),
    "results in another order": Kind("results-swapped", talk=results_reversed),
    "results of other calls": Kind("results-swapped", talk=results_of_other_calls, shown="xml/args"),
    "a later system message first": Kind("system-moved", talk=system_first),
    "tools as Go's structs": Kind("tools-as-go-struct", edit=as_go_structs, formats=WITH_JSON),
    "parameters as Go's maps": Kind("tools-as-go-struct", edit=as_go_maps, formats=WITH_JSON),
    "doubled braces": Kind(
        "braces-doubled",
        edit=replaced(r'\{("name": (?:<function-name>|function name)[^{}]*)\}', r"{{\1}}"),
        formats=("qwen25", "qwen3", "hermes3", "llama31"),
    ),
    "cut in the middle": Kind("prompt-cut", edit=cut_in_the_middle, in_context=True, shown="gemma4/31b"),
}
COMPANIONS: dict[str, tuple[str, Callable[[RenderedRequest], RenderedRequest], Callable[[Any], Any]]] = {
    "nothing": ("", same, same),
    "thinking by default": ("thinking-default", lambda request: replace(request, thinking=True), same),
    "no system prompt": (
        "system-lost",
        lambda request: request.with_messages(request.conversation.messages[1:]),
        same,
    ),
    "BOS twice": ("bos-doubled", same, lambda pieces: (pieces[0], *pieces) if pieces[0][0] in BOS else pieces),
    "a number printed anew": ("number-rewritten", same, replaced(r"\b1234\.0\b", "1234")),
}
"""What may happen beside: the cause, what is done to the request, and what is done to the prompt."""


@st.composite
def talks(draw, kind):
    """A conversation that shows the fault and everything that may happen beside it."""
    names = draw(st.lists(st.from_regex(r"[a-z]{3}_[a-z]{2,5}", fullmatch=True), min_size=4, max_size=4, unique=True))
    said = st.text("abcdefgh ", min_size=4, max_size=20).map(lambda text: f"say {text}.")
    properties = {names[0]: typed("number"), "nothing": typed("string"), **dict(kind.schemas)}
    tools = (
        Tool(names[2], draw(said), {"type": "object", "properties": properties, "required": [names[0]]}),
        Tool(names[3], draw(said), {"type": "object", "properties": {names[1]: typed("string")}}),
    )
    calls = (
        ToolCall(names[2], {names[0]: 1234.0, "nothing": None}, id="call00001"),
        ToolCall(names[3], {names[1]: draw(said)}, id="call00002"),
    )
    results = (
        Message("tool", "it rains", name=names[2], tool_call_id="call00001"),
        Message("tool", "it snows a lot", name=names[3], tool_call_id="call00002"),
    )
    user = Message("user", "word " * 400 if kind.in_context else draw(said))
    messages = [Message("system", draw(said)), user]
    messages += [Message("assistant", tool_calls=calls), *results, Message("assistant", draw(said))]
    if kind.talk is system_first:
        messages = [messages[1], Message("assistant", draw(said)), messages[0]]
    return Conversation((*messages, Message("user", "So? @@xray.9@@")), tools)


class Runtime(Target):
    """A target that only has a name."""

    version, context = "0", 4096

    def __init__(self, name):
        self.name = name

    def load(self, instrument):
        raise NotImplementedError

    def reproduce_with(self, fmt, part):
        """See `Target.reproduce_with`."""
        return ""


def seen_prompt(kind, name, talk, companion):
    """A request and the pieces of a prompt that has the fault and its companion; None where it cannot have both."""
    _, beside, edit = COMPANIONS[companion]
    asked = RenderedRequest(get_format(name), vocabulary_of(name), talk)
    changed = replace(asked, conversation=kind.talk(talk))
    try:
        before, alone, both = asked.pieces(), changed.pieces(), edit(beside(changed).pieces())
    except CallwrightError:  # the format cannot say it
        return None
    if kind.talk is system_first and companion == "no system prompt":
        return None
    if kind.edit(alone) == before or (companion != "nothing" and both == alone):
        return None
    return asked, kind.edit(both)


FAULTS_AND_FORMATS = [
    pytest.param(fault, name, marks=() if name == kind.shown else pytest.mark.slow)
    for fault, kind in KINDS.items()
    for name, fmt in FORMATS.items()
    if not kind.formats or fmt.name in kind.formats
]


@pytest.mark.parametrize(("fault", "name"), FAULTS_AND_FORMATS)
@settings(max_examples=2)
@given(data=st.data())
def test_a_fault_is_named_alone_and_beside_another(fault, name, data):
    kind = KINDS[fault]
    talk = data.draw(talks(kind))
    found = {companion: seen_prompt(kind, name, talk, companion) for companion in COMPANIONS}
    assert name != kind.shown or found["nothing"]
    for companion, both in found.items():
        if both is not None:
            check(kind, companion, *both)


def check(kind, companion, asked, seen):
    beside = COMPANIONS[companion][0]
    target = kind.target or ("Ollama" if beside == "thinking-default" else "")
    causes = explain_prompt(asked, seen, target=target, in_context=kind.in_context)
    wanted = {kind.cause, beside} - {""}
    assert {*causes} == wanted or (kind.in_context and {kind.cause} <= {*causes} < wanted), companion  # cut away too
    case = next(case for case in read_cases().cases if case.id == "rendering.one-tool")
    outcome = classify(Runtime("Ollama"), asked.fmt, case, causes, None, pieces_as_json(seen), "", "reader")
    assert outcome.result == "fault"
    assert {*outcome.cause.split(" + ")} == {*causes} - {"thinking-default"}


def test_a_choice_alone_is_one():
    case = next(case for case in read_cases().cases if case.id == "rendering.one-tool")
    outcome = classify(
        Runtime("Ollama"), get_format("gemma4/31b"), case, [Cause.THINKING_DEFAULT], None, None, "", "reader"
    )
    assert outcome.result == "choice"


def test_every_family_that_is_named_exists():
    families = {fmt.name for fmt in FORMATS.values()}
    assert {name for kind in KINDS.values() for name in kind.formats} <= families
