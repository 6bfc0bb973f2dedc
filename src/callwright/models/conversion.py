"""GGUF conversions in the cache: made once, by one process, and recognised when altered.

A conversion is a directory named after its source's sha256, the stored type and the converter's version, so a better
converter never meets an old result. Its `manifest.json` is written last: a directory without one was interrupted and
is made anew. Reuse compares sizes and modification times with the manifest and hashes only what differs, because
hashing a gigabyte at every start is a second that no user asked for.
"""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock

from callwright.errors import StorageError, WeightsError
from callwright.models.gguf_import import Progress, convert_gguf
from callwright.models.safetensors_files import Dtype
from callwright.storage import sha256_file, write_bytes, write_json

CONVERTER = 1
"""Raised whenever the same GGUF would give other files."""


class Source(Protocol):
    """Where a GGUF comes from; asked only when there is something to convert."""

    def gguf(self, scratch: Path) -> Path:
        """The file, put into the directory `scratch` if it does not lie somewhere already."""
        ...

    def papers(self) -> Iterable[Path]:
        """Files to keep a copy of beside the weights: their terms."""
        ...


def converted(
    name: str,
    sha256: str,
    source: Source,
    *,
    models: Path,
    dtype: Dtype = "float32",
    progress: Progress | None = None,
) -> Path:
    """The directory with the converted weights of a GGUF, made now if it is not in the cache.

    Args:
      name: How the directory's name begins.
      sha256: What the GGUF must hash to.
      source: Supplies the GGUF.
      models: The cache's directory of models.
      dtype: What the numbers are stored as.
      progress: Told how far the conversion is.

    Raises:
      WeightsError: The source or the cached conversion is not what its sha256 says.
      StorageError: The cache cannot be written.
    """
    target = models / f"{name}-{sha256[:12]}-{dtype}-v{CONVERTER}"
    try:
        models.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{target}.lock")
        lock.acquire()
    except OSError as error:
        fix = "check its rights, or set CALLWRIGHT_CACHE to another directory"
        raise StorageError(f"to write {target}", str(error), fix) from error
    with lock:
        if not (target / "manifest.json").is_file():
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir()
            _convert(sha256, source, target, dtype, progress)
        _verify(target)
    return target


def _convert(sha256: str, source: Source, target: Path, dtype: Dtype, progress: Progress | None) -> None:
    path = source.gguf(target)
    actual = sha256_file(path)
    if actual != sha256:
        raise WeightsError(f"{path.name} with sha256 {sha256}", f"sha256 {actual}", "fetch or install it again")
    convert_gguf(path, target, dtype=dtype, progress=progress)
    for paper in source.papers():
        write_bytes(target / paper.name, paper.read_bytes())
    if path.parent == target:
        path.unlink()
    files = {file.name: {**_stat(file), "sha256": sha256_file(file)} for file in sorted(target.iterdir())}
    write_json(
        target / "manifest.json",
        {"schema": 1, "converter": CONVERTER, "source": {"name": path.name, "sha256": sha256}, "files": files},
    )


def _stat(file: Path) -> dict[str, int]:
    stat = file.stat()
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _verify(target: Path) -> None:
    """Compares every file with the manifest; what was only touched is noted there, so that it is hashed once."""
    again = f"delete {target} and run again"
    try:
        manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
        files: dict[str, dict[str, Any]] = {name: dict(recorded) for name, recorded in manifest["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError(f"a manifest in {target}", repr(error), again) from error
    touched = False
    for name, recorded in files.items():
        file = target / name
        if not file.is_file():
            raise WeightsError(f"{file}, written by the conversion", "no such file", again)
        stat = _stat(file)
        if stat == {key: recorded.get(key) for key in stat}:
            continue
        actual = sha256_file(file)
        if actual != recorded.get("sha256"):
            raise WeightsError(f"{file} with sha256 {recorded.get('sha256')}", f"sha256 {actual}", again)
        recorded.update(stat)
        touched = True
    if touched:
        write_json(target / "manifest.json", {**manifest, "files": files})
