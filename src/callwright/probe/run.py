"""The probe itself: every case in every format against one target, side by side where it has slots."""

from collections.abc import Callable, Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

from callwright.formats.base import Format, quiet
from callwright.probe.check import Bench
from callwright.probe.fidelity.case import Case
from callwright.probe.outcome import Outcome, Report
from callwright.probe.plan import Plan, make_plan, not_tested
from callwright.probe.sampling import throw_dice
from callwright.probe.targets.base import Target, UntestableError


def run_probe(
    target: Target,
    formats: Sequence[Format],
    cases: Sequence[Case],
    *,
    only: Container[str] | None = None,
    told: Callable[[Outcome], None] = lambda outcome: None,
) -> Report:
    """Runs the cases.

    Args:
      target: The runtime.
      formats: In which formats.
      cases: The fidelity set.
      only: The ids of those that are to be run; all when None.
      told: Called with each outcome as it is there.
    """
    rank = {case.id: place for place, case in enumerate(cases)}
    outcomes: list[Outcome] = []
    for form in formats:
        found = []
        with quiet():  # what a template leaves out is left out by runtimes too
            for outcome in probe_format(target, form, cases, only):
                told(outcome)
                found.append(outcome)
        outcomes += sorted(found, key=lambda outcome: rank[outcome.id])
    return Report(target.name, target.version, tuple(outcomes))


def probe_format(
    target: Target, form: Format, cases: Sequence[Case], only: Container[str] | None = None
) -> Iterator[Outcome]:
    """The outcomes of one format, each as it is there."""
    plan = make_plan(form, cases, one_file=target.shares_instruments)
    if only is not None:
        wanted = tuple(case for case in plan.cases if case.id in only)
        plan = replace(plan, cases=wanted, left_out=tuple(out for out in plan.left_out if out.id in only))
    yield from plan.left_out
    yield from _scripted(target, plan)
    yield from throw_dice(target, form, [case for case in plan.cases if case.kind == "sampling"])


def _scripted(target: Target, plan: Plan) -> Iterator[Outcome]:
    scripted = [case for case in plan.cases if case.kind != "sampling"]
    if not scripted:
        return
    try:
        with ExitStack() as stack:
            speaker = stack.enter_context(target.load(plan.speaker))
            reader = speaker if plan.reader is plan.speaker else stack.enter_context(target.load(plan.reader))
            bench = Bench(target, speaker, plan.speaker, reader, plan.echo)
            _ = bench.default_thinking, bench.counts_beyond, bench.other_cues  # before the cases share them
            with ThreadPoolExecutor(speaker.slots) as pool:
                yield from pool.map(bench.check, scripted)
    except UntestableError as error:
        yield from (not_tested(plan.form, case, str(error)) for case in scripted)
