"""The probe itself: every case in every format against one target, side by side where it has slots."""

from collections import deque
from collections.abc import Callable, Container, Generator, Iterator, Sequence
from concurrent.futures import Future, as_completed
from contextlib import ExitStack, closing
from dataclasses import replace
from threading import Thread

from callwright.formats.base import Format
from callwright.probe.cases.schema import Case
from callwright.probe.check import ProbeSession, check_case
from callwright.probe.outcome import Outcome, Report
from callwright.probe.plan import Plan, make_plan, not_tested
from callwright.probe.sampling.dice import check_sampling
from callwright.probe.targets.base import Target, UntestableError


def run_probe(
    target: Target,
    formats: Sequence[Format],
    cases: Sequence[Case],
    *,
    only: Container[str] | None = None,
    on_outcome: Callable[[Outcome], None] = lambda outcome: None,
    on_refusal: Callable[[UntestableError], None] = lambda error: None,
) -> Report:
    """Runs the cases in each format and returns their outcomes.

    Args:
      target: The runtime.
      formats: The formats to test.
      cases: The fidelity set.
      only: The ids of the cases to run; all when None.
      on_outcome: Called with each outcome as soon as it is known.
      on_refusal: Called where an instrument could not be loaded; the outcomes of its cases say so.
    """
    rank = {case.id: place for place, case in enumerate(cases)}
    outcomes: list[Outcome] = []
    for fmt in formats:
        found: list[Outcome] = []
        with closing(probe_format(target, fmt, cases, only, on_refusal)) as asked:
            for outcome in asked:
                on_outcome(outcome)
                found.append(outcome)
        outcomes += sorted(found, key=lambda outcome: rank[outcome.id])
    return Report(target=target.name, version=target.version, cases=tuple(outcomes))


def probe_format(
    target: Target,
    fmt: Format,
    cases: Sequence[Case],
    only: Container[str] | None = None,
    on_refusal: Callable[[UntestableError], None] = lambda error: None,
) -> Generator[Outcome]:
    """The outcomes of one format, each as soon as it is known."""
    plan = make_plan(fmt, cases, one_file=target.shares_instruments)
    if only is not None:
        wanted = tuple(case for case in plan.cases if case.id in only)
        plan = replace(plan, cases=wanted, left_out=tuple(out for out in plan.left_out if out.id in only))
    yield from plan.left_out
    sampling = [case for case in plan.cases if case.kind == "sampling"]
    scripted = [case for case in plan.cases if case.kind != "sampling"]
    parts = (scripted, _check_scripted(target, plan, scripted)), (sampling, check_sampling(target, fmt, sampling))
    for asked, outcomes in parts:
        try:
            yield from outcomes
        except UntestableError as error:
            on_refusal(error)
            yield from (not_tested(fmt, case, str(error)) for case in asked)


def _check_scripted(target: Target, plan: Plan, cases: Sequence[Case]) -> Iterator[Outcome]:
    """The outcomes of all cases that need no dice."""
    if not cases:
        return
    with ExitStack() as stack:
        speaker = stack.enter_context(target.load(plan.speaker))
        reader = speaker if plan.reader is plan.speaker else stack.enter_context(target.load(plan.reader))
        session = ProbeSession(target, speaker, plan.speaker, reader, plan.display)
        _ = session.default_thinking, session.counts_beyond, session.other_cues  # before the cases share them
        yield from _side_by_side(session, cases, speaker.slots)


def _side_by_side(session: ProbeSession, cases: Sequence[Case], slots: int) -> Iterator[Outcome]:
    """The outcomes, each as soon as it is known, of cases of which so many are checked at a time.

    Whoever stops listening, because of Ctrl-C, does not wait for requests that were sent: each may take minutes, so
    the threads that wait for the answers are left behind, and do not keep the process.
    """
    waiting = deque((case, Future[Outcome]()) for case in cases)
    outcomes = [outcome for _, outcome in waiting]

    def check_next() -> None:
        while True:
            try:
                case, outcome = waiting.popleft()
            except IndexError:
                return
            try:
                outcome.set_result(check_case(session, case))
            except BaseException as error:
                outcome.set_exception(error)

    try:
        for _ in range(slots):
            Thread(target=check_next, daemon=True).start()
        for known in as_completed(outcomes):
            yield known.result()
    finally:
        waiting.clear()
