"""What a run's first event says of where its numbers come from: the base model, and everything installed."""

import importlib.metadata
import math
import platform
import subprocess
import sys
from pathlib import Path

import callwright
from callwright.evaluation.bfcl import WHEEL_SHA256
from callwright.models.sources import ModelFiles
from callwright.report.schema import Model, Versions

PACKAGES = (
    "jax", "jaxlib", "flax", "google-tunix", "qwix", "optax", "orbax-checkpoint", "numpy", "gguf", "safetensors",
    "sentencepiece", "scipy",
)  # fmt: skip


def describe_model(files: ModelFiles) -> Model:
    """The base model."""
    return Model(
        spec=files.spec,
        name=files.name,
        sha256=files.sha256,
        license=files.license.name,
        parameters=sum(math.prod(shape) for shape in files.config.tensor_shapes().values()),
    )


def describe_versions() -> Versions:
    """Everything installed that could change a number."""
    return Versions(
        callwright=callwright.__version__,
        python=sys.version.split()[0],
        platform=f"{platform.system()} {platform.machine()}",
        packages={name: importlib.metadata.version(name) for name in PACKAGES},
        git_commit=_git_commit(),
        bfcl_data_sha256=WHEEL_SHA256,
    )


def _git_commit() -> str | None:
    """The commit of the checkout that this code runs from, if it is one."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
