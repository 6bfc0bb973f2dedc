"""What Ollama does to a conversation, and to what its templates print: changes and edits that explain its prompts.

Ollama reads a request into structs of Go and writes templates' input from them anew, so it does several things at once
to nearly every prompt with tools. One by one they explain nothing; so they are tried in the order in which it does
them, and each that brings our prompt nearer to the one seen is kept as a cause.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from callwright.conversation import Json, Tool
from callwright.formats.base import Format
from callwright.formats.schemas import PARAMETER_KEYS, PROPERTY_KEYS, sorted_keys
from callwright.probe.causes.prompt import Edit
from callwright.probe.causes.registry import Cause, Explanations
from callwright.probe.causes.request import Change, move_system, swap_results
from callwright.probe.causes.request_tools import Schema, inside
from callwright.probe.prompt import PromptPieces, RenderedRequest, change_texts, joined, text_of_pieces

CHANGES: Explanations[Change] = Explanations()
EDITS: Explanations[Edit] = Explanations()

DEVELOPER = "You can do function calling with the following functions:"
"""What its renderer for FunctionGemma writes before the tools."""

_PYTHON_LIST = re.compile(r"\['[^'\"\\\]]*'(?:, '[^'\"\\\]]*')*\]")
_PYTHON_WORD = re.compile(r"(?<=>\n)(?:None|True|False)(?=\n</parameter>)")
_PARAMETER = re.compile(r"<parameter>\n.*?\n</parameter>", re.DOTALL)
_NAMED_RESULT = re.compile(r"^(response:[^{]*\{)value:")
_DECLARATION = ("<start_function_declaration>", True)
_NOTHING = ("", True)
_EMPTY = ("description", "")
_BELOW = ("properties", "anyOf")
_JSON_WORDS = {"None": "null", "True": "true", "False": "false"}


@CHANGES.explains(Cause.THINKING_DEFAULT)
def think_by_default(request: RenderedRequest, seen: str) -> Iterator[RenderedRequest]:
    """A request that says nothing of thinking asks for it."""
    if request.thinking is None:
        yield replace(request, thinking=True)


@CHANGES.explains(Cause.TOOL_KEYS_LOST)
def drop_keys(request: RenderedRequest, seen: str) -> Iterator[RenderedRequest]:
    """Keys that its structs lack are gone, and so are empty descriptions."""
    yield _with_schemas(request, lambda schema: _picked(schema, PARAMETER_KEYS), empty=False)


@CHANGES.explains(Cause.TOOL_KEYS_LOST)
def drop_all_but_description_and_type(request: RenderedRequest, seen: str) -> Iterator[RenderedRequest]:
    """A parameter has only description and type, as in its renderer for FunctionGemma."""
    yield _with_schemas(request, _shallow)


@CHANGES.explains(Cause.TOOLS_REWRITTEN)
def print_types_of_any_of(request: RenderedRequest, seen: str) -> Iterator[RenderedRequest]:
    """Alternatives that are nothing but types are several types, as in its renderer for Gemma 4."""
    if request.fmt.name == "gemma4":
        yield _with_schemas(request, _with_types_of_any_of)


@CHANGES.explains(Cause.TOOLS_REWRITTEN)
def order_keys(request: RenderedRequest, seen: str) -> Iterator[RenderedRequest]:
    """Keys come in the order of its structs, which print a type and properties also where there are none."""
    yield _with_schemas(request, lambda schema: _ordered(schema, PARAMETER_KEYS))
    yield _with_schemas(request, lambda schema: _ordered(_filled(schema), PARAMETER_KEYS))


CHANGES.explains(Cause.RESULTS_SWAPPED)(swap_results)
CHANGES.explains(Cause.SYSTEM_MOVED)(move_system)


@EDITS.explains(Cause.TOOLS_REWRITTEN)
def print_json_as_go(request: RenderedRequest, pieces: PromptPieces, seen: PromptPieces) -> PromptPieces:
    """JSON among the tools is written as Go writes it, without spaces; lists of types too."""
    stops = request.fmt.stops
    first = next((place for place, (text, special) in enumerate(pieces) if special and text in stops), 0)
    got = text_of_pieces(seen)

    def as_json(match: re.Match[str]) -> str:
        spelled = match[0].replace("'", '"')
        return spelled if _compact(spelled) in got else match[0]

    return (*change_texts(pieces[:first], lambda text: _compact(_PYTHON_LIST.sub(as_json, text))), *pieces[first:])


@EDITS.explains(Cause.TOOLS_REWRITTEN)
def shuffle_keys(request: RenderedRequest, pieces: PromptPieces, seen: PromptPieces) -> PromptPieces:
    """Keys of a parameter have any order: its renderer for Qwen3-Coder takes some from a Go map, whose order varies."""
    blocks = iter(_PARAMETER.findall(text_of_pieces(seen)))

    def as_seen(match: re.Match[str]) -> str:
        block = next(blocks, "")
        return block if sorted(block.splitlines()) == sorted(match[0].splitlines()) else match[0]

    return change_texts(pieces, lambda text: _PARAMETER.sub(as_seen, text))


@EDITS.explains(Cause.TOOL_KEYS_LOST)
def drop_empty_properties(request: RenderedRequest, pieces: PromptPieces, seen: PromptPieces) -> PromptPieces:
    """Of a parameter that is an object it is not even said that it has no properties."""
    return change_texts(pieces, lambda text: text.replace("properties:{},", ""))


@EDITS.explains(Cause.TYPE_LOST)
def drop_empty_types(request: RenderedRequest, pieces: PromptPieces, seen: PromptPieces) -> PromptPieces:
    """Of a parameter without a type no empty one is printed, as Gemma's families print it."""
    kept = list(pieces)
    for place in range(len(kept) - 2):
        (text, special), opener, closer = kept[place : place + 3]
        if not special and opener == closer and opener[1] and text.endswith("type:"):
            kept[place : place + 3] = (text.removesuffix("type:").removesuffix(","), False), _NOTHING, _NOTHING
    return joined(piece for piece in kept if piece != _NOTHING)


