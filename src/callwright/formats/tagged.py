"""Calls as one JSON object between two tags: what xml, Qwen and Hermes have in common.

The tags inside JSON strings are no tags: the JSON is decoded first, and the closing tag is looked for behind it. Where
the JSON is broken, the call ends at the first closing tag.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from callwright.conversation import Json, ToolCall
from callwright.formats.grammar import ParseContext, ParsedRegion, ParseIssue, Repair, skip_space, unclosed
from callwright.formats.jsontext import Unfinished, as_object, read_json
from callwright.formats.repair import repair_json

ARGUMENT_KEYS = ("arguments", "args", "parameters")
"""What models call the arguments; a format knows one of them, lenient reading all."""


@dataclass(frozen=True, slots=True)
class TaggedJson:
    """Reads `opener {"name": ..., key: {...}} closer`."""

    opener: str
    closer: str
    key: str = "arguments"

    def __call__(self, text: str, start: int, context: ParseContext) -> ParsedRegion | None:
        """See `grammar.RegionReader`."""
        begin = skip_space(text, start + len(self.opener))
        try:
            value, stop = read_json(text, begin)
        except Unfinished as error:
            return self._malformed(text, start, begin, f"not JSON: {error}", context) if context.final else None
        except ValueError as error:
            return self._malformed(text, start, begin, f"not JSON: {error}", context)
        close = skip_space(text, stop)
        if not text.startswith(self.closer, close):
            if self.closer.startswith(text[close:]) and not context.final:
                return None
            return self._malformed(text, start, close, f"expected {self.closer} after the JSON", context)
        end = close + len(self.closer)
        call = self.call(value)
        if isinstance(call, ToolCall):
            return ParsedRegion(end, calls=(call,))
        repaired = self.repaired_calls(value) if context.lenient else None
        if repaired is not None:
            return ParsedRegion(end, calls=repaired[0], repairs=(Repair(repaired[1], begin),))
        return ParsedRegion(end, errors=(ParseIssue(call, begin),), content=text[start:end])

    def call(self, value: Json) -> ToolCall | str:
        """The call that a JSON value is, or what is wrong with it."""
        if not isinstance(value, dict) or len(value) != 2 or "name" not in value or self.key not in value:
            return f'expected {{"name": ..., "{self.key}": {{...}}}}'
        name, arguments = value["name"], value[self.key]
        if not isinstance(name, str) or not name or not isinstance(arguments, dict):
            return f'"name" must be a string that is not empty, and "{self.key}" an object'
        return ToolCall(name, arguments)

    def repaired_calls(self, value: Json) -> tuple[tuple[ToolCall, ...], str] | None:
        """The calls that a JSON value of a nearly right shape means, and what was wrong with it."""
        values: Sequence[Json] = value if isinstance(value, list) else [value]
        calls = [call for call in map(_lenient_call, values) if call is not None]
        if not calls or len(calls) < len(values):
            return None
        return tuple(calls), f'read as {{"name": ..., "{self.key}": {{...}}}}'

    def _malformed(
        self, text: str, start: int, position: int, message: str, context: ParseContext
    ) -> ParsedRegion | None:
        close = text.find(self.closer, start + len(self.opener))
        if close < 0 and not context.final:
            return None
        end = close + len(self.closer) if close >= 0 else len(text)
        if context.lenient:
            repaired = repair_json(text[start + len(self.opener) : close if close >= 0 else len(text)])
            calls = self.repaired_calls(repaired[0]) if repaired else None
            if repaired and calls:
                fixes = [repaired[1], "" if close >= 0 else f"a missing {self.closer}"]
                return ParsedRegion(end, calls[0], repairs=(Repair(" and ".join(filter(None, fixes)), start),))
        if close < 0:
            return unclosed(text, position, message)
        return ParsedRegion(end, errors=(ParseIssue(message, position),), content=text[start:end])


def _lenient_call(value: Json) -> ToolCall | None:
    """A call under any of the usual keys, its arguments possibly a string of JSON, or absent."""
    if not isinstance(value, Mapping):
        return None
    inner = value.get("function")
    fields = inner if isinstance(inner, Mapping) else value
    name = fields.get("name")
    found = [fields[key] for key in ARGUMENT_KEYS if key in fields]
    arguments = as_object(found[0]) if found else {}
    return ToolCall(name, arguments) if isinstance(name, str) and name and arguments is not None else None
