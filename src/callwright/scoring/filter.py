"""The core of `callwright score`: one JSON line in, one result out, whatever the line holds.

A line is `{"id", "entry", "category", "text" | "calls", "format"?, "underscore_to_dot"?}` and is answered by
`{"id", "valid", "error_type"}`; other keys are ignored. A line that cannot be understood is answered by
`{"id", "error"}`, and every other line gets its answer. The caller brings the parser of formats other than BFCL's own.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from callwright.conversation import Tool, ToolCall
from callwright.errors import DataError
from callwright.jsonlines import JsonObject, answer_row, field
from callwright.scoring.checker import score_calls, score_text
from callwright.scoring.entry import BfclEntry, to_tools
from callwright.scoring.verdict import Verdict

Parse = Callable[[str, str, Sequence[Tool]], Sequence[ToolCall] | None]
"""(format, text, tools) to calls; None if nothing decodes."""


def score_line(line: str, entries: Mapping[str, BfclEntry], parse: Parse) -> JsonObject:
    """The answer to one line; never raises on any line.

    Args:
      line: One JSON object.
      entries: BFCL's entries by id.
      parse: How text in a format other than `bfcl` becomes calls. May raise a CallwrightError, which becomes the
        answer's "error".
    """
    return answer_row(line, lambda row: _verdict(_score(row, entries, parse)))


def _verdict(verdict: Verdict) -> JsonObject:
    return {"valid": verdict.valid, "error_type": verdict.error_type}


def _score(row: JsonObject, entries: Mapping[str, BfclEntry], parse: Parse) -> Verdict:
    entry = _entry(row, entries)
    undot = field(row, "underscore_to_dot", bool, False)
    if ("text" in row) == ("calls" in row):
        raise DataError("one of text and calls", "both" if "text" in row else "neither", "give exactly one")
    if "calls" in row:
        return score_calls(entry, _calls(row["calls"]), underscore_to_dot=undot)
    text = field(row, "text", str)
    format_name = field(row, "format", str, "bfcl")
    if format_name == "bfcl":
        return score_text(entry, text, underscore_to_dot=undot)
    calls = parse(format_name, text, to_tools(entry, underscore_to_dot=undot))
    return score_calls(entry, calls, underscore_to_dot=undot)


def _entry(row: JsonObject, entries: Mapping[str, BfclEntry]) -> BfclEntry:
    entry = entries.get(field(row, "entry", str))
    if entry is None:
        raise DataError("the id of a BFCL entry", repr(row["entry"]), "use an id of the scored categories")
    return dataclasses.replace(entry, category=field(row, "category", str, entry.category))


def _calls(value: Any) -> list[ToolCall] | None:
    """Calls as a line gives them. Arguments that are not an object are the model's error, and left to the checker."""
    if value is None:
        return None
    if not isinstance(value, list):
        raise DataError("calls to be a list or null", type(value).__name__, "give a list of calls")
    for call in value:
        if not (isinstance(call, dict) and isinstance(call.get("name"), str) and "arguments" in call):
            raise DataError("each call to be {name, arguments}", f"{call!r:.80}", "give both")
    return [ToolCall(call["name"], call["arguments"]) for call in value]
