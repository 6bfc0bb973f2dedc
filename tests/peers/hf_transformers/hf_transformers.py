"""Transformers as a peer: in an environment of its own, driven over JSON lines.

With the libraries that PyTorch's package brings it takes 5.6 GB, so there is one, and it is built on demand.
"""

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from filelock import FileLock

from callwright import storage
from callwright.errors import FetchError
from callwright.evaluation.bfcl import pip_command

PINNED = ("torch==2.15.0", "transformers==5.24.0")
DRIVER = Path(__file__).with_name("transformers_driver.py")


def environment() -> Path:
    """Where the environment is, or will be once it is set up; one for each version of Python."""
    named = "-".join(pin.replace("==", "-") for pin in PINNED)
    return storage.cache_dir() / f"{named}-py{sys.version_info.major}.{sys.version_info.minor}"


def set_up() -> Path:
    """The environment's interpreter; installs the environment if it does not exist."""
    target = environment()
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_name(f"{target.name}.lock")):
        if not target.is_dir():
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as scratch:
                _install(Path(scratch) / "environment").rename(target)
    return target / "bin" / "python"


def _install(folder: Path) -> Path:
    venv.create(folder, symlinks=True)
    command = [*pip_command(), "--python", str(folder / "bin" / "python"), "install", "--only-binary=:all:", *PINNED]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FetchError("to install transformers", done.stderr.strip()[-500:], "connect to a registry")
    return folder


def ask(jobs: Iterable[dict[str, Any]]) -> list[Any]:
    """Transformers' answers to the jobs that `transformers_driver` describes, in order."""
    done = subprocess.run(
        [str(set_up()), str(DRIVER)],
        input="".join(json.dumps(job) + "\n" for job in jobs),
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"},
    )
    if done.returncode:
        raise RuntimeError(f"the driver of transformers failed:\n{done.stderr}")
    return [json.loads(line)["answer"] for line in done.stdout.splitlines() if line.startswith('{"answer"')]
