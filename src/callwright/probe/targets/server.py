"""A server that somebody else started, by its URL: nothing can be loaded, so it is asked what it has loaded.

An instrument answers the cue WHO with its own name. So a server that has another instrument, or a model of its own, is
noticed before anything is concluded from its answers.
"""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from callwright.conversation import Conversation, Message
from callwright.engines.chat import ChatRequest, ChatServer
from callwright.engines.http_client import HttpClient, HttpError
from callwright.engines.openai_chat import OpenAIChat, server_address
from callwright.engines.response_text import error_text, one_line
from callwright.errors import WorkError, suggest
from callwright.formats.template_file import reading_format
from callwright.instruments.dice import Dice
from callwright.instruments.instrument import Instrument
from callwright.instruments.script import Script
from callwright.instruments.vocabulary import cue_text
from callwright.probe.plan import WHO, Part
from callwright.probe.sampling.statistics import split_draws
from callwright.probe.targets.base import Target, UntestableError, read_overrides
from callwright.settings import Settings

_START = "start it, or correct the URL (http://HOST:PORT, where /v1/chat/completions is served)"
_QUESTION = ChatRequest(conversation=Conversation((Message("user", cue_text(WHO)),)), max_tokens=64)


@dataclass(frozen=True, slots=True)
class ServerKind:
    """A runtime behind a URL.

    Attributes:
      name: What it is called in reports; see `openai_chat.PENALTIES`. "" for a runtime that is not recognized.
      recognized_by: What its Server header begins with or its models are owned by, in lower case.
      version_path: Where it reports its version.
      version_key: The key of the version there.
      file: The instrument, as the runtime loads it.
      serve: The words of the command that starts it, before the instrument; () where they are not known.
      options: The words after the instrument.
      parsers: By format, `NAME` or `NAME/VARIANT`, the options with which it parses calls and thoughts; without them it
        parses none.
      temperature_first: See `Target`.
    """

    name: str = ""
    recognized_by: frozenset[str] = frozenset()
    version_path: str = "/version"
    version_key: str = "version"
    file: str = "probe.gguf"
    serve: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    parsers: Mapping[str, str] = field(default_factory=dict)
    temperature_first: bool = False

    def command(self, fmt: str) -> str:
        """The shell line that serves the instrument of a format, by id; "" where it is not known."""
        if not self.serve:
            return ""
        reader = reading_format(fmt)
        read = self.parsers.get(reader, self.parsers.get(reader.partition("/")[0], ""))
        return shlex.join([*self.serve, self.file, *self.options, *read.split()])


_HERMES = "--enable-auto-tool-choice --tool-call-parser hermes"
_VLLM_PARSERS = {
    "qwen25": _HERMES,
    "hermes3": _HERMES,
    "xml": _HERMES,
    "qwen3": f"{_HERMES} --reasoning-parser qwen3",
    "qwen3-xml": "--enable-auto-tool-choice --tool-call-parser qwen3_coder",
    **dict.fromkeys(
        (f"qwen3-xml/{variant}" for variant in ("qwen35", "qwen35-small", "qwen36", "qwen38")),
        "--enable-auto-tool-choice --tool-call-parser qwen3_coder --reasoning-parser qwen3",
    ),
    "llama31": "--enable-auto-tool-choice --tool-call-parser llama3_json",
    "llama4": "--enable-auto-tool-choice --tool-call-parser llama4_pythonic",
    "bfcl": "--enable-auto-tool-choice --tool-call-parser pythonic",
    "mistral": "--enable-auto-tool-choice --tool-call-parser mistral",
    "mistral/v13": "--enable-auto-tool-choice --tool-call-parser mistral --reasoning-parser mistral",
    "functiongemma": "--enable-auto-tool-choice --tool-call-parser functiongemma",
    "gemma4": "--enable-auto-tool-choice --tool-call-parser gemma4 --reasoning-parser gemma4",
}
"""Names of vLLM 0.32 (vllm/tool_parsers, vllm/reasoning); `tool_code` has none."""

KINDS = (
    ServerKind(
        name="llama.cpp",
        recognized_by=frozenset({"llama.cpp", "llamacpp"}),
        version_path="/props",
        version_key="build_info",
        serve=("llama-server", "-m"),
        options=("--jinja",),
    ),
    ServerKind(
        name="vLLM",
        recognized_by=frozenset({"vllm"}),
        file="./probe",
        serve=("vllm", "serve"),
        parsers=_VLLM_PARSERS,
        temperature_first=True,
    ),
    ServerKind(
        name="SGLang",
        recognized_by=frozenset({"sglang"}),
        version_path="/get_server_info",
        file="./probe",
        serve=("sglang", "serve", "--model-path"),
        temperature_first=True,
    ),
    ServerKind(name="Ollama", recognized_by=frozenset({"library"}), version_path="/api/version"),
)


class ServerSettings(Settings):
    """What `--set` can change."""

    model: str = ""
    """The model to ask for; the first that the server lists when empty."""
    slots: int | None = Field(default=None, ge=1)
    """How many requests to send side by side; as many as the server says it has, or 4."""
    context: int | None = Field(default=None, ge=512)
    """How many tokens prompt and answer may have together; as many as the server says, or 8192."""
    timeout: float = Field(default=120.0, gt=0)
    """How many seconds an answer may take."""


