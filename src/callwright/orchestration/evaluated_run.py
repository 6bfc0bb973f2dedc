"""What `callwright eval` asks about: a stage of a run, and one of the run's suites or labelled conversations in a file.

Everything that can be wrong with it is told before a model is loaded or a server is asked.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from callwright.conversation import Conversation
from callwright.errors import ConfigError, DataError
from callwright.evaluation.labelled import LabelledFile, read_labelled
from callwright.evaluation.own_tools import Turns
from callwright.evaluation.plays import contents
from callwright.evaluation.row import EvaluationRow, RowCall, recorded
from callwright.evaluation.settings import BASELINE, SuiteName
from callwright.evaluation.suites import SuiteEntries
from callwright.formats import get_format
from callwright.formats.base import Format
from callwright.html.numbers import count, plural
from callwright.invisible import printable
from callwright.orchestration.config import PipelineConfig
from callwright.orchestration.project import project_of
from callwright.orchestration.rundir import RunDirectory
from callwright.report.events import RunCreated
from callwright.report.run_files import check_run, find_stage, split_run
from callwright.report.stage_list import EVALUATED, STAGES

STOPPED = 130
"""Exit code where it was asked to stop; the convention of shells for Ctrl-C."""


@dataclass(frozen=True, slots=True)
class EvaluatedRun:
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

    @property
    def fmt(self) -> Format:
        """The format of all stages."""
        return get_format(self.config.format.name, self.config.format.variant)

    def title(self, stage: int) -> str:
        """The stage for people."""
        return f"{self.run.path}/stage{stage} ({STAGES[stage].title})"


def find_evaluated(path: Path) -> EvaluatedRun:
    """What RUN on a command line names.

    Raises:
      InputError: There is no run, or its files are damaged.
    """
    files, named = split_run(path)
    created = check_run(files)
    run = RunDirectory(files.path)
    return EvaluatedRun(path, run, created, run.read_config(), named)


def asked_stage(evaluated: EvaluatedRun, suite: SuiteName) -> int:
    """The stage after which a suite is meant: the one that is named, or the last whose suite is finished, or can be
    asked.

    Raises:
      InputError: The run has no such suite, or the stage is not finished.
    """
    evaluation, run = evaluated.config.evaluation, evaluated.run
    settings = evaluation.tools if suite == "tools" else evaluation.bfcl
    if settings is None:
        fix = "score a file with --file, or begin a run whose configuration names a tools file there"
        raise ConfigError(f"evaluation.tools in {run.config_path}", "null", fix)
    if evaluated.named is None:
        finished = [stage for stage in settings.after if run.evaluation_finished(stage, suite)]
        ready = [stage for stage in settings.after if stage == BASELINE or run.stage_finished(stage)]
        if not ready:
            raise DataError(f"a finished stage of {run.path} that {suite} follows", "none", "continue the run first")
        return max(finished or ready)
    if evaluated.named not in settings.after:
        after = ", ".join(map(str, settings.after)) or "none"
        expected = f"a stage that {suite} follows in {run.path} ({after})"
        raise ConfigError(expected, str(evaluated.named), "name one of these")
    return finished_stage(evaluated)


def finished_stage(evaluated: EvaluatedRun) -> int:
    """The stage that is asked about a file.

    Raises:
      InputError: No evaluation of the run is finished, or the training stage that is named is not.
    """
    if evaluated.named is None:
        finished = [stage for stage in EVALUATED if evaluated.run.evaluation_finished(stage)]
        if not finished:
            fix = f"name a stage, such as {evaluated.run.path}/stage{BASELINE}, the base model"
            raise DataError(f"a finished evaluation of {evaluated.run.path}", "none", fix)
        return finished[-1]
    return evaluated.named if evaluated.named == BASELINE else find_stage(evaluated.path)[1]


def read_file(evaluated: EvaluatedRun, file: Path, turns: Turns) -> LabelledFile:
    """Labelled conversations of the user's.

    Raises:
      DataError: As `read_labelled`.
    """
    return read_labelled(file, turns, project_of(evaluated.config), evaluated.fmt)


def print_notes(evaluated: EvaluatedRun, found: LabelledFile) -> None:
    """Prints what has to be known of a file, a line each."""
    project = project_of(evaluated.config)
    notes = [f"{notice} ({count(number)} times)" for notice, number in found.notices.most_common()]
    added = {"tools": (found.own_tools, project.tools), "a system message": (found.own_system, project.system)}
    for what, (own, given) in added.items():
        if given and own < found.lines:
            notes.append(f"{plural(found.lines - own, 'line')} without {what}: asked with the run's")
    for note in notes:
        print(f"callwright: note: {printable(note)}", file=sys.stderr)


def refuse_other_rows(
    asked: SuiteEntries,
    rows: Mapping[str, EvaluationRow],
    what: str,
    instead: str,
    prompt: Callable[[Conversation], str] = lambda conversation: "",
) -> None:
    """Refuses to continue with rows of other requests: of a file that was changed, or of another one of that name.

    Args:
      asked: What is asked.
      rows: The rows that are there, by id.
      what: Whose rows they should be, and where they are.
      instead: What may be done, other than to remove them.
      prompt: The prompt of a conversation, where it is rendered here and each entry takes one answer.

    Raises:
      DataError: A row has the id of an entry, and another prompt, question or other expected calls.
    """
    for name, conversation, expected in _every(asked):
        if (row := rows.get(name)) is None:
            continue
        if (row.prompt, row.question, row.expected) != (prompt(conversation), contents(conversation), expected):
            fix = f"remove that directory to ask anew, or {instead}"
            raise DataError(f"rows of {what}", f"one of another request under the id {name}", fix)


def _every(asked: SuiteEntries) -> Iterator[tuple[str, Conversation, tuple[RowCall, ...]]]:
    """The id of each entry and flow, what is asked first, and the calls that are expected."""
    for entry in (entry for members in asked.entries.values() for entry in members):
        yield entry.id, entry.conversation, recorded(entry.expected)
    for flow in asked.flows:
        yield flow.id, flow.conversation, recorded(flow.calls)


def print_stopped(directory: Path) -> int:
    """Prints how to continue; returns the exit code."""
    print(f"Stopped. The rows are in {directory}; give the same command again to continue.", file=sys.stderr)
    return STOPPED
