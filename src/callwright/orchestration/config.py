"""The configuration of a run: what a user writes in YAML, checked as a whole before anything is computed.

Every package declares its settings next to the code that reads them; this module only puts them together. A stage may
stand in a file of its own (`sft_full: sft_full.yaml`, relative to the file that names it). An override is
`key.path=value`; one that begins with `training.`, `data.` or another key that only stages have goes to every stage
that has it.

A path in a file is relative to that file, and one in an override to the working directory; the configuration holds both
absolute, so that errors show them whole and a run is resumed from anywhere.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, create_model, field_validator, model_validator
from pydantic_core import PydanticCustomError

from callwright.data.registry import SOURCES, MixedSource, open_source
from callwright.data.source import Source
from callwright.errors import ConfigError, FormatError, suggest
from callwright.evaluation.settings import EvaluationSettings
from callwright.formats import FORMATS, get_format
from callwright.invisible import printable
from callwright.models.settings import LoraSettings, Precision
from callwright.models.sources import BUILTIN
from callwright.orchestration.durations import format_duration, parse_duration
from callwright.report.stage_list import SECTIONS
from callwright.settings import LONGEST, Settings, flat_keys, key_paths, nested, refused, validated
from callwright.storage import sha256_json
from callwright.training.settings import GrpoSettings, SftSettings
from callwright.yaml_files import parse_yaml, read_yaml

OFF = "off"
"""A budget that is none."""
_SEE = "`callwright run FILE --dry-run` prints all keys"
NAME_ONE = "name one that says what to run: config/quickstart.yaml (small), or config/pipeline.yaml (the full run)"
"""What to do without a configuration: the full run takes hours, so it is never assumed."""


class FormatSettings(Settings):
    """How conversations are written."""

    name: str = "xml"
    """A format of the registry."""
    variant: str | None = None
    """One of its variants; the first when null."""

    @model_validator(mode="after")
    def _exists(self) -> "FormatSettings":
        try:
            get_format(self.name, self.variant)
        except FormatError as error:
            known = self.name in {fmt.name for fmt in FORMATS.values()}
            raise refused(error, "variant" if known and self.variant else "name") from error
        return self


class ModelSettings(Settings):
    """Which weights, in which precision."""

    source: str = "gemma3-270m"
    """The built-in gemma3-270m, a directory of safetensors, a .gguf file (relative to this file), or a hub id."""
    precision: Precision = "float32"
    """Of evaluation and rollouts."""


class MeshSettings(Settings):
    """How devices are arranged; 1 x 1 on a CPU."""

    fsdp: int = Field(1, gt=0)
    """Devices that share the batch and the weights."""
    tp: int = Field(1, gt=0)
    """Devices that share each layer's width."""


_OPTIONS: dict[str, Any] = {name: (entry.settings | None, None) for name, entry in SOURCES.items()}
_Sources = create_model("_Sources", __base__=Settings, **_OPTIONS)
"""The settings of every source by its name, so that an error names source and key."""


