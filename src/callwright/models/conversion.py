"""GGUF conversions in the cache: made once, by one process, and refused when altered.

A conversion is a directory named after the GGUF's sha256, the stored type (float32, which keeps every bit of the
dequantized numbers) and the converter's version, so a newer converter never reuses an old result. Its `manifest.json`
is written last: a directory without one was interrupted and is made anew. Reuse compares sizes and modification times
with the manifest and hashes only what differs, because hashing a gigabyte takes a second at every start.
"""

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from filelock import FileLock

from callwright.errors import StorageError, WeightsError
from callwright.models.gguf import Progress, convert_gguf
from callwright.storage import sha256_file, write_bytes, write_json

CONVERTER = 1
"""A version; it is raised whenever the same GGUF would give other files."""


def converted(
    name: str,
    sha256: str,
    gguf: Callable[[Path], Path],
    *,
    license_files: Callable[[], Iterable[Path]] = tuple,
    models: Path,
    progress: Progress | None = None,
) -> Path:
    """The directory with the converted weights of a GGUF, made now if it is not in the cache.

    Args:
      name: How the directory's name begins.
      sha256: The GGUF's sha256, which is checked.
      gguf: Gives the GGUF, or makes it in the directory that it is given; called only if there is something to convert.
      license_files: The terms of the weights, of which a copy is kept beside them.
      models: The cache's directory of models.
      progress: Called as the conversion advances.

    Raises:
      WeightsError: The GGUF or the cached conversion has another sha256.
      StorageError: The cache cannot be written.
    """
    target = models / f"{name}-{sha256[:12]}-float32-v{CONVERTER}"
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
            path = gguf(target)
            if (actual := sha256_file(path)) != sha256:
                fix = "fetch or install it again"
                raise WeightsError(f"{path.name} with sha256 {sha256}", f"sha256 {actual}", fix)
            convert_gguf(path, target, progress=progress)
            for file in license_files():
                write_bytes(target / file.name, file.read_bytes())
            if path.parent == target:
                path.unlink()
            files = {file.name: {**_stat(file), "sha256": sha256_file(file)} for file in sorted(target.iterdir())}
            origin = {"name": path.name, "sha256": sha256}
            manifest = {"schema": 1, "converter": CONVERTER, "source": origin, "files": files}
            write_json(target / "manifest.json", manifest)
        _verify(target)
    return target


def _stat(file: Path) -> dict[str, int]:
    stat = file.stat()
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _verify(target: Path) -> None:
    """Compares every file with the manifest; new modification times of unchanged files are written into it."""
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
