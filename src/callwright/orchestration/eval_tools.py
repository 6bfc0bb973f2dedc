"""`callwright eval tools`: requests to own tools, asked of the model after a stage of a run.

Without a file they are the run's own suite `tools`, which is continued where it is unfinished. With one they are what
its labelled conversations ask for: the rows stand beside the suite's, under the file's name, and what has its row is
not asked again. Everything that can be wrong with a file is told before the model is loaded.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from callwright.data.openai_jsonl import OpenAIJsonlSettings
from callwright.data.own_tools.sides import one_side
from callwright.data.own_tools.source import load_own_tools
from callwright.data.project import Project, read_project
from callwright.errors import ConfigError, DataError
from callwright.evaluation.labelled import LabelledFile, read_labelled
from callwright.evaluation.own_tools import ToolsEntry, Turns
from callwright.evaluation.row import EvaluationRow, recorded
from callwright.evaluation.settings import BASELINE
from callwright.evaluation.suites import SuiteEntries, ask_suite
from callwright.formats import get_format
from callwright.formats.base import Format
from callwright.html.numbers import count, plural
from callwright.invisible import printable
from callwright.orchestration.config import PipelineConfig
from callwright.orchestration.rundir import RunDirectory
from callwright.report.evaluation_rows import directory_of, read_directory
from callwright.report.events import RunCreated
from callwright.report.run_files import check_run, find_stage, split_run
from callwright.report.stage_list import EVALUATED, SECTIONS, STAGES
from callwright.report.suite_table import print_scores

STOPPED = 130
"""Exit code where it was asked to stop; the convention of shells for Ctrl-C."""


@dataclass(frozen=True, slots=True)
class _Target:
    """What is evaluated: a stage of a run.

    Attributes:
      path: RUN on the command line.
      run: The run.
      created: The event with which it began.
      config: Its configuration.
      named: The stage that RUN names; None where it names none.
    """

    path: Path
    run: RunDirectory
    created: RunCreated
    config: PipelineConfig
    named: int | None

    def title(self, stage: int) -> str:
        """The stage for people."""
        return f"{self.run.path}/stage{stage} ({STAGES[stage].title})"


def evaluate_tools(path: Path, *, file: Path | None, turns: Turns, as_json: bool) -> int:
    """Asks what has no row yet, and prints the scores.

    Args:
      path: RUN on the command line; without a stage it is the last one whose evaluation is finished.
      file: Labelled conversations, JSON lines; None for the run's own suite.
      turns: Whether the assistant's last message of each line is asked for, or each of them.
      as_json: Whether to print JSON.

    Returns:
      The exit code.

    Raises:
      CallwrightError: The run, the stage or the file cannot be used, or the work failed.
    """
    files, named = split_run(path)
    created = check_run(files)
    run = RunDirectory(files.path)
    target = _Target(path, run, created, run.read_config(), named)
    try:
        return _evaluate_suite(target, as_json) if file is None else _evaluate_file(target, file, turns, as_json)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the rows so far are kept; give the same command again to continue") from None


def _evaluate_suite(target: _Target, as_json: bool) -> int:
    """The run's own suite: continued where it is unfinished, and printed."""
    stage = _asked_stage(target)
    planned = (target.created.suites(stage) or {}).get("tools", {})
    rows = read_directory(target.run.evaluation(stage, "tools"))
    if len(rows) < sum(planned.values()) or not target.run.evaluation_finished(stage, "tools"):
        if not _continue_suite(target, stage):
            return _stopped(target.run.evaluation(stage, "tools"))
        rows = read_directory(target.run.evaluation(stage, "tools"))
    about = {"run": str(target.run.path), "stage": stage, "suite": "tools"}
    ordered = [row for kind in planned for row in rows.values() if row.category == kind]
    print_scores(about, f"tools, {target.title(stage)}", ordered, as_json=as_json)
    return 0


def _asked_stage(target: _Target) -> int:
    """The stage whose suite is meant: the one that is named, or the last whose suite is finished, or can be asked.

    Raises:
      InputError: The run has no such suite, or the stage is not finished.
    """
    settings, run = target.config.evaluation.tools, target.run
    if settings is None:
        fix = "score a file with --file, or begin a run whose configuration names a tools file there"
        raise ConfigError(f"evaluation.tools in {run.config_path}", "null", fix)
    if target.named is None:
        finished = [stage for stage in settings.after if run.evaluation_finished(stage, "tools")]
        ready = [stage for stage in settings.after if stage == BASELINE or run.stage_finished(stage)]
        if not ready:
            raise DataError(f"a finished stage of {run.path} that tools follows", "none", "continue the run first")
        return max(finished or ready)
    if target.named not in settings.after:
        after = ", ".join(map(str, settings.after))
        raise ConfigError(f"a stage that tools follows in {run.path} ({after})", str(target.named), "name one of these")
    return _finished_stage(target)