class _Stage(Settings):
    """What all training stages have."""

    enabled: bool = True
    """False leaves the stage out of a run that does not name it in --stages."""
    data: dict[str, dict[str, Any]] = Field(default_factory=lambda: {"synthetic": dict[str, Any]()})
    """Source to its settings; several are mixed."""
    decontaminate: Literal["refuse", "warn", "off"] = "refuse"
    """What follows if examples are also entries of the benchmark: an error, a warning, or they are not looked for."""
    precision: Precision = "bfloat16"
    """Of the frozen weights in training; the adapter is always float32."""

    @field_validator("data")
    @classmethod
    def _resolved(cls, data: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """With the defaults of each source; the order, in which sources are mixed, is the user's."""
        options = _Sources.model_validate(data)
        return {name: getattr(options, name).model_dump(mode="json") for name in data}


class SftStage(_Stage):
    """Supervised fine-tuning."""

    training: SftSettings = SftSettings()
    """Steps, schedule, batch shape."""


class GrpoStage(_Stage):
    """Group relative policy optimization."""

    training: GrpoSettings = GrpoSettings()
    """Steps, rollouts, rewards, limits."""


class PipelineConfig(Settings):
    """A whole run."""

    name: str = Field("pipeline", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """The run's directory is runs/NAME."""
    seed: int = Field(0, ge=0, lt=2**63)
    """Of the adapter, the order of examples and the rollouts."""
    budget: str | None = None
    """Time for a whole run, such as 25m or 1h30m, to which a new one is scaled down; null runs everything whole."""
    model: ModelSettings = ModelSettings()
    """The weights."""
    format: FormatSettings = FormatSettings()
    """Stage 1."""
    mesh: MeshSettings = MeshSettings()
    """The devices."""
    lora: LoraSettings = LoraSettings()
    """The adapter, the same in all stages."""
    tools: Path | None = None
    """Your tools file: the one of each source and suite `tools` that names no other."""
    evaluation: EvaluationSettings = EvaluationSettings()
    """Stage 2, and after the training stages: `bfcl`, whose keys may also stand here, and `tools`."""
    sft_small: SftStage = SftStage()
    """Stage 3: the format, on a few tools."""
    sft_full: SftStage = SftStage()
    """Stage 4: the broad set."""
    grpo: GrpoStage = GrpoStage()
    """Stage 5."""
    tensorboard: bool = True
    """Whether metrics are also written for TensorBoard, under runs/NAME/tensorboard."""

    @field_validator("budget", mode="before")
    @classmethod
    def _duration(cls, budget: Any) -> str | None:
        """As short as it can be written, so that 90m and 1h30m are the same."""
        try:
            return None if budget in (None, OFF) else format_duration(parse_duration(budget))
        except ConfigError as error:
            raise refused(error) from error

    @field_validator("evaluation")
    @classmethod
    def _asks_something(cls, evaluation: EvaluationSettings) -> EvaluationSettings:
        sample = evaluation.bfcl.sample
        if isinstance(sample, dict) and not any(sample.values()):
            fix = "ask for some entries of a category, or write null for all of them"
            raise ConfigError("at least one entry in evaluation.sample", repr(sample), fix)
        return evaluation

    @property
    def sha256(self) -> str:
        """Of everything that decides the results."""
        return sha256_json(self.model_dump(mode="json"))

    def stage(self, number: int) -> SftStage | GrpoStage:
        """The settings of a training stage, 3 to 5."""
        stage: SftStage | GrpoStage = getattr(self, SECTIONS[number])
        return stage

    def source(self, number: int) -> Source:
        """The examples of a training stage.

        Raises:
          DataError: A file of them is missing or broken.
        """
        sources = list(self.sources(number).values())
        return sources[0] if len(sources) == 1 else MixedSource(sources, self.seed)

    def sources(self, number: int) -> dict[str, Source]:
        """The sources of a training stage by their kind.

        Raises:
          DataError: As `source`.
        """
        return {name: open_source(name, options) for name, options in self.stage(number).data.items()}


def load_config(path: Path | None, overrides: Sequence[str] = ()) -> PipelineConfig:
    """Reads a configuration file (all defaults when there is none), applies overrides, and checks it.

    Raises:
      ConfigError: The file is missing, sets nothing or is not YAML, a key is unknown, a value has the wrong type.
    """
    data = _read(path, NAME_ONE) if path is not None else {}
    for section in SECTIONS.values():
        if path is not None and isinstance(data.get(section), str):
            file = path.parent / data[section]
            data[section] = _read(file, f"give the stage's settings, as config/{section}.yaml does")
            _make_absolute({section: data[section]}, file.parent)
        elif not isinstance(data.get(section, {}), dict):
            if data[section] is not None:
                raise ConfigError(
                    f"keys or a file's name as {section}", repr(data[section]), "see config/pipeline.yaml"
                )
            del data[section]
    if path is not None:
        _make_absolute(data, path.parent)
    origins = {key: override for override in overrides for key in _apply(data, override)}
    _spread_tools(data)

    def where(key: str) -> str:
        """What set a key: the last override of it or of a section around it, or the file."""
        found = [override for origin, override in origins.items() if f"{key}.".startswith(f"{origin}.")]
        return f"--set {_shown(found[-1])}" if found else str(path or "the configuration")

    return validated(PipelineConfig, data, where=where, see=_SEE)


def _read(path: Path, fix: str) -> dict[str, Any]:
    """What a file sets; `fix` says what to do about one that sets nothing."""
    data = read_yaml(path, error=ConfigError)
    if not isinstance(data, dict | None):
        raise ConfigError(f"keys and values in {path}", type(data).__name__, "see config/quickstart.yaml")
    if data is None or all(value is None or value == {} for value in data.values()):
        raise ConfigError(f"a configuration in {path}", "a file that sets nothing", fix)
    return data


def _make_absolute(data: dict[str, Any], base: Path) -> None:
    """Makes the paths in what was read absolute; `base` is the directory that they are relative to."""
    for section in SECTIONS.values():
        stage = data.get(section)
        sources = stage.get("data") if isinstance(stage, dict) else None
        for options in sources.values() if isinstance(sources, dict) else ():
            for key in ("path", "tools", "system") if isinstance(options, dict) else ():
                if isinstance(options.get(key), str):
                    options[key] = _absolute(base, options[key])
    evaluation = data.get("evaluation")
    tools = evaluation.get("tools") if isinstance(evaluation, dict) else None
    if isinstance(tools, dict) and isinstance(tools.get("path"), str):
        tools["path"] = _absolute(base, tools["path"])
    if isinstance(data.get("tools"), str):
        data["tools"] = _absolute(base, data["tools"])
    model = data.get("model")
    if not isinstance(model, dict):
        return
    source = model.get("source")
    if isinstance(source, str) and source and source not in BUILTIN:
        path = _absolute(base, source)
        if os.path.exists(path) or source.startswith(("/", ".", "~")) or source.lower().endswith(".gguf"):
            model["source"] = path  # and not a hub id


def _spread_tools(data: dict[str, Any]) -> None:
    """Gives the run's tools file to each source and suite of own tools that names none."""
    if not isinstance(data.get("tools"), str):
        return
    stages = (data.get(section) for section in SECTIONS.values())
    holders = [stage.get("data") for stage in stages if isinstance(stage, dict)]
    for holder in (*holders, data.get("evaluation")):
        settings = holder.get("tools") if isinstance(holder, dict) else None
        if isinstance(settings, dict):
            settings.setdefault("path", data["tools"])


def _absolute(base: Path, path: str) -> str:
    return os.path.abspath(base / os.path.expanduser(path))


def _apply(data: dict[str, Any], override: str) -> list[str]:
    """Puts one `key.path=value` into the data that was read; the dotted keys that it set."""
    path, equals, text = override.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise ConfigError("--set key.path=value", repr(override), "write e.g. --set training.steps=200")
    try:
        value = parse_yaml(text, path, error=ConfigError)
    except ConfigError as error:
        got = f"{_shown(repr(text))} ({error.got})"
        raise ConfigError(f"a YAML value for --set {path}=", got, "correct it, or quote it if it is text") from error
    written = []
    base = Path.cwd()
    for above, model, target in _targets(data, keys):
        *sections, last = _whole_path(model, target, keys)
        for key in sections:
            if target.get(key) is None:  # a section that may be null, as `evaluation.tools`
                target[key] = {}
            model, target = _type_of(model, key), target[key]
            if not isinstance(target, dict):
                raise ConfigError(f"a section {key} for --set {path}=", repr(target), "override the value itself")
        for other in _other_names(model, last):
            target.pop(other, None)
        target[last] = value
        _make_absolute(data, base)
        written.append(".".join([*above, *sections, last]))
    return written


def _shown(text: str) -> str:
    return printable(text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}...")


def _whole_path(model: Any, target: dict[str, Any], keys: Sequence[str]) -> list[str]:
    """The keys of an override with those that may be left out, and what was read written so too, to be overridden."""
    whole = list[str]()
    for key in keys:
        if isinstance(target, dict) and (flat := getattr(model, "FLAT", "")):
            with contextlib.suppress(PydanticCustomError):  # it is told when the whole configuration is read
                read = nested(target, model)
                target.clear()
                target.update(read)
            if key in flat_keys(model):
                whole.append(flat)
                model, target = _type_of(model, flat), target.get(flat, {})
        whole.append(key)
        model, target = _type_of(model, key), target.get(key, {}) if isinstance(target, dict) else {}
    return whole


def _targets(data: dict[str, Any], keys: Sequence[str]) -> Iterator[tuple[list[str], Any, dict[str, Any]]]:
    """Where an override goes, as the keys above, model and data: the whole configuration, or every stage that has the
    key.
    """
    if keys[0] in PipelineConfig.model_fields:
        yield [], PipelineConfig, data
        return
    stages = {name: PipelineConfig.model_fields[name].annotation for name in SECTIONS.values()}
    found = {name: stage for name, stage in stages.items() if _has_key(stage, keys)}
    if not found:
        shared = dict.fromkeys(path for stage in stages.values() for path in key_paths(stage))
        fix = suggest(".".join(keys), (*shared, *key_paths(PipelineConfig)), _SEE)
        raise ConfigError("an existing key after --set", ".".join(keys), fix)
    for name, stage in found.items():
        yield [name], stage, data.setdefault(name, {})


def _has_key(model: Any, keys: Sequence[str]) -> bool:
    for key in keys:
        if not hasattr(model, "model_fields"):
            return True  # any mapping, such as a source's options; the source checks it
        model = _type_of(model, key)
        if model is None:
            return False
    return True


def _type_of(model: Any, key: str) -> Any:
    """The type of a section's key, which may have its older name; None where there is no such key."""
    field = getattr(model, "model_fields", {}).get(getattr(model, "RENAMED", {}).get(key, key))
    return None if field is None else field.annotation


def _other_names(model: Any, key: str) -> set[str]:
    """The names under which a file may have the same key."""
    older: Mapping[str, str] = getattr(model, "RENAMED", {})
    present = older.get(key, key)
    return {present, *(old for old, new in older.items() if new == present)} - {key}
