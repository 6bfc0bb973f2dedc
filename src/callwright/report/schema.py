"""What `results.json` holds: the contract between a run and everything that reads it.

It says what ran, on what, at what cost, and how it scored. What follows from other fields (an accuracy, its interval,
the pool of the call categories) is written for readers in other languages, and computed again when we read the file, so
that it cannot disagree with them. An unfinished run is a valid file: what is missing is absent or says its status. Left
out on purpose: the outputs, which are beside it in `evaluations/<stage>/<category>.jsonl`, and those of the suite
`tools` in `evaluations/<stage>/tools/<kind>.jsonl`.

`schema_version` rises when a reader of the older version would misread the file. Version 1 knew one suite, BFCL; it is
still read.
"""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    NonNegativeFloat,
    NonNegativeInt,
    StringConstraints,
    computed_field,
    model_validator,
)

from callwright import storage
from callwright.errors import DataError
from callwright.evaluation.settings import SuiteName
from callwright.evaluation.statistics import McNemar, is_call_category, wilson
from callwright.report.stage_list import StageKind
from callwright.settings import validated

SCHEMA_VERSION = 2
POOLED = "calls"
"""The category of a comparison over all call categories together."""
SUITES: tuple[SuiteName, ...] = ("tools", "bfcl")
"""In the order in which they are shown: the user's own tools first."""
NO_CALL = "none"
"""What a confusion matrix calls an answer without a call, and an entry that expects none."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
"""A stage or a category; it becomes a file's name, so it cannot leave the directory."""
StageStatus = Literal["pending", "running", "stopped", "done", "failed", "skipped"]
Finite = Annotated[float | None, AfterValidator(lambda x: x if x is None or math.isfinite(x) else None)]
"""A measured value; null where it was NaN or infinite, which JSON cannot say."""
Metric = Annotated[list[tuple[int, Finite]], Field(description="Pairs of an update's number and a value.")]


