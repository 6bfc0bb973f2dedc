"""The score card as one HTML file that opens offline: each fault with what was expected and what was seen.

The page's policy names its own style and its own script by their hash and forbids everything else, so that even a fault
in escaping could not act. The script only filters and copies; without it everything is there. What was faithful is a
line. What a field may take is limited, and the more faults there are, the less each takes.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, Template
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from callwright import storage
from callwright.conversation import Json
from callwright.probe.outcome import Outcome, Report
from callwright.probe.show import marks
from callwright.probe.show.differences import Field, compare
from callwright.probe.show.tally import (
    by_format,
    causes,
    choices,
    count,
    fault_class,
    faults,
    groups,
    headline,
    not_tested,
    plural,
)
from callwright.shapeless import printable

_HERE = Path(__file__).parent
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


@dataclass(frozen=True, slots=True)
class Row:
    """A field of a comparison, in HTML; `same` where both sides are."""

    name: str
    same: bool
    expected: Markup | None
    seen: Markup | None


@dataclass(frozen=True, slots=True)
class Draw:
    """A face of the dice: how often it should come and how often it came, as shares."""

    face: str
    expected: float
    seen: float


def write_page(report: Report, path: Path) -> None:
    """Writes the page, atomically.

    Raises:
      StorageError: The file cannot be written.
    """
    storage.write_text(path, render(report))


def render(report: Report) -> str:
    """The page, with as many characters of each field as fit."""
    shown = [outcome for outcome in report.cases if outcome.result in ("fault", "choice")]
    fields = sum(len(_keys(outcome.expected) | _keys(outcome.seen)) for outcome in shown)
    limit = max(_LEAST, min(_MOST, _BUDGET // max(1, 2 * fields)))
    compared: Compared = {}
    page = _render(report, limit, compared)
    while len(page.encode()) > _MOST_BYTES and limit > _LEAST:  # full of characters that take a mark each
        limit = max(_LEAST, limit // 2)
        page = _render(report, limit, compared)
    return page


@cache
def _template() -> Template:
    """Compiled once: that takes longer than most pages."""
    environment = SandboxedEnvironment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "key": _key,
        "line": _line,
        "plural": plural,
        "link": _link,
        "share": lambda share: f"{100 * share:.1f}%",
    }
    environment.globals.update(
        count=count,
        fault_class=fault_class,
        causes=causes,
        draws=_draws,
        beside_draws=_beside_draws,
    )
    return environment.get_template("page.html")


def _render(report: Report, limit: int, compared: Compared) -> str:
    style, script = ((_HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    page = _template().render(
        report=report,
        rows=lambda outcome: _rows(outcome, limit, compared),
        headline=headline(report),
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
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        style_digest=_digest(style),
        script_digest=_digest(script),
    )
    return page.encode("utf-8", "backslashreplace").decode()


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


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
    return marks.text(line if len(line) <= _MOST_LINE else f"{line[:_MOST_LINE]}…")


def _link(source: str) -> Markup:
    """A source, as a link where it names an issue of a public repository."""
    found = _REPOSITORY.fullmatch(source)
    if not found:
        return _line(source)
    address = f"https://github.com/{found[1]}/issues/{found[2]}"
    return Markup('<a href="{}" rel="noreferrer">{}</a>').format(address, source)


def _draws(outcome: Outcome) -> list[Draw]:
    """The draws of an outcome that is about some, else nothing."""
    expected, seen = _shares(outcome.expected), _shares(outcome.seen)
    if not expected:
        return []
    draws = [Draw(face, expected.get(face, 0.0), seen.get(face, 0.0)) for face in dict.fromkeys([*expected, *seen])]
    return [draw for draw in draws if draw.expected or draw.seen]


def _shares(value: Json) -> Mapping[str, float]:
    drawn = value.get("draws") if isinstance(value, dict) else None
    if not isinstance(drawn, dict):
        return {}
    return {face: share for face, share in drawn.items() if isinstance(share, int | float) and 0 <= share <= 1}


def _beside_draws(outcome: Outcome) -> list[tuple[str, str]]:
    """What else is known of draws: the test, what explains them."""
    seen = outcome.seen if isinstance(outcome.seen, dict) else {}
    parts = ((name, f"{part:.3g}" if isinstance(part, float) else str(part)) for name, part in seen.items())
    return [(name, words) for name, words in parts if name != "draws" and words]


def _rows(outcome: Outcome, limit: int, compared: Compared) -> list[Row]:
    """The comparison, an error first, what neither side has left out."""
    if id(outcome) not in compared:
        compared[id(outcome)] = compare(outcome.expected, outcome.seen)
    fields = [field for field in compared[id(outcome)] if field.expected or field.seen]
    return [_row(field, limit) for field in sorted(fields, key=lambda field: field.name != "error")]


def _row(field: Field, limit: int) -> Row:
    around = marks.AROUND if field.differs else marks.AROUND // 2
    sides = (None if side is None else marks.spans(side, limit, around) for side in (field.expected, field.seen))
    return Row(field.name, not field.differs, *sides)
