"""Calls and values as people read them."""

import json
from collections.abc import Sequence
from typing import Any

from callwright.evaluation.row import RowCall
from callwright.html.numbers import count, value


def calls_text(calls: Sequence[RowCall] | None) -> str:
    """The calls, one a line, as `f(a=1, b="x")`; "" where there are none."""
    return "\n".join(
        f"{call.name}({', '.join(f'{key}={_literal(value)}' for key, value in call.arguments.items())})"
        for call in calls or ()
    )


def _literal(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "… nested too deeply to show …"


def fact(thing: Any) -> str:
    """A value of a stage's summary."""
    if isinstance(thing, bool) or thing is None or isinstance(thing, str):
        return {True: "yes", False: "no", None: "–"}.get(thing, str(thing))  # type: ignore[arg-type]
    if isinstance(thing, int):
        return count(thing)
    return value(thing) if isinstance(thing, float) else _literal(thing)
