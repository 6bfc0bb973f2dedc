"""Where an export goes: a directory that has its name only once everything in it is whole.

The files are written to a hidden directory beside the target, synced, listed with their sha256 in `SHA256SUMS`, and
renamed. What a killed export left behind is removed by the next one to the same target. A directory that is there is
replaced only with `force`, and only where `SHA256SUMS` lists every file in it: then an export wrote all of them.

The terms of the weights (`terms`) are written into every export, so that no caller can forget them.
"""

import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from callwright.errors import ConfigError, StorageError
from callwright.export.terms import write_terms
from callwright.html.numbers import size
from callwright.models.license import License
from callwright.storage import sha256_file, write_text, writing

EXPORTS = "exports"
"""Where a run keeps its exports: `exports/stage5/gguf-q8_0`."""
SUMS = "SHA256SUMS"
"""The sha256 of every other file, as `sha256sum -c` reads it."""
_SUFFIX = ".unfinished"


@contextmanager
def prepared(target: Path, needed_bytes: int, license: License, *, force: bool = False) -> Iterator[Path]:
    """An empty directory for the files of an export, which becomes `target` once the block ends without an error.

    Args:
      target: The directory of the export.
      needed_bytes: How much is going to be written, about.
      license: The terms of the weights, which are written too.
      force: Whether an export that is there is replaced.

    Raises:
      ConfigError: There is something at the target, and it is not to be replaced, or no export wrote it.
      StorageError: The disk has no room for it, or refuses to write.
    """
    target = Path(os.path.abspath(target))
    _check_replaceable(target, force=force)
    _check_room(target, needed_bytes)
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_unfinished(target)
        scratch = _hidden(target)
        scratch.mkdir()
        lock = _lock(scratch)
        try:
            write_terms(license, scratch)
            yield scratch
            _finish(scratch)
            _replace(scratch, target, force=force)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
            if lock is not None:
                os.close(lock)


def exports_of(run: Path, stage: int) -> Path:
    """Where the exports of a stage are, each in a directory of its own: `RUN/exports/stageN`."""
    return run / EXPORTS / f"stage{stage}"


def default_target(run: Path, stage: int, name: str) -> Path:
    """Where an export goes of which nobody says where: `RUN/exports/stageN/NAME`."""
    return exports_of(run, stage) / name


def read_sums(directory: Path) -> dict[str, str]:
    """The files of an export with their sha256; {} where no export wrote the directory."""
    try:
        lines = (directory / SUMS).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    found = (re.fullmatch(r"([0-9a-f]{64})  (.+)", line) for line in lines)
    return {match[2]: match[1] for match in found if match}


def _check_replaceable(target: Path, *, force: bool) -> None:
    """Refuses a target that is there, unless it is empty, or an export that is to be replaced."""
    if not os.path.lexists(target):
        return
    if not target.is_dir() or target.is_symlink():
        raise ConfigError(f"a new directory at {target}", "a file or a link", "name another directory with --out")
    files = _files(target)
    if not files:
        return
    if not force:
        raise ConfigError(
            f"a new directory at {target}",
            f"one that holds {files[0]}",
            "name another with --out, or replace it with --force",
        )
    others = [name for name in files if name not in (SUMS, *read_sums(target))]
    if others:
        raise ConfigError(
            f"an export to replace at {target}",
            f"a directory that holds {others[0]}, which no export wrote",
            "move that file away, or name another directory with --out",
        )


def _check_room(target: Path, needed: int) -> None:
    there = next(parent for parent in target.parents if parent.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise StorageError(
            f"{size(needed)} of room in {there} for {target.name}",
            size(free),
            "free some, or name a directory on another disk with --out",
        )


def _files(directory: Path) -> list[str]:
    """The paths of all files below a directory, relative to it, sorted."""
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if not path.is_dir())


def _hidden(target: Path) -> Path:
    """A new name beside the target for what is no whole export."""
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}{_SUFFIX}")


def _lock(scratch: Path) -> int | None:
    """A lock on the directory that ends with this process; None where another one has it."""
    handle = os.open(scratch, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _remove_unfinished(target: Path) -> None:
    """Removes what killed exports to the same target left behind; one that is under way holds its lock."""
    for left in target.parent.glob(f".{target.name}.*{_SUFFIX}"):
        with suppress(OSError):
            lock = _lock(left)
            if lock is not None:
                shutil.rmtree(left, ignore_errors=True)
                os.close(lock)


def _finish(scratch: Path) -> None:
    """Writes the sums of all files, and returns once all are on disk."""
    names = _files(scratch)
    write_text(scratch / SUMS, "".join(f"{sha256_file(scratch / name)}  {name}\n" for name in names))
    for name in names:
        with open(scratch / name, "rb") as file:
            os.fsync(file.fileno())


def _replace(scratch: Path, target: Path, *, force: bool) -> None:
    """Gives the directory its name; an export that has it is removed, once the new one is in its place."""
    if not force or not target.exists():
        scratch.rename(target)
        return
    old = _hidden(target)
    target.rename(old)
    try:
        scratch.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
