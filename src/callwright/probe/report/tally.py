"""A report in numbers and findings: what the score card, the page and the documentation have in common."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import get_args

from callwright.html.numbers import plural
from callwright.probe.causes.registry import CAUSES, Group
from callwright.probe.causes.workarounds import find_workaround
from callwright.probe.outcome import NO_WORDS, OWN, Outcome, Report, Result

GROUPS: tuple[str, ...] = get_args(Group)
RESULTS: tuple[Result, ...] = get_args(Result)


@dataclass(frozen=True, slots=True)
class Count:
    """How many cases ended with each result."""

    faithful: int = 0
    fault: int = 0
    choice: int = 0
    not_tested: int = 0

    @property
    def tested(self) -> int:
        """How many were tested."""
        return self.faithful + self.fault + self.choice


@dataclass(frozen=True, slots=True)
class Finding:
    """Outcomes with one thing in common: a cause, a documented choice, or a reason why nothing was tested.

    Attributes:
      name: The fault class; of a choice the classes joined by " + "; of what was not tested "".
      title: What happens, in words; the reason of what was not tested.
      source: Where it was seen in public, or the documentation of a choice.
      workaround: What a user can do about it; "" where nothing is known.
      outcomes: At least one, in the report's order.
    """

    name: str
    title: str
    source: str
    workaround: str
    outcomes: tuple[Outcome, ...]

    @property
    def cases(self) -> int:
        """How many different cases; one that occurs in several formats counts once."""
        return len({outcome.id for outcome in self.outcomes})

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats, in the report's order."""
        return tuple(dict.fromkeys(outcome.format for outcome in self.outcomes))

    @property
    def example(self) -> Outcome:
        """The outcome to show: the first that has this cause alone and says what was seen, if there is one."""
        return min(self.outcomes, key=lambda outcome: (" + " in outcome.cause, outcome.seen is None))


def title_of(name: str) -> str:
    """What a cause is in a sentence; its name where a report of another version has one that is not known."""
    return CAUSES[name].sentence if name in CAUSES else name


def source_of(name: str) -> str:
    """The public issue where a cause was seen; "" where none is known."""
    return CAUSES[name].source if name in CAUSES else ""


def group_of(name: str) -> str:
    """The group of a fault class; "other" if the name is not known."""
    return CAUSES[name].group if name in CAUSES else "other"


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
    found = _grouped(report, "fault", lambda outcome: causes(outcome) or ("unexplained",))
    return [
        Finding(name, title_of(name), source_of(name), find_workaround(name, report.target), outcomes)
        for name, outcomes in found
    ]


def choices(report: Report) -> list[Finding]:
    """The documented choices, by what was chosen and where that is documented, the most frequent first."""
    made = []
    for cause, outcomes in _grouped(report, "choice", lambda outcome: (outcome.cause,)):
        names, _, documentation = cause.partition(": ")
        title = "; ".join(map(title_of, names.split(" + ")))
        made.append(Finding(names, title, documentation, find_workaround(names, report.target), outcomes))
    return made


def not_tested(report: Report) -> list[Finding]:
    """What was not tested, by reason, the most frequent first; what a format cannot express is one reason."""
    found = _grouped(report, "not_tested", lambda outcome: (_reason(outcome),))
    return [Finding("", reason, "", "", outcomes) for reason, outcomes in found]


def _reason(outcome: Outcome) -> str:
    return NO_WORDS if outcome.cause.startswith(NO_WORDS) else outcome.cause or "no reason given"


def _grouped(
    report: Report, result: Result, names: Callable[[Outcome], tuple[str, ...]]
) -> list[tuple[str, tuple[Outcome, ...]]]:
    """The outcomes with this result by each of their names, the most frequent name first."""
    found: dict[str, list[Outcome]] = {}
    for outcome in report.cases:
        for name in names(outcome) if outcome.result == result else ():
            found.setdefault(name, []).append(outcome)
    return sorted(((name, tuple(group)) for name, group in found.items()), key=lambda named: -len(named[1]))


def origin(report: Report) -> str:
    """When and with what the report was made, in a line; "" where it does not say."""
    parts = [report.date.replace("T", " ").replace("Z", " UTC")]
    parts += [f"Callwright {report.callwright}"] if report.callwright else []
    parts += [f"set of cases {report.case_set}"] if report.case_set else []
    parts += [report.settings.command()] if report.settings else []
    return " · ".join(part for part in parts if part)


def command_of(report: Report, outcome: Outcome) -> str:
    """The command line that asks one case again and shows it in full; "" where the report does not say how it was made,
    or the case is none of the fidelity set.
    """
    if report.settings is None or outcome.format == OWN:
        return ""
    alone = report.settings.model_copy(update={"formats": (outcome.format,), "only": (outcome.id,)})
    return f"{alone.command()} --show"


def headline(report: Report) -> str:
    """The report in a sentence."""
    total = count(report.cases)
    if not report.cases:
        return "Nothing was asked of it."
    names = {outcome.format for outcome in report.cases}
    kinds = len(faults(report))
    output = [f"{total.faithful:,} of {total.tested:,} faithful in {plural(len(names), 'format')}"]
    output.append(f"{plural(total.fault, 'fault')} of {plural(kinds, 'kind')}" if total.fault else "no fault")
    output += [plural(total.choice, "documented choice")] if total.choice else []
    output += [f"{total.not_tested:,} not tested"] if total.not_tested else []
    return ", ".join(output) + "."
