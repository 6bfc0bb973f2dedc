"""Reading Mistral's calls: a JSON array (v3), or a name, perhaps an id, and JSON arguments (v11, v13).

No marker closes a call: it is closed when its JSON is. Where the JSON is broken, the call ends at the next marker of a
call or of the turn's end, or with the text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from callwright.conversation import Json, ToolCall
from callwright.formats.grammar import Context, Found, ParseIssue, Repair
from callwright.formats.jsontext import Unfinished, read_json
from callwright.formats.repair import mend_json
from callwright.formats.tagged import TaggedJson, skip_space

TOOL_CALLS, CALL_ID, ARGS, EOS = "[TOOL_CALLS]", "[CALL_ID]", "[ARGS]", "</s>"
ID = re.compile(r"[a-zA-Z0-9]{9}")
NAME = re.compile(r"[^\[{<\n]+")
"""A name that stands bare before a marker: nothing in it may look like a marker or like the JSON behind one."""

_END = re.compile("|".join(map(re.escape, (TOOL_CALLS, EOS))))
_SLOPPY = re.compile(
    r"\s*+(?P<name>[^\s\[{]++)\s*+(?P<id>\[CALL_ID\]\s*+(?P<identity>[^\s\[{]*+)\s*+)?(?P<args>\[ARGS\]\s*+)?(?=\{)"
)
_ARRAY = TaggedJson(TOOL_CALLS, "")


@dataclass(frozen=True, slots=True)
class CallArray:
    """Reads `[TOOL_CALLS][{"name": ..., "arguments": {...}, "id": "..."}, ...]`; the ids may be missing.

    Each call of the array stands for itself: what is broken or cut further on takes nothing from those before it.
    """

    def __call__(self, text: str, start: int, context: Context) -> Found | None:
        """See `grammar.Read`."""
        at = skip_space(text, start + len(TOOL_CALLS))
        reading = _Reading(text, start, context)
        if at == len(text):
            return reading.cut(at)
        if text[at] != "[" or text.startswith(TOOL_CALLS, at):
            return reading.malformed(at, "expected [ and a list of calls")
        while True:
            begin = skip_space(text, at + 1)
            if begin == len(text):
                return reading.cut(begin)
            if text[begin] != "{":
                return reading.malformed(begin, "expected a call as a JSON object")
            try:
                value, stop = read_json(text, begin)
            except Unfinished as error:
                return reading.cut(begin, str(error))
            except ValueError as error:
                return reading.malformed(begin, f"not JSON: {error}")
            wrong = reading.take(value, begin)
            if wrong:
                return reading.malformed(begin, wrong)
            at = skip_space(text, stop)
            if at == len(text):
                return reading.cut(at)
            if text[at] == "]":
                return reading.closed(at + 1)
            if text[at] != ",":
                return reading.malformed(at, "expected , or ] after a call")


@dataclass(frozen=True, slots=True)
class NamedCall:
    """Reads `[TOOL_CALLS]name[ARGS]{...}`, with `[CALL_ID]id` after the name where the variant has `ids`."""

    ids: bool

    def __call__(self, text: str, start: int, context: Context) -> Found | None:
        """See `grammar.Read`."""
        reading = _Reading(text, start, context)
        at = start + len(TOOL_CALLS)
        name, at = _word(text, at)
        identity: str | None = None
        for marker in (CALL_ID, ARGS) if self.ids else (ARGS,):
            came = text[at : at + len(marker)]
            if came == marker:
                at += len(marker)
                if marker == CALL_ID:
                    identity, at = _word(text, at)
            elif at + len(came) == len(text) and marker.startswith(came):
                return reading.cut(at)
            elif marker == ARGS:
                return reading.malformed(at, f"expected {ARGS} and the arguments after the name")
        if not name:
            return reading.malformed(start + len(TOOL_CALLS), "the call has no name")
        begin = skip_space(text, at)
        if begin == len(text):
            return reading.cut(begin)
        if text[begin] != "{":
            return reading.malformed(begin, "the arguments must be a JSON object")
        try:
            arguments, stop = read_json(text, begin)
        except Unfinished as error:
            return reading.cut(begin, str(error))
        except ValueError as error:
            return reading.malformed(begin, f"not JSON: {error}")
        fields: dict[str, Json] = {"name": name, "arguments": arguments}
        reading.take(fields if identity is None else fields | {"id": identity}, start)
        return reading.closed(stop)


class _Reading:
    """What one region has given so far, and the ways in which it can end."""

    def __init__(self, text: str, start: int, context: Context) -> None:
        self._text, self._start, self._context = text, start, context
        self._calls: list[ToolCall] = []
        self._errors: list[ParseIssue] = []

    def take(self, value: Json, position: int) -> str:
        """Takes a call; says what is wrong if it is none."""
        if not isinstance(value, Mapping) or set(value) - {"id"} != {"name", "arguments"}:
            return 'expected {"name": ..., "arguments": {...}}, and perhaps "id"'
        name, arguments, identity = value["name"], value["arguments"], value.get("id")
        if not isinstance(name, str) or not name or not isinstance(arguments, Mapping):
            return '"name" must be a string that is not empty, and "arguments" an object'
        if "id" in value and not (isinstance(identity, str) and ID.fullmatch(identity)):
            self._errors.append(ParseIssue("the id of the call is not nine letters and digits", position))
        self._calls.append(
            ToolCall(name, dict(arguments), identity if isinstance(identity, str) and identity else None)
        )
        return ""

    def closed(self, end: int) -> Found:
        """The region ended as it should."""
        return Found(end, tuple(self._calls), tuple(self._errors))

    def cut(self, position: int, reason: str = "") -> Found | None:
        """The text ends inside the region: more must come, or the last call is none."""
        if not self._context.final:
            return None
        message = "the call is never closed" + (f" ({reason})" if reason else "")
        errors = (*self._errors, ParseIssue(message, position))
        return self._mended(len(self._text)) or Found(len(self._text), tuple(self._calls), errors, closed=False)

    def malformed(self, position: int, message: str) -> Found | None:
        """The region is broken here: what follows the calls before it stays as content, to the region's end."""
        ended = _END.search(self._text, position)
        if ended is None and not self._context.final:
            return None
        end = ended.start() if ended else len(self._text)
        mended = self._mended(end)
        if mended is not None:
            return mended
        raw = self._text[position if self._calls else self._start : end]
        return Found(end, tuple(self._calls), (*self._errors, ParseIssue(message, position)), content=raw)

    def _mended(self, end: int) -> Found | None:
        """The region with its slips repaired, if the caller wants that and it is certain what was meant."""
        if not self._context.lenient:
            return None
        body = self._text[self._start + len(TOOL_CALLS) : end]
        mended = _sloppy_call(body) or _sloppy_array(body)
        if mended is None:
            return None
        return Found(end, mended[0], repairs=(Repair(mended[1], self._start),))


def _word(text: str, start: int) -> tuple[str, int]:
    match = NAME.match(text, start)
    return (match.group(), match.end()) if match else ("", start)


def _sloppy_call(body: str) -> tuple[tuple[ToolCall, ...], str] | None:
    """A name and an object with or without the markers between them."""
    match = _SLOPPY.match(body)
    mended = mend_json(body[match.end() :]) if match else None
    if match is None or mended is None or not isinstance(mended[0], Mapping):
        return None
    slips = [mended[1], "" if match["args"] else f"a missing {ARGS}", f"an unexpected {CALL_ID}" if match["id"] else ""]
    call = ToolCall(match["name"], dict(mended[0]), match["identity"] or None)
    return (call,), " and ".join(filter(None, slips)) or "white space or markers out of place"


def _sloppy_array(body: str) -> tuple[tuple[ToolCall, ...], str] | None:
    """A list of calls, or one, under any of the usual keys."""
    mended = mend_json(body)
    found = _ARRAY.mended(mended[0]) if mended else None
    if mended is None or found is None:
        return None
    return found[0], " and ".join(filter(None, (mended[1], "calls read as a JSON list")))
