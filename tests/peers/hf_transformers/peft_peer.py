"""PEFT as a peer: what it needs beside torch and transformers, in a directory that their interpreter is told of."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.peers import environment
from tests.peers.hf_transformers import transformers_peer

VERSION = "0.21.2"
PINNED = (f"peft=={VERSION}", "accelerate==1.15.0", "psutil==7.2.2")
DRIVER = Path(__file__).with_name("export_driver.py")


def python() -> Path:
    """The interpreter of the environment, which is made if it does not exist; it has no torch."""
    return environment.set_up(f"peft-{VERSION}", PINNED)


def ask(jobs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers of transformers and PEFT to the jobs that `export_driver` describes, in order."""
    (packages,) = (python().parents[1] / "lib").glob("python*/site-packages")
    return environment.ask(transformers_peer.python(), DRIVER, jobs, PYTHONPATH=str(packages), OMP_NUM_THREADS="1")
