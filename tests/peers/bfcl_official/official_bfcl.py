"""The official BFCL package as an oracle: in an environment of its own, driven over JSON lines.

A full install is 1.9 GB and does not start; what decoding and checking import is 51 MB. The environment is built once,
under a temporary name, and gets its own name when it is whole.
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
from callwright.evaluation.bfcl import REQUIREMENT, VERSION, pip_command

PINNED = (
    REQUIREMENT,
    "filelock==3.20.0",
    "mpmath==1.3.0",
    "tenacity==9.1.2",
    "tree-sitter==0.21.3",
    "tree-sitter-java==0.21.0",
    "tree-sitter-javascript==0.21.4",
)
DRIVER = Path(__file__).with_name("official_driver.py")


def environment() -> Path:
    """Where the environment is, or will be once it is set up; one for each version of Python."""
    return storage.cache_dir() / f"bfcl-official-{VERSION}-py{sys.version_info.major}.{sys.version_info.minor}"


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
    where = ["--python", str(folder / "bin" / "python")]
    command = [*pip_command(), *where, "install", "--no-deps", "--only-binary=:all:", *PINNED]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FetchError("to install the official BFCL package", done.stderr.strip()[-500:], "connect to a registry")
    return folder


def ask(jobs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The official answers to the jobs that `official_driver` describes, in order."""
    python = set_up()
    with tempfile.TemporaryDirectory() as project_root:  # the package creates folders where this points
        done = subprocess.run(
            [str(python), str(DRIVER)],
            input="".join(json.dumps(job) + "\n" for job in jobs),
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "BFCL_PROJECT_ROOT": project_root, "PYTHONWARNINGS": "ignore"},
        )
    if done.returncode:
        raise RuntimeError(f"the official package's driver failed:\n{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]
