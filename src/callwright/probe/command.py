"""The command `callwright probe`: runs the probe, prints and writes what was found, and returns the exit code."""

import json
from collections.abc import Collection, Container, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from rich.console import Console

import callwright
from callwright import storage
from callwright.errors import ConfigError, WorkError, suggest
from callwright.formats import get_format
from callwright.instruments.command import write_and_print
from callwright.instruments.dice import make_dice
from callwright.instruments.instrument import Instrument
from callwright.models.weights import Architecture
from callwright.probe.black_box import WHY
from callwright.probe.cases.load import read_cases, set_version
from callwright.probe.cases.schema import Case
from callwright.probe.measure import measure
from callwright.probe.outcome import ComparedBaseline, ProbeSettings, Report
from callwright.probe.plan import Part, make_plan
from callwright.probe.reading import print_prompt
from callwright.probe.report.baseline import Changes, changes, print_changes, read_report
from callwright.probe.report.html import write_page
from callwright.probe.report.in_full import print_cases
from callwright.probe.report.terminal import print_card
from callwright.probe.sampling.judge import FACES
from callwright.probe.targets.base import UntestableError


def probe(
    target: str,
    *,
    formats: Sequence[str] = (),
    overrides: Sequence[str] = (),
    files: Sequence[Path] = (),
    only: Sequence[str] = (),
    html: Path | None = None,
    as_json: bool = False,
    show: bool = False,
    baseline: Path | None = None,
) -> int:
    """Probes a target, and returns 3 when there is a fault that the baseline does not have, else 0.

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
      show: Whether what was expected and seen in each case is printed too, in full.
      baseline: A report to compare with, as far as its cases are among those to run.

    Raises:
      InputError: An argument or a file is wrong.
      StorageError: The page cannot be written; where that can be known, it is before the probe.
      WorkError: The target cannot be reached, nothing could be tested, or nothing that the baseline tested.
      KeyboardInterrupt: The probe was aborted; what was found until then was printed and written, and the words say so.
    """
    before = read_report(baseline) if baseline else None
    if html:
        storage.check_writable(html)
    cases = _read(files, _errors())
    ids = _chosen({case.id for case in cases}, only)
    named = [get_format(name) for name in formats]
    made = {
        "date": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "callwright": callwright.__version__,
        "settings": ProbeSettings(
            target=target,
            overrides=tuple(overrides),
            formats=tuple(formats),
            files=tuple(map(str, files)),
            only=tuple(only),
        ),
        "case_set": set_version(files),
    }
    measured = measure(target, cases, formats=named, overrides=overrides, files=files, only=ids)
    report, aborted = measured.report, measured.aborted
    if aborted and before:
        before, aborted = None, f"{aborted}; it was not compared with the baseline"
    _check_tested(report, ids if only else None, measured.refusals)
    report = _with_why(report.model_copy(update=made), cases)
    found = _publish(report, before, only, html=html, as_json=as_json, show=show)
    if aborted:
        raise KeyboardInterrupt(aborted)
    _check_compared(report, found)
    return found.exit_code


def show_saved(
    saved: Path,
    *,
    only: Sequence[str] = (),
    html: Path | None = None,
    as_json: bool = False,
    show: bool = False,
    baseline: Path | None = None,
) -> int:
    """Prints and writes a saved report as `probe` does, without a server, and returns what that returns.

    Args:
      saved: What `callwright probe --json` printed.
      only: Beginnings of the ids of its cases that are shown; all where none is named.
      html: See `probe`.
      as_json: See `probe`.
      show: See `probe`.
      baseline: See `probe`.

    Raises:
      InputError: A file is no report, or has no such cases.
      StorageError: The page cannot be written.
      WorkError: The report has nothing of what the baseline tested.
    """
    report = read_report(saved)
    before = read_report(baseline) if baseline else None
    if html:
        storage.check_writable(html)
    ids = _chosen({case.id for case in report.cases}, only)
    report = report.model_copy(update={"cases": tuple(case for case in report.cases if case.id in ids)})
    report = _with_why(report, read_cases().cases)
    found = _publish(report, before, only, html=html, as_json=as_json, show=show)
    _check_compared(report, found)
    return found.exit_code


