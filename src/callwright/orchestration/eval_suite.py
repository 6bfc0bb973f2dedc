"""`callwright eval tools` and `callwright eval bfcl`: entries asked of the model after a stage of a run, and scored.

Without a file they are a suite of the run's own, which is continued where it is unfinished. With one they are what its
labelled conversations ask for: the rows stand beside those of the suite `tools`, under the file's name, and what has
its row is not asked again. `eval_served` asks the same of a served model.
"""

from pathlib import Path

from callwright.evaluation.labelled import LabelledFile
from callwright.evaluation.own_tools import Turns
from callwright.evaluation.settings import SuiteName
from callwright.evaluation.suites import SuiteEntries, ask_suite
from callwright.orchestration.eval_served import evaluate_served
from callwright.orchestration.evaluated_run import (
    EvaluatedRun,
    asked_stage,
    find_evaluated,
    finished_stage,
    print_notes,
    print_stopped,
    read_file,
    refuse_other_rows,
)
from callwright.orchestration.served_model import ServedOptions
from callwright.report.evaluation_rows import directory_of, read_directory
from callwright.report.stage_list import STAGES
from callwright.report.suite_table import PARTS, print_scores


def evaluate_suite(
    path: Path,
    suite: SuiteName,
    *,
    file: Path | None = None,
    turns: Turns = "last",
    served: ServedOptions | None = None,
    as_json: bool,
) -> int:
    """Asks what has no row yet, and prints the scores.

    Args:
      path: RUN on the command line; without a stage it is the last one whose evaluation is finished.
      suite: The suite; with a file `tools`.
      file: Labelled conversations, JSON lines; None for the run's own suite.
      turns: Whether the assistant's last message of each line is asked for, or each of them.
      served: The served model that is asked; None for the run's own, in this process.
      as_json: Whether to print JSON.

    Returns:
      The exit code.

    Raises:
      CallwrightError: The run, the stage, the file or the served model cannot be used, or the work failed.
    """
    evaluated = find_evaluated(path)
    try:
        if served is not None:
            return evaluate_served(evaluated, suite, served, file=file, turns=turns, as_json=as_json)
        if file is not None:
            return _evaluate_file(evaluated, file, turns, as_json)
        return _evaluate_suite(evaluated, suite, as_json)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the rows so far are kept; give the same command again to continue") from None


def _evaluate_suite(evaluated: EvaluatedRun, suite: SuiteName, as_json: bool) -> int:
    """A suite of the run's own: continued where it is unfinished, and printed."""
    stage = asked_stage(evaluated, suite)
    planned = (evaluated.created.suites(stage) or {}).get(suite, {})
    directory = directory_of(evaluated.run, stage, suite)
    rows = read_directory(directory)
    if len(rows) < sum(planned.values()) or not evaluated.run.evaluation_finished(stage, suite):
        if not _continue_suite(evaluated, stage, suite):
            return print_stopped(directory)
        rows = read_directory(directory)
    about = {"run": str(evaluated.run.path), "stage": stage, "suite": suite}
    ordered = [row for category in planned for row in rows.values() if row.category == category]
    print_scores(about, f"{suite}, {evaluated.title(stage)}", ordered, part=PARTS[suite], as_json=as_json)
    return 0


def _continue_suite(evaluated: EvaluatedRun, stage: int, suite: SuiteName) -> bool:
    """Asks what the suite has no rows of yet, as the run itself would; whether everything is asked."""
    from callwright.orchestration.environment import check_environment, describe_environment
    from callwright.orchestration.provenance import describe_versions
    from callwright.orchestration.stages import evaluate_stage
    from callwright.orchestration.start import reopen
    from callwright.report.command import write_results

    check_environment(evaluated.run.path, evaluated.created, describe_environment(), describe_versions())
    context = reopen(evaluated.run, evaluated.created, evaluated.config)
    with context.run, context.stop.listening():
        try:
            return evaluate_stage(context, stage, only=suite)
        finally:
            write_results(evaluated.run)


def _evaluate_file(evaluated: EvaluatedRun, file: Path, turns: Turns, as_json: bool) -> int:
    """Labelled conversations of the user's."""
    stage, fmt = finished_stage(evaluated), evaluated.fmt
    found = read_file(evaluated, file, turns)
    directory = directory_of(evaluated.run, stage, "tools", file.name)
    rows = read_directory(directory)
    refuse_other_rows(
        SuiteEntries(found.entries),
        rows,
        f"{file} in {directory}",
        "give the file another name",
        lambda conversation: fmt.render(conversation, add_generation_prompt=True).text,
    )
    print_notes(evaluated, found)
    if any(entry.id not in rows for entries in found.entries.values() for entry in entries):
        if not _ask(evaluated, stage, found, directory, file):
            return print_stopped(directory)
        rows = read_directory(directory)
    about = {"run": str(evaluated.run.path), "stage": stage, "file": str(file), "turns": turns, "rows": str(directory)}
    scored = [rows[entry.id] for entries in found.entries.values() for entry in entries]
    print_scores(about, f"{file.name}, {evaluated.title(stage)}", scored, as_json=as_json)
    return 0


def _ask(evaluated: EvaluatedRun, stage: int, found: LabelledFile, directory: Path, file: Path) -> bool:
    """Asks what of a file has no row yet; whether everything has."""
    from callwright.orchestration.stages import answerer_after
    from callwright.orchestration.start import reopen

    settings = evaluated.config.evaluation.tools or evaluated.config.evaluation.bfcl
    context = reopen(evaluated.run, evaluated.created, evaluated.config)
    with context.run, context.stop.listening():
        return ask_suite(
            answerer_after(context, stage),
            SuiteEntries(found.entries),
            settings,
            directory,
            title=f"{STAGES[stage].title}: {file.name}",
            should_stop=context.stop,
        )
