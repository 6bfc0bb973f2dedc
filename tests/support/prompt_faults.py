"""Faults inside the server: between rendering and the model, and between the model and the parser."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tests.support.faithful_server import Hooks
from tests.support.fault import Faults, Inside, generation_prompt, in_json

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.instruments.script_file import expected_output
from callwright.tokens import Segment, decode_segments, encode_segments

FAULTS = Faults()
WITH_BOS = ("xml", "gemma4", "llama31", "mistral")
WITH_JSON = ("xml", "qwen3", "qwen25", "hermes3", "llama31", "mistral")
Render = Callable[[Conversation, bool | None, list[Segment]], list[Segment]]


def _changing(change: Callable[[list[Segment]], list[Segment]]) -> Hooks:
    return Hooks(render=lambda conversation, thinking, segments: change(segments))


@FAULTS.hooks("null-as-text", "prompt", *WITH_JSON)
def null_printed_as_python(inside: Inside) -> Hooks:
    """null becomes None in earlier calls and in tools, because str() printed it."""
    return _changing(lambda segments: in_json(segments, lambda _, text: re.sub(r"(?<=[:\[,] )null\b", "None", text)))


@FAULTS.hooks("unicode-escaped", "prompt", *WITH_JSON)
def json_escaped_to_ascii(inside: Inside) -> Hooks:
    """The template's JSON is ASCII."""

    def escaped(_: Any, text: str) -> str:
        return "".join(c if c.isascii() else json.dumps(c)[1:-1] for c in text)

    return _changing(lambda segments: in_json(segments, escaped))


@FAULTS.hooks("html-escaped", "prompt", *WITH_JSON)
def json_escaped_for_html(inside: Inside) -> Hooks:
    """The template's JSON is fit for a script tag, as Flask and Go write it."""

    def escaped(_: Any, text: str) -> str:
        return re.sub("[<>&']", lambda match: f"\\u{ord(match[0]):04x}", text)

    return _changing(lambda segments: in_json(segments, escaped))


@FAULTS.hooks("arguments-double-encoded", "prompt", *WITH_JSON)
def earlier_arguments_printed_as_strings(inside: Inside) -> Hooks:
    """The wire's JSON text is handed to the template, which quotes it."""

    def quoted(value: Any, text: str) -> str:
        for key in {"args", "arguments"} & value.keys():
            written = json.dumps(value[key], ensure_ascii=False)
            text = text.replace(written, json.dumps(written, ensure_ascii=False))
        return text

    return _changing(lambda segments: in_json(segments, quoted))


@FAULTS.hooks("tools-rewritten", "prompt", *WITH_JSON)
def tools_printed_without_spaces(inside: Inside) -> Hooks:
    """Tools are printed as the server's own JSON library does."""

    def compact(value: Any, text: str) -> str:
        is_tool = "function" in value or {"parameters", "description"} <= value.keys()
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if is_tool else text

    return _changing(lambda segments: in_json(segments, compact))


