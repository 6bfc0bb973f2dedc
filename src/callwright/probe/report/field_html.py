"""A field of a comparison as HTML: what differs is marked, and what nobody sees is shown.

What is the same is left out where it is long. A control token is a `<kbd>`; text that only looks like one is text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from callwright.html.text import left_out, safe_text
from callwright.probe.report.diff import MODEL_OUTPUT, Field, Span, SpanKind, cut

_AROUND = 160
"""Characters of what is the same that are shown beside a difference."""
_TAGS: dict[SpanKind, str] = {"same": "", "word": "s", "character": "mark"}


@dataclass(frozen=True, slots=True)
class FieldDiff:
    """A field of a comparison, in HTML; `same` where both sides are, or where it is what the model generated."""

    name: str
    same: bool
    expected: Markup | None
    seen: Markup | None


def field_diff(field: Field, limit: int) -> FieldDiff:
    """The field, with about `limit` characters of each side at most."""
    same = not field.differs or (field.name == MODEL_OUTPUT and field.seen is None)
    around = _AROUND // 2 if same else _AROUND
    sides = (None if side is None else _spans(side, limit, around) for side in (field.expected, field.seen))
    return FieldDiff(field.name, same, *sides)


def _spans(side: Sequence[Span], limit: int, around: int) -> Markup:
    """One side of a comparison.

    Args:
      side: Its spans.
      limit: About how many characters are shown; what is left out is counted.
      around: How much of what is the same is shown at either end of it.
    """
    out: list[Markup] = []
    left = limit
    for same, run in groupby(side, key=lambda span: span.kind == "same"):
        part = list(run)
        length = sum(len(span.text) for span in part)
        most = min(left, 2 * around if same else left)
        head = length if length <= most + 40 else most - most // 2
        tail = 0 if head == length else most // 2
        out += map(_span, cut(part, 0, head))
        if head < length:
            hidden = length - head - tail
            noun = "character" if hidden == 1 else "characters"
            out.append(left_out(hidden, f"{noun} the same" if same else noun))
            out += map(_span, cut(part, length - tail)) if tail else ()
        left = max(left - head - tail, 2)
    return Markup("").join(out)


def _span(span: Span) -> Markup:
    shown = safe_text(span.text, also="\n\t " if span.kind == "character" else "\n\t")
    for tag in ("kbd" if span.control else "", _TAGS[span.kind]):
        shown = Markup(f"<{tag}>{shown}</{tag}>") if tag else shown  # noqa: S704 - our own tags around what is safe
    return shown
