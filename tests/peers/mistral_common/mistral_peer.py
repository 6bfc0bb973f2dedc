"""mistral-common, Mistral's own tokeniser package, as a peer: in an environment of its own, driven over JSON lines.

Its wheel ships the vocabulary of Mistral Nemo (tekken_240718.json), so nothing else is fetched. The environment is
built once, under a temporary name, and gets its own name when it is whole.
"""

import json
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

VERSION = "1.13.1"
PINNED = (
    f"mistral-common=={VERSION}",
    "annotated-types==0.8.0",
    "attrs==26.1.0",
    "certifi==2026.10.19.post1",
    "charset-normalizer==3.5.3",
    "idna==3.20",
    "jsonschema==4.26.0",
    "jsonschema-specifications==2025.9.1",
    "numpy==2.3.5",
    "pillow==13.0.0",
    "pycountry==26.2.16",
    "pydantic==2.14.4",
    "pydantic-core==2.50.5",
    "pydantic-extra-types==2.11.1",
    "referencing==0.37.0",
    "regex==2026.11.19",
    "requests==2.34.2",
    "rpds-py==2026.9.1",
    "tiktoken==0.14.0",
    "typing-extensions==4.16.0",
    "typing-inspection==0.4.5",
    "urllib3==2.8.0",
)
DRIVER = Path(__file__).with_name("mistral_driver.py")


def set_up() -> Path:
    """The environment's interpreter; installs the environment if it does not exist."""
    name = f"mistral-common-{VERSION}-py{sys.version_info.major}.{sys.version_info.minor}"
    target = storage.cache_dir() / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_name(f"{name}.lock")):
        if not target.is_dir():
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{name}.") as scratch:
                _install(Path(scratch) / "environment").rename(target)
    return target / "bin" / "python"


def _install(folder: Path) -> Path:
    venv.create(folder, symlinks=True)
    where = ["--python", str(folder / "bin" / "python")]
    command = [*pip_command(), *where, "install", "--no-deps", "--only-binary=:all:", *PINNED]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FetchError("to install mistral-common", done.stderr.strip()[-500:], "connect to a registry")
    return folder


def ask(jobs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The peer's answers to the jobs that `mistral_driver` describes, in order."""
    done = subprocess.run(
        [str(set_up()), str(DRIVER)],
        input="".join(json.dumps(job) + "\n" for job in jobs),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"mistral-common's driver failed:\n{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]