@FAULTS.hooks("tools-as-go-struct", "prompt", *WITH_JSON)
def functions_printed_as_go_structs(inside: Inside) -> Hooks:
    """A function has no way of its own to be printed, so Go writes its fields; its properties are JSON."""

    def struct(function: Any) -> str:
        schema = function["parameters"]
        required = " ".join(schema.get("required", ()))
        properties = json.dumps(schema.get("properties"), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        parameters = f"{{{schema.get('type', '')} <nil> <nil> [{required}] {properties}}}"
        return f"{{{function['name']} {function.get('description', '')} {parameters}}}"

    def printed(value: Any, text: str) -> str:
        if "function" in value:
            return f'{{"type": "function", "function": {struct(value["function"])}}}'
        return struct(value) if {"name", "parameters"} <= value.keys() else text

    return _changing(lambda segments: in_json(segments, printed))


@FAULTS.hooks("braces-doubled", "prompt", "qwen25", "qwen3", "hermes3", "llama31")
def example_of_a_call_with_doubled_braces(inside: Inside) -> Hooks:
    """The template was a format string once, and nobody took the second brace away."""
    example = re.compile(r'\{("name": (?:<function-name>|function name)[^{}]*)\}')

    def doubled(segments: list[Segment]) -> list[Segment]:
        return [s if s.control else Segment(example.sub(r"{{\1}}", s.text), supervised=s.supervised) for s in segments]

    return _changing(doubled)


@FAULTS.hooks("bos-doubled", "prompt", *WITH_BOS)
def bos_twice(inside: Inside) -> Hooks:
    """The template writes BOS and the tokenizer adds one."""
    return Hooks(prompt=lambda ids: [inside.vocabulary.bos_id, *ids])


@FAULTS.hooks("bos-missing", "prompt", *WITH_BOS)
def no_bos(inside: Inside) -> Hooks:
    """BOS is stripped from the template's text, and nobody adds it."""
    return Hooks(prompt=lambda ids: ids[1:] if ids[0] == inside.vocabulary.bos_id else ids)


@FAULTS.hooks("control-token-injection", "prompt")
def special_tokens_parsed_everywhere(inside: Inside) -> Hooks:
    """The rendered prompt is one text, and whatever spells a control token becomes one."""
    return _changing(lambda segments: [Segment("".join(s.text for s in segments), control=True)])


@FAULTS.hooks("control-token-as-text", "prompt")
def a_marker_as_text(inside: Inside) -> Hooks:
    """The marker that opens a turn is missing from the vocabulary, or declared as text."""
    bos, vocabulary = inside.fmt.bos, inside.vocabulary

    def spelled(segments: list[Segment]) -> list[Segment]:
        parts = [(s, *part) for s in segments for part in (vocabulary.cut(s.text) if s.control else [(s.text, False)])]
        marker = next((text for _, text, special in parts if special and text != bos), "")
        return [
            Segment(text, control=special and text != marker, supervised=s.supervised) for s, text, special in parts
        ]

    return _changing(spelled)


# Behind a result Gemma 4's 31B opens its turn with the thought's cue alone, so that there both make the same prompt.
@FAULTS.hooks("generation-prompt-missing thought-cue-missing", "prompt")
def turn_not_opened(inside: Inside) -> Hooks:
    """The prompt ends behind the last message."""
    return Hooks(
        render=lambda conversation, thinking, _: list(inside.fmt.render(conversation, thinking=thinking).segments)
    )


@FAULTS.hooks("thinking-default", "prompt", "qwen3", "gemma4")
def thinking_switched_unasked(inside: Inside) -> Hooks:
    """Where the request says nothing, thinking is not what the family takes silence for."""

    def rendered(conversation: Conversation, thinking: bool | None, segments: list[Segment]) -> list[Segment]:
        if thinking is not None:
            return segments
        both = (inside.fmt.render(conversation, add_generation_prompt=True, thinking=on) for on in (True, False))
        return next((list(other.segments) for other in both if list(other.segments) != segments), segments)

    return Hooks(render=rendered)


@FAULTS.hooks("thought-cue-missing thinking-default", "prompt", "qwen3", "gemma4/31b")
def no_thought_cue_after_results(inside: Inside) -> Hooks:
    """Behind a result, the model's turn is opened without the thought that belongs there."""
    thought = inside.fmt.grammar.thought

    def rendered(conversation: Conversation, thinking: bool | None, segments: list[Segment]) -> list[Segment]:
        if thought is None or conversation.messages[-1].role != "tool":
            return segments
        before, after = generation_prompt(list(inside.fmt.render(conversation, thinking=thinking).segments), segments)
        text = "".join(s.text for s in after)
        text = text.partition(thought.opener)[0] if thought.opener in text else text
        return [*before, Segment(text, control=True)]

    return Hooks(render=rendered)


@FAULTS.hooks("assistant-continued", "prompt")
def last_answer_continued(inside: Inside) -> Hooks:
    """A last message of the assistant is left open."""

    def rendered(conversation: Conversation, thinking: bool | None, segments: list[Segment]) -> list[Segment]:
        if conversation.messages[-1].role != "assistant":
            return segments
        segments = list(inside.fmt.render(conversation, thinking=thinking).segments)
        while segments and not (
            segments[-1].supervised and any(stop in segments[-1].text for stop in inside.fmt.stops)
        ):
            segments.pop()
        text = segments.pop().text
        cut = min(text.find(stop) for stop in inside.fmt.stops if stop in text)
        return [*segments, Segment(text[:cut], control=True, supervised=True)]

    return Hooks(render=rendered)


@FAULTS.hooks("whitespace-in-prompt", "prompt")
def a_space_behind_the_prompt(inside: Inside) -> Hooks:
    """A space follows the generation prompt."""
    return _changing(lambda segments: [*segments, Segment(" ")])


@FAULTS.hooks("prompt-cut oldest-messages-dropped", "context")
def prompt_cut(inside: Inside) -> Hooks:
    """Of a prompt that does not fit the last half of the context is kept, wherever it begins."""
    return Hooks(prompt=lambda ids: ids if len(ids) < inside.context else ids[-(inside.context // 2) :])


@FAULTS.hooks("prompt-cut oldest-messages-dropped", "context")
def prompt_cut_in_the_middle(inside: Inside) -> Hooks:
    """Of a prompt that does not fit, the first four tokens and the last ones are kept, half the context in all."""
    kept = inside.context // 2 - 4
    return Hooks(prompt=lambda ids: ids if len(ids) < inside.context else [*ids[:4], *ids[-kept:]])


@FAULTS.hooks("tokens-forced call-altered", "reply")
def names_forced_by_a_grammar(inside: Inside) -> Hooks:
    """A grammar made of the tools leaves the model no other name to call."""
    return _forcing(inside, lambda call, tools: replace(call, name=call.name if call.name in tools else min(tools)))


@FAULTS.hooks("tokens-forced", "reply")
def values_forced_by_a_grammar(inside: Inside) -> Hooks:
    """A grammar made of the schemas leaves the model no other values than they allow."""

    def forced(call: ToolCall, tools: Mapping[str, Tool]) -> ToolCall:
        properties: Any = tools[call.name].parameters.get("properties", {}) if call.name in tools else {}
        return replace(call, arguments={k: _allowed(v, properties.get(k, {})) for k, v in call.arguments.items()})

    return _forcing(inside, forced)


def _allowed(value: Any, schema: Any) -> Any:
    """The value, or one that the schema allows."""
    if not isinstance(schema, dict):
        return value
    types: dict[str, tuple[Any, Any]] = {"string": (str, "a"), "integer": (int, 1), "boolean": (bool, True)}
    type_, other = types.get(str(schema.get("type")), (object, None))
    fits = isinstance(value, type_) and (type_ is not int or not isinstance(value, bool))
    if "enum" in schema:
        return value if value in schema["enum"] else schema["enum"][0]
    return value if fits else other


def _forcing(inside: Inside, change: Callable[[ToolCall, Mapping[str, Tool]], ToolCall]) -> Hooks:
    """What the model says, with every call changed; a message that stays as it is keeps its tokens."""

    def forced(conversation: Conversation, ids: list[int]) -> list[int]:
        tools = {tool.name: tool for tool in conversation.tools}
        parsed = inside.fmt.parse(decode_segments(inside.vocabulary, ids), tools=conversation.tools)
        calls = tuple(change(call, tools) for call in parsed.tool_calls) if tools else parsed.tool_calls
        if calls == parsed.tool_calls or parsed.errors:
            return ids
        message = Message("assistant", parsed.content, reasoning=parsed.reasoning, tool_calls=calls)
        output = expected_output(inside.fmt, Conversation((Message("user", "Go."), message), conversation.tools))
        return encode_segments(inside.vocabulary, output)[0]

    return Hooks(speech=forced)
