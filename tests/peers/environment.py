"""Environments of their own for peers that clash with ours, made once in the cache, and driven over JSON lines."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from callwright import storage
from callwright.errors import FetchError, StorageError

UV = str(Path(sys.executable).with_name("uv"))
"""`make setup` installs it; it downloads side by side what pip fetches in turn."""


def place(name: str, python: str = sys.executable) -> Path:
    """Where the environment is, or will be once it is set up; one for each version of Python."""
    version = "import sys; print(f'py{sys.version_info.major}.{sys.version_info.minor}')"
    output = subprocess.run([python, "-c", version], capture_output=True, text=True, check=True)
    return storage.cache_dir() / f"{name}-{output.stdout.strip()}"


def set_up(
    name: str, pinned: Sequence[str], *, python: str = sys.executable, whole: bool = True, room: float = 0.5
) -> Path:
    """The environment's interpreter; makes the environment, under a name of its own once it is whole.

    Args:
      name: What it is called in the cache, the peer's version included.
      pinned: What is installed.
      python: The interpreter it is made of.
      whole: Whether `pinned` names everything; if not, what the packages require comes with them.
      room: How many gigabytes of disk making it takes, downloads included.

    Raises:
      StorageError: There is less room.
      FetchError: It cannot be installed.
    """
    target = place(name, python)

    def make(scratch: Path) -> Path:
        free = shutil.disk_usage(scratch).free / 1e9
        if free < room:
            fix = "free some space or set CALLWRIGHT_CACHE"
            raise StorageError(f"{room:g} GB free at {target.parent} for {name}", f"{free:.1f} GB", fix)
        folder = scratch / "environment"
        _run([python, "-m", "venv", "--without-pip", str(folder)], name)
        # What is downloaded lies where there is room, is moved from there, and what is left goes with the scratch.
        where = ["--python", str(folder / "bin" / "python"), "--cache-dir", str(scratch / "cache")]
        rest = ["--no-deps"] if whole else []
        _run([UV, "pip", "install", "--quiet", *where, *rest, "--only-binary=:all:", *pinned], name)
        return folder

    return storage.make_once(target, make) / "bin" / "python"


def ask(python: Path, driver: Path, jobs: Iterable[dict[str, Any]], **environment: str) -> list[dict[str, Any]]:
    """A driver's answers to the jobs, in order."""
    done = subprocess.run(
        [str(python), str(driver)],
        input="".join(json.dumps(job) + "\n" for job in jobs),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "ignore", **environment},
    )
    if done.returncode:
        raise RuntimeError(f"{driver.name} failed:\n{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def _run(command: Sequence[str], name: str, **environment: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    if done.returncode:
        raise FetchError(f"to install {name}", done.stderr.strip()[-500:], "connect to a registry")
