"""Calls as one JSON object between two tags: what xml, Qwen and Hermes have in common.

The tags inside JSON strings are no tags: the JSON is decoded first, and the closing tag is looked for behind it. Where
the JSON is broken, the call ends at the first closing tag.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from callwright.conversation import Json, ToolCall
from callwright.formats.grammar import WHITESPACE, Context, Found, ParseIssue, Repair, unclosed
from callwright.formats.jsontext import Unfinished, as_object, read_json
from callwright.formats.repair import mend_json

ALIASES = ("arguments", "args", "parameters")
"""What models call the arguments; a format knows one of them, lenient reading all."""


def skip_space(text: str, position: int) -> int:
    """The offset of the first character from `position` on that is no white space."""
    while position < len(text) and text[position] in WHITESPACE:
        position += 1
    return position


@dataclass(frozen=True, slots=True)
class TaggedJson:
    """Reads `opener {"name": ..., key: {...}} closer`."""

    opener: str
    closer: str
    key: str = "arguments"

    def __call__(self, text: str, start: int, context: Context) -> Found | None:
        """See `grammar.Read`."""
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
            return Found(end, calls=(call,))
        mended = self.mended(value) if context.lenient else None
        if mended is not None:
            return Found(end, calls=mended[0], repairs=(Repair(mended[1], begin),))
        return Found(end, errors=(ParseIssue(call, begin),), content=text[start:end])

    def call(self, value: Json) -> ToolCall | str:
        """The call that a JSON value is, or what is wrong with it."""
        if not isinstance(value, dict) or len(value) != 2 or "name" not in value or self.key not in value:
            return f'expected {{"name": ..., "{self.key}": {{...}}}}'
        name, arguments = value["name"], value[self.key]
        if not isinstance(name, str) or not name or not isinstance(arguments, dict):
            return f'"name" must be a string that is not empty, and "{self.key}" an object'
        return ToolCall(name, arguments)

    def mended(self, value: Json) -> tuple[tuple[ToolCall, ...], str] | None:
        """The calls that a JSON value of a nearly right shape means, and what was wrong with it."""
        values: Sequence[Json] = value if isinstance(value, list) else [value]
        calls = [call for call in map(_nearly, values) if call is not None]
        if not calls or len(calls) < len(values):
            return None
        return tuple(calls), f'read as {{"name": ..., "{self.key}": {{...}}}}'

    def _malformed(self, text: str, start: int, position: int, message: str, context: Context) -> Found | None:
        close = text.find(self.closer, start + len(self.opener))
        if close < 0 and not context.final:
            return None
        end = close + len(self.closer) if close >= 0 else len(text)
        if context.lenient:
            mended = mend_json(text[start + len(self.opener) : close if close >= 0 else len(text)])
            calls = self.mended(mended[0]) if mended else None
            if mended and calls:
                slips = [mended[1], "" if close >= 0 else f"a missing {self.closer}"]
                return Found(end, calls[0], repairs=(Repair(" and ".join(filter(None, slips)), start),))
        if close < 0:
            return unclosed(text, position, message)
        return Found(end, errors=(ParseIssue(message, position),), content=text[start:end])


def _nearly(value: Json) -> ToolCall | None:
    """A call under any of the usual keys, its arguments possibly a string of JSON, or absent."""
    if not isinstance(value, Mapping):
        return None
    inner = value.get("function")
    fields = inner if isinstance(inner, Mapping) else value
    name = fields.get("name")
    given = [fields[key] for key in ALIASES if key in fields]
    arguments = as_object(given[0]) if given else {}
    return ToolCall(name, arguments) if isinstance(name, str) and name and arguments is not None else None
