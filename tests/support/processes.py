"""Processes for tests of what a kill, a signal or the system does to a command: real ones that start in no time.

Each is forked from a server that has imported the pipeline, but computed nothing, so it has what a new interpreter has
after some seconds of imports. What it runs is the command line's own function, with arguments, environment, directory
and streams of its own.
"""

import atexit
import importlib
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

IMPORTED = [
    "callwright.orchestration.pipeline",
    "callwright.orchestration.run_pipeline",
    "callwright.probe.command",
    "scipy.stats",
    "tests.support.sft_process",
]
HANGS = 3600
"""Seconds after which a process that has not ended is taken to hang; nothing here takes a tenth of that."""


@cache
def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    return context


@dataclass(frozen=True)
class ProcessOutput:
    """What a command wrote."""

    out: str
    err: str


class Process:
    """A process that calls `function` (as "module:name") with the command line `command` and ends with its exit code.

    Args:
      function: What is called, without arguments; it reads `sys.argv`, and returns its exit code or exits.
      command: The command line, the program's name included.
      directory: Where it runs; what it writes goes to files there.
      environment: What is added to this process's environment.
      largest_file: How many bytes a file may have; as on a disk that is full beyond them.
    """

    def __init__(
        self,
        function: str,
        command: Sequence[str],
        directory: Path,
        environment: Mapping[str, str] | None = None,
        largest_file: int | None = None,
    ) -> None:
        number = len(list(directory.glob(".out-*")))
        self._out, self._err = (directory / f".{name}-{number}" for name in ("out", "err"))
        for path in (self._out, self._err):
            path.touch()
        arguments = (function, list(command), directory, {**os.environ, **(environment or {})}, largest_file)
        self._process = _server().Process(target=_run, args=(*arguments, self._out, self._err))
        self._process.start()

    def poll(self) -> int | None:
        """The exit code, a signal's number negative; None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Sends a signal."""
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        """Ends it without giving it a chance to tidy up, and waits until it is gone."""
        self._process.kill()
        self._process.join()

    def output(self) -> ProcessOutput:
        """What it has written so far."""
        return ProcessOutput(self._out.read_text(), self._err.read_text())

    def finish(self, code: int = 0) -> ProcessOutput:
        """Waits for the end, which must be with this exit code."""
        self._process.join(HANGS)
        assert self.poll() == code, f"exit code {self.poll()}:\n{self.output().err[-3000:]}"
        return self.output()

    def wait_for(self, moment: Callable[[], bool], pause: float = 0.002) -> None:
        """Waits until the moment has come, while the process still runs."""
        deadline = time.monotonic() + HANGS
        while not moment():
            assert self.poll() is None, f"ended too early:\n{self.output().err[-3000:]}"
            assert time.monotonic() < deadline
            time.sleep(pause)


def _run(
    function: str,
    command: list[str],
    directory: Path,
    environment: dict[str, str],
    largest_file: int | None,
    out: Path,
    err: Path,
) -> None:
    """What the new process does."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what is started behind a shell's & ignores it
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # and what is started by nohup ignores this
    for stream, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND), stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdin, sys.stdout, sys.stderr = open(0, closefd=False), open(1, "w", closefd=False), open(2, "w", closefd=False)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # which the server may have looked up in its own environment
    sys.argv = command
    if largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    module, _, name = function.partition(":")
    try:
        code: Any = getattr(importlib.import_module(module), name)()
    except SystemExit as left:
        code = left.code
    finally:
        atexit._run_exitfuncs()  # a process of multiprocessing leaves them out
        sys.stdout.flush()
        sys.stderr.flush()
    sys.exit(code)
