"""What the probe needs of a runtime: to load an instrument, and to be asked."""

import shlex
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from callwright.engines.chat import ChatServer
from callwright.errors import WorkError
from callwright.instruments.instrument import Instrument
from callwright.probe.plan import Part


class UntestableError(WorkError):
    """The target cannot be tested in this way; the reason becomes the cause of outcomes that say `not_tested`."""


class Target(Protocol):
    """A runtime under test.

    Attributes:
      name: What it is called in reports, e.g. "llama.cpp".
      version: What it says of itself.
      context: How many tokens prompt and answer may have together in one request.
      shares_instruments: Whether nothing can be loaded, because the server was started by somebody else: `load` then
        only finds out whether the instrument asked for is the one that the server has.
      parses_calls: Whether it makes calls and reasoning of what a model says. Where it does not, what was said is the
        content, and that no call comes back is no fault.
      says_tool_calls: Whether its wire has a finish reason of its own for calls.
      sets_context: Whether a request can say how many tokens prompt and answer may have.
      temperature_first: Whether it documents that its temperature comes before top-k, top-p and min-p.
      case_files: The files of further cases that the instruments are built for; they stand in command lines.
    """

    name: str
    version: str
    context: int
    shares_instruments: bool
    parses_calls: bool
    says_tool_calls: bool
    sets_context: bool
    temperature_first: bool
    case_files: Sequence[Path]

    def load(self, instrument: Instrument) -> AbstractContextManager[ChatServer]:
        """A server with the instrument, for as long as the block lasts; nothing is left behind.

        Raises:
          UntestableError: It cannot be loaded; the message is one line.
        """
        ...

    def how(self, form: str, part: Part) -> str:
        """The shell lines that build an instrument of a format, by its name, and bring up the same server by hand."""
        ...


def build_command(form: str, part: Part, output: str, *options: str, cases: Sequence[Path] = ()) -> str:
    """The shell line that builds an instrument of the probe; all cases are in it, whichever are run."""
    words = ["callwright", "instrument", "probe", "--format", form, "--part", part, "-o", output, *options]
    files = ["--cases", *(str(path.absolute()) for path in cases)] if cases else []
    return shlex.join([*words, *files])
