"""Reading Mistral's calls: a JSON array (v3), or a name, perhaps an id, and JSON arguments (v11, v13).

No marker closes a call: it is closed when its JSON is. Where the JSON is broken, the call ends at the next marker of a
call or of the turn's end, or with the text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from callwright.conversation import Json, ToolCall
from callwright.formats.grammar import ParseContext, ParsedRegion, ParseIssue, Repair, skip_space
from callwright.formats.jsontext import Unfinished, read_json
from callwright.formats.repair import repair_json
from callwright.formats.tagged import TaggedJson

TOOL_CALLS, CALL_ID, ARGS, EOS = "[TOOL_CALLS]", "[CALL_ID]", "[ARGS]", "</s>"
ID = re.compile(r"[a-zA-Z0-9]{9}")
NAME = re.compile(r"[^\[{<\n]+")
"""A name that stands bare before a marker: nothing in it may look like a marker or like the JSON behind one."""

_END = re.compile("|".join(map(re.escape, (TOOL_CALLS, EOS))))
_LENIENT_CALL = re.compile(
    r"\s*+(?P<name>[^\s\[{]++)\s*+(?P<id>\[CALL_ID\]\s*+(?P<call_id>[^\s\[{]*+)\s*+)?(?P<args>\[ARGS\]\s*+)?(?=\{)"
)
_ARRAY = TaggedJson(TOOL_CALLS, "")


@dataclass(frozen=True, slots=True)
class CallArray:
    """Reads `[TOOL_CALLS][{"name": ..., "arguments": {...}, "id": "..."}, ...]`; the ids may be missing.

    Each call of the array stands for itself: what is broken or cut further on takes nothing from those before it.
    """

    def __call__(self, text: str, start: int, context: ParseContext) -> ParsedRegion | None:
        """See `grammar.RegionReader`."""
        at = skip_space(text, start + len(TOOL_CALLS))
        region = _RegionBuilder(text, start, context)
        if at == len(text):
            return region.cut(at)
        if text[at] != "[" or text.startswith(TOOL_CALLS, at):
            return region.malformed(at, "expected [ and a list of calls")
        while True:
            begin = skip_space(text, at + 1)
            if begin == len(text):
                return region.cut(begin)
            if text[begin] != "{":
                return region.malformed(begin, "expected a call as a JSON object")
            try:
                value, stop = read_json(text, begin)
            except Unfinished as error:
                return region.cut(begin, str(error))
            except ValueError as error:
                return region.malformed(begin, f"not JSON: {error}")
            wrong = region.add_call(value, begin)
            if wrong:
                return region.malformed(begin, wrong)
            at = skip_space(text, stop)
            if at == len(text):
                return region.cut(at)
            if text[at] == "]":
                return region.closed(at + 1)
            if text[at] != ",":
                return region.malformed(at, "expected , or ] after a call")


@dataclass(frozen=True, slots=True)
class NamedCall:
    """Reads `[TOOL_CALLS]name[ARGS]{...}`, with `[CALL_ID]id` after the name where the variant has `ids`."""

    ids: bool

    def __call__(self, text: str, start: int, context: ParseContext) -> ParsedRegion | None:
        """See `grammar.RegionReader`."""
        region = _RegionBuilder(text, start, context)
        at = start + len(TOOL_CALLS)
        name, at = _word(text, at)
        call_id: str | None = None
        for marker in (CALL_ID, ARGS) if self.ids else (ARGS,):
            got = text[at : at + len(marker)]
            if got == marker:
                at += len(marker)
                if marker == CALL_ID:
                    call_id, at = _word(text, at)
            elif at + len(got) == len(text) and marker.startswith(got):
                return region.cut(at)
            elif marker == ARGS:
                return region.malformed(at, f"expected {ARGS} and the arguments after the name")
        if not name:
            return region.malformed(start + len(TOOL_CALLS), "the call has no name")
        begin = skip_space(text, at)
        if begin == len(text):
            return region.cut(begin)
        if text[begin] != "{":
            return region.malformed(begin, "the arguments must be a JSON object")
        try:
            arguments, stop = read_json(text, begin)
        except Unfinished as error:
            return region.cut(begin, str(error))
        except ValueError as error:
            return region.malformed(begin, f"not JSON: {error}")
        fields: dict[str, Json] = {"name": name, "arguments": arguments}
        region.add_call(fields if call_id is None else fields | {"id": call_id}, start)
        return region.closed(stop)


class _RegionBuilder:
    """What one region has given so far, and the ways in which it can end."""

    def __init__(self, text: str, start: int, context: ParseContext) -> None:
        self._text, self._start, self._context = text, start, context
        self._calls: list[ToolCall] = []
        self._errors: list[ParseIssue] = []

    def add_call(self, value: Json, position: int) -> str:
        """Takes a call; says what is wrong if it is none."""
        if not isinstance(value, Mapping) or set(value) - {"id"} != {"name", "arguments"}:
            return 'expected {"name": ..., "arguments": {...}}, and perhaps "id"'
        name, arguments, call_id = value["name"], value["arguments"], value.get("id")
        if not isinstance(name, str) or not name or not isinstance(arguments, Mapping):
            return '"name" must be a string that is not empty, and "arguments" an object'
        if "id" in value and not (isinstance(call_id, str) and ID.fullmatch(call_id)):
            self._errors.append(ParseIssue("the id of the call is not nine letters and digits", position))
        self._calls.append(ToolCall(name, dict(arguments), call_id if isinstance(call_id, str) and call_id else None))
        return ""

    def closed(self, end: int) -> ParsedRegion:
        """The region ended as it should."""
        return ParsedRegion(end, tuple(self._calls), tuple(self._errors))

    def cut(self, position: int, reason: str = "") -> ParsedRegion | None:
        """The text ends inside the region: more must come, or the last call is none."""
        if not self._context.final:
            return None
        message = "the call is never closed" + (f" ({reason})" if reason else "")
        errors = (*self._errors, ParseIssue(message, position))
        return self._repaired(len(self._text)) or ParsedRegion(
            len(self._text), tuple(self._calls), errors, closed=False
        )

    def malformed(self, position: int, message: str) -> ParsedRegion | None:
        """The region is broken here: what follows the calls before it stays as content, to the region's end."""
        ended = _END.search(self._text, position)
        if ended is None and not self._context.final:
            return None
        end = ended.start() if ended else len(self._text)
        repaired = self._repaired(end)
        if repaired is not None:
            return repaired
        raw = self._text[position if self._calls else self._start : end]
        return ParsedRegion(end, tuple(self._calls), (*self._errors, ParseIssue(message, position)), content=raw)

    def _repaired(self, end: int) -> ParsedRegion | None:
        """The region with its fixes repaired, if the caller wants that and it is certain what was meant."""
        if not self._context.lenient:
            return None
        body = self._text[self._start + len(TOOL_CALLS) : end]
        repaired = _lenient_call(body) or _lenient_array(body)
        if repaired is None:
            return None
        return ParsedRegion(end, repaired[0], repairs=(Repair(repaired[1], self._start),))


def _word(text: str, start: int) -> tuple[str, int]:
    match = NAME.match(text, start)
    return (match.group(), match.end()) if match else ("", start)


def _lenient_call(body: str) -> tuple[tuple[ToolCall, ...], str] | None:
    """A name and an object with or without the markers between them."""
    match = _LENIENT_CALL.match(body)
    repaired = repair_json(body[match.end() :]) if match else None
    if match is None or repaired is None or not isinstance(repaired[0], Mapping):
        return None
    fixes = [
        repaired[1],
        "" if match["args"] else f"a missing {ARGS}",
        f"an unexpected {CALL_ID}" if match["id"] else "",
    ]
    call = ToolCall(match["name"], dict(repaired[0]), match["call_id"] or None)
    return (call,), " and ".join(filter(None, fixes)) or "white space or markers out of place"


def _lenient_array(body: str) -> tuple[tuple[ToolCall, ...], str] | None:
    """A list of calls, or one, under any of the usual keys."""
    repaired = repair_json(body)
    found = _ARRAY.repaired_calls(repaired[0]) if repaired else None
    if repaired is None or found is None:
        return None
    return found[0], " and ".join(filter(None, (repaired[1], "calls read as a JSON list")))