def _with_why(report: Report, cases: Sequence[Case]) -> Report:
    """The report with why its cases matter, where it does not say so."""
    known = {**WHY, **{case.id: case.why for case in cases}, **report.why}
    return report.model_copy(update={"why": {case.id: known[case.id] for case in report.cases if case.id in known}})


def _publish(
    report: Report, before: Report | None, only: Sequence[str], *, html: Path | None, as_json: bool, show: bool
) -> Changes:
    """Prints and writes a report as `probe` does, and returns what changed since the baseline."""
    found = changes(report, before, only)
    if before is not None:
        compared = ComparedBaseline(
            target=before.target, version=before.version, date=before.date, remarks=found.remarks
        )
        report = report.model_copy(update={"baseline": compared})
    errors = _errors()
    if as_json:
        print(json.dumps(report.as_json(), allow_nan=False))
    console = errors if as_json else Console(highlight=False)
    if before is not None:
        print_changes(found, console)
    elif not as_json:
        print_card(report, console)
    if show:
        print_cases(report, console)
    if html:
        write_page(report, html)
        errors.print(f"the page: {html}", markup=False)
    return found


def write_instrument(
    format_name: str, files: Sequence[Path], output: Path, *, part: Part, architecture: Architecture, context: int
) -> None:
    """Writes an instrument of the probe for a format and says so.

    Raises:
      InputError: The format does not exist, or a file or a case of it is wrong.
    """
    made: Instrument
    fmt = get_format(format_name)
    cases = _read(files, _errors())
    if part == "dice":
        made = make_dice(fmt, FACES)
    else:
        plan = make_plan(fmt, cases, one_file=part == "both")
        made = plan.reader if part == "reader" else plan.speaker
    write_and_print(made, output, architecture=architecture, context=context)


def read_prompt(stdin: BinaryIO, format_name: str | None, files: Sequence[Path], *, part: Part, as_text: bool) -> None:
    """Prints the prompt that an instrument of the probe shows; see `reading.print_prompt`.

    Raises:
      InputError: There is no such format, a file or a case of it is wrong, or there is no prompt to read.
    """
    if format_name is None:
        raise ConfigError("--format with --part", "none", "name the format that the instrument was built for")
    cases = _read(files, _errors())
    print_prompt(stdin.read(), get_format(format_name), cases, part, as_text=as_text)


def _errors() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True)


def _read(files: Sequence[Path], errors: Console) -> Sequence[Case]:
    """The fidelity set with further cases.

    Raises:
      DataError: A file or a case of it is wrong. If there are several, all but the last are printed.
    """
    cases, wrong = read_cases(files)
    for error in wrong[:-1]:
        errors.print(f"callwright: {error}", markup=False)
    if wrong:
        raise wrong[-1]
    return cases


def _chosen(ids: Collection[str], only: Sequence[str]) -> set[str]:
    """The ids that begin with one of `only`; all where there is none."""
    for beginning in only:
        if not any(one.startswith(beginning) for one in ids):
            groups = sorted({one.partition(".")[0] for one in ids})
            names = groups if "." not in beginning else sorted(ids)
            fix = suggest(beginning, names, f"its first part is one of: {', '.join(groups)}")
            raise ConfigError("the beginning of a case's id", repr(beginning), fix)
    return {one for one in ids if not only or one.startswith(tuple(only))}


def _check_tested(report: Report, only: Container[str] | None, refusals: Sequence[UntestableError]) -> None:
    """Checks that something was tested: a report of nothing would look like one without a fault.

    Args:
      report: What was found.
      only: The ids of the cases that were named; None where none were.
      refusals: Why instruments could not be loaded.

    Raises:
      WorkError: Nothing was, of what was named; it says why, for the first case if there are several reasons.
    """
    named = [outcome for outcome in report.cases if only is None or outcome.id in only]
    if any(outcome.result != "not_tested" for outcome in named):
        return
    if refusals:
        raise refusals[0]
    got = named[0].cause if named else "none of those chosen in these formats"
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
