"""What the probe needs of a runtime: to load an instrument, and to be asked; and how its settings are read."""

import shlex
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from callwright.engines.chat import ChatServer
from callwright.errors import CallwrightError, ConfigError, WorkError
from callwright.instruments.instrument import Instrument
from callwright.probe.plan import Part
from callwright.settings import Settings, validated

Chosen = TypeVar("Chosen", bound=Settings)


class UntestableError(WorkError):
    """The target cannot be tested in this way; the reason becomes the cause of outcomes that say `not_tested`."""


@contextmanager
def untestable() -> Iterator[None]:
    """Makes an UntestableError of every error of ours, and of a temporary directory that cannot be written."""
    try:
        yield
    except CallwrightError as error:
        raise UntestableError(error.expected, error.got, error.fix) from error
    except OSError as error:
        fix = "check the space and rights there, or set TMPDIR"
        raise UntestableError(f"to write to {tempfile.gettempdir()}", str(error), fix) from error


class Target(Protocol):
    """A runtime under test. What an attribute holds here is what most runtimes do.

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
    shares_instruments: bool = False
    parses_calls: bool = True
    says_tool_calls: bool = True
    sets_context: bool = False
    temperature_first: bool = False
    case_files: Sequence[Path] = ()

    def load(self, instrument: Instrument) -> AbstractContextManager[ChatServer]:
        """A server with the instrument, for as long as the block lasts; nothing is left behind.

        Raises:
          UntestableError: It cannot be loaded; the message is one line.
        """
        ...

    def reproduce_with(self, fmt: str, part: Part) -> str:
        """The shell lines that build an instrument of a format, by its name, and bring up the same server by hand."""
        ...

    def build_command(self, fmt: str, part: Part, output: str, *options: str) -> str:
        """The shell line that builds an instrument of the probe; all cases are in it, whichever are run."""
        return self._instrument_command("probe", fmt, part, "-o", output, *options)

    def read_command(self, fmt: str, part: Part) -> str:
        """The shell line that reads what an instrument of the probe says of a prompt."""
        return self._instrument_command("read", fmt, part, "--text")

    def _instrument_command(self, command: str, fmt: str, part: Part, *options: str) -> str:
        words = ["callwright", "instrument", command, "--format", fmt, "--part", part, *options]
        files = ["--cases", *(str(path.absolute()) for path in self.case_files)] if self.case_files else []
        return shlex.join([*words, *files])


def read_overrides(settings: type[Chosen], overrides: Sequence[str], target: str) -> Chosen:
    """The target's settings, defaults where nothing is overridden.

    Args:
      settings: Their class.
      overrides: `key=value` each; of a repeated key the last counts.
      target: The target's name, for errors.

    Raises:
      ConfigError: An override is no `key=value`, its key is unknown or its value of the wrong type.
    """
    given = {}
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key.strip():
            raise ConfigError(
                "--set key=value", repr(override), f"write e.g. --set {next(iter(settings.model_fields))}=..."
            )
        given[key.strip()] = value
    return validated(settings, given, where=f"--set for {target}")
