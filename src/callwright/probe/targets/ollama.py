"""Ollama as a target: a running server that gets an instrument as a model, which is removed afterwards.

Ollama has several ways of serving a chat, and settings choose among them as a Modelfile does: `renderer` and `parser`
name built-in ones, `template` is a Go TEMPLATE, and with none of them the chat template inside the GGUF is used.

The user's models are never touched: only names that begin with `callwright-probe-` are created or removed. A name also
contains the process and the machine that made it. So what a killed run left behind is removed by the next run, and two
runs that share a server leave each other's models alone.
"""

import hashlib
import math
import os
import platform
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

import psutil
from pydantic import Field, field_validator

from callwright.conversation import Json
from callwright.engines.chat import ChatServer
from callwright.engines.ollama_api import Ollama, ollama_address
from callwright.engines.ollama_chat import OllamaChat
from callwright.engines.ollama_modelfile import modelfile_lines, read_instructions, write_command
from callwright.engines.openai_chat import OLLAMA, OpenAIChat
from callwright.errors import ConfigError, WorkError
from callwright.instruments.architectures import on_architecture
from callwright.instruments.files import write
from callwright.instruments.instrument import Instrument
from callwright.probe.plan import Part
from callwright.probe.targets.base import Target, read_overrides, untestable
from callwright.settings import Settings

PREFIX = "callwright-probe-"
BY_HAND = "callwright-instrument"
"""The name of a model that the user makes by hand; it does not begin with PREFIX, so it is never removed."""

_NAME = re.compile(f"{PREFIX}([0-9a-f]{{6}})-([0-9]+)-[0-9a-f]+:latest")
_ABORTED_SECONDS = 0.7
"""How long unloading and removing a model may take each when the probe was aborted; the next run removes it too."""
_NOTHING_ASKED: Mapping[str, Json] = {
    "messages": [{"role": "user", "content": "Go."}],
    "stream": False,
    "options": {"num_predict": 1},
    "_debug_render_only": True,
}
_in_use: set[str] = set()


