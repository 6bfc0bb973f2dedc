"""Files that survive being killed at any moment.

Two kinds exist. A *whole* file is written under a temporary name, synced, and renamed over its target, so a reader sees
the old bytes or the new ones and never half of either. An *append-only* JSON-lines file is synced after every line; a
kill can tear its last line only, and a torn last line is dropped when the file is opened again.
"""

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock

from callwright.errors import DataError, StorageError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns an operating system's refusal to write into a StorageError that names the file."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        fix = "free some space and run the same command again" if full else "check the path and its rights"
        raise StorageError(
            f"to write {path}", error.strerror or str(error), f"{fix}; what was written before is kept"
        ) from error


def _read_umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


_UMASK = _read_umask()


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Opens a binary file that takes the name `path` only once it is complete and on disk."""
    path = Path(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp", delete=False)
        try:
            with handle:
                yield handle  # type: ignore[misc]
                handle.flush()
                os.fchmod(handle.fileno(), 0o666 & ~_UMASK)  # temporary files are private, results are not
                os.fsync(handle.fileno())
            os.replace(handle.name, path)
            _sync_directory(path.parent)
        except BaseException:
            Path(handle.name).unlink(missing_ok=True)
            raise


def check_writable(path: Path) -> None:
    """Checks, before work whose result goes there, that a file can be written; nothing is left behind.

    Raises:
      StorageError: It cannot.
    """
    path = Path(path)
    with writing(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        there = next(parent for parent in path.absolute().parents if parent.exists())
        with tempfile.TemporaryFile(dir=there):
            pass


def _encode(text: str) -> bytes:
    """UTF-8; half a surrogate pair, which UTF-8 cannot hold, is written as JSON escapes it."""
    return text.encode("utf-8", "backslashreplace")


def write_bytes(path: Path, data: bytes) -> None:
    """Replaces `path` by `data`, atomically."""
    with atomic_file(path) as handle:
        handle.write(data)


def write_text(path: Path, text: str) -> None:
    """Replaces `path` by `text` in UTF-8, atomically."""
    write_bytes(path, _encode(text))


def write_json(path: Path, value: Any) -> None:
    """Replaces `path` by `value` as indented JSON, atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def numbered_jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of an append-only file, each with its line number.

    A torn last line is ignored, and a missing file is empty.

    Raises:
      DataError: A whole line is no JSON object.
      StorageError: The system refuses to read the file.
    """
    for number, line in enumerate(_read(Path(path)).split(b"\n")[:-1], 1):
        if line:
            yield number, _object(line, f"line {number} of {path}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except OSError as error:
        raise StorageError(
            f"to read {path}", error.strerror or str(error), "check the path and its rights, and run again"
        ) from error


def _object(line: bytes, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
        got = f"a JSON {type(row).__name__}"
    except (ValueError, RecursionError) as error:
        row, got = None, str(error)
    if not isinstance(row, dict):
        raise DataError(f"a JSON object in {where}", got, "correct the line or take it out")
    return row


class JsonLines:
    """An append-only JSON-lines file, synced after every call of `append`."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self.path, "ab", buffering=0)
            self._drop_torn_line()

    def _drop_torn_line(self) -> None:
        data = self.path.read_bytes()
        if data and not data.endswith(b"\n"):
            self._file.truncate(data.rfind(b"\n") + 1)

    def append(self, *rows: Any) -> None:
        """Appends the rows, one line each, and returns when they are on disk."""
        text = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
        with writing(self.path):
            size = self._file.seek(0, os.SEEK_END)
            try:
                rest = memoryview(_encode(text))
                while rest:
                    rest = rest[self._file.write(rest) :]
                os.fsync(self._file.fileno())
            except OSError:
                with suppress(OSError):
                    self._file.truncate(size)  # half a line must not stand before the next one
                raise

    def close(self) -> None:
        """Closes the file; nothing is pending."""
        self._file.close()

    def __enter__(self) -> "JsonLines":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def sha256_file(path: Path) -> str:
    """The hexadecimal sha256 of a file, read in pieces of 1 MiB."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sha256_json(value: Any) -> str:
    """The sha256 of a value's canonical JSON: keys sorted, no spaces."""
    return hashlib.sha256(
        json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    ).hexdigest()


def cache_dir() -> Path:
    """Downloads and conversions: $CALLWRIGHT_CACHE, else $XDG_CACHE_HOME/callwright, else ~/.cache/callwright.

    Raises:
      StorageError: That lies in a home directory, and this user has none.
    """
    explicit = os.environ.get("CALLWRIGHT_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(explicit or f"{base}/callwright").expanduser()
    except RuntimeError as error:
        raise StorageError("a home directory for the cache", "none", "set CALLWRIGHT_CACHE") from error


def make_once(target: Path, make: Callable[[Path], Path]) -> Path:
    """A file or directory of the cache, made by the first who needs it; it has its name only when it is whole.

    Args:
      target: Where it is, or will be.
      make: Makes it in the scratch directory that it is given, and returns where.

    Raises:
      StorageError: The cache cannot be written.
    """
    try:
        if target.exists():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(f"{target.name}.lock")):
            if not target.exists():
                for left_by_a_kill in target.parent.glob(f".{target.name}.*"):
                    shutil.rmtree(left_by_a_kill, ignore_errors=True)
                with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as scratch:
                    make(Path(scratch)).rename(target)
    except OSError as error:
        raise StorageError(
            f"to write {target}", error.strerror or str(error), "check the space and rights there and run again"
        ) from error
    return target
