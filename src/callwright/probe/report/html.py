"""The score card as one HTML file that opens offline: each fault with what was expected and what was seen.

The script of the page only filters and copies; without it everything is there. What was faithful is a line. What a
field may take is limited, and the more faults there are, the less each takes.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from jinja2 import Template
from markupsafe import Markup

from callwright import storage
from callwright.conversation import Json
from callwright.html import page
from callwright.html.numbers import count as counted
from callwright.html.numbers import percent, plural, value
from callwright.html.text import safe_text
from callwright.invisible import printable
from callwright.probe.causes.workarounds import find_workaround
from callwright.probe.outcome import Outcome, Report
from callwright.probe.report.diff import Field, compare
from callwright.probe.report.field_html import FieldDiff, field_diff
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
_MOST_LINE, _MOST_KEY = 300, 120
_MOST_COMMAND = 20_000
"""A command longer than this is not shown: cut, it would be none."""
_REPOSITORY = re.compile(r"([\w.-]+/[\w.-]+)#(\d+)")

Compared = dict[int, list[Field]]
"""Outcomes, by the identity that they have while the page is made, and their comparison, which takes longest."""


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
    return [field_diff(field, limit) for field in sorted(fields, key=lambda field: field.name != "error")]
