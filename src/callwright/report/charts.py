"""The two charts of the report, as SVG that stretches with the page.

An interval bar is one accuracy with its interval on a line from 0 to 100%. A curve is one metric over a stage: what was
measured, thin, and its running mean, thick. Text stays outside the SVG, in HTML, so that it keeps its size on a narrow
screen. Colors come from the page's style sheet, for dark and light.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

Points = Sequence[tuple[int, float | None]]
_MOST_POINTS = 300


def interval_bar(accuracy: float | None, low: float, high: float) -> Markup:
    """One accuracy between 0 and 1 and its interval."""
    ticks = Markup("").join(
        Markup('<line class="tick" x1="{0}%" x2="{0}%" y1="0" y2="100%"/>').format(x) for x in (0, 25, 50, 75, 100)
    )
    if accuracy is None:
        return Markup('<svg class="strip" aria-hidden="true">{}</svg>').format(ticks)
    return Markup(
        '<svg class="strip" role="img" aria-label="{a:.1f}%, 95% interval {low:.1f} to {high:.1f}">{ticks}'
        '<line class="whisker" x1="{low:.2f}%" x2="{high:.2f}%" y1="50%" y2="50%"/>'
        '<circle class="dot" cx="{a:.2f}%" cy="50%" r="4.5"/></svg>'
    ).format(a=100 * accuracy, low=100 * low, high=100 * high, ticks=ticks)


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric's chart and the numbers written around it."""

    svg: Markup
    top: float
    bottom: float
    first_step: int
    last_step: int
    first: float | None
    last: float | None
    measured: int
    not_finite: int


def curve(points: Points) -> Curve | None:
    """The course of a metric; None when it holds no finite value."""
    values = [v for _, v in points if v is not None]
    if not values:
        return None
    bottom, top = min(values), max(values)
    if 0 <= bottom < top / 2:
        bottom = 0.0  # a quantity that falls towards zero is read against zero
    steps = [s for s, _ in points]
    x0, x1 = min(steps), max(steps)

    def place(step: int, v: float) -> str:
        x = 50.0 if x0 == x1 else 100 * (step - x0) / (x1 - x0)
        y = 50.0 if bottom == top else 100 - 100 * (v - bottom) / (top - bottom)
        return f"{x:.2f} {y:.2f}"

    def path(course: Points) -> str:
        parts, gap = [], True
        for step, v in course:
            if v is not None:
                parts.append(f"{'M' if gap else 'L'}{place(step, v)}")
            gap = v is None
        return "".join(parts) + ("h0" if len(parts) == 1 else "")  # a lone point becomes a dot by its round cap

    raw, mean = _thinned(points), _thinned(_running_mean(points))
    few = len(values) < 8
    svg = Markup(
        '<svg class="curve" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="grid" d="M0 0H100M0 50H100M0 100H100"/>'
        '<path class="raw" d="{}"/><path class="mean" d="{}"/></svg>'
    ).format(path(raw), path(raw if few else mean))
    return Curve(svg, top, bottom, x0, x1, points[0][1], points[-1][1], len(points), len(points) - len(values))


def _running_mean(points: Points) -> list[tuple[int, float | None]]:
    """The mean over a tenth of the course around each point; narrower towards the ends, so that no slope is moved."""
    widest = max(1, len(points) // 20)
    smooth: list[tuple[int, float | None]] = []
    for i, (step, v) in enumerate(points):
        reach = min(i, len(points) - 1 - i, widest)
        near = [w for _, w in points[i - reach : i + reach + 1] if w is not None]
        smooth.append((step, None if v is None else sum(near) / len(near)))
    return smooth


def _thinned(points: Points) -> Points:
    """At most `_MOST_POINTS`: of each stretch its lowest and highest value, so that no spike is lost."""
    if len(points) <= _MOST_POINTS:
        return points
    stretch = math.ceil(2 * len(points) / _MOST_POINTS)
    kept: list[tuple[int, float | None]] = []
    for start in range(0, len(points), stretch):
        piece = points[start : start + stretch]
        finite = [p for p in piece if p[1] is not None]
        if len(finite) < len(piece):
            kept.append((piece[0][0], None))
        if finite:
            kept += sorted({min(finite, key=lambda p: p[1] or 0.0), max(finite, key=lambda p: p[1] or 0.0)})
    return kept
