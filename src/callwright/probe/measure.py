"""A whole probe: the target is found and asked. Ctrl-C ends it at once, and what was found until then is kept."""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from pathlib import Path

from callwright.formats import FORMATS, get_format
from callwright.formats.base import Format
from callwright.html.numbers import plural
from callwright.probe.black_box import plan_plain, probe_plain
from callwright.probe.cases.schema import Case
from callwright.probe.cases.speak import applies
from callwright.probe.outcome import Outcome, Report
from callwright.probe.plan import not_tested
from callwright.probe.run import run_probe
from callwright.probe.targets import find_target
from callwright.probe.targets.base import Target, UntestableError
from callwright.probe.targets.server import ServerTarget
from callwright.progress import track
from callwright.signals import ended_like_ctrl_c

ABORTED = "the probe was aborted"
"""Why a case was not tested that was still to come."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a probe found.

    Attributes:
      report: It; of an aborted probe with the cases that were still to come, as not tested.
      refusals: Why instruments could not be loaded.
      aborted: What was kept when the probe was aborted, in words; "" for one that was not.
    """

    report: Report
    refusals: Sequence[UntestableError]
    aborted: str = ""


def measure(
    target: str,
    cases: Sequence[Case],
    *,
    formats: Sequence[Format] = (),
    overrides: Sequence[str] = (),
    files: Sequence[Path] = (),
    only: Container[str],
) -> Measurement:
    """Probes a target.

    Args:
      target: A name of `targets.TARGETS`, or a URL.
      cases: The fidelity set with further cases.
      formats: The formats to test; all where none is named.
      overrides: Settings of the target, `key=value`.
      files: The files of further cases.
      only: The ids of the cases to run.

    Raises:
      InputError: An argument is wrong.
      WorkError: The target cannot be reached.
      KeyboardInterrupt: It was aborted before it had tested a case; the words say that nothing is kept.
    """
    wanted = [case for case in cases if case.id in only]
    planned: list[Outcome] = []
    found: list[Outcome] = []
    refusals: list[UntestableError] = []
    with ended_like_ctrl_c():
        try:
            runtime = find_target(target, overrides)
            runtime.case_files = files
            chosen = formats or _formats_of(runtime)
            if isinstance(runtime, ServerTarget) and not chosen:
                planned += plan_plain(ABORTED)
                report = _without_instrument(runtime, wanted, found.append)
                return Measurement(report, refusals)
            planned += [not_tested(fmt, case, ABORTED) for fmt in chosen for case in wanted if applies(case, fmt)]
            with track(f"probing {runtime.name}", len(planned), "cases") as bar:

                def on_outcome(outcome: Outcome) -> None:
                    found.append(outcome)
                    bar.advance(note=outcome.format)

                report = run_probe(runtime, chosen, cases, only=only, on_outcome=on_outcome, on_refusal=refusals.append)
                return Measurement(report, refusals)
        except KeyboardInterrupt:
            tested = sum(outcome.result != "not_tested" for outcome in found)
            if not tested:
                raise KeyboardInterrupt("no case was tested yet, so nothing is kept") from None
            whole = {(outcome.format, outcome.id): outcome for outcome in (*planned, *found)}
            report = Report(target=runtime.name, version=runtime.version, cases=tuple(whole.values()))
            return Measurement(
                report, refusals, f"the report has what was found until then, with {plural(tested, 'case')} tested"
            )


def _formats_of(target: Target) -> Sequence[Format]:
    """The formats to test: all, or that of the instrument loaded in a server; none if it has a model of its own."""
    if isinstance(target, ServerTarget):
        loaded = target.loaded_format()
        return [get_format(loaded)] if loaded else []
    return list(FORMATS.values())


def _without_instrument(target: ServerTarget, cases: Sequence[Case], on_outcome: Callable[[Outcome], None]) -> Report:
    """What can be found out about a server with a model of its own."""
    lines = target.reproduce_with("NAME", "both").splitlines()
    reason = f"it needs an instrument: {'; '.join(lines)}"
    outcomes: list[Outcome] = []
    with target.as_it_is() as server:
        for outcome in probe_plain(server, cases, reason):
            on_outcome(outcome)
            outcomes.append(outcome)
    return Report(target=target.name, version=target.version, cases=tuple(outcomes))
