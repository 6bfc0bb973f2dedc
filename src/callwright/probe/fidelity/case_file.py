"""How a case is written in a file, and what must be true of it.

These classes are what docs/fidelity-set.md tells a user to write; `fidelity` makes a `Case` of them.
"""

from typing import Literal

from pydantic import Field, JsonValue

from callwright.errors import DataError
from callwright.formats import FORMATS
from callwright.probe.faults import FAULTS
from callwright.probe.fidelity.case import Kind
from callwright.probe.fidelity.edits import CallSettings, Edit
from callwright.settings import Settings

FIX = "write it as docs/fidelity-set.md shows"
_NAMES = {f"{name}/{variant}".removesuffix("/") for name, variants in FORMATS.items() for variant in ("", *variants)}
LONGEST = 10_000_000
"""How many characters a content may have after it was repeated: far more than any context, and no burden to memory."""
_TURNS = {"reply": (1, 1), "loop": (2, 99)}
"""How often the model speaks, at least and at most, by kind; otherwise it does not."""


class MessageSettings(Settings):
    """A message of a conversation."""

    role: Literal["system", "user", "assistant", "tool"] = "assistant"
    """Who speaks."""
    content: JsonValue = None
    """Text; of a tool, any JSON value."""
    reasoning: str | None = None
    """The assistant's thinking."""
    tool_calls: tuple[CallSettings, ...] = ()
    """What the assistant calls."""
    name: str | None = None
    """Of a result, the function it comes from; without `tool_call_id` it answers the first open call of that name."""
    tool_call_id: str | None = None
    """Of a result, the call it answers."""
    repeat: int = Field(1, ge=1, le=100_000)
    """How often the content is said, one after the other; see `LONGEST`."""


class SaysSettings(Settings):
    """What the model says."""

    message: MessageSettings | None = None
    """The message that each format puts into words."""
    edits: tuple[Edit, ...] = ()
    """What is then done to the words, in order."""
    raw: dict[str, str] = Field(default_factory=dict)
    """The words themselves, by format."""


class OptionsSettings(Settings):
    """The options of a sampler, within what samplers take; one that is left out is not sent."""

    temperature: float | None = Field(None, ge=0, allow_inf_nan=False)
    """0 takes the likeliest."""
    top_k: int | None = Field(None, ge=0)
    """0 for all."""
    top_p: float | None = Field(None, ge=0, le=1)
    """1 for all."""
    min_p: float | None = Field(None, ge=0, le=1)
    """0 for all."""
    repeat_penalty: float | None = Field(None, gt=0, allow_inf_nan=False)
    """1 for none."""
    seed: int | None = None
    """Of the draws."""


class SamplingSettings(Settings):
    """How dice are thrown."""

    options: OptionsSettings = OptionsSettings()
    """What is sent; all else is left to the server."""
    times: int = Field(2000, ge=1)
    """How many draws."""
    seeds: tuple[int, int] | None = None
    """Of two series of draws to be compared."""


class CaseSettings(Settings):
    """A case."""

    id: str = Field(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$")
    """GROUP.NAME, of letters, digits, `_`, `.` and `-`."""
    kind: Kind
    """`prompt`, `reply`, `loop`, `context` or `sampling`; see `Case.kind`."""
    fault_class: str
    """The class of fault that would show."""
    why: str = Field(min_length=1)
    """What goes wrong for a user where the runtime fails, in a sentence."""
    tools: str | tuple[str | dict[str, JsonValue], ...] = ()
    """The tools offered: names from `tools` of this file or of the package's, or tools."""
    messages: str | tuple[MessageSettings, ...]
    """The conversation; a text is what a user says."""
    thinking: bool | None = None
    """Whether thinking is asked for."""
    says: SaysSettings | tuple[SaysSettings, ...] = ()
    """What the model says, of a loop turn after turn."""
    results: tuple[tuple[JsonValue, ...], ...] = ()
    """For each turn of a loop but the last, the results of its calls."""
    max_tokens: int | None = Field(None, ge=1)
    """A limit that cuts the answer."""
    sampling: SamplingSettings | None = None
    """For `sampling`."""
    formats: tuple[str, ...] = ()
    """Where the case applies, NAME or NAME/VARIANT; everywhere where nothing is named."""
    recorded: str = ""
    """Its name among recordings of a real server."""

    @property
    def turns(self) -> tuple[SaysSettings, ...]:
        """What the model says, turn after turn."""
        return self.says if isinstance(self.says, tuple) else (self.says,)

    @property
    def given(self) -> tuple[MessageSettings, ...]:
        """The conversation."""
        told = self.messages
        return (MessageSettings(role="user", content=told),) if isinstance(told, str) else told

    def check(self) -> None:
        """Checks what no type says.

        Raises:
          DataError: A name that does not exist, or what the kind of case does not go with.
        """
        if self.fault_class not in FAULTS:
            raise DataError("a fault_class that exists", repr(self.fault_class), "name one of docs/fidelity-set.md")
        for name in (*self.formats, *(name for says in self.turns for name in says.raw)):
            if name not in _NAMES:
                raise DataError(
                    "a format, with or without its variant", repr(name), f"name one of {', '.join(FORMATS)}"
                )
        least, most = _TURNS.get(self.kind, (0, 0))
        if not least <= len(self.turns) <= most:
            raise DataError(f"{least} to {most} turns in says for a {self.kind}", str(len(self.turns)), FIX)
        if not any(message.role == "user" for message in self.given):
            came = f"messages of {', '.join(message.role for message in self.given) or 'nobody'}"
            raise DataError("a message of the user in messages", came, "write what the user says")
        if (self.sampling is not None) != (self.kind == "sampling"):
            raise DataError("sampling where the kind is sampling, and nowhere else", f"kind {self.kind}", FIX)
        if self.max_tokens is not None and self.kind != "reply":
            raise DataError("max_tokens for a reply only", f"kind {self.kind}", "leave it out")
        for says in self.turns:
            if not (says.message or says.raw) or (says.edits and not says.message):
                raise DataError("a message, or raw words without edits, in says", "neither", FIX)
            if says.message and says.message.role != "assistant":
                raise DataError("the assistant's role in says.message", says.message.role, "leave the role out")
            for edit in says.edits:
                if edit.call is not None:
                    edit.call.message()
        calls = [len(says.message.tool_calls) if says.message else 0 for says in self.turns[:-1]]
        results = [len(results) for results in self.results]
        if results != calls:
            came = f"{results} results for {calls} calls"
            raise DataError("a result for each call of each turn but the last", came, "give them in the calls' order")
