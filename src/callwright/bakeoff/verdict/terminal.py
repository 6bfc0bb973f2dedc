"""The verdict in the terminal: the sentence first, then a row for each arm, then the first finding of each cause.

Servers and models write parts of it, so no character of theirs acts on the terminal.
"""

import sys
from collections.abc import Iterator
from typing import IO

from callwright.bakeoff.verdict.statistics import Success
from callwright.bakeoff.verdict.verdict import ArmVerdict, BakeoffFinding, BakeoffVerdict
from callwright.html.numbers import duration, interval, percent, plural, value
from callwright.invisible import printable
from callwright.report.text import columns

_HEADER = ("arm", "goal reached", "95%", "against the reference", "s/run", "tok/s", "parted", "verdict")
_MOST_COMMAND = 400
"""A longer command stands in the JSON and on the page."""


def print_verdict(verdict: BakeoffVerdict, file: IO[str] | None = None) -> None:
    """Prints it for people.

    Args:
      verdict: The verdict.
      file: Where to; standard output if None.
    """
    for line in _lines(verdict):
        print(printable(line), file=file or sys.stdout)


def first_findings(verdict: BakeoffVerdict) -> list[tuple[BakeoffFinding, int]]:
    """The first finding of each arm, cause and kind, with how many there are."""
    found: dict[tuple[str, ...], list[BakeoffFinding]] = {}
    for finding in verdict.findings:
        found.setdefault((finding.arm, finding.cause, finding.kind, str(finding.rounding)), []).append(finding)
    return [(findings[0], len(findings)) for findings in found.values()]


def pooled(arm: ArmVerdict) -> Success | None:
    """An arm's success over all tasks; None where it did not run."""
    return arm.successes[-1] if arm.successes and arm.successes[-1].runs else None


def _lines(verdict: BakeoffVerdict) -> Iterator[str]:
    yield verdict.sentence
    yield from verdict.rules
    yield ""
    yield from columns([_HEADER, *map(_row, verdict.arms)], left=(0, 3, 7))
    yield ""
    tasks = list(dict.fromkeys(one.task for arm in verdict.arms for one in arm.successes if one.task))
    if len(tasks) > 1:
        yield from columns([("goal reached", *tasks), *(_by_task(arm, tasks) for arm in verdict.arms)])
        yield ""
    for arm in verdict.arms:
        yield arm.sentence
        if found := arm.agreement:
            same, divergence = percent(found["same_top"]), value(found["mean_kl"])
            yield f"  along the reference's outputs: the same likeliest token at {same}, mean KL {divergence} nats"
    for finding, number in first_findings(verdict):
        yield ""
        yield from _finding(finding, number)


def _row(arm: ArmVerdict) -> tuple[str, ...]:
    success, speed, paired = pooled(arm), arm.speed, arm.paired
    against = "–"
    if paired:
        against = f"{paired.decision} (+{paired.gained} -{paired.lost} of {paired.runs})"
    return (
        arm.arm,
        f"{success.solved}/{success.runs} {percent(success.solved / success.runs)}" if success else "–",
        interval(success.low, success.high) if success else "–",
        against,
        "–" if speed.seconds_per_run is None else duration(speed.seconds_per_run),
        "–" if speed.tokens_per_second is None else f"{speed.tokens_per_second:.0f}",
        f"{arm.parted}/{arm.compared}" if arm.compared else "–",
        arm.judgment,
    )


def _by_task(arm: ArmVerdict, tasks: list[str]) -> tuple[str, ...]:
    found = {one.task: f"{one.solved}/{one.runs}" for one in arm.successes}
    return arm.arm, *(found.get(task, "–") for task in tasks)


def _finding(finding: BakeoffFinding, number: int) -> Iterator[str]:
    rounding = ", within rounding" if finding.rounding else ""
    yield f"{finding.arm}: {finding.title}{rounding}, {plural(number, 'run')}, first in {place(finding)}"
    yield f"  {finding.sentence}"
    if finding.reference and finding.seen:
        yield f"  {finding.reference.unit} {finding.reference.place:,}: {_quoted(finding.reference.after)}"
        yield f"  in {finding.arm}: {_quoted(finding.seen.after)}"
    if finding.probe:
        yield f"  the probe of this runtime shows it, too: {finding.probe}"
    if len(finding.reproduce) <= _MOST_COMMAND and "\n" not in finding.reproduce:
        yield f"  to see it: {finding.reproduce}"
    else:
        yield "  the command that shows it again is in verdict.json"


def place(finding: BakeoffFinding) -> str:
    """The run and step of a finding."""
    return f"{finding.task}, wording {finding.wording}, seed {finding.seed}, step {finding.step}"


def _quoted(text: str) -> str:
    return f"`{text}`".replace("\n", "⏎").replace("\t", "→") if text else "nothing"