class ServerTarget(Target):
    """The target at a URL; the server is asked what it is and what it has.

    Args:
      url: Where it is.
      overrides: `key=value` each, of `ServerSettings`.

    Raises:
      ConfigError: The URL or a setting is wrong.
      WorkError: The server is down, slow, or answers what no such server answers.
    """

    shares_instruments = True

    def __init__(self, url: str, overrides: Sequence[str]) -> None:
        settings = read_overrides(ServerSettings, overrides, "a server's URL")
        self.url = server_address(url)
        self._timeout = settings.timeout
        wire = HttpClient(self.url, min(settings.timeout, 20.0))
        try:
            entry, header = _first_model(wire, settings.model)
            self.model = settings.model or str(entry["id"])
            self._kind = _kind_of(header, str(entry.get("owned_by", "")))
            about = _about(wire, self._kind.version_path)
        finally:
            wire.close()
        self.name = self._kind.name or self.url
        self.temperature_first = self._kind.temperature_first
        version = about.get(self._kind.version_key)
        self.version = one_line(version if isinstance(version, str) and version else header, 80) or "unknown version"
        generation = about.get("default_generation_settings")
        serving = generation.get("n_ctx") if isinstance(generation, Mapping) else entry.get("max_model_len")
        self.context = settings.context or _size(serving, 8192)
        self._slots = settings.slots or min(_size(about.get("total_slots"), 4), 64)

    @contextmanager
    def load(self, instrument: Instrument) -> Iterator[ChatServer]:
        """See `Target.load`."""
        with self.as_it_is() as chat:
            self._ask_who(chat, instrument)
            yield chat

    def loaded_format(self) -> str | None:
        """The format of the probe's instrument that the server has; None when it has none, or does not answer."""
        with self.as_it_is() as chat:
            words = chat.chat(_QUESTION).words.strip()
        found = re.fullmatch(r"callwright script (\S.*) \S+", words)
        return found[1] if found else None

    def as_it_is(self) -> OpenAIChat:
        """The server with whatever it has loaded."""
        return OpenAIChat(self.url, model=self.model, kind=self._kind.name, slots=self._slots, timeout=self._timeout)

    def _ask_who(self, chat: OpenAIChat, instrument: Instrument) -> None:
        reply = chat.chat(_QUESTION)
        if reply.error:
            raise UntestableError(f"{self.url} to say what it has loaded", reply.error, "correct this and probe again")
        output = reply.words.strip()
        if not _is_loaded(instrument, output):
            part: Part = "dice" if isinstance(instrument, Dice) else "both"
            got = repr(one_line(output, 80)) if output else "no text"
            raise UntestableError(
                f"{self.url} to have {instrument.name!r} of this version loaded",
                f"{got} when asked what it has",
                "build and load it: " + "; ".join(self.reproduce_with(instrument.fmt.id, part).splitlines()),
            )

    def reproduce_with(self, fmt: str, part: Part) -> str:
        """See `Target.reproduce_with`."""
        file = self._kind.file
        serve = self._kind.command(fmt) or f"# load {file} in the server at {self.url}"
        return f"{self.build_command(fmt, part, file)}\n{serve}"


def _is_loaded(instrument: Instrument, output: str) -> bool:
    """Whether the words are those that the instrument says to `_QUESTION`."""
    if isinstance(instrument, Script):
        vocabulary = instrument.vocabulary
        return output == vocabulary.decode(instrument.answer(WHO, []))
    if not isinstance(instrument, Dice) or not output:
        return False
    return set(split_draws(instrument.faces, output)) <= set(instrument.faces)


def _kind_of(header: str, owner: str) -> ServerKind:
    """The kind by a Server header and the owner of a model; one without a name where neither is known."""
    signs = {header.partition("/")[0].strip().lower(), owner.lower()}
    return next((kind for kind in KINDS if kind.recognized_by & signs), ServerKind())


def _first_model(wire: HttpClient, wanted: str) -> tuple[Mapping[str, Any], str]:
    """The entry of /v1/models of the model that is to be asked for, and the Server header."""
    try:
        status, body, headers = wire.get_json("/v1/models")
    except HttpError as error:
        raise WorkError(f"an OpenAI-compatible server at {wire.url}", str(error), _START) from error
    header = headers.get("server", "")
    listed = body.get("data") if isinstance(body, Mapping) and status < 300 else None
    entries = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    found = [one for one in entries if one.get("id") == wanted or (not wanted and isinstance(one.get("id"), str))]
    if found:
        return found[0], header
    if wanted and not entries:
        return {"id": wanted}, header  # it keeps no list; asking will show
    if wanted:
        names = [one_line(str(one.get("id")), 60) for one in entries]
        fix = f"{suggest(wanted, names, f'{wire.url}/v1/models lists all')}: --set model=NAME"
        raise WorkError(f"a model {wanted!r} at {wire.url}", f"only {', '.join(names[:5])}", fix)
    got = f"HTTP {status}: {error_text(body) or 'no list of models'}"
    raise WorkError(f"models listed at {wire.url}/v1/models", got, f"{_START}, or name the model: --set model=NAME")


def _about(wire: HttpClient, path: str) -> Mapping[str, Any]:
    try:
        status, body, _ = wire.get_json(path)
    except HttpError:
        return {}
    return body if isinstance(body, Mapping) and status < 300 else {}


def _size(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else otherwise
