"""Reading Mistral's calls: a JSON array (v3), or a name, perhaps an id, and JSON arguments (v11, v13).

No marker closes a call: it is closed when its JSON is. Where the JSON is broken, the call ends at the next marker of a
call or of the turn's end, or with the text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from callwright.conversation import Json, ToolCall
from callwright.formats.call_objects import read_arguments, read_calls
from callwright.formats.grammar import (
    ParseContext,
    ParsedRegion,
    ParseIssue,
    Repair,
    Unfinished,
    never_closed,
    skip_space,
)
from callwright.formats.jsontext import read_json
from callwright.formats.repair import LenientReader, in_words

TOOL_CALLS, CALL_ID, ARGS, EOS = "[TOOL_CALLS]", "[CALL_ID]", "[ARGS]", "</s>"
ID = re.compile(r"[a-zA-Z0-9]{9}")
NAME = re.compile(r"[^\[{<\n]+")
"""A name that stands bare before a marker: nothing in it may look like a marker or like the JSON behind one."""

_END = re.compile("|".join(map(re.escape, (TOOL_CALLS, EOS))))
_LENIENT_NAME = re.compile(
    r"\s*+(?P<name>[^\s\[{<\"'`]++)\s*+(?P<id>\[CALL_ID\]\s*+(?P<call_id>[^\s\[{<]*+)\s*+)?(?P<args>\[ARGS\]\s*+)?"
)


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

    def repair(self, text: str, start: int, context: ParseContext, found: ParsedRegion) -> ParsedRegion | None:
        """See `grammar.RegionRepairer`."""
        if _may_stay(text, context, found):
            return None
        return _named_call(text, start, context, "a name instead of a list") or _objects(text, start, context)


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

    def repair(self, text: str, start: int, context: ParseContext, found: ParsedRegion) -> ParsedRegion | None:
        """See `grammar.RegionRepairer`."""
        if _may_stay(text, context, found):
            return None
        unexpected = "" if self.ids else f"an unexpected {CALL_ID}"
        named = _named_call(text, start, context, "", unexpected)
        return named or _objects(text, start, context, "calls as JSON objects")


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
        errors = (*self._errors, never_closed(position, reason))
        return ParsedRegion(len(self._text), tuple(self._calls), errors, closed=False)

    def malformed(self, position: int, message: str) -> ParsedRegion | None:
        """The region is broken here: what follows the calls before it stays as content, to the region's end."""
        ended = _END.search(self._text, position)
        if ended is None and not self._context.final:
            return None
        end = ended.start() if ended else len(self._text)
        raw = self._text[position if self._calls else self._start : end]
        return ParsedRegion(end, tuple(self._calls), (*self._errors, ParseIssue(message, position)), content=raw)


def _word(text: str, start: int) -> tuple[str, int]:
    match = NAME.match(text, start)
    return (match.group(), match.end()) if match else ("", start)


def _may_stay(text: str, context: ParseContext, found: ParsedRegion) -> bool:
    """Whether a region is right, and no bracket follows that closes nothing."""
    if not found.right:
        return False
    if found.end == len(text) and not context.final:
        raise Unfinished("a bracket may follow")
    return text[found.end : found.end + 1] not in ("}", "]")


def _named_call(text: str, start: int, context: ParseContext, known: str, unexpected: str = "") -> ParsedRegion | None:
    """A name and an object with or without the markers between them; `known` and `unexpected` are said beside it."""
    match = _LENIENT_NAME.match(text, start + len(TOOL_CALLS))
    if match is None:
        return None
    reader = LenientReader(text, match.end(), context, opener=TOOL_CALLS)
    if not match["args"]:
        reader.repairs.append(f"a missing {ARGS}")
        if not text.startswith("{", match.end()):
            return None
    reader.repairs += filter(None, [known, unexpected if match["id"] else ""])
    values: list[Json] = [None] if reader.at_end() else reader.values()
    arguments = read_arguments(values[0], reader.repairs) if len(values) == 1 else None
    if arguments is None:
        return None
    if not reader.repairs:
        reader.repairs.append("white space out of place")
    return _region(reader, start, ToolCall(match["name"], arguments, match["call_id"] or None))


def _objects(text: str, start: int, context: ParseContext, known: str = "") -> ParsedRegion | None:
    """A list of calls, or several, under any of the usual keys; in v3, where nothing is `known`, a list is right."""
    reader = LenientReader(text, start + len(TOOL_CALLS), context, opener=TOOL_CALLS)
    reader.repairs += filter(None, [known])
    return _region(reader, start, *read_calls(reader, "arguments", with_ids=True, listed=True))


def _region(reader: LenientReader, start: int, *calls: ToolCall) -> ParsedRegion | None:
    if not calls or not reader.repairs:
        return None
    return ParsedRegion(reader.at, calls, repairs=(Repair(in_words(reader.repairs), start),))
