"""What a fault is: a small change on the way between the probe and a faithful server.

The functions that make one up are named for it, and what they do is written independently of the probe, because they
are its oracle. A fault is switched on alone, and changes only what its sentence says.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from tests.support.faithful_server import Hooks

from callwright.conversation import Tool
from callwright.engines.mock import shared_length
from callwright.formats.base import Format
from callwright.instruments.vocabulary import Vocabulary
from callwright.probe.cases.schema import CaseKind
from callwright.tokens import Segment


@dataclass(frozen=True)
class Inside:
    """What a fault behind the server's door knows of it.

    Attributes:
      fmt: The format that it renders.
      vocabulary: Its tokens.
      context: How many tokens it has room for.
    """

    fmt: Format
    vocabulary: Vocabulary
    context: int


@dataclass
class OutgoingReply:
    """An answer on its way out, free to be changed.

    Attributes:
      fmt: The format of the model.
      tools: What it was offered.
      raw: What it said, the end of its turn left out.
      opened: The end of the prompt.
      content: The text; None when there is none.
      reasoning: The thinking; None when there is none.
      calls: The calls as [name, arguments as JSON text].
      finish: The finish reason.
      memory: What the fault wants to keep from one answer to the next.
    """

    fmt: Format
    tools: tuple[Tool, ...]
    raw: list[Segment]
    opened: str
    content: str | None
    reasoning: str | None
    calls: list[list[str]]
    finish: str
    memory: dict[str, Any]

    @property
    def text(self) -> str:
        """What the model said, control tokens written out."""
        return "".join(segment.text for segment in self.raw)

    def change_arguments(self, change: Callable[[dict[str, Any]], Any]) -> None:
        """Gives every call what `change` makes of its arguments; those that it leaves as they are keep their bytes."""
        for call in self.calls:
            before = json.loads(call[1])
            after = change(before)
            if json.dumps(after) != json.dumps(before):
                call[1] = json.dumps(after, ensure_ascii=False)


class Refused(Exception):  # noqa: N818 - no error of a test
    """A fault that answers in the server's place, with this status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault.

    Attributes:
      name: What it is called here.
      says: What goes wrong, in a sentence.
      classes: The causes that it may rightly be put down to: first what it is,
        then what it cannot be told from in some cases.
      kind: The kind of case that shows it.
      formats: Formats that show it, by name; () for all.
      request: Changes a request; may raise `Refused`. It gets a copy.
      squeeze: Makes a request that does not fit one message shorter; None when nothing is left to take away.
      hooks: What goes wrong inside the server.
      answer: Changes an answer, streamed or not; may raise `Refused`.
      chunk: Changes one object of a stream; None takes it away.
    """

    name: str
    says: str
    classes: tuple[str, ...]
    kind: CaseKind
    formats: tuple[str, ...] = ()
    request: Callable[[dict[str, Any]], None] | None = None
    squeeze: Callable[[dict[str, Any]], bool] | None = None
    hooks: Callable[[Inside], Hooks] | None = None
    answer: Callable[[OutgoingReply], None] | None = None
    chunk: Callable[[dict[str, Any]], dict[str, Any] | None] | None = None


Function = TypeVar("Function", bound=Callable[..., Any])


class Faults(dict[str, Fault]):
    """Faults by name, each added by the decorator for the place where it sits."""

    def add(self, place: str, classes: str, kind: CaseKind, *formats: str) -> Callable[[Function], Function]:
        """A decorator: the function is the fault's attribute `place`; name and sentence are the function's.

        Args:
          place: `request`, `squeeze`, `hooks`, `answer` or `chunk`.
          classes: The classes that it may be put down to, separated by blanks.
          kind: The kind of case that shows it.
          formats: Formats that show it.
        """

        def added(function: Function) -> Function:
            name = function.__name__.strip("_").replace("_", "-")
            where: dict[str, Any] = {place: function}
            self[name] = Fault(
                name=name,
                says=(function.__doc__ or "").strip(),
                classes=tuple(classes.split()),
                kind=kind,
                formats=formats,
                **where,
            )
            return function

        return added

    def __getattr__(self, place: str) -> Callable[..., Callable[[Function], Function]]:
        if place in ("request", "squeeze", "hooks", "answer", "chunk"):
            return partial(self.add, place)
        raise AttributeError(place)


def everywhere(value: Any, change: Callable[[Any], Any]) -> Any:
    """A JSON value with `change` applied to all that is neither object nor list."""
    if isinstance(value, dict):
        return {key: everywhere(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [everywhere(item, change) for item in value]
    return change(value)


def in_json(segments: Iterable[Segment], change: Callable[[Any, str], str]) -> list[Segment]:
    """The segments with every JSON object in plain text, which is what a template prints, written as `change` says.

    Args:
      segments: A prompt.
      change: The object and its text to another text.
    """
    return [s if s.control else Segment(_objects_changed(s.text, change), supervised=s.supervised) for s in segments]


def _objects_changed(text: str, change: Callable[[Any, str], str]) -> str:
    decoder, done, parts = json.JSONDecoder(), 0, []
    while (start := text.find("{", done)) >= 0:
        parts.append(text[done:start])
        try:
            value, end = decoder.raw_decode(text, start)
        except ValueError:
            parts.append("{")
            done = start + 1
            continue
        parts.append(change(value, text[start:end]))
        done = end
    return "".join([*parts, text[done:]])


def generation_prompt(closed: Iterable[Segment], opened: list[Segment]) -> tuple[list[Segment], list[Segment]]:
    """A prompt cut in two where the model's turn is opened, given the same conversation without one."""
    common = shared_length("".join(s.text for s in closed), "".join(s.text for s in opened))
    before: list[Segment] = []
    after: list[Segment] = []
    for segment in opened:
        head, tail = segment.text[: max(common, 0)], segment.text[max(common, 0) :]
        common -= len(segment.text)
        before += [Segment(head, control=segment.control, supervised=segment.supervised)] if head else []
        after += [Segment(tail, control=segment.control, supervised=segment.supervised)] if tail else []
    return before, after
