"""The configuration of a run: what a user writes in YAML, checked as a whole before anything is computed.

Every room declares its own settings next to the code that reads them; this file only puts them together. A stage may
stand in a file of its own (`sft_full: sft_full.yaml`, relative to the file that names it). An override is
`key.path=value`; one that begins with `training.`, `data.` or another key that only stages have goes to every stage
that has it.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from callwright.data.registry import SOURCES
from callwright.errors import ConfigError
from callwright.evaluation.run import EvaluationSettings
from callwright.formats import get_format
from callwright.models.load import Precision
from callwright.models.lora import LoraSettings
from callwright.settings import Settings
from callwright.storage import sha256_json
from callwright.training.grpo import GrpoSettings
from callwright.training.sft import SftSettings

SECTIONS = {3: "sft_small", 4: "sft_full", 5: "grpo"}
"""Training stages by the seed's numbers."""
_NO_YAML = (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError)
"""What PyYAML raises: its own errors, those of a value it cannot build (`2024-13-45`), and text that is too deep."""


class FormatSettings(Settings):
    """How conversations are written."""

    name: str = "xml"
    """A format of the registry."""
    variant: str | None = None
    """One of its variants; the first when null."""

    @model_validator(mode="after")
    def _exists(self) -> "FormatSettings":
        get_format(self.name, self.variant)
        return self


class ModelSettings(Settings):
    """Which weights, in which precision."""

    source: str = "gemma3-270m"
    """The built-in gemma3-270m, a directory of safetensors, a .gguf file, or a hub id."""
    precision: Precision = "float32"
    """Of evaluation and rollouts."""


class MeshSettings(Settings):
    """How devices are arranged; 1 x 1 on a CPU."""

    fsdp: int = Field(1, gt=0)
    """Devices that share the batch and the weights."""
    tp: int = Field(1, gt=0)
    """Devices that share each layer's width."""


