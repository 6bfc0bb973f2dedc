"""`callwright doctor`: what is installed, what is cached, what can be reached, and what to do about the rest.

Nothing is downloaded, converted or changed. Each check is a function that yields results, so that one that fails hides
no other. Only what the quickstart needs is marked `lacks`; what is optional and absent is marked `-`.
"""

import importlib.metadata
import importlib.util
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

import callwright
from callwright.bakeoff import gemma_environment
from callwright.engines.llama_program import SERVER, installed_program, version_of
from callwright.engines.ollama_api import Ollama, ollama_address
from callwright.errors import ConfigError, FetchError, StorageError, WorkError
from callwright.evaluation.bfcl import VERSION as BFCL_VERSION
from callwright.models.license import gemma_license
from callwright.models.sources import BUILTIN
from callwright.orchestration.machine import container_limit
from callwright.packages import pip_command
from callwright.storage import cache_dir

MODEL = "gemma3-270m"
"""The quickstart's model."""
MEMORY = 12e9
"""Bytes that must be free for the quickstart: what its stages take at most, as docs/benchmarks.md measured."""
DISK = {"the conversion of the weights": 1.5e9, "a run": 0.5e9}
"""Bytes that the quickstart writes."""
PYTHONS = ((3, 11), (3, 13))
TOOLS = {
    "chromium": "shows report.html; any browser does",
    "ollama": "serves GGUF files (Ollama)",
}
OLLAMA_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of the examination.

    Attributes:
      mark: "ok", "lacks" (the quickstart cannot run) or "-" (optional, absent).
      subject: What was checked.
      says: What was found.
      fix: What to do about it; empty when nothing need be done.
    """

    mark: Literal["ok", "lacks", "-"]
    subject: str
    says: str
    fix: str = ""

    def __str__(self) -> str:
        output = [self.says] + ([f"to do: {self.fix}"] if self.fix else [])
        start = f"  {self.mark:<7}{self.subject:<16}"
        lines = [
            line for text in output for line in textwrap.wrap(text, 95, break_long_words=False, break_on_hyphens=False)
        ]
        return start + f"\n{'':{len(start)}}".join(lines)


def examine() -> int:
    """Prints the results of all checks and the license of the weights; returns 0 if the quickstart can run, else 1."""
    print(f"Callwright {callwright.__version__}")
    lacking = 0
    here = (_python, _packages, _devices, _weights, _benchmark, _cache, _memory, _tools)
    for check in (*here, _llama_server, _ollama, _reference_code):
        for result in _results(check):
            print(result, flush=True)
            lacking += result.mark == "lacks"
    terms = None
    with suppress(StorageError):  # the cache has no directory, which a check has told
        terms = next((path / "GEMMA_TERMS.html" for path in _conversions(BUILTIN[MODEL].sha256)), None)
    print(f"\n{gemma_license(terms if terms and terms.is_file() else None).describe()}\n")
    print("The quickstart can run." if not lacking else f"The quickstart cannot run: {lacking} above to do.")
    return 1 if lacking else 0


def _results(check: Callable[[], Iterator[CheckResult]]) -> Iterator[CheckResult]:
    """The results of a check; that the cache has no directory is one too."""
    try:
        yield from check()
    except StorageError as error:
        yield CheckResult("lacks", check.__name__.strip("_"), f"no {error.expected}", error.fix)


def _python() -> Iterator[CheckResult]:
    low, high = (".".join(map(str, version)) for version in PYTHONS)
    fits = PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]
    fix = "" if fits else f"install Callwright with Python {low} to {high}"
    yield CheckResult("ok" if fits else "lacks", "Python", f"{sys.version.split()[0]} in {sys.prefix}", fix)


def _packages() -> Iterator[CheckResult]:
    """Every package that Callwright itself asks for, extras apart."""
    found, absent = [], []
    for requirement in importlib.metadata.requires("callwright") or ():
        if "extra ==" in requirement:
            continue
        name = requirement.split(";")[0].strip()
        for sign in "=<>!~[ ":
            name = name.split(sign)[0]
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            absent.append(name)
    yield CheckResult("ok", "packages", ", ".join(found))
    if absent:
        yield CheckResult("lacks", "packages", f"not installed: {', '.join(absent)}", "run `make setup`")


def _devices() -> Iterator[CheckResult]:
    try:
        import jax

        devices = ", ".join(sorted({device.device_kind for device in jax.devices()}))
        count = jax.device_count()
        yield CheckResult("ok", "JAX", f"{jax.default_backend()}: {count} device{'s' * (count > 1)} ({devices})")
    except (ImportError, RuntimeError) as error:
        got = " ".join(str(error).split())
        yield CheckResult("lacks", "JAX", got, "run `make setup`; unset JAX_PLATFORMS if it names an absent device")


def _conversions(sha256: str = "") -> list[Path]:
    """Whole conversions in the cache, of this source if one is named."""
    made = (cache_dir() / "models").glob(f"*-{sha256[:12]}*/manifest.json")
    return sorted(manifest.parent for manifest in made)


def _weights() -> Iterator[CheckResult]:
    package = BUILTIN[MODEL]
    converted = _conversions(package.sha256)
    if converted:
        yield CheckResult("ok", "weights", f"{MODEL}: {converted[0]}, {_size(_bytes(converted))}")
    elif importlib.util.find_spec(package.module) is not None:
        yield CheckResult("ok", "weights", f"{MODEL}: installed as {package.module}; converted at the first run")
    else:
        yield CheckResult("lacks", "weights", f"{MODEL}: no package {package.module}", "run `make setup`")
    for other in set(_conversions()) - set(converted):
        yield CheckResult("ok", "weights", f"{other}, {_size(_bytes([other]))}")


def _benchmark() -> Iterator[CheckResult]:
    data = cache_dir() / f"bfcl-{BFCL_VERSION}"
    if data.is_dir():
        yield CheckResult("ok", "BFCL", f"{data}, {_size(_bytes([data]))}")
        return
    try:
        pip_command()
        yield CheckResult("ok", "BFCL", f"bfcl-eval {BFCL_VERSION} is fetched at the first run; that needs the network")
    except FetchError as error:
        yield CheckResult("lacks", "BFCL", f"not in {cache_dir()}, and no {error.expected}", error.fix)


def _cache() -> Iterator[CheckResult]:
    needed = DISK["a run"] + (0 if _conversions(BUILTIN[MODEL].sha256) else DISK["the conversion of the weights"])
    for subject, path in {"cache": cache_dir(), "runs": Path("runs").absolute()}.items():
        there = next(parent for parent in (path, *path.parents) if parent.is_dir())
        free = shutil.disk_usage(there).free
        says = f"{path}, {_size(free)} free"
        if not os.access(there, os.W_OK):
            yield CheckResult("lacks", subject, f"{path} cannot be written", f"correct the rights of {there}")
        elif free < needed:
            fix = f"free {_size(needed - free)}" + (", or set CALLWRIGHT_CACHE" if subject == "cache" else "")
            yield CheckResult("lacks", subject, f"{says}, {_size(needed)} needed", fix)
        else:
            yield CheckResult("ok", subject, says)


def _memory() -> Iterator[CheckResult]:
    free = min(psutil.virtual_memory().available, container_limit())
    says = f"{_size(free)} available, the quickstart needs {_size(MEMORY)}; {os.cpu_count()} cores"
    if free >= MEMORY:
        yield CheckResult("ok", "memory", says)
    else:
        yield CheckResult("lacks", "memory", says, "close other programs, or lower batch_size and sequence_length")


def _tools() -> Iterator[CheckResult]:
    for name, use in TOOLS.items():
        path = shutil.which(name)
        yield CheckResult("ok", name, path) if path else CheckResult("-", name, f"not installed; {use}")


def _llama_server() -> Iterator[CheckResult]:
    """The one that `callwright probe llamacpp` would start, and its version."""
    try:
        program = installed_program()
        if program is not None:
            yield CheckResult("ok", SERVER, f"{program}, version {version_of(program)}")
            return
        says = "not installed; `callwright probe llamacpp` builds it, which takes minutes and needs a C++ compiler"
    except ConfigError as error:
        says = str(error)
    yield CheckResult("-", SERVER, says)


def _ollama() -> Iterator[CheckResult]:
    """Asks the server for its version: the one in OLLAMA_HOST, or Ollama's own default on this machine."""
    try:
        base = ollama_address(os.environ.get("OLLAMA_HOST", ""))
        with closing(Ollama(base, timeout=OLLAMA_SECONDS)) as server:
            yield CheckResult("ok", "Ollama server", f"version {server.version()} at {base}")
    except ConfigError as error:
        yield CheckResult("-", "Ollama server", str(error))
    except WorkError:
        yield CheckResult(
            "-", "Ollama server", f"no answer at {base}; `ollama serve` starts one, OLLAMA_HOST names another"
        )


def _reference_code() -> Iterator[CheckResult]:
    """The environment of the bake-off's arm of google-deepmind/gemma."""
    arm, python = gemma_environment.ARM, gemma_environment.installed_environment()
    if python is None:
        yield CheckResult("-", arm, f"not installed; `callwright bakeoff setup {arm}` does that, and takes 3 GB")
    else:
        yield CheckResult("ok", arm, f"gemma {gemma_environment.VERSION} in {python.parents[1]}")


def _bytes(directories: Iterable[Path]) -> int:
    return sum(file.stat().st_size for directory in directories for file in directory.rglob("*") if file.is_file())


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
