"""Calls, how an output ends, and values, as people read them."""

import json
from collections.abc import Container, Sequence
from typing import Any

from callwright.evaluation.row import EvaluationRow, RowCall
from callwright.evaluation.statistics import asks_for_silence
from callwright.formats.grammar import NEVER_CLOSED
from callwright.html.numbers import count, value

_TOO_DEEP = "… nested too deeply to show …"


def calls_text(calls: Sequence[RowCall] | None) -> str:
    """The calls, one a line, as `f(a=1, b="x")`; "" where there are none."""
    return "\n".join(
        f"{call.name}({', '.join(f'{key}={json_text(value)}' for key, value in call.arguments.items())})"
        for call in calls or ()
    )


def expected_text(row: EvaluationRow) -> str:
    """The calls that answer the entry, or what is asked of it where the benchmark names none."""
    if row.expected:
        return calls_text(row.expected)
    if asks_for_silence(row.category) or row.category == "no_tool":
        return "no call: none of the tools fits"
    if row.category == "missing":
        return "no call: a required value is missing"
    return "a call; the benchmark does not say which" if row.category.endswith("relevance") else "no call"


def ending(row: EvaluationRow) -> str:
    """Where the output ends too early, in a sentence; "" where it is whole."""
    inside_call = any(issue.message.startswith(NEVER_CLOSED) for issue in row.parse_errors)
    cut = {"length": "Cut by the token limit", "loop": "Cut because it repeats itself"}.get(row.finish_reason or "")
    if cut:
        return f"{cut}, inside a call." if inside_call else f"{cut}."
    if row.complete:
        return ""
    return "Ends inside a call." if inside_call else "Ends inside a thought."


def json_text(value: Any) -> str:
    """A JSON value as JSON; one that is nested too deeply is said to be."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return _TOO_DEEP


def fact(thing: Any) -> str:
    """A value of a stage's summary."""
    if isinstance(thing, bool) or thing is None or isinstance(thing, str):
        return {True: "yes", False: "no", None: "–"}.get(thing, str(thing))  # type: ignore[arg-type]
    if isinstance(thing, int):
        return count(thing)
    if isinstance(thing, float):
        return value(thing)
    if isinstance(thing, dict):
        return ", ".join(f"{fact_name(key)}: {_nested(inner)}" for key, inner in thing.items()) or "none"
    return ", ".join(map(_nested, thing)) or "none"


def fact_name(key: str) -> str:
    """What a value of a stage's summary is called; a sentence, as warnings are, is left as it is."""
    return key.replace("_", " ") if key.isidentifier() else key


def _nested(thing: Any) -> str:
    try:
        return f"({fact(thing)})" if isinstance(thing, dict | list) else fact(thing)
    except RecursionError:
        return _TOO_DEEP


def columns(rows: Sequence[Sequence[str]], *, left: Container[int] = (0,)) -> list[str]:
    """The rows of a table as lines, two spaces between columns.

    Args:
      rows: Cells; every row has as many.
      left: The columns whose cells begin at the left; the others end at the right.
    """
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if number in left else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
