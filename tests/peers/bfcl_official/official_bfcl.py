"""The official BFCL package as an oracle: in an environment of its own, driven over JSON lines.

A full install is 1.9 GB and does not start; what decoding and checking import is 51 MB.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.peers import environment

from callwright.evaluation.bfcl import REQUIREMENT, VERSION

NAME = f"bfcl-official-{VERSION}"
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


def python() -> Path:
    """The interpreter of the environment, which is made if it does not exist."""
    return environment.set_up(NAME, PINNED)


def ask(jobs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The official answers to the jobs that `official_driver` describes, in order."""
    with tempfile.TemporaryDirectory() as project_root:  # the package creates folders where this points
        return environment.ask(python(), DRIVER, jobs, BFCL_PROJECT_ROOT=project_root)
