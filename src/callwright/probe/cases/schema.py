"""A case of the fidelity set: a conversation, what the model is to say, and the class of fault that would show.

Cases are data (`cases/fidelity/*.yaml`, and whatever files a user adds) and know no format: the same case is rendered
and spoken in every format that can say it. These models are what docs/fidelity-set.md tells a user to write. A field
whose values mean something else than they look like (messages, which are read as requests are) holds what they mean.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from pydantic import Field, GetCoreSchemaHandler, JsonValue, model_validator
from pydantic_core import CoreSchema, core_schema

from callwright.conversation import Conversation, Message, Role, Tool
from callwright.engines.sampling import SamplingParams
from callwright.errors import DataError, suggest
from callwright.formats import FORMATS
from callwright.openai import read_message
from callwright.probe.cases.edits import Edit, WrittenCall
from callwright.probe.causes.registry import CAUSES
from callwright.settings import Settings

CaseKind = Literal["prompt", "reply", "loop", "context", "sampling"]
FIX = "write it as docs/fidelity-set.md shows"
LONGEST = 10_000_000
"""How many characters a content may have after it was repeated: far more than any context, and no burden to memory."""
_NAMES = {name for fmt in FORMATS.values() for name in (fmt.id, fmt.name)}
_TURNS = {"reply": (1, 1), "loop": (2, 99)}
"""How often the model speaks, at least and at most, by kind; otherwise it does not."""


class WrittenMessage(Settings):
    """A message as a case file writes it."""

    role: Role = "assistant"
    """Who speaks."""
    content: JsonValue = None
    """Text; of a tool, any JSON value."""
    reasoning: str | None = None
    """The assistant's thinking."""
    tool_calls: tuple[WrittenCall, ...] = ()
    """What the assistant calls."""
    name: str | None = None
    """Of a result, the function it comes from; without `tool_call_id` it answers the first open call of that name."""
    tool_call_id: str | None = None
    """Of a result, the call it answers."""
    repeat: int = Field(1, ge=1, le=100_000)
    """How often the content is said, one after the other; see `LONGEST`."""

    def message(self, where: str) -> Message:
        """The message.

        Args:
          where: What it is called in errors.

        Raises:
          DataError: It is none, or too long.
        """
        content = self.content
        if self.repeat > 1:
            if not isinstance(content, str):
                raise DataError(f"text to repeat as {where}.content", type(content).__name__, "leave out repeat")
            if len(content) * self.repeat > LONGEST:
                got = f"{len(content)} characters {self.repeat} times"
                raise DataError(f"at most {LONGEST} characters as {where}.content", got, "repeat it less often")
            content *= self.repeat
        calls = [dict(call) for call in self.tool_calls]
        wire = dict(self) | {"content": content, "reasoning_content": self.reasoning, "tool_calls": calls}
        del wire["repeat"]
        return read_message(wire, where)


class _Written:
    """Annotates a field that is validated as one type, and then holds what `read` makes of it."""

    def __init__(self, written: Any, read: Callable[[Any], Any]) -> None:
        self._written, self._read = written, read

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._read, handler.generate_schema(self._written))


def _messages(written: str | tuple[WrittenMessage, ...]) -> tuple[Message, ...]:
    if isinstance(written, str):
        return (Message("user", written),)
    return tuple(message.message(f"messages[{number}]") for number, message in enumerate(written))


def _spoken(written: WrittenMessage | None) -> Message | None:
    return None if written is None else written.message("says.message")


class Says(Settings):
    """What the model is to say in one turn, in every format."""

    message: Annotated[Message | None, _Written(WrittenMessage | None, _spoken)] = None
    """The assistant's message, which each format puts into words."""
    edits: tuple[Edit, ...] = ()
    """What is then done to the words, in order."""
    raw: dict[str, str] = Field(default_factory=dict)
    """The words themselves by format (`NAME` or `NAME/VARIANT`), where they cannot be had from a message; every special
    token of the format in them counts as one."""


def _turns(written: Says | tuple[Says, ...]) -> tuple[Says, ...]:
    return (written,) if isinstance(written, Says) else written


