"""The events of a run: the lines of `events.jsonl`, which are the truth about it.

Each has the time (UTC) and the kind of event; what belongs to a stage has its number, 1 to 5. Fields that are not
declared here are kept: the metrics of a step, the summary of a stage. So are kinds that this version does not know.
"""

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StrictInt, field_validator

from callwright.errors import DataError
from callwright.evaluation.settings import SuiteName
from callwright.progress import duration
from callwright.report.schema import Model, Versions
from callwright.settings import validated
from callwright.storage import numbered_jsonl

Count = Annotated[int, Field(strict=True, ge=0)]


class RunEvent(BaseModel):
    """What all events have."""

    model_config = ConfigDict(frozen=True, extra="allow", use_attribute_docstrings=True)

    time: datetime
    """When it happened, with its time zone."""

    @field_validator("time", mode="before")
    @classmethod
    def _in_a_time_zone(cls, value: Any) -> datetime:
        with suppress(TypeError, ValueError):
            time = datetime.fromisoformat(value)
            if time.tzinfo is not None:
                return time
        raise ValueError("a time in ISO 8601 with its time zone")


class ScaledToBudget(BaseModel):
    """What a new run's budget of time made of its configuration."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    seconds: float
    """The budget."""
    speed: float
    """Floating point operations a second of the machine, as measured then."""
    whole_seconds: float
    """The estimate for the configuration as it was given."""
    scaled_seconds: float
    """The estimate for the run."""
    given: dict[str, Any]
    """What was replaced, by dotted key."""
    taken: dict[str, Any]
    """What the run has instead."""
    kept: tuple[str, ...]
    """The same in words, such as `50 of 150 updates of SFT full`."""

    @property
    def note(self) -> str:
        """What has to be known of the run for it, in a sentence; "" where nothing was given up."""
        scaled = f"For a budget of {duration(self.seconds)} the run was scaled to {', '.join(self.kept)}"
        return scaled if self.kept else ""


class RunCreated(RunEvent):
    """First of all: what the run is made from."""

    event: Literal["run_created"]
    config_sha256: str
    """Of the resolved configuration."""
    resume: dict[str, str] | None = None
    """Path and sha256 of the stage of another run that it starts from."""
    command: str
    model: Model
    versions: Versions
    environment: dict[str, Any] | None = None
    """What decides the bits of the run besides (`orchestration.environment`); runs of 0.1 do not say."""
    planned: dict[str, Count] | None = None
    """Of a run of an earlier version, entries of each category of BFCL that will be asked after every stage."""
    evaluations: dict[str, dict[SuiteName, dict[str, Count]]] | None = None
    """Entries that will be asked: stage to suite to category to how many; earlier versions do not say."""
    budget: ScaledToBudget | None = None
    """What a budget of time made of the configuration; None where there was none."""

    def suites(self, stage: int) -> dict[SuiteName, dict[str, int]] | None:
        """The suites that follow a stage, with how many entries of each category they ask; None where the log does not
        say.
        """
        if self.evaluations is None:
            return None if self.planned is None else {"bfcl": self.planned}
        return self.evaluations.get(f"stage{stage}", {})


class RunProgress(RunEvent):
    """A process began to work on the run, or came to the end of its stages."""

    event: Literal["run_started", "run_finished"]
    stages: tuple[int, ...] = ()
    command: str = ""


class StageEvent(RunEvent):
    """What all events of a stage have."""

    stage: StrictInt


class StageProgress(StageEvent):
    """A process began a stage, left it (finished or not), or finished it; or the evaluation after it.

    A stage is finished when it is done, an evaluation when every planned entry has its row; further fields are then the
    summary.
    """

    event: Literal[
        "stage_started",
        "stage_left",
        "stage_finished",
        "evaluation_started",
        "evaluation_left",
        "evaluation_finished",
    ]
    peak_memory_bytes: Count = 0
    """The largest memory of the process; 0 where it was not measured."""
    starts_from: str = ""
    """Of a training stage that began or finished: `base model`, `stage3` of this run, or the path of another run's
    stage; earlier versions do not say."""
    data_files: dict[str, str] = {}
    """Of a training stage that began or finished, the sha256 of each file of the user's that it trains on, by path; of
    an evaluation that began, that of the tools file. Earlier versions do not say."""
    prompt_weights: dict[str, float] | None = None
    """Of a GRPO stage that began or finished, how often the kinds of its prompts are drawn, relative to each other;
    empty where all are drawn alike."""
    note: str = ""
    """Of a finished stage, what has to be known of it, in a sentence."""
    suite: SuiteName = "bfcl"
    """Of an evaluation, which suite was asked; earlier versions knew one."""


class StageFailed(StageEvent):
    """A stage or its evaluation failed."""

    event: Literal["stage_failed"]
    message: str
    """What the user saw."""


class UpdateStep(StageEvent):
    """An update; further fields are its metrics, its seconds and the ids of its examples."""

    event: Literal["step"]
    step: StrictInt
    """The update's number, from 1."""
    tokens: Count = 0
    """Tokens that it was trained on, without padding."""

    @property
    def metrics(self) -> dict[str, float]:
        """Every number that was logged, by name."""
        logged = ((name, value) for name, value in self if name in self.model_fields_set - {"step", "stage"})
        return {name: value for name, value in logged if isinstance(value, int | float)}


class OtherEvent(RunEvent):
    """An event of another version."""

    event: str


Event = RunCreated | RunProgress | StageProgress | StageFailed | UpdateStep | OtherEvent
_BY_KIND: dict[Any, type[Event]] = {
    kind: model for model in get_args(Event) for kind in get_args(model.model_fields["event"].annotation)
}


def read_events(path: Path) -> list[Event]:
    """The events in the file, in order; a torn last line is ignored, and a missing file is empty.

    Raises:
      DataError: A line is not an event.
    """
    return [_read(line, f"line {number} of {path}") for number, line in numbered_jsonl(path)]


def _read(line: dict[str, Any], where: str) -> Event:
    kind = line.get("event")
    model = _BY_KIND.get(kind, OtherEvent) if isinstance(kind, str) else OtherEvent
    return validated(model, line, where=where, error=DataError, fix="correct the line or take it out")
