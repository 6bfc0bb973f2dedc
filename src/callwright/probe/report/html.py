"""The score card as one HTML file that opens offline: each fault with what was expected and what was seen.

The script of the page only filters and copies; without it everything is there. What was faithful is a line. What a
field may take is limited, and the more faults there are, the less each takes. In a comparison what differs is marked,
what nobody sees is shown, and what is the same is left out where it is long. A control token is a `<kbd>`; text that
only looks like one is text.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

from jinja2 import Template
from markupsafe import Markup

from callwright import storage
from callwright.conversation import Json
from callwright.html import page
from callwright.html.numbers import count as counted
from callwright.html.numbers import percent, plural, value
from callwright.html.text import left_out, safe_text
from callwright.invisible import printable
from callwright.probe.causes.workarounds import find_workaround
from callwright.probe.outcome import Outcome, Report
from callwright.probe.report.diff import MODEL_OUTPUT, Field, Span, SpanKind, compare, cut
from callwright.probe.report.tally import (
    by_format,
    causes,
    choices,
    command_of,
    count,
    faults,
    groups,
    headline,
    not_tested,
    origin,
    source_of,
    title_of,
)

_BUDGET = 8_000_000
"""About how many characters all fields may show together."""
_MOST_BYTES = 16_000_000
_LEAST, _MOST = 300, 4000
"""How many characters one field shows at least and at most."""
_AROUND = 160
"""Characters of what is the same that are shown beside a difference."""
_MOST_LINE, _MOST_KEY = 300, 120
_MOST_COMMAND = 20_000
"""A command longer than this is not shown: cut, it would be none."""
_REPOSITORY = re.compile(r"([\w.-]+/[\w.-]+)#(\d+)")
_TAGS: dict[SpanKind, str] = {"same": "", "word": "s", "character": "mark"}

Compared = dict[int, list[Field]]
"""Outcomes, by the identity that they have while the page is made, and their comparison, which takes longest."""


@dataclass(frozen=True, slots=True)
class FieldDiff:
    """A field of a comparison, in HTML; `same` where both sides are, or where it is what the model generated."""

    name: str
    same: bool
    expected: Markup | None
    seen: Markup | None


def write_page(report: Report, path: Path) -> None:
    """Writes the page, atomically.

    Raises:
      StorageError: The file cannot be written.
    """
    storage.write_text(path, render(report))


def render(report: Report) -> str:
    """The page, with as many characters of each field as fit."""
    compared: Compared = {}
    return page.fit(lambda limit: _render(report, limit, compared), _limits(report), _MOST_BYTES)


def _limits(report: Report) -> Iterator[int]:
    """How many characters a field may show: first what the budget gives, then ever less."""
    shown = [outcome for outcome in report.cases if outcome.result in ("fault", "choice")]
    fields = sum(len(_keys(outcome.expected) | _keys(outcome.seen)) for outcome in shown)
    limit = max(_LEAST, min(_MOST, _BUDGET // max(1, 2 * fields)))
    while limit > _LEAST:
        yield limit
        limit //= 2
    yield _LEAST


@cache
def _template() -> Template:
    filters: page.Functions = {
        "key": _key,
        "line": _line,
        "plural": plural,
        "link": _link,
        "share": percent,
        "count": counted,
    }
    functions: page.Functions = {
        "count": count,
        "command_of": command_of,
        "title_of": title_of,
        "workaround": find_workaround,
        "source_of": source_of,
        "causes": causes,
        "draws": _draws,
        "beside_draws": _beside_draws,
    }
    return page.load_template(Path(__file__).parent, filters, functions)


def _render(report: Report, limit: int, compared: Compared) -> str:
    return page.render(
        _template(),
        report=report,
        rows=lambda outcome: _rows(outcome, limit, compared),
        headline=headline(report),
        origin=origin(report),
        total=count(report.cases),
        groups=groups(report),
        table=by_format(report),
        findings=[("Faults", "fault", faults(report)), ("Documented choices", "choice", choices(report))],
        reasons=not_tested(report),
        classes=sorted({name for outcome in report.cases for name in (outcome.fault_class, *_causes(outcome))}),
        by_result={
            result: [outcome for outcome in report.cases if outcome.result == result]
            for result in ("fault", "choice", "not_tested", "faithful")
        },
        limit=limit,
        longest_command=_MOST_COMMAND,
    )


def _causes(outcome: Outcome) -> tuple[str, ...]:
    return () if outcome.result == "not_tested" else causes(outcome)


def _keys(value: Json) -> set[str]:
    return set(value) if isinstance(value, dict) else {"value"}


def _key(words: str) -> str:
    """What the filter goes by: one word, short, of characters that an attribute keeps as they are."""
    return "-".join(printable(words[:_MOST_KEY]).split())


def _line(words: str) -> Markup:
    """A line of anybody's words."""
    line = " ".join(words.split())
    return safe_text(line if len(line) <= _MOST_LINE else f"{line[:_MOST_LINE]}…")


def _link(source: str) -> Markup:
    """A source, as a link where it names an issue of a public repository."""
    found = _REPOSITORY.fullmatch(source)
    if not found:
        return _line(source)
    address = f"https://github.com/{found[1]}/issues/{found[2]}"
    return Markup('<a href="{}" rel="noreferrer">{}</a>').format(address, source)


def _draws(outcome: Outcome) -> list[tuple[str, float, float]]:
    """Faces of the dice with the shares in which each should be drawn and was drawn; none where nothing was."""
    expected, seen = _shares(outcome.expected), _shares(outcome.seen)
    faces = dict.fromkeys([*expected, *seen]) if expected else ()
    draws = [(face, expected.get(face, 0.0), seen.get(face, 0.0)) for face in faces]
    return [draw for draw in draws if any(draw[1:])]


def _shares(value: Json) -> Mapping[str, float]:
    drawn = value.get("draws") if isinstance(value, dict) else None
    if not isinstance(drawn, dict):
        return {}
    return {face: share for face, share in drawn.items() if isinstance(share, int | float) and 0 <= share <= 1}


def _beside_draws(outcome: Outcome) -> list[tuple[str, str]]:
    """What else is known of draws: the test, what explains them."""
    seen = outcome.seen if isinstance(outcome.seen, dict) else {}
    parts = ((name, value(part) if isinstance(part, float) else str(part)) for name, part in seen.items())
    return [(name, words) for name, words in parts if name != "draws" and words]


def _rows(outcome: Outcome, limit: int, compared: Compared) -> list[FieldDiff]:
    """The comparison, an error first, what neither side has left out."""
    if id(outcome) not in compared:
        compared[id(outcome)] = compare(outcome.expected, outcome.seen)
    fields = [field for field in compared[id(outcome)] if field.expected or field.seen]
    return [_row(field, limit) for field in sorted(fields, key=lambda field: field.name != "error")]


def _row(field: Field, limit: int) -> FieldDiff:
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
