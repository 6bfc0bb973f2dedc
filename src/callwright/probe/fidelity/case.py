"""A case of the fidelity set: a conversation, what the model is to say, and the class of fault that would show.

Cases are data (`cases/*.yaml`, and whatever files a user adds) and know no format: the same case is rendered and spoken
in every format that can say it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from callwright.conversation import Conversation, Json, Message

Kind = Literal["prompt", "reply", "loop", "context", "sampling"]


@dataclass(frozen=True, slots=True)
class Says:
    """What the model is to say, in every format.

    Attributes:
      message: The assistant's message, which each format puts into words.
      edits: What is then done to the words, in order; see `edits.Edit`.
      raw: The words themselves by format (`NAME` or `NAME/VARIANT`), where they cannot be had from a message; every
        special token of the format in them counts as one.
    """

    message: Message | None = None
    edits: tuple[Mapping[str, Json], ...] = ()
    raw: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case.

    Attributes:
      id: `group.name`, of letters, digits, `_`, `.` and `-`; also the cue that chooses the words.
      kind: What is done. `prompt`: the prompt that reaches the model is read. `reply`: the model says something, which
        is read whole and streamed. `loop`: `says` are the model's turns of an agent loop, `results` what the tools
        answer; each answer of the server is sent back with the results, and the prompt after each is read. `context`:
        a prompt longer than the context. `sampling`: dice are thrown.
      fault_class: A name of `faults.FAULTS`.
      why: What goes wrong for a user where the runtime fails, in a sentence.
      conversation: Tools and messages of the first request.
      thinking: What the request asks; None leaves it to the server.
      says: What the model says, turn after turn.
      results: For each turn but the last of a loop, the results of its calls, in order.
      max_tokens: A limit that cuts the answer.
      sampling: For `sampling`: `options`, those sent; `times`, how many draws; `seeds`, where two series of draws are
        compared: with equal seeds they must agree, with different ones they must not.
      formats: Where it applies, `NAME` or `NAME/VARIANT`; () for all that can say it.
      place: File and place, for errors.
      recorded: The name of the same conversation or script among the recordings of a real server, if it is there.
    """

    id: str
    kind: Kind
    fault_class: str
    why: str
    conversation: Conversation
    thinking: bool | None = None
    says: tuple[Says, ...] = ()
    results: tuple[tuple[Json, ...], ...] = ()
    max_tokens: int | None = None
    sampling: Mapping[str, Json] = field(default_factory=dict)
    formats: tuple[str, ...] = ()
    place: str = ""
    recorded: str = ""
