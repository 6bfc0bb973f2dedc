"""A script in another Python, asked over JSON lines: how heavy libraries are used without being installed here."""

import json
import os
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

from callwright.conversation import Json
from callwright.errors import ConfigError


class Interpreter:
    """A running script. It ends with this object, or with this program at the latest.

    Args:
      python: The interpreter.
      script: What it runs; it says one line before it is asked.
      seconds: How long an answer may take; after that the script is stopped.

    Attributes:
      hello: The first line, or `{"error"}`.
      seconds: As given.

    Raises:
      ConfigError: There is no such interpreter.
    """

    def __init__(self, python: str, script: Path, *, seconds: float) -> None:
        self.seconds, self._lock, self._log = seconds, threading.Lock(), tempfile.TemporaryFile()
        # What this program's Python imports is none of the other's business.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(
                [python, str(script)], stdin=pipe, stdout=pipe, stderr=self._log, env=environment, encoding="utf-8"
            )
        except OSError as error:
            raise ConfigError(f"a Python at {python}", str(error), "correct the path") from error
        self._input, self._output = cast(IO[str], self._process.stdin), cast(IO[str], self._process.stdout)
        self.stop = weakref.finalize(self, _stop, self._process)
        self.hello = self._hear()

    @property
    def alive(self) -> bool:
        """Whether it still answers."""
        return self._process.poll() is None

    def ask(self, job: Mapping[str, Json]) -> dict[str, Any]:
        """The answer to a job; `{"error"}` where none comes. Several threads may ask; it answers one after another."""
        with self._lock:
            with suppress(OSError, ValueError):  # it has gone; hearing finds out why
                self._input.write(json.dumps(job) + "\n")
                self._input.flush()
            return self._hear()

    def _hear(self) -> dict[str, Any]:
        timer = threading.Timer(self.seconds, self._process.kill)
        timer.start()
        line = ""
        try:
            line = self._output.readline()
            answer = json.loads(line)
        except (OSError, ValueError, RecursionError):
            answer = None
        finally:
            in_time = timer.is_alive()
            timer.cancel()
        if isinstance(answer, dict):
            return answer
        self._process.kill()  # what does not answer in JSON cannot be trusted with the next question either
        self._process.wait()
        self._log.seek(0)
        said = self._log.read().decode(errors="replace").strip().splitlines() or [line.strip()[:80] or "nothing"]
        came = "no JSON object" if line else "its end" if in_time else f"nothing within {self.seconds:g} seconds"
        return {"error": f"expected an answer; got {came}; it said {said[-1]}"}


def _stop(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # closing writes what was never read
                pipe.close()
