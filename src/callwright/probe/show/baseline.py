"""A report read back from its JSON, and what changed since: so that a known fault does not hide a new one.

A fault is known if the baseline has one in the same case and format with the same cause. What another version of the
fidelity set or a choice of formats adds and leaves out is told apart from what the runtime did.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from rich.console import Console

from callwright import storage
from callwright.errors import DataError
from callwright.probe.outcome import Outcome, Report, Result
from callwright.probe.show.card import tell
from callwright.probe.show.tally import faults, plural

_MOST_BYTES = 500_000_000
_ALWAYS = ("id", "format", "fault_class", "result", "cause")
_MOST_EXAMPLE = 20_000


class _Case(BaseModel):
    """A case as the file has it; what JSON holds is any JSON value, and keys of another version are left alone."""

    id: str
    format: str
    fault_class: str
    result: Result
    cause: str = ""
    expected: Any = None
    seen: Any = None
    reproduce: str = ""


class _File(BaseModel):
    """A report, whole or compact: `faithful` is then format to fault class to cases."""

    target: str
    version: str
    cases: list[_Case]
    faithful: dict[str, dict[str, list[str]]] = {}


@dataclass(frozen=True, slots=True)
class Changes:
    """What is otherwise than in a baseline. Every outcome is the report's, unless it says "before".

    Attributes:
      new_faults: Faults where the baseline has none.
      cause_changed: Faults where the baseline has one too, with another cause: (before, now).
      gone_faults: Faults of the baseline where there is none now: (before, now).
      no_longer_tested: Cases that the baseline has a finding for: (before, now).
      otherwise: Other results or choices: (before, now).
      new_cases: Cases that the baseline does not have, faults among them.
      gone_cases: Cases of the baseline that are not in the report, though their format is.
      formats_left_out: Formats of the baseline that the report does not have.
      since: Target and version of the baseline; "" without one.
    """

    new_faults: tuple[Outcome, ...] = ()
    cause_changed: tuple[tuple[Outcome, Outcome], ...] = ()
    gone_faults: tuple[tuple[Outcome, Outcome], ...] = ()
    no_longer_tested: tuple[tuple[Outcome, Outcome], ...] = ()
    otherwise: tuple[tuple[Outcome, Outcome], ...] = ()
    new_cases: tuple[Outcome, ...] = ()
    gone_cases: tuple[Outcome, ...] = ()
    formats_left_out: tuple[str, ...] = ()
    since: str = ""

    @property
    def exit_code(self) -> int:
        """1 when a fault is there that the baseline does not have, else 0."""
        return 1 if self.new_faults or self.cause_changed else 0


def read_report(path: Path) -> Report:
    """A report from the JSON that `callwright probe --json` printed, or from what `write_compact` wrote.

    Raises:
      DataError: It is missing, no JSON, or no report.
    """
    path = Path(path)
    fix = "give what `callwright probe --json` printed"
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"a probe's report in {path}", f"{path.stat().st_size:,} bytes", fix)
        found = _File.model_validate(json.loads(path.read_bytes()))
    except OSError as error:
        raise DataError(f"a probe's report in {path}", error.strerror or str(error), fix) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise DataError(f"a probe's report in {path}", f"{where}: {first['msg']}", fix) from None
    except (ValueError, RecursionError) as error:
        came = "values nested too deeply" if isinstance(error, RecursionError) else f"no JSON ({error})"
        raise DataError(f"a probe's report in {path}", came, fix) from None
    cases = [Outcome(**dict(case)) for case in found.cases]
    for form, classes in found.faithful.items():
        cases += [
            Outcome(id=case, format=form, fault_class=name, result="faithful")
            for name, ids in classes.items()
            for case in ids
        ]
    return Report(found.target, found.version, tuple(cases))


def write_compact(report: Report, path: Path) -> None:
    """Writes what a later comparison and the documentation need, atomically; `read_report` reads it again.

    Of what was faithful that is the case alone. What was expected, what was seen and the command that shows it are kept
    in one example of each cause, unless they are long.

    Raises:
      StorageError: The file cannot be written.
    """
    kept = {id(finding.example) for finding in faults(report)}
    faithful: dict[str, dict[str, list[str]]] = {}
    rows = []
    for outcome in report.cases:
        if outcome.result == "faithful":
            faithful.setdefault(outcome.format, {}).setdefault(outcome.fault_class, []).append(outcome.id)
            continue
        whole = {key: value for key, value in outcome.as_json().items() if value not in ("", None)}
        text = _dumps(whole)
        if id(outcome) not in kept or len(text) > _MOST_EXAMPLE:
            text = _dumps({key: value for key, value in whole.items() if key in _ALWAYS})
        rows.append(f"  {text}")
    head = _dumps({"target": report.target, "version": report.version})
    lines = ",\n".join(f"  {_dumps(form)}: {_dumps(classes)}" for form, classes in faithful.items())
    cases = ",\n".join(rows)
    storage.write_text(path, f'{head[:-1]}, "cases": [\n{cases}\n], "faithful": {{\n{lines}\n}}}}\n')


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def changes(report: Report, baseline: Report | None) -> Changes:
    """What changed since the baseline; without one every fault is new."""
    if baseline is None:
        return Changes(new_faults=tuple(outcome for outcome in report.cases if outcome.result == "fault"))
    before = {_key(outcome): outcome for outcome in baseline.cases}
    now = {_key(outcome) for outcome in report.cases}
    formats = {outcome.format for outcome in report.cases}
    pairs = [(before[_key(outcome)], outcome) for outcome in report.cases if _key(outcome) in before]
    fresh = tuple(outcome for outcome in report.cases if _key(outcome) not in before)
    kinds: dict[str, list[tuple[Outcome, Outcome]]] = {}
    for old, new in pairs:
        kinds.setdefault(_change(old, new), []).append((old, new))
    turned = [new for _, new in kinds.get("new_faults", ())]
    return Changes(
        new_faults=tuple(turned) + tuple(outcome for outcome in fresh if outcome.result == "fault"),
        cause_changed=tuple(kinds.get("cause_changed", ())),
        gone_faults=tuple(kinds.get("gone_faults", ())),
        no_longer_tested=tuple(kinds.get("no_longer_tested", ())),
        otherwise=tuple(kinds.get("otherwise", ())),
        new_cases=fresh,
        gone_cases=tuple(o for o in baseline.cases if _key(o) not in now and o.format in formats),
        formats_left_out=tuple(dict.fromkeys(o.format for o in baseline.cases if o.format not in formats)),
        since=f"{baseline.target} {baseline.version}",
    )


def _key(outcome: Outcome) -> tuple[str, str]:
    return outcome.id, outcome.format


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
    tell(console, f"Since {found.since}:" if found.since else "No baseline: every fault is new.", style="bold")
    if not lines and found.since:
        tell(console, "  nothing changed")
    for text, style in lines:
        tell(console, text, style=style)


def _lines(found: Changes) -> Iterator[tuple[str, str]]:
    yield from _list("new fault", ((_place(o), o.cause) for o in found.new_faults), "red")
    yield from _list("other cause", ((_place(n), f"{o.cause} → {n.cause}") for o, n in found.cause_changed), "red")
    yield from _list("no longer a fault", ((_place(n), f"was {o.cause}") for o, n in found.gone_faults), "green")
    yield from _list("no longer tested", ((_place(n), n.cause) for _, n in found.no_longer_tested), "yellow")
    yield from _list("otherwise", ((_place(n), f"{_said(o)} → {_said(n)}") for o, n in found.otherwise), "")
    if found.new_cases:
        yield f"  {plural(len(found.new_cases), 'case')} that the baseline does not have", ""
    yield from _list("case gone", ((_place(o), f"was {_said(o)}") for o in found.gone_cases), "yellow")
    if found.formats_left_out:
        yield f"  not compared, not in this report: {', '.join(found.formats_left_out)}", "dim"


def _list(what: str, rows: Iterable[tuple[str, str]], style: str) -> Iterator[tuple[str, str]]:
    for place, why in rows:
        yield f"  {what}: {place}: {why}", style


def _place(outcome: Outcome) -> str:
    return f"{outcome.id} in {outcome.format}"


def _said(outcome: Outcome) -> str:
    word = outcome.result.replace("_", " ")
    return f"{word} ({outcome.cause})" if outcome.cause else word