@EDITS.explains(Cause.SYSTEM_INJECTED)
def add_developer_line(request: RenderedRequest, pieces: PromptPieces, seen: PromptPieces) -> PromptPieces:
    """A sentence that the conversation does not have stands before FunctionGemma's tools."""
    if _DECLARATION not in pieces or DEVELOPER not in text_of_pieces(seen):
        return pieces
    place = pieces.index(_DECLARATION)
    before = pieces[place - 1][0]
    line = f"{before}{DEVELOPER}" if before.endswith("\n") else f"{before}\n{DEVELOPER}"
    return (*pieces[: place - 1], (line, False), *pieces[place:])


@EDITS.explains(Cause.RESULT_REWRITTEN)
def drop_key_of_results(request: RenderedRequest, pieces: PromptPieces, seen: PromptPieces) -> PromptPieces:
    """Results of FunctionGemma's tools lack the key that the family gives to text."""
    texts = {text for text, _ in seen}

    def without_key(text: str) -> str:
        short = _NAMED_RESULT.sub(r"\1", text)
        return short if short in texts else text

    return change_texts(pieces, without_key)


@EDITS.explains(Cause.NULL_AS_TEXT)
def print_json_words(request: RenderedRequest, pieces: PromptPieces, seen: PromptPieces) -> PromptPieces:
    """The arguments of earlier calls have JSON's words where the family's template has Python's."""
    return change_texts(pieces, lambda text: _PYTHON_WORD.sub(lambda match: _JSON_WORDS[match[0]], text))


@EDITS.explains(Cause.LOOP_REASONING_CHANGED)
def drop_empty_thoughts(request: RenderedRequest, pieces: PromptPieces, seen: PromptPieces) -> PromptPieces:
    """No empty thought stands before an earlier answer."""
    empty = [n for n in range(len(pieces) - 4) if _is_empty_thought(request.fmt, pieces[n : n + 3])]
    dropped = {n + step for n in empty for step in range(3)}
    after = {n + 3 for n in empty}
    kept = ((text.lstrip() if n in after else text, special) for n, (text, special) in enumerate(pieces))
    return joined(piece for n, piece in enumerate(kept) if n not in dropped) if empty else pieces


def _is_empty_thought(fmt: Format, three: PromptPieces) -> bool:
    """Whether three pieces are the opener of a thought, white space, and its closer."""
    thought = fmt.grammar.thought
    if thought is None or len(three) < 3:
        return False
    (opener, _), (inside, special), (closer, _) = three
    return (opener, closer) == (thought.opener, thought.closer) and not special and not inside.strip()


def _with_schemas(
    request: RenderedRequest, change: Callable[[Schema], dict[str, Json]], *, empty: bool = True
) -> RenderedRequest:
    """The request with the schemas of its tools changed; tools keep an empty description only where `empty`."""

    def changed(tool: Tool) -> Tool:
        description = tool.description if empty else tool.description or None
        return replace(tool, description=description, parameters=change(tool.parameters), given=None)

    return request.with_tools(map(changed, request.conversation.tools))


def _picked(schema: Schema, keys: Sequence[str]) -> dict[str, Json]:
    """The schema with these keys only, those below it with the keys of a property; `items` is kept whole."""
    inner = inside(schema, partial(_picked, keys=PROPERTY_KEYS), _BELOW)
    return {key: value for key, value in inner.items() if key in keys and (key, value) != _EMPTY}


def _ordered(schema: Schema, keys: Sequence[str]) -> dict[str, Json]:
    """The schema with these keys first, in their order, and sorted `items`."""
    inner = inside(schema, partial(_ordered, keys=PROPERTY_KEYS), _BELOW)
    order = [key for key in keys if key in inner] + [key for key in inner if key not in keys]
    return {key: sorted_keys(inner[key]) if key == "items" else inner[key] for key in order}


def _filled(schema: Schema) -> dict[str, Json]:
    """The schema with an empty type and null for properties where it has none."""
    return {"type": "", "properties": None, **schema}


def _with_types_of_any_of(schema: Schema) -> dict[str, Json]:
    """The schema, and those below it, with the types of alternatives that are nothing else."""
    inner = inside(schema, _with_types_of_any_of)
    options = inner.get("anyOf")
    if "type" in inner or not isinstance(options, list):
        return inner
    types = [option["type"] for option in options if isinstance(option, dict) and option.keys() == {"type"}]
    several = [one for type_ in types for one in (type_ if isinstance(type_, list) else [type_])]
    return {**inner, "type": list(dict.fromkeys(map(str, several)))} if len(types) == len(options) else inner


def _shallow(schema: Schema) -> dict[str, Json]:
    """The schema with nothing but description and type of each property."""

    def flat(one: Json) -> Json:
        return {key: one[key] for key in ("description", "type") if key in one} if isinstance(one, dict) else one

    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return dict(schema)
    return {**schema, "properties": {name: flat(one) for name, one in properties.items()}}


def _compact(text: str) -> str:
    """The text with every JSON object and array in it written without spaces."""
    decoder, parts, done = json.JSONDecoder(), [], 0
    for match in re.finditer(r"[\[{]", text):
        if match.start() < done:
            continue
        try:
            value, end = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        parts += [text[done : match.start()], json.dumps(value, ensure_ascii=False, separators=(",", ":"))]
        done = end
    return "".join([*parts, text[done:]])
