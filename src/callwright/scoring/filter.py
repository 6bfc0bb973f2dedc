"""The core of `callwright score`: one JSON line in, one result out, whatever the line holds.

A line is `{"id", "entry", "category"?, "text" | "calls", "format"?, "variant"?, "model"?, "underscore_to_dot"?}` and is
answered by `{"id", "valid", "error_type", "warnings"?}`; a key that nobody reads is named in a warning. `calls` is null
where nothing decodes, or a list of calls in OpenAI's notation, whose arguments may be JSON text; arguments that are
neither an object nor the text of one are the model's fault, and the checker's to judge. A line that cannot be
understood, or whose category is not its entry's, is answered by `{"id", "error"}`, and every other line gets its
answer. The caller brings the parser of formats other than BFCL's own.
"""

from collections.abc import Callable, Mapping, Sequence

from callwright.conversation import Tool, ToolCall
from callwright.errors import DataError, suggest
from callwright.jsonlines import JsonObject, answer_row, field
from callwright.notices import Notice, Notify, notify_unread
from callwright.openai import read_generated_calls
from callwright.scoring.categories import find_category
from callwright.scoring.checker import score_calls, score_text
from callwright.scoring.entry import BfclEntry, to_tools
from callwright.scoring.verdict import Verdict

Parse = Callable[[str, str | None, str | None, str, Sequence[Tool]], Sequence[ToolCall] | None]
"""(format, variant, model, text, tools) to calls; None if nothing decodes."""
_KEYS = frozenset({"id", "entry", "category", "text", "calls", "format", "variant", "model", "underscore_to_dot"})


def score_line(line: str, entries: Mapping[str, BfclEntry], parse: Parse) -> JsonObject:
    """The answer to one line; never raises on any line.

    Args:
      line: One JSON object.
      entries: BFCL's entries by id.
      parse: How text in a format other than `bfcl` becomes calls. May raise a CallwrightError, which becomes the
        answer's "error".
    """
    return answer_row(line, lambda row: _answer(row, entries, parse))


def _answer(row: JsonObject, entries: Mapping[str, BfclEntry], parse: Parse) -> JsonObject:
    notices: list[Notice] = []
    notify_unread(row, _KEYS, "", notices.append)
    verdict = _score(row, entries, parse, notices.append)
    warnings = {"warnings": list(map(str, notices))} if notices else {}
    return {"valid": verdict.valid, "error_type": verdict.error_type, **warnings}


def _score(row: JsonObject, entries: Mapping[str, BfclEntry], parse: Parse, notify: Notify) -> Verdict:
    entry = _entry(row, entries)
    undot = field(row, "underscore_to_dot", bool, False)
    if ("text" in row) == ("calls" in row):
        raise DataError("one of text and calls", "both" if "text" in row else "neither", "give exactly one")
    if "calls" in row:
        generated = None if row["calls"] is None else read_generated_calls(row["calls"], "calls", notify)
        return score_calls(entry, generated, underscore_to_dot=undot)
    text = field(row, "text", str)
    format_name, variant = field(row, "format", str, "bfcl"), field(row, "variant", str, None)
    if format_name == "bfcl" and not variant:
        return score_text(entry, text, underscore_to_dot=undot)
    tools = to_tools(entry, underscore_to_dot=undot)
    calls = parse(format_name, variant, field(row, "model", str, None), text, tools)
    return score_calls(entry, calls, underscore_to_dot=undot)


def _entry(row: JsonObject, entries: Mapping[str, BfclEntry]) -> BfclEntry:
    entry = entries.get(field(row, "entry", str))
    if entry is None:
        fix = suggest(row["entry"], entries, "use an id of the scored categories")
        raise DataError("the id of a BFCL entry", repr(row["entry"]), fix)
    category = field(row, "category", str, entry.category)
    if find_category(category).name != entry.category:
        raise DataError(f"{entry.category}, the category of entry {entry.id}", repr(category), "leave category out")
    return entry
