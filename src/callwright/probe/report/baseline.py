"""Saved reports, and what changed since one: so that a known fault does not hide a new one.

A fault is known if the baseline has one in the same case and format with the same cause. Cases and formats that only
one of the two reports has are listed apart from changes in what the runtime does.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field
from rich.console import Console

from callwright.errors import DataError
from callwright.html.numbers import plural
from callwright.probe.outcome import Outcome, Report
from callwright.probe.report.terminal import print_line
from callwright.settings import validated

_MOST_BYTES = 500_000_000


class _Saved(Report):
    """A report as its file has it, whole or compact."""

    faithful: dict[str, dict[str, list[str]]] = Field(default_factory=dict)
    """In the compact form: format to fault class to the ids of the faithful cases, which `cases` then leaves out."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs from a baseline. Every outcome is the new report's, unless it says "before".

    Attributes:
      new_faults: Faults where the baseline has none.
      cause_changed: Faults where the baseline has one too, with another cause: (before, now).
      gone_faults: Faults of the baseline where there is none now: (before, now).
      no_longer_tested: Cases that the baseline has a finding for: (before, now).
      otherwise: Other results or choices: (before, now).
      new_cases: Cases that the baseline does not have, faults among them.
      gone_cases: Cases of the baseline that are not in the report, though their format is.
      formats_left_out: Formats of the baseline that the report does not have.
      compared: How many cases both have tested; None where there is no baseline, or none that has tested anything.
      since: Target and version of the baseline; "" without one.
      remarks: What else than the runtime's version differs from the baseline, so that changes may come of it.
    """

    new_faults: tuple[Outcome, ...] = ()
    cause_changed: tuple[tuple[Outcome, Outcome], ...] = ()
    gone_faults: tuple[tuple[Outcome, Outcome], ...] = ()
    no_longer_tested: tuple[tuple[Outcome, Outcome], ...] = ()
    otherwise: tuple[tuple[Outcome, Outcome], ...] = ()
    new_cases: tuple[Outcome, ...] = ()
    gone_cases: tuple[Outcome, ...] = ()
    formats_left_out: tuple[str, ...] = ()
    compared: int | None = None
    since: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """3 when a fault is there that the baseline does not have, else 0; errors end with 1 and 2."""
        return 3 if self.new_faults or self.cause_changed else 0


def read_report(path: Path) -> Report:
    """A report from the JSON that `callwright probe --json` printed, or from its compact form in docs/probes.

    Raises:
      DataError: It is missing, no JSON, or no report.
    """
    path = Path(path)
    fix = "give what `callwright probe --json` printed"
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"a probe's report in {path}", f"{path.stat().st_size:,} bytes", fix)
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"a probe's report in {path}", error.strerror or str(error), fix) from error
    except (ValueError, RecursionError) as error:
        got = "values nested too deeply" if isinstance(error, RecursionError) else f"no JSON ({error})"
        raise DataError(f"a probe's report in {path}", got, fix) from None
    found = validated(_Saved, data, where=f"a probe's report in {path}", error=DataError, fix=fix)
    faithful = (
        Outcome(id=case, format=fmt, fault_class=name, result="faithful")
        for fmt, classes in found.faithful.items()
        for name, ids in classes.items()
        for case in ids
    )
    fields = {name: getattr(found, name) for name in Report.model_fields}
    return Report(**fields | {"cases": (*found.cases, *faithful)})


def changes(report: Report, baseline: Report | None, only: Sequence[str] = ()) -> Changes:
    """What changed since the baseline; without one every fault is new.

    Args:
      report: What was found now.
      baseline: What was found before.
      only: Beginnings of the ids of the cases that were run; other cases of the baseline are passed over.
    """
    if baseline is None:
        return Changes(new_faults=tuple(outcome for outcome in report.cases if outcome.result == "fault"))
    now = {_key(outcome) for outcome in report.cases}
    known = [o for o in baseline.cases if not only or _key(o) in now or o.id.startswith(tuple(only))]
    before = {_key(outcome): outcome for outcome in known}
    formats = {outcome.format for outcome in report.cases}
    pairs = [(before[_key(outcome)], outcome) for outcome in report.cases if _key(outcome) in before]
    fresh = tuple(outcome for outcome in report.cases if _key(outcome) not in before)
    kinds: dict[str, list[tuple[Outcome, Outcome]]] = {}
    for old, new in pairs:
        kinds.setdefault(_change(old, new), []).append((old, new))
    return Changes(
        new_faults=(
            *(new for _, new in kinds.get("new_faults", ())),
            *(outcome for outcome in fresh if outcome.result == "fault"),
        ),
        cause_changed=tuple(kinds.get("cause_changed", ())),
        gone_faults=tuple(kinds.get("gone_faults", ())),
        no_longer_tested=tuple(kinds.get("no_longer_tested", ())),
        otherwise=tuple(kinds.get("otherwise", ())),
        new_cases=fresh,
        gone_cases=tuple(o for o in known if _key(o) not in now and o.format in formats),
        formats_left_out=tuple(dict.fromkeys(o.format for o in known if o.format not in formats)),
        compared=sum(map(_both_tested, pairs)) if any(map(_is_tested, known)) else None,
        since=f"{baseline.target} {baseline.version}",
        remarks=tuple(_remarks(report, baseline)),
    )


def _remarks(report: Report, baseline: Report) -> Iterator[str]:
    """What differs between two reports beside the runtime's version, a line each."""
    if _kind(baseline.target) != _kind(report.target):
        yield f"the baseline is of another runtime: {baseline.target}, not {report.target}"
    known = {outcome.format for outcome in baseline.cases}
    more = [name for name in dict.fromkeys(outcome.format for outcome in report.cases) if name not in known]
    if known and more:
        yield f"formats that the baseline does not have: {', '.join(more)}"
    now, before = report.settings, baseline.settings
    if now and not before:
        yield "the baseline does not say with which settings it was made"
    elif now and before:
        for what, new, old in (
            ("target", _kind(now.target), _kind(before.target)),
            ("--set", _effective(now.overrides), _effective(before.overrides)),
            ("set of cases", report.case_set, baseline.case_set),
            ("Callwright", report.callwright, baseline.callwright),
        ):
            if new != old:
                yield f"the baseline has another {what}: {old or 'none'}, now {new or 'none'}"