def _continue_suite(target: _Target, stage: int) -> bool:
    """Asks what the suite has no rows of yet, as the run itself would; whether everything is asked."""
    from callwright.orchestration.environment import check_environment, describe_environment
    from callwright.orchestration.provenance import describe_versions
    from callwright.orchestration.stages import evaluate_stage
    from callwright.orchestration.start import reopen
    from callwright.report.command import write_results

    check_environment(target.run.path, target.created, describe_environment(), describe_versions())
    context = reopen(target.run, target.created, target.config)
    with context.run, context.stop.listening():
        try:
            return evaluate_stage(context, stage, only="tools")
        finally:
            write_results(target.run)


def _evaluate_file(target: _Target, file: Path, turns: Turns, as_json: bool) -> int:
    """Labelled conversations of the user's."""
    config = target.config
    stage = _finished_stage(target)
    fmt = get_format(config.format.name, config.format.variant)
    project = project_of(config)
    found = read_labelled(file, turns, project, fmt)
    directory = directory_of(target.run, stage, "tools", file.name)
    rows = read_directory(directory)
    refuse_other_rows(found.entries, rows, fmt, f"{file} in {directory}")
    for note in _notes(found, project):
        print(f"callwright: note: {printable(note)}", file=sys.stderr)
    if any(entry.id not in rows for entries in found.entries.values() for entry in entries):
        if not _ask(target, stage, found, directory, file):
            return _stopped(directory)
        rows = read_directory(directory)
    about = {"run": str(target.run.path), "stage": stage, "file": str(file), "turns": turns, "rows": str(directory)}
    scored = [rows[entry.id] for entries in found.entries.values() for entry in entries]
    print_scores(about, f"{file.name}, {target.title(stage)}", scored, as_json=as_json)
    return 0


def _ask(target: _Target, stage: int, found: LabelledFile, directory: Path, file: Path) -> bool:
    """Asks what of a file has no row yet; whether everything has."""
    from callwright.orchestration.stages import answerer_after
    from callwright.orchestration.start import reopen

    settings = target.config.evaluation.tools or target.config.evaluation.bfcl
    context = reopen(target.run, target.created, target.config)
    with context.run, context.stop.listening():
        return ask_suite(
            answerer_after(context, stage),
            SuiteEntries(found.entries),
            settings,
            directory,
            title=f"{STAGES[stage].title}: {file.name}",
            should_stop=context.stop,
        )


def project_of(config: PipelineConfig) -> Project:
    """The tools and the first system prompt of the tools file that a run's suite `tools` asks about, or, without that
    suite, those that its conversations share in the last stage that trains on some.

    Raises:
      DataError: A file is missing or wrong.
    """
    settings = config.evaluation.tools
    if settings is not None:
        group = load_own_tools(settings.path)
        return Project(one_side(group, held_out=True).offered, next(iter(group.system), None))
    for number in sorted(SECTIONS, reverse=True):
        if options := config.stage(number).data.get("openai_jsonl"):
            shared = OpenAIJsonlSettings(**options)
            return read_project(shared.tools, shared.system)
    return Project()


def refuse_other_rows(
    entries: Mapping[str, Sequence[ToolsEntry]], rows: Mapping[str, EvaluationRow], fmt: Format, what: str
) -> None:
    """Refuses to continue with rows of other requests: of a file that was changed, or of another one of that name.

    Args:
      entries: What is asked.
      rows: The rows that are there, by id.
      fmt: The format in which they are asked.
      what: Whose rows they should be, and where they are.

    Raises:
      DataError: A row has the id of an entry, and another prompt or other expected calls.
    """
    for entry in (entry for members in entries.values() for entry in members if entry.id in rows):
        row = rows[entry.id]
        prompt = fmt.render(entry.conversation, add_generation_prompt=True).text
        if (row.prompt, row.expected) != (prompt, recorded(entry.expected)):
            fix = "remove that directory to ask anew, or give the file another name"
            raise DataError(f"rows of {what}", f"one of another request under the id {entry.id}", fix)


def _finished_stage(target: _Target) -> int:
    """The stage that is asked.

    Raises:
      InputError: No evaluation of the run is finished, or the training stage that is named is not.
    """
    if target.named is None:
        finished = [stage for stage in EVALUATED if target.run.evaluation_finished(stage)]
        if not finished:
            fix = f"name a stage, such as {target.run.path}/stage{BASELINE}, the base model"
            raise DataError(f"a finished evaluation of {target.run.path}", "none", fix)
        return finished[-1]
    return target.named if target.named == BASELINE else find_stage(target.path)[1]


def _notes(found: LabelledFile, project: Project) -> list[str]:
    """What has to be known of a file, a line each."""
    notes = [f"{notice} ({count(number)} times)" for notice, number in found.notices.most_common()]
    added = {"tools": (found.own_tools, project.tools), "a system message": (found.own_system, project.system)}
    for what, (own, given) in added.items():
        if given and own < found.lines:
            notes.append(f"{plural(found.lines - own, 'line')} without {what}: asked with the run's")
    return notes


def _stopped(directory: Path) -> int:
    print(f"Stopped. The rows are in {directory}; give the same command again to continue.", file=sys.stderr)
    return STOPPED