class OllamaSettings(Settings):
    """What `--set` can change."""

    host: str = Field(default_factory=lambda: os.environ.get("OLLAMA_HOST", ""))
    """The address of the server; OLLAMA_HOST, else 127.0.0.1:11434."""
    renderer: str | None = None
    """A built-in renderer, e.g. gemma4."""
    parser: str | None = None
    """A built-in parser, e.g. gemma4."""
    template: str | None = None
    """A Go TEMPLATE, or @FILE for one in a file."""
    source: str | None = Field(None, alias="from")
    """An installed model whose renderer, parser and template are used, except those that are named here."""
    endpoint: Literal["native", "openai"] = "native"
    """The endpoint that is tested: /api/chat, or /v1/chat/completions, which has a converter of its own."""
    context: int = Field(8192, ge=256, le=65_536)
    """How many tokens prompt and answer may have together; sent as num_ctx, to /v1 as a parameter of the model."""
    slots: int = Field(1, ge=1, le=64)
    """How many requests are asked side by side; more than 1 helps where the server has OLLAMA_NUM_PARALLEL."""
    timeout: float = Field(120.0, gt=0)
    """How many seconds an answer may take."""

    @field_validator("template")
    @classmethod
    def _read(cls, template: str | None) -> str | None:
        if template is None or not template.startswith("@"):
            return template
        try:
            return Path(template[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"the file cannot be read ({error})") from None


class OllamaTarget(Target):
    """See `Target`.

    Args:
      overrides: `key=value` each, of `OllamaSettings`.

    Raises:
      ConfigError: An override is wrong, or the model that is named has none of what is to be taken from it.
      WorkError: No Ollama answers, it lacks that model, or it does not let go of what an earlier run left behind.
    """

    name = "Ollama"

    def __init__(self, overrides: Sequence[str]) -> None:
        settings = read_overrides(OllamaSettings, overrides, "ollama")
        self.settings = settings
        self.context = settings.context
        self._settings_are_checked = False
        self.says_tool_calls = settings.endpoint == "openai"
        self.sets_context = settings.endpoint == "native"
        self._server = Ollama(ollama_address(settings.host), timeout=settings.timeout)
        self.version = self._server.version()
        self._served = settings.model_dump(include={"renderer", "parser", "template"})
        if settings.source is not None:
            named = {name: value for name, value in self._served.items() if value is not None}
            self._served = _served_as(self._server, settings.source) | named
        for model in self._server.models():
            if _is_left_behind(model):
                _remove(self._server, model)

    @contextmanager
    def load(self, instrument: Instrument) -> Iterator[ChatServer]:
        """See `Target.load`."""
        model = f"{PREFIX}{_machine()}-{os.getpid()}-{secrets.token_hex(4)}:latest"
        with untestable():
            digest, size = self._upload(instrument)
        _in_use.add(model)
        seconds = self.settings.timeout
        try:
            self._check_settings(model, digest)
            with untestable():
                self._serve(model, digest, size)
            with self._chat(model) as chat:
                yield chat
        except (KeyboardInterrupt, GeneratorExit):
            seconds = _ABORTED_SECONDS
            raise
        finally:
            self._take_away(model, seconds)
            _in_use.discard(model)

    @contextmanager
    def _chat(self, model: str) -> Iterator[ChatServer]:
        settings = self.settings
        if settings.endpoint == "native":
            yield OllamaChat(self._server, model, slots=settings.slots, shown_as=BY_HAND)
            return
        with OpenAIChat(
            self._server.address,
            model=model,
            kind=OLLAMA,
            slots=settings.slots,
            timeout=settings.timeout,
            shown_as=BY_HAND,
        ) as chat:
            yield chat

    def reproduce_with(self, fmt: str, part: Part) -> str:
        """See `Target.reproduce_with`."""
        lines = modelfile_lines("./probe.gguf", **self._served, parameters={"num_ctx": self.context})
        build = self.build_command(fmt, part, "probe.gguf", "--context", str(self.context))
        create = self._server.command("create", BY_HAND, "-f", "Modelfile")
        return f"{build}\n{write_command(lines)}\n{create}"

    def _upload(self, instrument: Instrument) -> tuple[str, int]:
        """Gives the server the file, and returns its digest and size in bytes."""
        with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as directory:
            file = Path(directory, "instrument.gguf")
            _check_room(instrument, file.parent, self.context)
            size = write(instrument, file, context=self.context)
            return self._server.upload(file), size

    def _serve(self, model: str, digest: str, size: int) -> None:
        """Has the model made and in memory, served as the settings say."""
        server = self._server
        server.create(model, digest, **self._served, parameters={"num_ctx": self.context})
        try:
            server.load(model, self.context)
        except WorkError as error:
            needs = f"{error.expected}, which needs {size / 1e6:.0f} MB and room for {self.context} tokens"
            raise WorkError(needs, error.got, error.fix) from error

    def _check_settings(self, model: str, digest: str) -> None:
        """Checks, once, that the server has the renderer and the parser that it is told, and uses the template.

        It takes any name. Without the renderer it refuses every chat; without the parser it reads no calls, and refuses
        chats with tools. Old versions ignore both. Where there is no parser, new ones ignore the template, because the
        weights have one. This is no fault of what is tested, and the same in every format.

        Raises:
          WorkError: It does not.
          UntestableError: It cannot be asked.
        """
        renderer, parser, template = (self._served[name] for name in ("renderer", "parser", "template"))
        if self._settings_are_checked or not (renderer or parser or template):
            return
        fix = f"update Ollama (this is version {self.version}), or name another"
        if renderer or parser:
            with untestable():
                self._server.create(model, digest, renderer=renderer, parser=parser)
                shown = self._server.show(model)
            lines = str(shown.get("modelfile")).splitlines()
            for line in modelfile_lines("", renderer=renderer, parser=parser)[1:]:
                if line not in lines:
                    got = f"version {self.version}, which ignores it"
                    raise WorkError(f"an Ollama that serves {line}", got, "update Ollama, or choose a template")
            answer = self._server.ask("POST", "/api/chat", {**_NOTHING_ASKED, "model": model})
            if renderer and answer.status >= 400 and "unknown renderer" in answer.problem:
                raise WorkError(f"an Ollama that has the renderer {renderer!r}", answer.problem, fix)
            abilities = shown.get("capabilities")
            if parser and isinstance(abilities, list) and not {"tools", "thinking"} & set(map(str, abilities)):
                got = "one that reads neither calls nor thoughts with it"
                raise WorkError(f"an Ollama that has the parser {parser!r}", got, fix)
        if template and not renderer:
            with untestable():
                self._server.create(model, digest, parser=parser, template=template)
                shown = self._server.show(model)
            if shown.get("template") != template:
                got = f"version {self.version}, which uses the chat template inside the weights in its place"
                raise WorkError("an Ollama that serves the template", got, "name a parser too, or probe without it")
        self._settings_are_checked = True

    def _take_away(self, model: str, seconds: float) -> None:
        """Removes the model; where that fails a line says so, and what was measured is kept."""
        with closing(Ollama(self._server.address, timeout=seconds)) as server:
            try:
                server.unload(model)
                _remove(server, model)
            except WorkError as error:
                print(f"callwright: {error}", file=sys.stderr, flush=True)


def _served_as(server: Ollama, model: str) -> dict[str, str | None]:
    """Renderer, parser and template of an installed model.

    Raises:
      ConfigError: It has none: the chat template inside its weights is used.
      WorkError: There is no such model.
    """
    shown = server.show(model)
    instructions = read_instructions(str(shown.get("modelfile")))
    renderer, parser, template = (instructions.get(name) for name in ("RENDERER", "PARSER", "TEMPLATE"))
    if renderer is None and shown.get("template") != template:
        save = f"{server.command('show', '--template', model)} > FILE"
        raise ConfigError(
            f"a renderer, a parser or a template of {model}",
            "only the chat template inside its weights, which Ollama uses",
            f"save it ({save}) and probe it without from=: --format template:FILE/FORMAT",
        )
    return {"renderer": renderer, "parser": parser, "template": None if renderer else template}


def _remove(server: Ollama, model: str) -> None:
    if not model.startswith(PREFIX):
        raise ValueError(f"{model} is not ours to remove")
    server.delete(model)


def _is_left_behind(model: str) -> bool:
    """Whether a model is ours, and no process that runs can be using it."""
    if not model.startswith(PREFIX):
        return False
    made_by = _NAME.fullmatch(model)
    if made_by is None:
        return True
    machine, process = made_by[1], int(made_by[2])
    if machine != _machine():
        return False  # its own next run takes it away
    return model not in _in_use if process == os.getpid() else not psutil.pid_exists(process)


def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:6]


def _check_room(instrument: Instrument, directory: Path, context: int) -> None:
    weights = on_architecture(instrument.circuit, "llama", context)
    width = 4 if instrument.dtype == "float32" else 2
    needed = width * sum(math.prod(tensor.shape) for tensor in weights.tensors.values())
    free = shutil.disk_usage(directory).free
    if free < 1.05 * needed:  # vocabulary and template are small beside it
        raise WorkError(
            f"{needed / 1e6:.0f} MB of room in {directory.parent}",
            f"{free / 1e6:.0f} MB",
            "free some, or name another directory in TMPDIR",
        )
