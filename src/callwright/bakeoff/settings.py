"""What a bake-off's configuration holds: config/bakeoff.yaml, which `callwright bakeoff run` reads."""

import re
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from callwright.bakeoff.arms import ARMS
from callwright.bakeoff.arms.base import ArmOptions
from callwright.errors import ConfigError, suggest
from callwright.settings import Settings, refused, validated
from callwright.yaml_files import read_yaml

_SEE = "see config/bakeoff.yaml"
_ARM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class BakeoffSettings(Settings):
    """A bake-off: what is asked, under which limits, and who answers."""

    run: Path | None = None
    """The run whose trained model is compared, runs/NAME or runs/NAME/stageN; the base model where there is none."""
    gguf: Path | None = None
    """What the llama.cpp server is started on: an export or a .gguf file; the run's only export if None."""
    base: str = "gemma3-270m"
    """The base model, where there is no run."""
    format: str = "xml"
    """How the base model is asked; a trained model has its own format."""
    tasks: Path
    """The tools file whose flows are the tasks."""
    wordings: int = Field(16, ge=1)
    """How many requests of each task are asked, the first ones of the file."""
    history: Path | None = None
    """A chat that precedes every request, in place of the file's histories."""
    context_share: float = Field(1.0, ge=0, le=1)
    """The share of conversations that begin with one of the file's histories."""
    temperature: float = Field(0.0, ge=0)
    """Of sampling; 0 takes the likeliest token."""
    seeds: tuple[int, ...] = Field((1,), min_length=1)
    """Of sampling; above temperature 0 every wording is asked once with each."""
    thinking: bool = False
    """Whether the model is to think; no runtime is left to decide."""
    context: int = Field(8192, ge=1)
    """How many tokens prompt and answer may have together."""
    max_new_tokens: int = Field(256, ge=1)
    """How many tokens an answer may have."""
    max_steps: int = Field(12, ge=1)
    """How many answers a task may take."""
    step_seconds: float = Field(300.0, gt=0)
    """How long an answer may take."""
    task_seconds: float = Field(1800.0, gt=0)
    """How long a task may take in all."""
    arms: dict[str, dict[str, Any]] = Field(min_length=1)
    """Who answers: the name under which an arm's traces are kept, and its options."""

    @field_validator("seeds")
    @classmethod
    def _different(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise refused(ConfigError("different seeds", ", ".join(map(str, seeds)), "name each once"))
        return seeds

    @field_validator("arms", mode="before")
    @classmethod
    def _options(cls, arms: Any) -> Any:
        """An arm without options may stand there without a value."""
        return (
            {name: {} if options is None else options for name, options in arms.items()}
            if isinstance(arms, dict)
            else arms
        )

    @model_validator(mode="after")
    def _consistent(self) -> "BakeoffSettings":
        if self.temperature == 0 and len(self.seeds) > 1:
            got = f"{len(self.seeds)} seeds"
            raise refused(ConfigError("one seed at temperature 0, where nothing is drawn", got, "name one"), "seeds")
        for name in self.arms:
            if not _ARM_NAME.fullmatch(name):
                expected = "letters, digits, dots, dashes and underscores as the name of an arm"
                raise refused(ConfigError(expected, repr(name), "rename it"), "arms")
            try:
                self.arm(name)
            except ConfigError as error:
                raise refused(error, "arms") from error
        return self

    def arm(self, name: str) -> ArmOptions:
        """The options of an arm.

        Raises:
          ConfigError: There is no such arm or kind, or an option is wrong.
        """
        if name not in self.arms:
            raise ConfigError("an arm of the configuration", name, suggest(name, self.arms))
        kind = self.kind(name)
        if kind not in ARMS:
            fix = f"{suggest(kind, ARMS)}; an arm of another name says its kind"
            raise ConfigError(f"a kind of arm as {name}", kind, fix)
        return validated(ARMS[kind].options_type, self.arms[name], where=f"the arm {name}")

    def kind(self, name: str) -> str:
        """Which kind an arm is."""
        return str(self.arms[name].get("kind") or name)


def load_bakeoff(path: Path) -> BakeoffSettings:
    """Reads a configuration file; paths in it are relative to it.

    Raises:
      ConfigError: The file is missing or not YAML, a key is unknown, or a value is wrong.
    """
    data = read_yaml(path, error=ConfigError)
    if not isinstance(data, dict):
        raise ConfigError(f"keys and values in {path}", "none" if data is None else type(data).__name__, _SEE)
    for key in ("run", "gguf", "tasks", "history"):
        if isinstance(data.get(key), str):
            data[key] = str((path.parent / Path(data[key]).expanduser()).resolve())
    return validated(BakeoffSettings, data, where=str(path), see=_SEE)