class SamplingPlan(Settings):
    """How dice are thrown."""

    options: SamplingParams = SamplingParams()
    """The parameters that are sent; all others are left to the server."""
    times: int = Field(2000, ge=1)
    """How many draws."""
    seeds: tuple[int, int] | None = None
    """Of two series of draws to be compared: with equal seeds they must agree, with different ones they must not."""


class Case(Settings):
    """One case.

    What is done depends on its kind. `prompt`: the prompt that reaches the model is read. `reply`: the model says
    something, which is read whole and streamed. `loop`: `says` are the model's turns of an agent loop, `results` what
    the tools answer; each answer of the server is sent back with the results, and the prompt after each is read.
    `context`: a prompt longer than the context. `sampling`: dice are thrown.
    """

    id: str = Field(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$")
    """GROUP.NAME, of letters, digits, `_`, `.` and `-`; also the cue that chooses the words."""
    kind: CaseKind
    """`prompt`, `reply`, `loop`, `context` or `sampling`."""
    fault_class: str
    """The class of fault that would show, the name of a `Cause`."""
    why: str = Field(min_length=1)
    """What goes wrong for a user where the runtime fails, in a sentence."""
    tools: Annotated[tuple[Tool, ...], _Written(tuple[Any, ...], tuple)] = ()
    """The tools offered. A file writes names from its own `tools` or the package's, or tools; `load` reads them."""
    messages: Annotated[tuple[Message, ...], _Written(str | tuple[WrittenMessage, ...], _messages)]
    """The messages of the first request; a text is what a user says."""
    thinking: bool | None = None
    """Whether the request asks for thinking; None leaves it to the server."""
    says: Annotated[tuple[Says, ...], _Written(Says | tuple[Says, ...], _turns)] = ()
    """What the model says, of a loop turn after turn."""
    results: tuple[tuple[JsonValue, ...], ...] = ()
    """For each turn of a loop but the last, the results of its calls, in order."""
    max_tokens: int | None = Field(None, ge=1)
    """A limit that cuts the answer."""
    sampling: SamplingPlan | None = None
    """For `sampling`, and there only."""
    formats: tuple[str, ...] = ()
    """Where the case applies, NAME or NAME/VARIANT; everywhere where nothing is named."""
    recorded: str = ""
    """The name of the same conversation or script among the recordings of a real server, if it is there."""

    @property
    def conversation(self) -> Conversation:
        """Tools and messages of the first request."""
        return Conversation(self.messages, self.tools)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """Checks what no type says.

        Raises:
          DataError: A name that does not exist, or what the kind of case does not go with.
        """
        if self.fault_class not in CAUSES:
            fix = suggest(self.fault_class, CAUSES, "docs/fidelity-set.md lists all")
            raise DataError("a fault_class that exists", repr(self.fault_class), fix)
        for name in (*self.formats, *(name for says in self.says for name in says.raw)):
            if name not in _NAMES:
                fix = suggest(name, sorted(_NAMES), "`callwright formats` lists all")
                raise DataError("a format, with or without its variant", repr(name), fix)
        least, most = _TURNS.get(self.kind, (0, 0))
        if not least <= len(self.says) <= most:
            raise DataError(f"{least} to {most} turns in says for a {self.kind}", str(len(self.says)), FIX)
        if not any(message.role == "user" for message in self.messages):
            got = f"messages of {', '.join(message.role for message in self.messages) or 'nobody'}"
            raise DataError("a message of the user in messages", got, "write what the user says")
        if (self.sampling is not None) != (self.kind == "sampling"):
            raise DataError("sampling where the kind is sampling, and nowhere else", f"kind {self.kind}", FIX)
        if self.max_tokens is not None and self.kind != "reply":
            raise DataError("max_tokens for a reply only", f"kind {self.kind}", "leave it out")
        for says in self.says:
            if not (says.message or says.raw) or (says.edits and not says.message):
                raise DataError("a message, or raw words without edits, in says", "neither", FIX)
            if says.message and says.message.role != "assistant":
                raise DataError("the assistant's role in says.message", says.message.role, "leave the role out")
        calls = [len(says.message.tool_calls) if says.message else 0 for says in self.says[:-1]]
        results = [len(results) for results in self.results]
        if results != calls:
            got = f"{results} results for {calls} calls"
            raise DataError("a result for each call of each turn but the last", got, "give them in the calls' order")
        return self