class _Part(BaseModel):
    """A closed part of the file; fields that are computed are accepted on reading and ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _without_computed(cls, data: Any) -> Any:
        computed = cls.model_computed_fields
        return {k: v for k, v in data.items() if k not in computed} if isinstance(data, dict) else data


class Cost(_Part):
    """What something took."""

    seconds: NonNegativeFloat
    """Wall-clock time, over all the processes that a resumed stage needed."""
    tokens: NonNegativeInt = 0
    """Tokens trained on (padding excluded), or for an evaluation prompt and answer together."""
    peak_memory_bytes: NonNegativeInt | None = None
    """The largest resident size of the process, or of the accelerator where there is one."""


class Run(_Part):
    """Which run this is and how to repeat it."""

    name: str
    created: AwareDatetime
    finished: AwareDatetime | None = None
    """None while the run is under way, or when it was stopped."""
    config_sha256: str
    """Of the resolved configuration, which lies beside this file."""
    seed: int
    command: str
    """The command line as it was typed."""
    note: str = ""
    """What has to be known of the whole run, in a sentence: what a budget of time gave up."""


class Model(_Part):
    """The base model."""

    spec: str
    """What the user named: a directory, a file, a hub id."""
    name: str
    """What to call it in a sentence, e.g. Gemma 3 270M."""
    sha256: str
    license: str = Field(validation_alias=AliasChoices("license", "licence"))
    """The terms of the weights; results of before 0.2 spell it `licence`."""
    parameters: NonNegativeInt


class Versions(_Part):
    """Everything that could change a number."""

    callwright: str
    python: str
    platform: str
    packages: dict[str, str] = {}
    git_commit: str | None = None
    bfcl_data_sha256: str | None = None


class Stage(_Part):
    """One stage of the pipeline."""

    key: Name
    """"stage1" to "stage5"."""
    title: str
    """What a table calls the model after it, e.g. "base model", "SFT small"."""
    kind: StageKind
    status: StageStatus
    """`stopped` where it was begun and not finished, and no process works on it."""
    message: str = ""
    """Why it failed or was skipped, when it was stopped, or what has to be known of it although it is done."""
    cost: Cost | None = None
    """Of the stage itself; the evaluation after it has a cost of its own."""
    suites: tuple[SuiteName, ...] = ()
    """What is asked after it, or is the stage; of the format nothing."""
    summary: dict[str, JsonValue] = {}
    """What else it counted, e.g. examples, updates, examples longer than the sequence."""


class Score(_Part):
    """How many entries of a category were solved."""

    correct: NonNegativeInt
    total: NonNegativeInt
    """Entries scored so far."""
    planned: NonNegativeInt
    """Entries that the sample holds; more than `total` while the evaluation is unfinished."""
    called: NonNegativeInt
    """Entries in which the model made at least one well-formed call."""
    loops: NonNegativeInt = 0
    """Entries whose output was cut because it had begun to repeat itself."""
    errors: dict[str, NonNegativeInt] = {}
    """Error type to how often, over the entries that were not solved."""

    @model_validator(mode="after")
    def _adds_up(self) -> "Score":
        if not (self.correct <= self.total <= self.planned and max(self.called, self.loops) <= self.total):
            raise ValueError("needs correct <= total <= planned, and called and loops <= total")
        return self

    @computed_field  # type: ignore[prop-decorator]
    @property
    def accuracy(self) -> float | None:
        """Correct over total; None of nothing."""
        return self.correct / self.total if self.total else None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def low(self) -> float:
        """Lower end of the 95% Wilson interval."""
        return wilson(self.correct, self.total).low

    @computed_field  # type: ignore[prop-decorator]
    @property
    def high(self) -> float:
        """Upper end of the 95% Wilson interval."""
        return wilson(self.correct, self.total).high


class Suite(_Part):
    """What one suite found after one stage."""

    categories: dict[Name, Score]
    """Of BFCL its categories, of `tools` the kinds of requests."""
    by_tool: dict[str, Score] = {}
    """Of `tools`, the entries that expect calls of one tool alone, by tool."""
    confusion: dict[str, dict[str, NonNegativeInt]] = {}
    """Of `tools`, entries that expect at most one call: expected tool to called tool to how often; `none` is no call.
    An entry in which several tools were called counts for each of them."""
    cost: Cost | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def pooled(self) -> Score:
        """The call categories together, entry by entry; its errors stay with the categories."""
        calls = [score for name, score in self.categories.items() if is_call_category(name)]
        fields = ("correct", "total", "planned", "called", "loops")
        return Score(**{field: sum(getattr(score, field) for score in calls) for field in fields})


class Comparison(_Part):
    """McNemar's exact test between two stages on the entries of a suite that both scored."""

    suite: SuiteName
    before: Name
    after: Name
    category: Name
    """A category, or `calls` for all call categories together."""
    gained: NonNegativeInt
    lost: NonNegativeInt
    both: NonNegativeInt
    neither: NonNegativeInt
    p_value: float = Field(ge=0, le=1)

    @classmethod
    def of(cls, suite: SuiteName, before: str, after: str, category: str, test: McNemar) -> "Comparison":
        """The record of a test."""
        return cls(suite=suite, before=before, after=after, category=category, **asdict(test))


