"""What Ollama does to a conversation, and to what its templates print: steps that explain its prompts.

Ollama reads a request into structs of Go and writes templates' input from them anew, so it does several things at once
to nearly every prompt with tools. One by one they explain nothing; so they are tried in the order in which it does
them, and each that brings our prompt nearer to the one seen is kept as a cause. The functions on conversations have the
signature of `changes.Change`; those on finished prompts take the format, our prompt and the one seen.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from callwright.conversation import Conversation, Json, Tool
from callwright.formats.base import Format
from callwright.probe.explain.changes import Change, Request
from callwright.probe.prompt import Pairs, joined, text_of_pairs

PARAMETERS = ("type", "$defs", "items", "required", "properties")
"""The keys that its struct of a tool's parameters has, in its order; it writes no others."""
PROPERTY = ("anyOf", "type", "items", "description", "enum", "properties", "required")
"""The same for one parameter; `items` is a map, whose keys it keeps and sorts."""
DEVELOPER = "You can do function calling with the following functions:"
"""What its renderer for FunctionGemma writes before the tools."""

_PYTHON_LIST = re.compile(r"\['[^'\"\\\]]*'(?:, '[^'\"\\\]]*')*\]")
_PYTHON_WORD = re.compile(r"(?<=>\n)(?:None|True|False)(?=\n</parameter>)")
_PARAMETER = re.compile(r"<parameter>\n.*?\n</parameter>", re.DOTALL)
_NAMED_RESULT = re.compile(r"^(response:[^{]*\{)value:")
_DECLARATION = ("<start_function_declaration>", True)
_EMPTY = ("description", "")
_JSON_WORDS = {"None": "null", "True": "true", "False": "false"}

Stroke = Callable[[Format, Pairs, Pairs], Pairs]
"""(the format, our prompt, the prompt seen) to our prompt with one thing done as Ollama's renderers do it."""


def _struct_keys(conversation: Conversation, thinking: bool | None, seen: str) -> Iterator[Request]:
    """Keys that its structs lack are gone, and so are empty descriptions."""
    yield _with_tools(conversation, lambda schema: _picked(schema, PARAMETERS), empty=False), thinking


def _shallow_keys(conversation: Conversation, thinking: bool | None, seen: str) -> Iterator[Request]:
    """Of a parameter only description and type, of several types the first, as its renderer for FunctionGemma does."""
    yield _with_tools(conversation, _shallow), thinking


def _struct_order(conversation: Conversation, thinking: bool | None, seen: str) -> Iterator[Request]:
    """Keys come in the order of its structs."""
    yield _with_tools(conversation, lambda schema: _ordered(schema, PARAMETERS)), thinking


def _go_json(form: Format, pairs: Pairs, seen: Pairs) -> Pairs:
    """JSON among the tools as Go writes it, without spaces; lists of types too."""
    first = next((place for place, (text, control) in enumerate(pairs) if control and text in form.stops), 0)
    head = _each(pairs[:first], lambda text: _compact(_PYTHON_LIST.sub(lambda m: m[0].replace("'", '"'), text)))
    return (*head, *pairs[first:])


def _map_order(form: Format, pairs: Pairs, seen: Pairs) -> Pairs:
    """Keys of a parameter in any order: its renderer for Qwen3-Coder takes some from a Go map, whose order varies."""
    blocks = iter(_PARAMETER.findall(text_of_pairs(seen)))

    def as_seen(match: re.Match[str]) -> str:
        block = next(blocks, "")
        return block if sorted(block.splitlines()) == sorted(match[0].splitlines()) else match[0]

    return _each(pairs, lambda text: _PARAMETER.sub(as_seen, text))


def _developer_line(form: Format, pairs: Pairs, seen: Pairs) -> Pairs:
    """A sentence before FunctionGemma's tools that the conversation does not have."""
    if _DECLARATION not in pairs or DEVELOPER not in text_of_pairs(seen):
        return pairs
    place = pairs.index(_DECLARATION)
    before = pairs[place - 1][0]
    line = f"{before}{DEVELOPER}" if before.endswith("\n") else f"{before}\n{DEVELOPER}"
    return (*pairs[: place - 1], (line, False), *pairs[place:])


def _no_properties(form: Format, pairs: Pairs, seen: Pairs) -> Pairs:
    """Of a parameter that is an object not even that it has no properties."""
    return _each(pairs, lambda text: text.replace("properties:{},", ""))


