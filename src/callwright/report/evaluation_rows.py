"""The rows of one evaluation, for whoever compares or shows them: which stage is meant, and what was asked there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from callwright.errors import DataError
from callwright.evaluation.row import EvaluationRow, read_rows
from callwright.evaluation.settings import SuiteName
from callwright.report.run_files import RunFiles, check_run, split_run
from callwright.report.schema import SUITES
from callwright.report.stage_list import EVALUATED, STAGES


@dataclass(frozen=True, slots=True)
class StageRows:
    """What one evaluation has on disk.

    Attributes:
      run: The run.
      stage: The stage whose model was asked.
      suite: `bfcl`, `tools`, or the name of a file that was scored.
      rows: By entry id, a category after another.
    """

    run: RunFiles
    stage: int
    suite: str
    rows: Mapping[str, EvaluationRow]

    @property
    def name(self) -> str:
        """The stage as a command line names it, `runs/quickstart/stage4`."""
        return str(self.run.path / f"stage{self.stage}")

    @property
    def title(self) -> str:
        """What people call it: the name, and the stage's title."""
        return f"{self.name} ({STAGES[self.stage].title})"


def directory_of(run: RunFiles, stage: int, suite: SuiteName, file: str | None = None) -> Path:
    """Where the rows of a suite are, or those of a file that `callwright eval tools --file` scored.

    Args:
      run: The run.
      stage: Of the run.
      suite: The suite; with a file `tools`.
      file: The file, or its name without folder and suffix.
    """
    directory = run.evaluation(stage, suite)
    return directory if file is None else directory / "files" / Path(file).stem


def read_directory(directory: Path) -> dict[str, EvaluationRow]:
    """The rows of every category in a directory, by id.

    Raises:
      DataError: A line is not a row.
    """
    return {row.id: row for path in sorted(directory.glob("*.jsonl")) for row in read_rows(path)}


def find_rows(path: Path, suite: SuiteName, file: str | None = None) -> StageRows | None:
    """The rows that RUN on a command line names; None where that stage, or every stage, has none of the suite.

    Without a stage it is the last one whose evaluation is finished, or else the last one that has rows.

    Args:
      path: As for `split_run`.
      suite: Which suite.
      file: As for `directory_of`.

    Raises:
      DataError: There is no run, no such stage, or the run's files are damaged.
    """
    run, stages = _evaluations(path, None if file else suite)
    for stage in stages:
        rows = read_directory(directory_of(run, stage, suite, file))
        if rows:
            return StageRows(run, stage, suite if file is None else Path(file).stem, rows)
    return None


def all_rows(path: Path) -> Iterator[StageRows]:
    """The evaluations of the stage that RUN names, or of all stages, the last first.

    Raises:
      DataError: As `find_rows`.
    """
    run, stages = _evaluations(path, None)
    for stage in stages:
        for suite in SUITES:
            yield StageRows(run, stage, suite, read_directory(directory_of(run, stage, suite)))
        files = run.evaluation(stage, "tools") / "files"
        for directory in sorted(files.iterdir()) if files.is_dir() else ():
            yield StageRows(run, stage, directory.name, read_directory(directory))


def _evaluations(path: Path, suite: SuiteName | None) -> tuple[RunFiles, list[int]]:
    """The run that a path names, and its stage; without one all that may be evaluated, the last finished one first."""
    run, named = split_run(path)
    check_run(run)
    if named is None:
        return run, sorted(EVALUATED, key=lambda stage: (run.evaluation_finished(stage, suite), stage), reverse=True)
    if named not in EVALUATED:
        stages = ", ".join(map(str, EVALUATED))
        raise DataError(f"a stage of {run.path} that is evaluated", f"stage {named}", f"name one of: {stages}")
    return run, [named]
