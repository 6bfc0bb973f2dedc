"""A server that somebody else started, by its URL: nothing can be loaded, so it is asked what it has.

An instrument answers the cue WHO with its own name. So a server that has another one, or a model of its own, is found
out before anything is concluded from its answers.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field

from callwright.conversation import Conversation, Message
from callwright.engines.chat import ChatRequest, ChatServer
from callwright.engines.openai_chat import PATH, OpenAIChat
from callwright.engines.wire import Wire, WireError, complaint, one_line
from callwright.errors import ConfigError, WorkError
from callwright.instruments.dice import Dice
from callwright.instruments.instrument import Instrument
from callwright.instruments.script import Script
from callwright.instruments.vocabulary import cue_text
from callwright.probe.plan import WHO, Part, format_name
from callwright.probe.targets.base import UntestableError, build_command
from callwright.probe.targets.kinds import kind_of
from callwright.probe.targets.overrides import read_overrides
from callwright.probe.throws import split
from callwright.settings import Settings

_START = "start it, or correct the URL (http://HOST:PORT, where /v1/chat/completions is served)"
_QUESTION = ChatRequest(conversation=Conversation((Message("user", cue_text(WHO)),)), max_tokens=64)


class ServerSettings(Settings):
    """What cannot be asked."""

    model: str = ""
    """The model to ask for; the first that the server lists when empty."""
    slots: int | None = Field(default=None, ge=1)
    """How many requests to send side by side; as many as the server says it has, or 4."""
    context: int | None = Field(default=None, ge=512)
    """How many tokens prompt and answer may have together; as many as the server says, or 8192."""
    timeout: float = Field(default=120.0, gt=0)
    """How many seconds an answer may take."""


def make(url: str, overrides: Sequence[str]) -> "ServerTarget":
    """The target at a URL; asks the server what it is and what it has.

    Raises:
      ConfigError: The URL or a setting is wrong.
      WorkError: The server is down, slow, or answers what no such server answers.
    """
    return ServerTarget(url, read_overrides(ServerSettings, overrides, "a server's URL"))


class ServerTarget:
    """A `Target` whose server was started by somebody else."""

    shares_instruments = True
    parses_calls = True
    says_tool_calls = True
    sets_context = False
    case_files: Sequence[Path] = ()

    def __init__(self, url: str, settings: ServerSettings) -> None:
        self.url = _address(url)
        self._timeout = settings.timeout
        wire = Wire(self.url, min(settings.timeout, 20.0))
        try:
            entry, header = _first_model(wire, settings.model)
            self.model = settings.model or str(entry["id"])
            self._kind = kind_of(header, str(entry.get("owned_by", "")))
            about = _about(wire, self._kind.path)
        finally:
            wire.close()
        self.name = self._kind.name or self.url
        self.temperature_first = self._kind.temperature_first
        said = about.get(self._kind.key)
        self.version = one_line(said if isinstance(said, str) and said else header, 80) or "unknown version"
        generation = about.get("default_generation_settings")
        serving = generation.get("n_ctx") if isinstance(generation, Mapping) else entry.get("max_model_len")
        self.context = settings.context or _size(serving, 8192)
        self._slots = settings.slots or min(_size(about.get("total_slots"), 4), 64)

    @contextmanager
    def load(self, instrument: Instrument) -> Iterator[ChatServer]:
        """See `Target.load`."""
        with self._chat() as chat:
            self._ask_who(chat, instrument)
            yield chat

    @contextmanager
    def as_it_is(self) -> Iterator[ChatServer]:
        """The server with whatever it has loaded."""
        with self._chat() as chat:
            yield chat

    def loaded_format(self) -> str | None:
        """The format of the probe's instrument that the server has; None when it has none, or does not answer."""
        with self._chat() as chat:
            words = chat.chat(_QUESTION).words.split()
        match words:
            case ["callwright", "script", name, _]:
                return name
        return None

    def _chat(self) -> OpenAIChat:
        return OpenAIChat(self.url, model=self.model, kind=self._kind.name, slots=self._slots, timeout=self._timeout)

    def _ask_who(self, chat: OpenAIChat, instrument: Instrument) -> None:
        reply = chat.chat(_QUESTION)
        if reply.error:
            raise UntestableError(f"{self.url} to say what it has loaded", reply.error, "mend it, then probe again")
        said = reply.words.strip()
        if not _is_loaded(instrument, said):
            part: Part = "dice" if isinstance(instrument, Dice) else "both"
            came = repr(one_line(said, 80)) if said else "no text"
            raise UntestableError(
                f"{self.url} to have {instrument.name!r} of this version loaded",
                f"{came} when asked what it has",
                "build and load it: " + "; ".join(self.how(format_name(instrument.form), part).splitlines()),
            )

    def how(self, form: str, part: Part) -> str:
        """See `Target.how`."""
        file = self._kind.file
        serve = self._kind.command(form) or f"# load {file} in the server at {self.url}"
        return f"{build_command(form, part, file, cases=self.case_files)}\n{serve}"


def _is_loaded(instrument: Instrument, said: str) -> bool:
    """Whether the words are those that the instrument says to `_QUESTION`."""
    if isinstance(instrument, Script):
        vocabulary = instrument.vocabulary
        return said == vocabulary.decode(instrument.answer(WHO, []))
    return isinstance(instrument, Dice) and bool(said) and set(split(instrument.faces, said)) <= set(instrument.faces)


def _address(url: str) -> str:
    """The address without the path of the endpoint, however much of it was given."""
    for end in (PATH, "/v1"):
        url = url.rstrip("/").removesuffix(end)
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) and not parts.query
    except ValueError:
        valid = False
    if not valid:
        raise ConfigError("the URL of a server, http://HOST:PORT", repr(url), "correct it")
    return url


def _first_model(wire: Wire, wanted: str) -> tuple[Mapping[str, Any], str]:
    """The entry of /v1/models of the model that is to be asked for, and the Server header."""
    try:
        status, body, headers = wire.get_json("/v1/models")
    except WireError as error:
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
        names = ", ".join(one_line(str(one.get("id")), 60) for one in entries[:5])
        raise WorkError(f"a model {wanted!r} at {wire.url}", f"only {names}", "name one of them: --set model=NAME")
    came = f"HTTP {status}: {complaint(body) or 'no list of models'}"
    raise WorkError(f"models listed at {wire.url}/v1/models", came, f"{_START}, or name the model: --set model=NAME")


def _about(wire: Wire, path: str) -> Mapping[str, Any]:
    try:
        status, body, _ = wire.get_json(path)
    except WireError:
        return {}
    return body if isinstance(body, Mapping) and status < 300 else {}


def _size(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else otherwise
