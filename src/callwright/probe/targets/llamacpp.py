"""llama.cpp as a target: each instrument is written as a GGUF file and served by a server of our own."""

import shlex
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from callwright.engines.chat import ChatServer
from callwright.engines.llama_program import find_program, version_of
from callwright.engines.llama_server import serve, server_options
from callwright.engines.openai_chat import OpenAIChat
from callwright.errors import ConfigError
from callwright.instruments.files import write
from callwright.instruments.instrument import Instrument
from callwright.probe.plan import Part
from callwright.probe.targets.base import Target, read_overrides, untestable
from callwright.settings import Settings

SHOWN = "http://127.0.0.1:8080"
"""Where llama-server listens when it is started by hand; command lines show this address."""


class LlamaCppSettings(Settings):
    """How the server is started."""

    program: Path | None = None
    """The llama-server to test; else $LLAMA_SERVER, the one on the path, the cached build, or a new build."""
    template: Path | None = None
    """A chat template that takes the place of the instrument's own."""
    jinja: bool = True
    """Whether the chat template is used, or one of those that are built in."""
    options: tuple[str, ...] = ()
    """Further words of the command line, e.g. --set options="--temp 0.3"."""
    slots: int = Field(default=4, ge=1)
    """How many requests it answers side by side."""
    context: int = Field(default=8192, ge=512)
    """How many tokens prompt and answer may have together."""
    threads: int = Field(default=1, ge=1)
    """How many cores it may use; with a tiny model more than one is no faster."""
    timeout: float = Field(default=120.0, gt=0)
    """How many seconds an answer may take."""

    @field_validator("options", mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        return tuple(shlex.split(value)) if isinstance(value, str) else value


class LlamaCppTarget(Target):
    """A server of our own for each instrument, with nothing else loaded.

    Args:
      overrides: `key=value` each, of `LlamaCppSettings`.

    Raises:
      ConfigError: A setting is wrong, or names no llama.cpp server.
      FetchError: There is none, and it cannot be built.
    """

    name = "llama.cpp"

    def __init__(self, overrides: Sequence[str]) -> None:
        settings = read_overrides(LlamaCppSettings, overrides, "llamacpp")
        if settings.template is not None and not settings.template.is_file():
            raise ConfigError("a chat template to serve", f"no file {settings.template}", "name an existing one")
        self.settings = settings
        self.context = settings.context
        self._serving: dict[str, Any] = settings.model_dump(include={"slots", "context", "threads", "jinja"})
        self.program = find_program(settings.program)
        self.version = version_of(self.program)

    @contextmanager
    def load(self, instrument: Instrument) -> Iterator[ChatServer]:
        """See `Target.load`."""
        settings = self.settings
        with ExitStack() as stack:
            with untestable():
                scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="callwright-"))
                model = Path(scratch) / "instrument.gguf"
                write(instrument, model, context=settings.context)
                running = serve(model, program=self.program, options=self._options(), **self._serving)
                server = stack.enter_context(running)
            chat = OpenAIChat(server.url, slots=server.slots, timeout=settings.timeout, shown=SHOWN)
            yield stack.enter_context(chat)

    def reproduce_with(self, fmt: str, part: Part) -> str:
        """See `Target.reproduce_with`."""
        serve = shlex.join(["llama-server", "-m", "probe.gguf", *server_options(**self._serving), *self._options()])
        build = self.build_command(fmt, part, "probe.gguf", "--context", str(self.context))
        return f"{build}\n{serve}"

    def _options(self) -> list[str]:
        template = [] if self.settings.template is None else ["--chat-template-file", str(self.settings.template)]
        return [*template, *self.settings.options]
