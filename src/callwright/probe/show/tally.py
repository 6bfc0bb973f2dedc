"""A report counted and grouped: what the score card, the page and the documentation all say."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from callwright.probe.faults import FAULTS, FaultClass, Group
from callwright.probe.outcome import Outcome, Report, Result

GROUPS: tuple[str, ...] = get_args(Group)
RESULTS: tuple[Result, ...] = get_args(Result)


@dataclass(frozen=True, slots=True)
class Count:
    """How many cases ended how; the fields are the results, in their order."""

    faithful: int = 0
    fault: int = 0
    choice: int = 0
    not_tested: int = 0

    @property
    def tested(self) -> int:
        """All that ended in a finding."""
        return self.faithful + self.fault + self.choice


@dataclass(frozen=True, slots=True)
class Finding:
    """Outcomes with one thing in common: a cause, a documented choice, or a reason why nothing was tested.

    Attributes:
      name: The fault class; of a choice the classes joined by " + "; of what was not tested "".
      title: What happens, in words; the reason of what was not tested.
      source: Where it was seen in public, or the documentation of a choice.
      outcomes: At least one, in the report's order.
    """

    name: str
    title: str
    source: str
    outcomes: tuple[Outcome, ...]

    @property
    def cases(self) -> int:
        """How many cases, whatever their formats."""
        return len({outcome.id for outcome in self.outcomes})

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats, in the report's order."""
        return tuple(dict.fromkeys(outcome.format for outcome in self.outcomes))

    @property
    def example(self) -> Outcome:
        """The outcome that shows it best: of those with nothing else wrong the first that says what was seen."""
        return min(self.outcomes, key=lambda outcome: (" + " in outcome.cause, outcome.seen is None))


def fault_class(name: str) -> FaultClass:
    """The class of that name; a report of another version may hold names that this one does not know."""
    return FAULTS.get(name) or FaultClass(name, "rendering", name)


def group_of(name: str) -> str:
    """The group of a fault class; "other" if the name is not known."""
    return FAULTS[name].group if name in FAULTS else "other"


def count(outcomes: Iterable[Outcome]) -> Count:
    """The outcomes counted by result."""
    found = Counter(outcome.result for outcome in outcomes)
    return Count(*(found[result] for result in RESULTS))


def by_format(report: Report) -> dict[str, dict[str, list[Outcome]]]:
    """Format to group of fault classes to outcomes; the groups in their own order, only those that occur."""
    formats = dict.fromkeys(outcome.format for outcome in report.cases)
    found = {name: {group: list[Outcome]() for group in groups(report)} for name in formats}
    for outcome in report.cases:
        found[outcome.format][group_of(outcome.fault_class)].append(outcome)
    return found


def groups(report: Report) -> list[str]:
    """The groups that the report has cases of."""
    present = {group_of(outcome.fault_class) for outcome in report.cases}
    return [group for group in (*GROUPS, "other") if group in present]


def causes(outcome: Outcome) -> tuple[str, ...]:
    """The fault classes that explain a fault or a choice."""
    return tuple(outcome.cause.partition(": ")[0].split(" + ")) if outcome.cause else ()


def faults(report: Report) -> list[Finding]:
    """The faults by cause, the most frequent first; a case with two causes counts for both."""
    found: dict[str, list[Outcome]] = {}
    for outcome in report.cases:
        if outcome.result == "fault":
            for name in causes(outcome) or ("unexplained",):
                found.setdefault(name, []).append(outcome)
    made = [_fault(name, outcomes) for name, outcomes in found.items()]
    return sorted(made, key=_frequency)


def _fault(name: str, outcomes: list[Outcome]) -> Finding:
    known = fault_class(name)
    return Finding(name, known.title, known.source, tuple(outcomes))


def choices(report: Report) -> list[Finding]:
    """The documented choices, by what was chosen and where that is documented, the most frequent first."""
    found: dict[str, list[Outcome]] = {}
    for outcome in report.cases:
        if outcome.result == "choice":
            found.setdefault(outcome.cause, []).append(outcome)
    made = []
    for cause, outcomes in found.items():
        names, _, documentation = cause.partition(": ")
        title = "; ".join(fault_class(name).title for name in names.split(" + "))
        made.append(Finding(names, title, documentation, tuple(outcomes)))
    return sorted(made, key=_frequency)


def not_tested(report: Report) -> list[Finding]:
    """What was not tested, by reason, the most frequent first."""
    found: dict[str, list[Outcome]] = {}
    for outcome in report.cases:
        if outcome.result == "not_tested":
            found.setdefault(outcome.cause or "no reason given", []).append(outcome)
    return sorted((Finding("", reason, "", tuple(outcomes)) for reason, outcomes in found.items()), key=_frequency)


def _frequency(finding: Finding) -> int:
    return -len(finding.outcomes)


def plural(number: int, noun: str) -> str:
    """`1 case`, `2 cases`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def headline(report: Report) -> str:
    """The report in a sentence."""
    total = count(report.cases)
    if not report.cases:
        return "Nothing was asked of it."
    names = {outcome.format for outcome in report.cases}
    kinds = len(faults(report))
    said = [f"{total.faithful:,} of {total.tested:,} faithful in {plural(len(names), 'format')}"]
    said.append(f"{plural(total.fault, 'fault')} of {plural(kinds, 'kind')}" if total.fault else "no fault")
    said += [plural(total.choice, "documented choice")] if total.choice else []
    said += [f"{total.not_tested:,} not tested"] if total.not_tested else []
    return ", ".join(said) + "."
