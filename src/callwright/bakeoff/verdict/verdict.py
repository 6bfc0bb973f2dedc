"""The verdict on a bake-off, as `verdict.json` has it.

Sentences are made where the numbers are (`compare`, `sentences`) and written with them, so that every reader says the
same. Names of causes are text: another version may know others.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from callwright.bakeoff.trace_files import TraceKey
from callwright.bakeoff.verdict.align import ComparedBy
from callwright.bakeoff.verdict.evidence import Excerpt
from callwright.bakeoff.verdict.statistics import ArmSpeed, PairedSuccess, Success
from callwright.errors import DataError
from callwright.settings import validated
from callwright.storage import write_json

Judgment = Literal["faithful", "faithful within rounding", "not faithful", "not compared", "reference"]


class BakeoffFinding(BaseModel):
    """The first step at which an arm parts from the reference in one run, and why."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    arm: str
    task: str
    wording: int
    seed: int
    step: int
    """From 0."""
    fields: tuple[str, ...]
    """What differs at that step, furthest upstream first."""
    cause: str
    kind: str
    """What of the cause it is, as "lost" of a parser; "" where the cause says it all."""
    sentence: str
    reference: Excerpt | None
    """What the reference has around the place; None where there is no text to show, as in `seen`."""
    seen: Excerpt | None
    numbers: Mapping[str, float]
    """What was measured: `margin` of the reference in logits, at least that where `margin_is_a_bound` is 1."""
    rounding: bool
    """Whether rounding to 16 bits explains it, because the reference was undecided."""
    reproduce: str
    """A command for the shell that shows it again."""
    probe: str | None = None
    """The cases of a probe of the same runtime that show it, too; None where none does, or none was named."""

    @property
    def key(self) -> TraceKey:
        """The run."""
        return TraceKey(self.task, self.wording, self.seed)

    @property
    def title(self) -> str:
        """Cause and kind."""
        return f"{self.cause}: {self.kind}" if self.kind else self.cause


class ArmVerdict(BaseModel):
    """What became of one arm."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    arm: str
    judgment: Judgment
    """Of the arm against the reference."""
    sentence: str
    finished: int
    """Runs with an end."""
    unfinished: int
    """Runs without one, which are left out."""
    not_run: int
    """Finished runs whose environment was missing; they count for nothing else."""
    compared: int
    """Runs that the reference has too."""
    parted: int
    """Of these, the runs with a finding that rounding does not explain."""
    drawn: int
    """Runs in which both drew other tokens at a temperature, which are compared up to there."""
    compared_by: ComparedBy | None
    """What was known of both in every run; None where nothing was compared."""
    causes: Mapping[str, int]
    """Findings by cause, those that rounding explains apart, under `rounding`; the most frequent first."""
    successes: tuple[Success, ...]
    """By task, then of all together where there are several."""
    paired: PairedSuccess | None
    """Success against the reference; None for the reference itself, and where no run is in both."""
    speed: ArmSpeed
    agreement: Mapping[str, float]
    """Positions, `same_top` and `mean_kl` of this arm's weights along the reference's outputs, of all and by part of
    the call; empty where they were not forced."""


class BakeoffVerdict(BaseModel):
    """The whole."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    schema_version: Literal[1] = 1
    reference: str
    """The arm that all others are compared with."""
    sentence: str
    rules: tuple[str, ...]
    """What two arms of one runtime, by chat and by prompt, say beside the reference."""
    arms: tuple[ArmVerdict, ...] = Field(min_length=1)
    """The reference first."""
    findings: tuple[BakeoffFinding, ...]
    """By arm, task, wording and seed."""

    def write(self, path: Path) -> None:
        """Writes `verdict.json`, atomically.

        Raises:
          StorageError: The file cannot be written.
        """
        write_json(path, self.as_json())

    def as_json(self) -> dict[str, Any]:
        """For other programs."""
        return self.model_dump()


def read_verdict(path: Path) -> BakeoffVerdict:
    """The verdict that was written.

    Raises:
      DataError: The file is missing, or no verdict.
    """
    fix = "give `callwright bakeoff compare` again, which writes it"
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"a verdict in {path}", str(error), fix) from error
    return validated(BakeoffVerdict, data, where=str(path), error=DataError, fix=fix)