class Results(_Part):
    """The whole file."""

    schema_version: Literal[2] = 2
    run: Run
    model: Model
    versions: Versions
    stages: list[Stage]
    """In the order in which they run."""
    curves: dict[Name, dict[str, Metric]] = {}
    """Training stage to metric to its course."""
    evaluations: dict[Name, dict[SuiteName, Suite]] = {}
    """Stage to the suites that were asked after it."""
    comparisons: list[Comparison] = []

    @classmethod
    def read(cls, path: Path) -> "Results":
        """Reads the file.

        Raises:
          DataError: It is missing, not JSON, of another schema version, or does not hold what it should.
        """
        fix = "name a run's directory, or run it again"
        try:
            data = json.loads(Path(path).read_bytes())
        except OSError as error:
            raise DataError(f"a run's results in {path}", error.strerror or str(error), fix) from error
        except ValueError as error:
            raise DataError(f"JSON in {path}", str(error), fix) from error
        version = data.get("schema_version") if isinstance(data, dict) else None
        if version == 1:
            data, version = _from_version_1(data), SCHEMA_VERSION
        if version != SCHEMA_VERSION:
            raise DataError(
                f"schema_version {SCHEMA_VERSION} in {path}", repr(version), "read it with the version that wrote it"
            )
        return validated(cls, data, where=f"the results in {path}", error=DataError, fix=fix)

    def write(self, path: Path) -> None:
        """Replaces the file, atomically."""
        storage.write_json(path, self.model_dump(mode="json"))

    def title(self, key: str) -> str:
        """What to call the model after stage `key`."""
        return next((stage.title for stage in self.stages if stage.key == key), key)

    def evaluation_cost(self, key: str) -> Cost | None:
        """What all suites after stage `key` took together; None where nothing is known of it."""
        costs = [suite.cost for suite in self.evaluations.get(key, {}).values() if suite.cost]
        if not costs:
            return None
        peaks = [cost.peak_memory_bytes for cost in costs if cost.peak_memory_bytes is not None]
        return Cost(
            seconds=sum(cost.seconds for cost in costs),
            tokens=sum(cost.tokens for cost in costs),
            peak_memory_bytes=max(peaks, default=None),
        )

    def suite(self, name: SuiteName) -> "SuiteResults":
        """What one suite found after every stage that it followed."""
        return SuiteResults(self, name)

    @property
    def suites(self) -> list["SuiteResults"]:
        """The suites that have scored something; the user's own tools first."""
        return [suite for suite in map(self.suite, SUITES) if suite.evaluated]


@dataclass(frozen=True, slots=True)
class SuiteResults:
    """A view of a run's results: one suite after every stage that it followed."""

    results: Results
    name: SuiteName

    def title(self, key: str) -> str:
        """See `Results.title`."""
        return self.results.title(key)

    @property
    def evaluations(self) -> dict[str, Suite]:
        """Stage to what the suite found after it."""
        return {key: suites[self.name] for key, suites in self.results.evaluations.items() if self.name in suites}

    @property
    def comparisons(self) -> list[Comparison]:
        """The paired tests on the suite's entries."""
        return [test for test in self.results.comparisons if test.suite == self.name]

    @property
    def evaluated(self) -> list[str]:
        """The stages after which the suite has scored something, in the order in which they ran."""
        order = {stage.key: index for index, stage in enumerate(self.results.stages)}
        some = [key for key, suite in self.evaluations.items() if any(s.total for s in suite.categories.values())]
        return sorted(some, key=lambda key: (order.get(key, len(order)), key))

    @property
    def categories(self) -> list[str]:
        """Every category after any stage, those that ask for calls first, each in the order of its first sight."""
        seen = dict.fromkeys(name for key in self.evaluated for name in self.evaluations[key].categories)
        return sorted(seen, key=lambda name: not is_call_category(name))


def _from_version_1(data: dict[str, Any]) -> dict[str, Any]:
    """The data as version 2 has it; what is not as it should be is left to be refused."""
    stages, evaluations, comparisons = (data.get(key) for key in ("stages", "evaluations", "comparisons"))
    changed: dict[str, Any] = {"schema_version": SCHEMA_VERSION}
    if isinstance(stages, list):
        changed["stages"] = [
            one | {"suites": ["bfcl"]} if isinstance(one, dict) and one.get("kind") != "format" else one
            for one in stages
        ]
    if isinstance(evaluations, dict):
        changed["evaluations"] = {key: {"bfcl": suite} for key, suite in evaluations.items()}
    if isinstance(comparisons, list):
        changed["comparisons"] = [{"suite": "bfcl", **one} if isinstance(one, dict) else one for one in comparisons]
    return data | changed
