"""Numbers in words, and hostile text made visible.

What a model said can hold anything: tags, control characters, characters that reverse the line or cannot be seen. All
of it is shown, none of it acts: HTML is escaped, and every character that has no shape of its own is replaced by a mark
that names it. Line breaks and tabs stay what they are.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from markupsafe import Markup, escape

from callwright.shapeless import character_name, is_shapeless

_MOST_GROWTH = 4
"""A text may grow by this factor when it is made visible; one that grows more is cut shorter."""


def _marks(run: str) -> Markup:
    """One mark for each shapeless character; a repeated one is counted instead."""
    labels = []
    for character, repeats in groupby(run):
        count = len(list(repeats))
        labels += [character_name(character)] * count if count < 4 else [f"{character_name(character)} ×{count:,}"]
    return Markup("").join(Markup("<i>{}</i>").format(label) for label in labels)


def _show(text: str) -> Markup:
    runs = ((shapeless, "".join(run)) for shapeless, run in groupby(text, key=is_shapeless))
    return Markup("").join(_marks(run) if shapeless else escape(run) for shapeless, run in runs)


def visible(text: str, limit: int) -> Markup:
    """Safe HTML for the text; of one longer than `limit` characters the middle is left out, and counted."""
    shown, budget = _cut(text, limit), limit
    while len(shown) > _MOST_GROWTH * limit and budget > 16:
        budget //= 2
        shown = _cut(text, budget)
    return shown


def _cut(text: str, limit: int) -> Markup:
    if len(text) <= limit:
        return _show(text)
    head, tail = limit * 3 // 4, limit // 4
    left_out = Markup("<b>… {:,} characters left out …</b>").format(len(text) - head - tail)
    return _show(text[:head]) + left_out + _show(text[len(text) - tail :])


def call_text(name: str, arguments: Mapping[str, Any]) -> str:
    """A call as one reads it: `f(a=1, b="x")`."""
    return f"{name}({', '.join(f'{key}={_literal(value)}' for key, value in arguments.items())})"


def gold_text(expected: Sequence[Any]) -> str:
    """BFCL's gold calls, one a line: alternatives with `|`, and `?` after a parameter that may be left out."""
    if not expected:
        return "no call: none of the tools fits"
    return "\n".join(_gold_call(call) if isinstance(call, dict) else _literal(call) for call in expected)


def _gold_call(call: Mapping[str, Any]) -> str:
    parts = []
    for name, parameters in call.items():
        shown = parameters.items() if isinstance(parameters, dict) else ()
        parts.append(f"{name}({', '.join(_gold_parameter(key, value) for key, value in shown)})")
    return "; ".join(parts)


def _gold_parameter(name: str, values: Any) -> str:
    if not isinstance(values, list):
        return f"{name}={_literal(values)}"
    said = " | ".join(_literal(value) for value in values if value != "")
    return f"{name}{'?' if '' in values else ''}={said or _literal('')}"


def _literal(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "… nested too deeply to show …"


def percent(share: float | None) -> str:
    """A share in percent with one decimal."""
    return "–" if share is None else f"{100 * share:.1f}%"


def interval(low: float, high: float) -> str:
    """Both ends of an interval, in percent without the sign."""
    return f"{100 * low:.1f}–{100 * high:.1f}"


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def size(count: int | None) -> str:
    """Bytes in MB or GB (powers of ten)."""
    if count is None:
        return "–"
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def p_value(p: float) -> str:
    """A p-value with as many digits as mean something."""
    if p < 0.001:
        return "< 0.001"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def value(number: float | None) -> str:
    """A measured value in three significant digits."""
    return "not finite" if number is None else f"{number:.3g}"


def count(number: int) -> str:
    """A whole number with separators."""
    return f"{number:,}"


def fact(thing: Any) -> str:
    """A value of a stage's summary."""
    if isinstance(thing, bool) or thing is None or isinstance(thing, str):
        return {True: "yes", False: "no", None: "–"}.get(thing, str(thing))  # type: ignore[arg-type]
    if isinstance(thing, int):
        return count(thing)
    return value(thing) if isinstance(thing, float) else _literal(thing)


FILTERS: dict[str, Callable[..., str]] = {
    f.__name__: f for f in (count, duration, fact, gold_text, interval, p_value, percent, size, value)
}
"""What the template may call."""
