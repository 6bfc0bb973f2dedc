"""A served model, asked what a stage of a run is asked, and compared with the run's own rows entry by entry.

Its rows stand below the run's own, under the name of the served model; a command that was stopped is continued from
them. The server has the weights, so nothing of the run's model is loaded.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from callwright.evaluation.labelled import LabelledFile
from callwright.evaluation.own_tools import Turns
from callwright.evaluation.settings import SuiteName, SuiteSettings
from callwright.evaluation.suites import SuiteEntries, ask_suite, suite_entries
from callwright.orchestration.evaluated_run import (
    EvaluatedRun,
    asked_stage,
    finished_stage,
    print_notes,
    print_stopped,
    read_file,
    refuse_other_rows,
)
from callwright.orchestration.served_model import ServedModel, ServedOptions, refuse_other_model, write_record
from callwright.report.compare import SuiteComparison
from callwright.report.evaluation_rows import StageRows, directory_of, read_directory
from callwright.report.sentences import suite_title
from callwright.report.suite_table import PARTS, print_scores


def evaluate_served(
    evaluated: EvaluatedRun, suite: SuiteName, options: ServedOptions, *, file: Path | None, turns: Turns, as_json: bool
) -> int:
    """Asks the served model what has no row yet, and prints the scores and the comparison with the run's own rows.

    Args:
      evaluated: The run.
      suite: The suite; with a file `tools`.
      options: Which model, checked.
      file: Labelled conversations, JSON lines; None for the run's own suite.
      turns: Whether the assistant's last message of each line is asked for, or each of them.
      as_json: Whether to print JSON.

    Returns:
      The exit code.

    Raises:
      CallwrightError: The stage, the file or the server cannot be used, or the work failed.
    """
    stage = asked_stage(evaluated, suite) if file is None else finished_stage(evaluated)
    found = None if file is None else read_file(evaluated, file, turns)
    model = ServedModel.of(options, evaluated.run.path / f"stage{stage}")
    name = None if file is None else file.name
    directory = directory_of(evaluated.run, stage, suite, name, model.name)
    compared = compare_served(evaluated, stage, suite, model, file=file, found=found, yes=options.yes)
    if compared is None:
        return print_stopped(directory)
    about: dict[str, Any] = {"run": str(evaluated.run.path), "stage": stage}
    about |= {"suite": suite} if file is None else {"file": str(file), "turns": turns}
    about |= {"served": model.name, "rows": str(directory)}
    print_scores(
        about,
        f"{name or suite}, {compared.after.title}",
        list(compared.after.rows.values()),
        part=PARTS[suite],
        compared=compared if compared.pairs else None,
        as_json=as_json,
    )
    return 0


def compare_served(
    evaluated: EvaluatedRun,
    stage: int,
    suite: SuiteName,
    model: ServedModel,
    *,
    file: Path | None = None,
    found: LabelledFile | None = None,
    yes: bool = False,
) -> SuiteComparison | None:
    """Asks the served model what has no row yet; the run's own rows beside all of its rows, None if it was stopped.

    Args:
      evaluated: The run.
      stage: The stage that is served.
      suite: The suite; with a file `tools`.
      model: The served model.
      file: Labelled conversations; None for the run's own suite.
      found: What the file holds.
      yes: Whether a llama-server may be built where there is none.

    Raises:
      CallwrightError: As `evaluate_served`.
    """
    settings, asked = suite_of(evaluated, stage, suite) if found is None else _of_file(evaluated, found)
    name = None if file is None else file.name
    directory = directory_of(evaluated.run, stage, suite, name, model.name)
    rows = read_directory(directory)
    refuse_other_rows(asked, rows, f"{file or suite} in {directory}", "keep the new ones under another --name")
    if found is not None:
        print_notes(evaluated, found)
    record = model.record()
    refuse_other_model(directory, model, record)
    if any(id not in rows for ids in asked.ids.values() for id in ids):
        title = f"{model.name}: {suite_title(suite) if file is None else file.name}"
        if not _ask(evaluated, model, record, asked, settings, directory, title, yes=yes):
            return None
        rows = read_directory(directory)
    ids = asked.ids
    scored = {row.id: row for category in ids for row in rows.values() if row.id in ids[category]}
    shown = suite if file is None else file.stem
    own = StageRows(evaluated.run, stage, shown, read_directory(directory_of(evaluated.run, stage, suite, name)))
    return SuiteComparison(own, StageRows(evaluated.run, stage, shown, scored, model.name))


def suite_of(evaluated: EvaluatedRun, stage: int, suite: SuiteName) -> tuple[SuiteSettings, SuiteEntries]:
    """How a suite of the run's own is asked, and what.

    Raises:
      CallwrightError: The tools file or the benchmark cannot be used.
    """
    from callwright.orchestration.stages import refuse_other_tools

    settings = evaluated.config.evaluation.after(stage)[suite]
    refuse_other_tools(evaluated.run, settings)
    return settings, suite_entries(settings, stage)


def _of_file(evaluated: EvaluatedRun, found: LabelledFile) -> tuple[SuiteSettings, SuiteEntries]:
    """How labelled conversations are asked, and what."""
    evaluation = evaluated.config.evaluation
    return evaluation.tools or evaluation.bfcl, SuiteEntries(found.entries)


def _ask(
    evaluated: EvaluatedRun,
    model: ServedModel,
    record: Mapping[str, Any],
    asked: SuiteEntries,
    settings: SuiteSettings,
    directory: Path,
    title: str,
    *,
    yes: bool,
) -> bool:
    """Asks what has no row yet; whether everything has."""
    from callwright.orchestration.watch import StopRequest

    stop = StopRequest()
    with evaluated.run, model.answerer(yes=yes) as answerer, stop.listening():
        write_record(directory, record)
        return ask_suite(answerer, asked, settings, directory, title=title, should_stop=stop)
