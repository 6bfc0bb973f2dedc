"""A llama.cpp server, started for as long as a block lasts.

Unless one is named, the system picks the port, and the server's log says which: a port that is looked for beforehand
can be taken by another program in between. The environment's LLAMA_* variables are not passed on, so that the command
line alone determines how the server runs. It has a session of its own: Ctrl-C in a terminal reaches this process only,
which ends the server.
"""

import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import httpx

from callwright.engines.llama_program import find_program
from callwright.errors import WorkError
from callwright.signals import ended_like_ctrl_c

READY_SECONDS = 60.0
END_SECONDS = 0.5
"""How long a server may take to end by itself; it has nothing to save, and may wait for clients that have left."""
_LISTENS = re.compile(r"listening on https?://[^\s/]*:(\d+)")
_PRINTED_ERROR = re.compile(r"^error: \s*(.+)$", re.MULTILINE)
_LOGGED_ERROR = re.compile(r"^\S+ E \s*(.+)$", re.MULTILINE)
_NO_MEMORY = re.compile(r"bad_alloc|out of memory|failed to allocate|cannot allocate", re.IGNORECASE)
_MOST_ERRORS = 3
_MOST_CHARACTERS = 600


@dataclass(frozen=True, slots=True)
class LlamaServer:
    """A server that is ready.

    Attributes:
      url: Its address on the loopback, without a path.
      slots: How many requests it answers side by side.
      context: How many tokens prompt and answer may have together in one of them.
      process_id: Of the program.
      last_words: What it complains of in its log, or how the log ends.
    """

    url: str
    slots: int
    context: int
    process_id: int
    last_words: Callable[[], str] = field(repr=False, compare=False)


def server_options(*, slots: int = 1, context: int = 8192, threads: int = 1, jinja: bool = True) -> list[str]:
    """The command line's options for how a server runs; the context is that of one slot."""
    sizes = ["-c", str(slots * context), "-np", str(slots), "-t", str(threads)]
    return [*sizes, "--jinja" if jinja else "--no-jinja", "--props", "--slots"]


@contextmanager
def serve(
    model: Path,
    *,
    program: Path | None = None,
    slots: int = 1,
    context: int = 8192,
    threads: int = 1,
    jinja: bool = True,
    port: int = 0,
    options: Sequence[str] = (),
    ready_seconds: float = READY_SECONDS,
) -> Iterator[LlamaServer]:
    """A server of a GGUF file, ended with the block.

    Args:
      model: The file.
      program: The server's program; see `find_program`.
      slots: How many requests are answered side by side.
      context: How many tokens prompt and answer may have together in one slot.
      threads: How many cores it may use; with a tiny model several mostly wait for each other.
      jinja: Whether the model's own chat template is used, or one that is built into the server.
      port: Where it listens; the system picks one if 0.
      options: Further options, e.g. ("--temp", "0.3").
      ready_seconds: How long loading may take.

    Raises:
      ConfigError: What is named is not a program.
      WorkError: The server does not become ready; the message holds the end of its log.
    """
    serving = server_options(slots=slots, context=context, threads=threads, jinja=jinja)
    where = ["--host", "127.0.0.1", "--port", str(port), "-m", str(model)]
    command = [str(find_program(program)), *where, *serving, *options]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LLAMA_")}
    with ended_like_ctrl_c(), tempfile.TemporaryFile() as log:
        process = None
        try:
            with _signals_wait():  # while it is being started, nobody knows its id
                process = _start(command, log, environment)
            size = f"{_size(model)} MB, and room for {slots * context} tokens of context"
            url = _wait(process, log, ready_seconds, size)
            yield LlamaServer(url, slots, context, process.pid, lambda: _errors_in(_read(log)))
        finally:
            if process is not None:
                with _signals_wait():
                    _end(process)


def _start(command: list[str], log: BinaryIO, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise WorkError(f"to start {command[0]}", str(error), "name another llama-server") from error


def _size(model: Path) -> str:
    return f"{model.stat().st_size / 1e6:.1f}" if model.is_file() else "?"


def _wait(process: subprocess.Popen[bytes], log: BinaryIO, seconds: float, size: str) -> str:
    """The address, once it stands in the log and the server is healthy there."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        if (listens := _LISTENS.search(_read(log))) and _healthy(f"http://127.0.0.1:{listens[1]}"):
            return f"http://127.0.0.1:{listens[1]}"
        time.sleep(0.05)
    output = _read(log)
    if process.poll() is None:
        got = f"none that is ready; its log ends {output.strip()[-_MOST_CHARACTERS:]!r}"
        raise WorkError(f"a llama.cpp server within {seconds:g} seconds", got, "look at the log, or try again later")
    if _NO_MEMORY.search(output) or process.returncode == -signal.SIGKILL:
        fix = f"free memory (the model takes {size}), or ask for less context or fewer slots"
    else:
        fix = "correct the file or the options that it names"
    raise WorkError("a llama.cpp server that is ready", f"one that ended: {_errors_in(output)}", fix)


def _healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _read(log: BinaryIO) -> str:
    # The server writes through the same file description, so its offset must not be moved.
    return os.pread(log.fileno(), 1 << 20, 0).decode("utf-8", "replace")


def _errors_in(output: str) -> str:
    """The errors that the program prints and logs, printed ones first; the log's end where there are none.

    The log is written by a thread of its own, so the two may come in either order.
    """
    errors = list(dict.fromkeys(_PRINTED_ERROR.findall(output) + _LOGGED_ERROR.findall(output)))
    if errors:
        return "; ".join(errors[:_MOST_ERRORS])[:_MOST_CHARACTERS]
    return output.strip()[-_MOST_CHARACTERS:] or "without any output"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the program and what it has started, as a script does that is named in its place."""
    _send(process, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
    _send(process, signal.SIGKILL)
    process.wait()


def _send(process: subprocess.Popen[bytes], number: int) -> None:
    """Sends a signal to the session that the program leads."""
    with suppress(ProcessLookupError, PermissionError):  # all of it has ended
        os.killpg(process.pid, number)


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Has Ctrl-C, and other signals that Python code handles, wait for the end of the block."""
    if threading.current_thread() is not threading.main_thread():  # it gets none
        yield
        return
    waiting: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    handlers = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in handlers:
        signal.signal(number, lambda number, frame: waiting.append(number))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if waiting:
            signal.raise_signal(waiting[0])
