"""What decides the bits of a run besides its configuration and its weights.

A run is promised to end with the same bits when it was stopped on the way. That holds on the same processor with the
same packages and flags of XLA only, so a run records these when it begins, and one with work left is not continued
under others.
"""

import hashlib
import os
import platform
from pathlib import Path
from typing import Any

import jax
from pydantic import BaseModel, ConfigDict

import callwright
from callwright.data.own_tools.generator import OWN_TOOLS_VERSION
from callwright.data.packing import PACKING_VERSION
from callwright.data.synthetic import SYNTHETIC_VERSION
from callwright.errors import ConfigError, DataError
from callwright.report.events import RunCreated
from callwright.report.schema import Versions
from callwright.settings import validated

CPU_INFO = Path("/proc/cpuinfo")
"""Where Linux describes the processor."""


class Environment(BaseModel):
    """Where a run computes."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    xla_flags: str
    """The environment variable XLA_FLAGS."""
    jax_platform: str
    """JAX's backend and its devices, e.g. `cpu, 1 x cpu`."""
    cpu: str
    """The processor's name."""
    cpu_features: str
    """The first digits of the sha256 of the processor's features, sorted; "" where the system does not tell them."""
    packing: int
    """The version of how examples are packed into rows."""
    synthetic_data: int = 1
    """The version of what examples the synthetic source makes; runs of the first one did not tell it."""
    own_tools: int = 1
    """The version of what examples are made of a tools file."""


def describe_environment() -> Environment:
    """The environment of this process."""
    name, features = _processor()
    kinds = sorted(device.device_kind for device in jax.devices())
    devices = ", ".join(f"{kinds.count(kind)} x {kind}" for kind in dict.fromkeys(kinds))
    return Environment(
        xla_flags=" ".join(os.environ.get("XLA_FLAGS", "").split()),
        jax_platform=f"{jax.default_backend()}, {devices}",
        cpu=name,
        cpu_features=features,
        packing=PACKING_VERSION,
        synthetic_data=SYNTHETIC_VERSION,
        own_tools=OWN_TOOLS_VERSION,
    )


def _processor() -> tuple[str, str]:
    """Name and features of the processor."""
    fields: dict[str, str] = {}
    if CPU_INFO.is_file():
        for line in CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            fields.setdefault(key.strip().lower(), value.strip())
    features = fields.get("flags") or fields.get("features") or ""  # on x86 and on ARM
    digest = hashlib.sha256(" ".join(sorted(features.split())).encode()).hexdigest()[:12] if features else ""
    return fields.get("model name") or platform.processor() or platform.machine(), digest


def check_environment(path: Path, created: RunCreated, now: Environment, versions: Versions) -> None:
    """Refuses to continue a run that began elsewhere, as its bits would be neither those of here nor those of there.

    Args:
      path: The run's directory.
      created: The event with which the run began.
      now: The environment of this process.
      versions: What is installed.

    Raises:
      ConfigError: Another version of this program began the run, or something that decides its bits has changed.
      DataError: The event does not say what it should.
    """
    new_run = "start a new run from its last finished stage (--resume) or under another name (--set name=...)"
    began_by = created.versions.callwright
    if began_by != callwright.__version__ or created.environment is None:
        raise ConfigError(
            f"an unfinished run that callwright {callwright.__version__} began in {path}",
            f"one of callwright {began_by}",
            f"finish it with callwright {began_by}, or {new_run}",
        )
    where = f"the environment in {path}/events.jsonl"
    then = validated(Environment, created.environment, where=where, error=DataError, fix="restore the file")
    before, after = _named(then, created.versions), _named(now, versions)
    differing = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    if differing:
        raise ConfigError(
            f"the environment that the unfinished run {path} began in",
            ", ".join(f"{key} {after.get(key)!r} instead of {before.get(key)!r}" for key in differing),
            f"restore it, or {new_run}",
        )


def _named(environment: Environment, versions: Versions) -> dict[str, Any]:
    """All that must be the same, under the names that a user knows."""
    return {
        "XLA_FLAGS": environment.xla_flags,
        "JAX platform": environment.jax_platform,
        "CPU": environment.cpu,
        "CPU features": environment.cpu_features,
        "packing": environment.packing,
        "synthetic data": environment.synthetic_data,
        "own tools": environment.own_tools,
        "platform": versions.platform,
        **versions.packages,
    }