def _bare_results(form: Format, pairs: Pairs, seen: Pairs) -> Pairs:
    """Results of FunctionGemma's tools without the key that the family gives to text."""
    return _each(pairs, lambda text: _NAMED_RESULT.sub(r"\1", text))


def _json_words(form: Format, pairs: Pairs, seen: Pairs) -> Pairs:
    """JSON's words in the arguments of earlier calls where the family's template has Python's."""
    return _each(pairs, lambda text: _PYTHON_WORD.sub(lambda match: _JSON_WORDS[match[0]], text))


def _no_empty_thought(form: Format, pairs: Pairs, seen: Pairs) -> Pairs:
    """No empty thought before an earlier answer."""
    thought = form.grammar.thought
    if thought is None:
        return pairs
    empty = [place for place in range(len(pairs) - 4) if _is_empty_thought(form, pairs[place : place + 3])]
    gone = {place + step for place in empty for step in range(3)}
    after = {place + 3 for place in empty}
    kept = (
        (text.lstrip() if n in after else text, control) for n, (text, control) in enumerate(pairs) if n not in gone
    )
    return joined(kept)


def _is_empty_thought(form: Format, three: Pairs) -> bool:
    thought = form.grammar.thought
    if thought is None or len(three) < 3:
        return False
    (opener, _), (inside, control), (closer, _) = three
    return (opener, closer) == (thought.opener, thought.closer) and not control and not inside.strip()


CHANGES: Sequence[tuple[str, Change]] = (
    ("tool-keys-lost", _struct_keys),
    ("tool-keys-lost", _shallow_keys),
    ("tools-rewritten", _struct_order),
)
STROKES: Sequence[tuple[str, Stroke]] = (
    ("tools-rewritten", _go_json),
    ("tools-rewritten", _map_order),
    ("tool-keys-lost", _no_properties),
    ("system-injected", _developer_line),
    ("result-rewritten", _bare_results),
    ("null-as-text", _json_words),
    ("loop-reasoning-changed", _no_empty_thought),
)
"""In the order in which they are tried, by cause."""


def _with_tools(
    conversation: Conversation, change: Callable[[Mapping[str, Json]], dict[str, Json]], *, empty: bool = True
) -> Conversation:
    """The conversation with changed schemas; tools keep an empty description only where `empty`."""

    def changed(tool: Tool) -> Tool:
        description = tool.description if empty else tool.description or None
        return replace(tool, description=description, parameters=change(tool.parameters), given=None)

    return replace(conversation, tools=tuple(map(changed, conversation.tools)))


def _picked(schema: Mapping[str, Json], keys: Sequence[str]) -> dict[str, Json]:
    """The schema with these keys only, those below it with the keys of a property; `items` is kept whole."""
    return {key: _below(key, value, _picked) for key, value in schema.items() if key in keys and (key, value) != _EMPTY}


def _ordered(schema: Mapping[str, Json], keys: Sequence[str]) -> dict[str, Json]:
    """The schema with these keys first, in their order, and sorted `items`."""
    order = [key for key in keys if key in schema] + [key for key in schema if key not in keys]
    return {key: _sorted(schema[key]) if key == "items" else _below(key, schema[key], _ordered) for key in order}


def _below(key: str, value: Json, change: Callable[[Mapping[str, Json], Sequence[str]], dict[str, Json]]) -> Json:
    """A value of a schema with the schemas right below it changed."""
    if key == "properties" and isinstance(value, dict):
        return {name: change(one, PROPERTY) if isinstance(one, dict) else one for name, one in value.items()}
    if key == "anyOf" and isinstance(value, list):
        return [change(one, PROPERTY) if isinstance(one, dict) else one for one in value]
    return value


def _shallow(schema: Mapping[str, Json]) -> dict[str, Json]:
    def flat(one: Json) -> Json:
        if not isinstance(one, dict):
            return one
        kept: dict[str, Json] = {key: one[key] for key in ("description", "type") if key in one}
        several = kept.get("type")
        return {**kept, "type": several[0]} if isinstance(several, list) and several else kept

    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return dict(schema)
    return {**schema, "properties": {name: flat(one) for name, one in properties.items()}}


def _sorted(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _sorted(one) for key, one in sorted(value.items())}
    return [_sorted(one) for one in value] if isinstance(value, list) else value


def _each(pairs: Pairs, change: Callable[[str], str]) -> Pairs:
    return tuple((text if control else change(text), control) for text, control in pairs)


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
