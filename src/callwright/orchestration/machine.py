"""Whether this machine has the devices and the memory that a configuration asks for."""

import math
from pathlib import Path

import jax
import psutil

from callwright.errors import ConfigError
from callwright.orchestration.config import MeshSettings, PipelineConfig
from callwright.report.stage_list import SECTIONS
from callwright.training.settings import SftSettings

CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""Where Linux says how many bytes a container may use; "max" when that is everything."""


def check_mesh(mesh: MeshSettings) -> None:
    """Refuses a mesh of more devices than there are.

    Raises:
      ConfigError: There are fewer.
    """
    wanted, found = mesh.fsdp * mesh.tp, jax.device_count()
    if wanted > found:
        asked = f"{wanted} devices for the mesh (mesh.fsdp {mesh.fsdp} x mesh.tp {mesh.tp})"
        raise ConfigError(asked, f"{found} of {jax.default_backend()}", "set mesh.fsdp and mesh.tp")


def check_machine(config: PipelineConfig, memory: dict[int, float]) -> None:
    """Refuses a configuration that this machine cannot run, before anything is written.

    The estimate of memory was compared with measurements on CPUs alone, so that it refuses nothing on other devices.

    Args:
      config: The run's configuration.
      memory: The estimated bytes of each stage that is to be trained.

    Raises:
      ConfigError: A mesh of more devices than there are, a batch that they cannot share, or more memory than there is.
    """
    check_mesh(config.mesh)
    for number, needed in memory.items():
        training, section = config.stage(number).training, SECTIONS[number]
        if isinstance(training, SftSettings):
            key, rows = "batch_size", training.batch_size
        else:
            key, rows = "prompts_per_step", training.prompts_per_step
        if rows % config.mesh.fsdp:
            fix = f"change one of them, as {config.mesh.fsdp} devices share the batch"
            raise ConfigError(f"a multiple of mesh.fsdp {config.mesh.fsdp} as {section}.training.{key}", str(rows), fix)
        if jax.default_backend() == "cpu" and needed > (total := total_memory()):
            raise ConfigError(
                f"{needed / 1e9:.1f} GB of memory for {section}",
                f"{total / 1e9:.1f} GB in all",
                f"lower {key} or the lengths in {section}.training, or take a larger machine",
            )


def total_memory() -> float:
    """Bytes of memory and swap space that this process may use."""
    return min(float(psutil.virtual_memory().total + psutil.swap_memory().total), container_limit())


def container_limit() -> float:
    """Bytes that the container may use; infinite where there is no limit."""
    limit = CONTAINER_LIMIT.read_text(encoding="utf-8").strip() if CONTAINER_LIMIT.is_file() else ""
    return float(limit) if limit.isdigit() else math.inf
