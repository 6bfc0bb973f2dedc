"""Which tool was called where which one was expected, as a matrix in one SVG picture.

A row is an expected tool, a column a called one; the deeper its color, the larger a cell's share of its row. The
picture has a size of its own, so that numbers and names stay readable with 2 tools and with 30, and the page scrolls it
where it does not fit. Each cell says what it counts when the pointer rests on it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from callwright.invisible import visible

NONE = "none"
"""What stands for no call."""
OTHERS = "other tools"
_MOST_TOOLS = 30
_MOST_FURTHER = 5
"""Columns of tools that were called and never expected, at least."""
_MOST_LETTERS = 28
_LETTER = 7.3
"""The width of a letter of a name, in pixels, at most."""
_SLOPE = 0.71
"""The names of columns rise by 45 degrees."""
_CAPTION = "expected ↓ called →"
Counts = Mapping[str, Mapping[str, int]]
"""Expected tool to called tool to how often."""


def confusion_matrix(counts: Counts) -> Markup:
    """The picture; of more than 30 tools the most frequent have lines of their own.

    Args:
      counts: What it shows; `none` is no call.
    """
    expected = Counter({name: sum(line.values()) for name, line in counts.items()})
    called = Counter[str]()
    for line in counts.values():
        called.update(line)
    rows = _heaviest(expected, _MOST_TOOLS)
    further = Counter({name: number for name, number in called.items() if name not in rows})
    columns = [*rows, *_heaviest(further, max(_MOST_TOOLS - len(rows), _MOST_FURTHER))]
    rows += [*([OTHERS] if expected.keys() - {NONE, *rows} else ()), NONE]
    columns += [*([OTHERS] if called.keys() - {NONE, *columns} else ()), NONE]
    return _drawn(_merged(counts, rows, columns), rows, columns)


def _heaviest(weights: Counter[str], most: int) -> list[str]:
    """The tools of the largest weights, in the order in which they were counted."""
    tools = Counter({name: number for name, number in weights.items() if name != NONE})
    kept = {name for name, _ in tools.most_common(most)}
    return [name for name in tools if name in kept]


def _merged(counts: Counts, rows: Sequence[str], columns: Sequence[str]) -> dict[str, Counter[str]]:
    merged: dict[str, Counter[str]] = {name: Counter() for name in rows}
    for expected, line in counts.items():
        for called, number in line.items():
            merged[expected if expected in rows else OTHERS][called if called in columns else OTHERS] += number
    return merged


def _drawn(cells: Mapping[str, Counter[str]], rows: Sequence[str], columns: Sequence[str]) -> Markup:
    size = 44 if len(columns) <= 8 else 34 if len(columns) <= 16 else 22
    left = 14 + _LETTER * max(len(_label(name)) for name in (_CAPTION, *rows))
    reach = [_SLOPE * _LETTER * len(_label(name)) for name in columns]
    rise = 14 + max(reach)
    width = max(left + size * (number + 0.5) + length for number, length in enumerate(reach)) + 10
    height = rise + size * len(rows) + 2
    parts = [Markup('<text class="end axis" x="{}" y="{}">{}</text>').format(_px(left - 8), _px(rise - 9), _CAPTION)]
    for number, name in enumerate(columns):
        parts.append(
            Markup('<text x="{x}" y="{y}" transform="rotate(-45 {x} {y})"><title>{whole}</title>{label}</text>').format(
                x=_px(left + size * (number + 0.5)), y=_px(rise - 7), whole=visible(name), label=_label(name)
            )
        )
    for number, name in enumerate(rows):
        parts.append(
            Markup('<text class="end" x="{}" y="{}" dy=".35em"><title>{}</title>{}</text>').format(
                _px(left - 8), _px(rise + size * (number + 0.5)), visible(name), _label(name)
            )
        )
        total = cells[name].total()
        for place, column in enumerate(columns):
            corner = (left + size * place, rise + size * number)
            parts.append(_cell(name, column, cells[name][column], total, corner, size))
    return Markup(
        '<svg class="matrix" role="img" aria-label="Expected tool by called tool" width="{}" height="{}">{}</svg>'
    ).format(_px(max(width, left + size * len(columns) + 2)), _px(height), Markup("").join(parts))


def _cell(row: str, column: str, number: int, total: int, corner: tuple[float, float], size: int) -> Markup:
    x, y = corner
    share = number / total if total else 0.0
    kind = "miss" if row != column else "mixed" if row == OTHERS else "hit"
    fill = Markup(' class="{}" fill-opacity="{:.2f}"').format(kind, 0.12 + 0.88 * share) if number else ""
    text = Markup('<text class="{}" x="{}" y="{}" dy=".35em">{}</text>').format(
        "number deep" if share > 0.5 else "number", _px(x + size / 2), _px(y + size / 2), number
    )
    return Markup('<g><title>{}</title><rect{} x="{}" y="{}" width="{}" height="{}" rx="3"/>{}</g>').format(
        f"expected {visible(row)}, called {visible(column)}: {number:,} of {total:,}",
        fill,
        _px(x + 1),
        _px(y + 1),
        size - 2,
        size - 2,
        text if number else "",
    )


def _label(name: str) -> str:
    """The name as it fits beside the matrix; of a longer one the middle is left out."""
    shown = visible(name)
    if len(shown) <= _MOST_LETTERS:
        return shown
    return f"{shown[: _MOST_LETTERS // 2]}…{shown[1 - _MOST_LETTERS // 2 :]}"


def _px(length: float) -> str:
    return f"{length:.1f}".removesuffix(".0")
