"""The rows of one evaluation, for whoever compares or shows them: which stage is meant, and what was asked there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from callwright.errors import DataError, suggest
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
      served: The name of the served model that was asked; None for the run's own.
    """

    run: RunFiles
    stage: int
    suite: str
    rows: Mapping[str, EvaluationRow]
    served: str | None = None

    @property
    def path(self) -> Path:
        """The stage as a command line names it, `runs/quickstart/stage4`."""
        return self.run.path / f"stage{self.stage}"

    @property
    def name(self) -> str:
        """The path, and what it was served as."""
        return f"{self.path}{self._served}"

    @property
    def title(self) -> str:
        """What people call it: the name, and the stage's title."""
        return f"{self.path} ({STAGES[self.stage].title}){self._served}"

    @property
    def _served(self) -> str:
        return "" if self.served is None else f" served as {self.served}"


def directory_of(
    run: RunFiles, stage: int, suite: SuiteName, file: str | None = None, served: str | None = None
) -> Path:
    """Where the rows of a suite are, or those of a file that `callwright eval tools --file` scored.

    Args:
      run: The run.
      stage: Of the run.
      suite: The suite; with a file `tools`.
      file: The file, or its name without folder and suffix.
      served: The name of the served model that was asked; None for the run's own.
    """
    directory = run.evaluation(stage, suite)
    return _served_in(directory if file is None else directory / "files" / Path(file).stem, served)


def _served_in(directory: Path, served: str | None) -> Path:
    """Where the rows of a served model are, below those of the run's own."""
    return directory if served is None else directory / "served" / served


def read_directory(directory: Path) -> dict[str, EvaluationRow]:
    """The rows of every category in a directory, by id.

    Raises:
      DataError: A line is not a row.
    """
    return {row.id: row for path in sorted(directory.glob("*.jsonl")) for row in read_rows(path)}


def find_rows(path: Path, suite: SuiteName, file: str | None = None, served: str | None = None) -> StageRows | None:
    """The rows that RUN on a command line names; None where that stage, or every stage, has none of the suite.

    Without a stage it is the last one whose evaluation is finished, or else the last one that has rows.

    Args:
      path: As for `split_run`.
      suite: Which suite.
      file: As for `directory_of`.
      served: The same.

    Raises:
      DataError: There is no run, no such stage, or the run's files are damaged.
    """
    run, stages = _evaluations(path, None if file else suite)
    for stage in stages:
        rows = read_directory(directory_of(run, stage, suite, file, served))
        if rows:
            return StageRows(run, stage, suite if file is None else Path(file).stem, rows, served)
    return None


def all_rows(path: Path, served: str | None = None) -> Iterator[StageRows]:
    """The evaluations of the stage that RUN names, or of all stages, the last first.

    Args:
      path: As for `split_run`.
      served: The name of the served model that was asked; None for the run's own.

    Raises:
      DataError: As `find_rows`.
    """
    run, stages = _evaluations(path, None)
    for stage in stages:
        for suite, directory in _directories(run, stage):
            yield StageRows(run, stage, suite, read_directory(_served_in(directory, served)), served)


def served_names(path: Path) -> list[str]:
    """The names of the served models that have rows after the stage that RUN names, or after any.

    Raises:
      DataError: As `find_rows`.
    """
    run, stages = _evaluations(path, None)
    places = [directory / "served" for stage in stages for _, directory in _directories(run, stage)]
    return sorted({found.name for place in places if place.is_dir() for found in place.iterdir()})


def suggest_served(path: Path, served: str, fix: str) -> str:
    """What to do where a served model has no rows: the names of those that have some, or else `fix`."""
    names = served_names(path)
    return suggest(served, names) if names and served not in names else fix


def _directories(run: RunFiles, stage: int) -> Iterator[tuple[str, Path]]:
    """Every suite and file that may have been asked after a stage, and where the rows of the run's own model are."""
    for suite in SUITES:
        yield suite, directory_of(run, stage, suite)
    files = run.evaluation(stage, "tools") / "files"
    for directory in sorted(files.iterdir()) if files.is_dir() else ():
        yield directory.name, directory


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