def _kind(target: str) -> str:
    """The target; the same for all URLs, because the place of a server is no setting of it."""
    return "a URL" if "://" in target else target


def _effective(overrides: Sequence[str]) -> str:
    """The overrides that count, in an order of their own: of a repeated key that is the last."""
    return " ".join(sorted({one.partition("=")[0].strip(): one for one in overrides}.values()))


def _key(outcome: Outcome) -> tuple[str, str]:
    return outcome.id, outcome.format


def _is_tested(outcome: Outcome) -> bool:
    return outcome.result != "not_tested"


def _both_tested(pair: tuple[Outcome, Outcome]) -> bool:
    return all(map(_is_tested, pair))


def _change(old: Outcome, new: Outcome) -> str:
    """The field of `Changes` that a pair belongs to; "" for none."""
    if new.result == "fault":
        if old.result != "fault":
            return "new_faults"
        return "" if old.cause == new.cause else "cause_changed"
    if new.result == "not_tested":
        return "" if old.result == "not_tested" else "no_longer_tested"
    if old.result == "fault":
        return "gone_faults"
    return "" if (old.result, old.cause) == (new.result, new.cause) else "otherwise"


def print_changes(found: Changes, console: Console) -> None:
    """Prints what changed, a line each; faults first, one line if nothing did."""
    lines = list(_lines(found))
    print_line(console, f"Since {found.since}:" if found.since else "No baseline: every fault is new.", style="bold")
    for remark in found.remarks:
        print_line(console, remark, style="yellow", indent=2)
    if not lines and found.since:
        print_line(console, "  nothing changed")
    for text, style in lines:
        print_line(console, text, style=style)


def _lines(found: Changes) -> Iterator[tuple[str, str]]:
    yield from _list("new fault", ((_place(o), o.cause) for o in found.new_faults), "red")
    yield from _list("other cause", ((_place(n), f"{o.cause} → {n.cause}") for o, n in found.cause_changed), "red")
    yield from _list("no longer a fault", ((_place(n), f"was {o.cause}") for o, n in found.gone_faults), "green")
    yield from _list("no longer tested", ((_place(n), n.cause) for _, n in found.no_longer_tested), "yellow")
    yield from _list("otherwise", ((_place(n), f"{_result(o)} → {_result(n)}") for o, n in found.otherwise), "")
    if found.new_cases:
        yield f"  {plural(len(found.new_cases), 'case')} that the baseline does not have", ""
    yield from _list("case gone", ((_place(o), f"was {_result(o)}") for o in found.gone_cases), "yellow")
    if found.formats_left_out:
        yield f"  not compared, not in this report: {', '.join(found.formats_left_out)}", "dim"


def _list(what: str, rows: Iterable[tuple[str, str]], style: str) -> Iterator[tuple[str, str]]:
    for place, why in rows:
        yield f"  {what}: {place}: {why}", style


def _place(outcome: Outcome) -> str:
    return f"{outcome.id} in {outcome.format}"


def _result(outcome: Outcome) -> str:
    word = outcome.result.replace("_", " ")
    return f"{word} ({outcome.cause})" if outcome.cause else word
