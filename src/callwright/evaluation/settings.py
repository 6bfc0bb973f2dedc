"""What can be set for an evaluation: which suites are asked after which stages, which of their entries, and how.

A suite is a set of entries that is scored by one rule: `bfcl`, the benchmark, and `tools`, requests to the tools of a
tools file.
"""

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from callwright.errors import ConfigError
from callwright.evaluation.bfcl import load_category, sample
from callwright.scoring.categories import CATEGORIES, find_category
from callwright.scoring.entry import BfclEntry
from callwright.settings import Settings, refused

SuiteName = Literal["bfcl", "tools"]
DEFAULT_CATEGORIES = ("simple_python", "multiple", "parallel", "parallel_multiple", "irrelevance")
BASELINE = 2
"""The stage that evaluates the base model."""
_EVERY_STAGE: tuple[Literal[2, 3, 4, 5], ...] = (2, 3, 4, 5)


class SuiteSettings(Settings):
    """When a suite is asked, and how."""

    after: tuple[Literal[2, 3, 4, 5], ...] = _EVERY_STAGE
    """The stages that it follows; 2 is the base model."""
    seed: int = 0
    """Of the entries that are asked; more of them with the same seed contain the fewer."""
    batch_size: int = Field(16, gt=0)
    """Prompts in a batch, at most."""
    batch_tokens: int = Field(8192, gt=0)
    """Prompt tokens in a batch, at most: padding counts, and what all its prompts begin with counts once."""
    max_new_tokens: int = Field(160, gt=0)
    """Outputs are cut there; a cut call is no call."""


class BfclSettings(SuiteSettings):
    """Which entries of BFCL are asked, and how."""

    sample: int | dict[str, int] | None = None
    """Entries in all, stratified over the categories; or entries of each category; or, if null, all of them."""
    baseline_sample: int | dict[str, int] | None = None
    """The same for the base model, which may be asked fewer; if null, those of `sample`."""
    categories: tuple[str, ...] = DEFAULT_CATEGORIES
    """Categories that a sample is drawn from when it is a number or null."""

    @field_validator("categories", "sample", "baseline_sample")
    @classmethod
    def _categories_exist(cls, value: Any) -> Any:
        if value == ():
            fix = f"name some of: {', '.join(CATEGORIES)}"
            raise refused(ConfigError("at least one BFCL category", "an empty list", fix))
        for name in value if isinstance(value, tuple | dict) else ():
            try:
                find_category(name)
            except ConfigError as error:
                raise refused(error) from error
        return value

    def entries(self, *, baseline: bool = False) -> dict[str, list[BfclEntry]]:
        """The sampled entries by category, downloaded on first use; those of the base model if `baseline`."""
        wanted = self.sample if not baseline or self.baseline_sample is None else self.baseline_sample
        if isinstance(wanted, dict):
            return {name: sample({name: load_category(name)}, n, self.seed) for name, n in wanted.items() if n}
        every = {name: load_category(name) for name in self.categories}
        size = sum(map(len, every.values())) if wanted is None else wanted
        chosen = sample(every, size, self.seed)
        return {name: [entry for entry in chosen if entry.category == name] for name in every}


class ToolsSuiteSettings(SuiteSettings):
    """Which requests to the tools of a tools file are asked, and how: none that training may have seen."""

    path: Path
    """The tools file."""
    requests: int = Field(200, gt=0)
    """Requests after each training stage, as many of each kind that the file can make."""
    baseline_requests: int = Field(40, gt=0)
    """Requests for the base model, which are among those."""
    max_steps: int = Field(8, gt=0)
    """Answers in a flow, at most."""

    def size(self, stage: int) -> int:
        """How many requests are asked after a stage."""
        return min(self.baseline_requests, self.requests) if stage == BASELINE else self.requests


class EvaluationSettings(Settings):
    """The suites. The keys of `bfcl` may also stand here."""

    FLAT: ClassVar[str] = "bfcl"

    bfcl: BfclSettings = BfclSettings()
    """The benchmark."""
    tools: ToolsSuiteSettings | None = None
    """Requests to your own tools; null asks none."""

    def after(self, stage: int) -> dict[SuiteName, SuiteSettings]:
        """The suites that are asked after a stage."""
        suites: dict[SuiteName, SuiteSettings | None] = {"bfcl": self.bfcl, "tools": self.tools}
        return {name: suite for name, suite in suites.items() if suite is not None and stage in suite.after}
