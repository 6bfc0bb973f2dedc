"""The environment of google-deepmind/gemma: it clashes with ours, so it has a place of its own in the cache.

It is built once, when the user asks for it, and has its name only when it is whole. What is installed stands in
`gemma_requirements.txt`, every version with its hashes. `uv pip compile` made it, for Linux, of `gemma==4.0.1`,
`safetensors`, `mcp<2` (the library misreads its second version) and `protobuf>=7.36.1` (the one that sentencepiece was
made with). Some of it comes as source, in Python alone. The library brings TensorFlow, which is much of the three
gigabytes.
"""

import glob
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from callwright import storage
from callwright.errors import ConfigError, FetchError, StorageError, suggest
from callwright.export.serve import agrees

ARM = "gemma-jax"
REQUIREMENTS = Path(__file__).with_name("gemma_requirements.txt")
VERSION = "4.0.1"
"""Of the package `gemma`, as the requirements have it."""
PYTHON = (3, 12)
"""What the requirements were resolved for."""
ROOM = 7.0
"""Gigabytes of disk that building it takes: the environment, and what is downloaded beside it until it is whole."""
_SIZE = "3 GB"
_TRIED = "import safetensors; from gemma import gm; gm.nn.Gemma3_270M"
"""What must work before the environment has its name: versions that were resolved together may still clash."""


def environment_place() -> Path:
    """Where the environment is, or will be once it is built.

    Raises:
      StorageError: The cache has no directory.
    """
    return storage.cache_dir() / f"{ARM}-{VERSION}-py{PYTHON[0]}.{PYTHON[1]}"


def installed_environment() -> Path | None:
    """The environment's interpreter; None where it was not built."""
    python = environment_place() / "bin" / "python"
    return python if os.access(python, os.X_OK) else None


def setup_arm(arm: str, *, yes: bool, ask: Callable[[str], str]) -> int:
    """Builds the environment of an arm, if the user agrees, and says where it is.

    Args:
      arm: The arm; only one has an environment.
      yes: Whether the user agreed beforehand.
      ask: Asks for a line, as `input`.

    Raises:
      ConfigError: The arm needs none, she does not agree, or there is no Python to build it of.
      FetchError: It cannot be downloaded or built.
      StorageError: The cache cannot be written, or has no room.
    """
    if arm != ARM:
        raise ConfigError("an arm with an environment of its own", arm, suggest(arm, [ARM]))
    if (python := installed_environment()) is None:
        question = f"Install gemma {VERSION} and what it needs ({_SIZE}) into {environment_place()}?"
        if not yes and not agrees(ask, question):
            raise ConfigError("consent to the installation", "none", "add --yes, or leave the arm out")
        python = build_environment()
    print(f"the environment of {ARM} is ready: {python.parents[1]}")
    return 0


def build_environment() -> Path:
    """The environment's interpreter; builds the environment if it does not exist.

    Raises:
      ConfigError, FetchError, StorageError: As `setup_arm`.
    """
    target = environment_place()
    storage.make_once(target, _build)
    return target / "bin" / "python"


def _build(scratch: Path) -> Path:
    uv, python = _uv(), _interpreter()
    free = shutil.disk_usage(scratch).free / 1e9
    if free < ROOM:
        fix = "free some space, or set CALLWRIGHT_CACHE to a place that has it"
        raise StorageError(f"{ROOM:g} GB free for the environment of {ARM}", f"{free:.1f} GB", fix)
    print(f"  {ARM}: installing gemma {VERSION}, once; about {_SIZE} are downloaded", file=sys.stderr, flush=True)
    environment = scratch / "environment"
    _run([uv, "venv", "--quiet", "--python", python, str(environment)])
    # What is downloaded lies where there is room, is moved from there, and what is left goes with the scratch.
    where = ["--python", str(environment / "bin" / "python"), "--cache-dir", str(scratch / "cache")]
    _run([uv, "pip", "install", "--quiet", "--no-deps", "--require-hashes", *where, "--requirement", str(REQUIREMENTS)])
    _run([str(environment / "bin" / "python"), "-I", "-c", _TRIED])
    return environment


def _uv() -> str:
    """The uv beside this interpreter, where `make setup` puts it, or the user's own."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("uv")
    if found is None:
        raise ConfigError(f"uv, which installs the environment of {ARM}", "none", "install uv and run again")
    return found


def _interpreter() -> str:
    """A Python of the version that is needed: this one, one that the machine has, or else one that uv may fetch."""
    name = f"{PYTHON[0]}.{PYTHON[1]}"
    versions = os.environ.get("PYENV_ROOT", "~/.pyenv") + f"/versions/{name}*/bin/python"
    test = f"import sys, venv; sys.exit(sys.version_info[:2] != {PYTHON})"
    for python in (sys.executable, shutil.which(f"python{name}"), *sorted(glob.glob(os.path.expanduser(versions)))):
        if python and subprocess.run([python, "-c", test], capture_output=True, check=False).returncode == 0:
            return python
    return name


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        output = (done.stdout + done.stderr).strip()[-800:]
        fix = f"connect to a registry, install Python {PYTHON[0]}.{PYTHON[1]}, and run again"
        raise FetchError(f"to install gemma {VERSION}", output, fix)
