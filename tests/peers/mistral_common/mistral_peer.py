"""mistral-common, Mistral's own tokenizer package, as a peer: in an environment of its own, driven over JSON lines.

Its wheel ships the vocabulary of Mistral Nemo (tekken_240718.json), so nothing else is fetched.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.peers import environment

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


def python() -> Path:
    """The interpreter of the environment, which is made if it does not exist."""
    return environment.set_up(f"mistral-common-{VERSION}", PINNED)


def ask(jobs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The peer's answers to the jobs that `mistral_driver` describes, in order."""
    return environment.ask(python(), DRIVER, jobs)