class _Stage(Settings):
    """What all training stages have."""

    enabled: bool = True
    """False leaves the stage out of a run that does not name it in --stages."""
    data: dict[str, dict[str, Any]] = Field(default_factory=lambda: {"synthetic": dict[str, Any]()})
    """Source to its settings; several are mixed."""
    precision: Precision = "bfloat16"
    """Of the frozen weights while training; the adapter is always float32."""

    @field_validator("data")
    @classmethod
    def _resolved(cls, data: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        resolved = {}
        for name, options in data.items():
            if name not in SOURCES:
                raise ValueError(f"no source {name!r}; there are {', '.join(SOURCES)}")
            try:
                resolved[name] = SOURCES[name].settings.model_validate(options).model_dump(mode="json")
            except ValidationError as error:
                first = error.errors()[0]
                raise ValueError(f"{'.'.join(map(str, (name, *first['loc'])))}: {first['msg']}") from error
        return resolved


class SftStage(_Stage):
    """Supervised fine-tuning."""

    training: SftSettings = SftSettings()
    """Steps, schedule, batch shape."""


class GrpoStage(_Stage):
    """Group relative policy optimisation."""

    training: GrpoSettings = GrpoSettings()
    """Steps, rollouts, rewards, limits."""


class PipelineConfig(Settings):
    """A whole run."""

    name: str = Field("pipeline", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """The run's directory is runs/NAME."""
    seed: int = Field(0, ge=0, lt=2**63)
    """Of the adapter, the order of examples and the rollouts."""
    model: ModelSettings = ModelSettings()
    """The weights."""
    format: FormatSettings = FormatSettings()
    """Stage 1."""
    mesh: MeshSettings = MeshSettings()
    """The devices."""
    lora: LoraSettings = LoraSettings()
    """The adapter, the same in all stages."""
    evaluation: EvaluationSettings = EvaluationSettings()
    """Stage 2, and after every training stage."""
    sft_small: SftStage = SftStage()
    """Stage 3: the format, on a few tools."""
    sft_full: SftStage = SftStage()
    """Stage 4: the broad set."""
    grpo: GrpoStage = GrpoStage()
    """Stage 5."""
    tensorboard: bool = True
    """Whether metrics are also written for TensorBoard, under runs/NAME/tensorboard."""

    @field_validator("evaluation")
    @classmethod
    def _asks_something(cls, evaluation: EvaluationSettings) -> EvaluationSettings:
        if isinstance(evaluation.sample, dict) and not any(evaluation.sample.values()):
            fix = "ask for some entries of a category, or write null for all of them"
            raise ConfigError("at least one entry in evaluation.sample", repr(evaluation.sample), fix)
        return evaluation

    @property
    def sha256(self) -> str:
        """Of everything that decides the results."""
        return sha256_json(self.model_dump(mode="json"))

    def stage(self, number: int) -> SftStage | GrpoStage:
        """The settings of a training stage, 3 to 5."""
        stage: SftStage | GrpoStage = getattr(self, SECTIONS[number])
        return stage


def load_config(path: Path | None, overrides: Sequence[str] = ()) -> PipelineConfig:
    """Reads a configuration file (all defaults when there is none), applies overrides, and checks it.

    Raises:
      ConfigError: the file is missing or no YAML, a key is unknown, a value has the wrong type.
    """
    data = _read(path) if path is not None else {}
    for section in SECTIONS.values():
        if path is not None and isinstance(data.get(section), str):
            data[section] = _read(path.parent / data[section])
        elif not isinstance(data.get(section, {}), dict):
            if data[section] is not None:
                raise ConfigError(
                    f"keys or a file's name as {section}", repr(data[section]), "see config/pipeline.yaml"
                )
            del data[section]
    for override in overrides:
        _apply(data, override)
    try:
        return PipelineConfig.model_validate(data)
    except ValidationError as error:
        raise _config_error(error, str(path or "the configuration")) from error


def _own(value: Any) -> Any:
    """A copy in which nothing is shared: two YAML aliases of one section are overridden one by one."""
    if isinstance(value, dict):
        return {key: _own(inner) for key, inner in value.items()}
    return [_own(inner) for inner in value] if isinstance(value, list) else value


def _config_error(error: ValidationError, where: str) -> ConfigError:
    first = error.errors()[0]
    key = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        known = ", ".join(_known_keys(first["loc"][:-1])) or "none"
        return ConfigError(f"a known key in {where}", key, f"use one of: {known}")
    came = "nothing" if first["type"] == "missing" else repr(first["input"])[:80]
    return ConfigError(f"{key} in {where}: {first['msg']}", came, "correct this value")


def _known_keys(path: Sequence[int | str]) -> list[str]:
    model: Any = PipelineConfig
    for part in path:
        fields = getattr(model, "model_fields", {})
        if part not in fields:
            return []
        model = fields[part].annotation
    return list(getattr(model, "model_fields", {}))


def _read(path: Path) -> dict[str, Any]:
    try:
        data = _own(yaml.safe_load(Path(path).read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(
            f"a configuration file {path}", error.strerror or str(error), "name an existing file"
        ) from error
    except _NO_YAML as error:
        raise ConfigError(f"YAML in {path}", " ".join(str(error).split()), "correct the file") from error
    if not isinstance(data, dict | None):
        raise ConfigError(f"keys and values in {path}", type(data).__name__, "see config/quickstart.yaml")
    return data or {}


def _apply(data: dict[str, Any], override: str) -> None:
    """Puts one `key.path=value` into the data that was read."""
    path, equals, text = override.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise ConfigError("an override key.path=value", repr(override), "write e.g. --set training.steps=200")
    try:
        value = _own(yaml.safe_load(text))
    except _NO_YAML as error:
        raise ConfigError(f"a YAML value for {path}", repr(text)[:80], "quote it") from error
    for target in _targets(data, keys):
        for key in keys[:-1]:
            target = target.setdefault(key, {})
            if not isinstance(target, dict):
                raise ConfigError(f"a section {key} in {path}", repr(target), "override the value itself")
        target[keys[-1]] = value


def _targets(data: dict[str, Any], keys: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Where an override goes: the whole configuration, or every stage that could hold it."""
    if keys[0] in PipelineConfig.model_fields:
        yield data
        return
    stages = {"sft_small": SftStage, "sft_full": SftStage, "grpo": GrpoStage}
    found = [name for name, stage in stages.items() if _holds(stage, keys)]
    if not found:
        raise ConfigError(
            f"an override of {', '.join(PipelineConfig.model_fields)}, or of a stage's data or training",
            ".".join(keys),
            "name an existing key",
        )
    for name in found:
        yield data.setdefault(name, {})


def _holds(model: Any, keys: Sequence[str]) -> bool:
    for key in keys:
        fields: Mapping[str, Any] = getattr(model, "model_fields", {})
        if not fields:
            return True  # a free mapping, such as a source's options; the source checks it
        if key not in fields:
            return False
        model = fields[key].annotation
    return True
