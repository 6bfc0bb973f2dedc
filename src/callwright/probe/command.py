"""The command `callwright probe`: runs the probe, prints and writes what was found, and returns the exit code."""

import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console

from callwright import storage
from callwright.errors import ConfigError, WorkError, suggest
from callwright.formats import FORMATS, get_format
from callwright.formats.base import Format
from callwright.instruments.command import write_and_print
from callwright.instruments.dice import make_dice
from callwright.instruments.instrument import Instrument
from callwright.models.weights import Architecture
from callwright.probe.black_box import probe_plain
from callwright.probe.cases.load import read_cases
from callwright.probe.cases.schema import Case
from callwright.probe.cases.speak import applies
from callwright.probe.outcome import Report
from callwright.probe.plan import Part, make_plan
from callwright.probe.report.baseline import Changes, changes, print_changes, read_report
from callwright.probe.report.html import write_page
from callwright.probe.report.terminal import print_card
from callwright.probe.run import run_probe
from callwright.probe.sampling.judge import FACES
from callwright.probe.targets import find_target
from callwright.probe.targets.base import Target, UntestableError
from callwright.probe.targets.server import ServerTarget
from callwright.progress import track


def probe(
    target: str,
    *,
    formats: Sequence[str] = (),
    overrides: Sequence[str] = (),
    files: Sequence[Path] = (),
    only: Sequence[str] = (),
    html: Path | None = None,
    as_json: bool = False,
    baseline: Path | None = None,
) -> int:
    """Probes a target, and returns 1 when there is a fault that the baseline does not have, else 0.

    A probe that could test nothing is an error, not a report. One that tested nothing of what its baseline tested is
    an error after its report.

    Args:
      target: A name of `targets.TARGETS`, or a URL.
      formats: Formats, `NAME` or `NAME/VARIANT`; all where none is named.
      overrides: Settings of the target, `key=value`.
      files: Files of further cases.
      only: Beginnings of the ids of the cases to run; all where none is named.
      html: The file to write the page to; none when None.
      as_json: Whether the report goes to standard output as JSON, instead of the score card.
      baseline: A report to compare with, as far as its cases are among those to run.

    Raises:
      InputError: An argument or a file is wrong.
      StorageError: The page cannot be written; where that can be known, it is before the probe.
      WorkError: The target cannot be reached, nothing could be tested, or nothing that the baseline tested.
    """
    before = read_report(baseline) if baseline else None
    if html:
        storage.check_writable(html)
    errors = _errors()
    cases, wrong = _read(files, errors)
    ids = _chosen(cases, only)
    named = [get_format(name) for name in formats]
    refusals: list[UntestableError] = []
    with _ended_like_ctrl_c():
        runtime = find_target(target, overrides)
        runtime.case_files = files
        chosen = named or _formats_of(runtime)
        if isinstance(runtime, ServerTarget) and not chosen:
            report = _without_instrument(runtime, [case for case in cases if case.id in ids])
        else:
            total = sum(case.id in ids and applies(case, fmt) for case in cases for fmt in chosen)
            with track(f"probing {runtime.name}", total, "cases") as bar:
                report = run_probe(
                    runtime,
                    chosen,
                    cases,
                    only=ids,
                    on_outcome=lambda outcome: bar.advance(note=outcome.format),
                    on_refusal=refusals.append,
                )
    _check_tested(report, refusals)
    if as_json:
        print(json.dumps(report.as_json(), allow_nan=False))
    found = changes(report, before, only)
    console = errors if as_json else Console(highlight=False)
    if before is not None:
        print_changes(found, console)
    elif not as_json:
        print_card(report, console)
    if html:
        write_page(report, html)
        errors.print(f"the page: {html}", markup=False)
    _check_compared(report, found)
    return max(found.exit_code, 2 if wrong else 0)


def write_instrument(
    format_name: str, files: Sequence[Path], output: Path, *, part: Part, architecture: Architecture, context: int
) -> int:
    """Writes an instrument of the probe for a format and says so; returns 2 when cases were left out, else 0."""
    made: Instrument
    fmt = get_format(format_name)
    cases, wrong = _read(files, _errors())
    if part == "dice":
        made = make_dice(fmt, FACES)
    else:
        plan = make_plan(fmt, cases, one_file=part == "both")
        made = plan.reader if part == "reader" else plan.speaker
    write_and_print(made, output, architecture=architecture, context=context)
    return 2 if wrong else 0


def _errors() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True)


def _read(files: Sequence[Path], errors: Console) -> tuple[Sequence[Case], bool]:
    """The fidelity set with further cases, and whether some were left out; each of these is printed."""
    cases, wrong = read_cases(files)
    for error in wrong:
        errors.print(f"callwright: left out: {error}", markup=False)
    return cases, bool(wrong)


def _chosen(cases: Sequence[Case], only: Sequence[str]) -> set[str]:
    """The ids that begin with one of `only`; all where there is none."""
    for beginning in only:
        if not any(case.id.startswith(beginning) for case in cases):
            groups = sorted({case.id.partition(".")[0] for case in cases})
            names = groups if "." not in beginning else [case.id for case in cases]
            fix = suggest(beginning, names, f"its first part is one of: {', '.join(groups)}")
            raise ConfigError("the beginning of a case's id", repr(beginning), fix)
    return {case.id for case in cases if not only or case.id.startswith(tuple(only))}


def _formats_of(target: Target) -> list[Format]:
    """The formats to test: all, or that of the instrument loaded in a server; none if it has a model of its own."""
    if isinstance(target, ServerTarget):
        loaded = target.loaded_format()
        return [get_format(loaded)] if loaded else []
    return list(FORMATS.values())


def _without_instrument(target: ServerTarget, cases: Sequence[Case]) -> Report:
    """What can be found out about a server with a model of its own."""
    lines = target.reproduce_with("NAME", "both").splitlines()
    reason = f"it needs an instrument: {'; '.join(lines)}"
    with target.as_it_is() as server:
        outcomes = tuple(probe_plain(server, cases, reason))
    return Report(target=target.name, version=target.version, cases=outcomes)


def _check_tested(report: Report, refusals: Sequence[UntestableError]) -> None:
    """Checks that something was tested: a report of nothing would look like one without a fault.

    Raises:
      WorkError: Nothing was; it says why, for the first case if there are several reasons.
    """
    if any(outcome.result != "not_tested" for outcome in report.cases):
        return
    if refusals:
        raise refusals[0]
    got = report.cases[0].cause if report.cases else "none of those chosen in these formats"
    fix = "correct this, or choose other cases or formats (--only, --format)"
    raise WorkError(f"cases that can be tested at {report.target}", got, fix)


def _check_compared(report: Report, found: Changes) -> None:
    """Checks that something of the baseline was tested: nothing new in a comparison of nothing says nothing.

    Raises:
      WorkError: Nothing was.
    """
    if found.compared != 0:
        return
    got = f"the baseline's formats are not among those of the report: {', '.join(found.formats_left_out)}"
    if found.no_longer_tested:
        got = found.no_longer_tested[0][1].cause
    elif found.gone_cases:
        got = "none of its cases is in the report"
    fix = "correct this, or give a baseline of what is probed"
    raise WorkError(f"cases that the baseline has tested to be tested at {report.target}", got, fix)


@contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """Has SIGTERM, and a closed terminal, end the block as Ctrl-C does: servers are stopped and instruments removed."""

    def end(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
