"""`callwright runs`: every run of a directory in a line, from its log and its results.

A run that cannot be read is a line too, which says what is wrong with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from callwright.errors import CallwrightError, DataError
from callwright.html.numbers import interval, moment, percent
from callwright.invisible import printable
from callwright.report.events import Event, RunCreated, RunProgress, StageFailed, StageProgress
from callwright.report.run_files import RunFiles
from callwright.report.schema import Results
from callwright.report.sentences import suite_title
from callwright.report.stage_list import STAGES, PipelineStage
from callwright.report.text import columns

_DEFAULT = Path("runs")
_NEVER = datetime.max.replace(tzinfo=UTC)
_HEADER = ("run", "state", "stages done", "best, 95% interval", "began")


@dataclass(frozen=True, slots=True)
class RunLine:
    """What is said of one run.

    Attributes:
      name: Its directory's name.
      state: `running`, `finished`, `failed`, `stopped`; `broken` where it cannot be read.
      stages: The numbers of the stages that are done.
      best: The best accuracy on entries that ask for a call, of the evaluations that are whole; "" where there is none.
      began: When it was created; None where the log does not say.
      wrong: What is wrong with it; "" where nothing is.
    """

    name: str
    state: str
    stages: tuple[int, ...] = ()
    best: str = ""
    began: datetime | None = None
    wrong: str = ""

    def cells(self) -> tuple[str, ...]:
        """A cell for each column."""
        stages = " ".join(map(str, self.stages))
        began = "" if self.began is None else moment(self.began)
        return tuple(printable(cell) or "–" for cell in (self.name, self.state, stages, self.best, began))


def print_runs(directory: Path | None) -> None:
    """Prints the runs of a directory, the one that began last at the end; of a run's own directory that run alone.

    Args:
      directory: The directory; `runs` when None, which need not be there yet.

    Raises:
      DataError: There is no such directory, or it cannot be listed.
    """
    if directory is None:
        directory = _DEFAULT
        if not directory.exists():
            print(f"No runs yet in {directory}.")
            return
    lines = sorted(map(describe_run, _places(directory)), key=lambda line: (line.began or _NEVER, line.name))
    if not lines:
        print(f"No runs in {printable(str(directory))}.")
        return
    rows = [(*_HEADER, ""), *((*line.cells(), printable(line.wrong)) for line in lines)]
    print(*columns(rows, left=range(len(_HEADER) + 1)), sep="\n")


def _places(directory: Path) -> list[Path]:
    if RunFiles(directory).log_path.is_file():
        return [directory]
    try:
        return [place for place in directory.iterdir() if place.is_dir() and not place.name.startswith(".")]
    except OSError as error:
        fix = "name the directory where runs are, or begin a run with callwright run"
        raise DataError(f"a directory of runs in {directory}", error.strerror or str(error), fix) from error


def describe_run(place: Path) -> RunLine:
    """What the files of a run say; an error is what is wrong with it."""
    run, name = RunFiles(place), place.resolve().name
    try:
        events = run.events()
        created = next((event for event in events if isinstance(event, RunCreated)), None)
        if created is None:
            raise DataError("a run", f"no {run.log_path.name} of one", f"remove {place} if nothing of it is needed")
    except (CallwrightError, OSError) as error:
        return RunLine(name, "broken", wrong=str(error))
    line = RunLine(name, _state(run, events), _done(created, events), began=created.time)
    try:
        return replace(line, best=_best(run))
    except (CallwrightError, OSError) as error:
        return replace(line, wrong=str(error))


def _state(run: RunFiles, events: Sequence[Event]) -> str:
    """By the last event that tells; a process that works on the run is what the lock says."""
    if run.in_use:
        return "running"
    last = next((event for event in reversed(events) if isinstance(event, RunProgress | StageFailed)), None)
    if last is None or last.event == "run_started":
        return "stopped"
    return "failed" if isinstance(last, StageFailed) else "finished"


def _done(created: RunCreated, events: Sequence[Event]) -> tuple[int, ...]:
    """The stages that are finished, each with the suites that follow it."""
    progress = [event for event in events if isinstance(event, StageProgress)]
    done = {event.stage for event in progress if event.event == "stage_finished"}
    asked = {(event.stage, event.suite) for event in progress if event.event == "evaluation_finished"}

    def is_done(stage: PipelineStage) -> bool:
        suites = created.suites(stage.number) if stage.kind != "format" else {}
        follow = [(stage.number, suite) for suite in ({"bfcl": {}} if suites is None else suites)]
        begun = bool(follow) if stage.kind == "evaluation" else stage.number in done
        return begun and asked.issuperset(follow)

    return tuple(number for number, stage in STAGES.items() if is_done(stage))


def _best(run: RunFiles) -> str:
    if not run.results_path.is_file():  # it is made when the first stage is done
        return ""
    results = Results.read(run.results_path)
    for suite in results.suites:
        pools = {key: suite.evaluations[key].pooled for key in suite.evaluated}
        whole = [key for key, pool in pools.items() if 0 < pool.total == pool.planned]
        if whole:
            best = max(whole, key=lambda key: pools[key].accuracy or 0.0)
            pool = pools[best]
            name = "" if len(results.suites) == 1 else f" on {suite_title(suite.name)}"
            return f"{percent(pool.accuracy)} [{interval(pool.low, pool.high)}] {results.title(best)}{name}"
    return ""
