"""Hides plain text that looks like a control token from programs that see only text, and restores it in their results.

Two such programs are here: a chat template, which is given a conversation, and a parser, which is given a message. The
first character of every spelling is replaced by one that occurs nowhere else. One character for one, so that lengths,
positions, quoting and JSON's escapes of the rest stay what they were.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats.grammar import Event, MarkerFinder, TextDelta
from callwright.formats.schemas import source_tool
from callwright.tokens import Segment


class ConversationHider:
    """Hides what looks like a control token in one conversation.

    Attributes:
      hidden: The conversation without it.
      marks: Two more letters that occur nowhere.
    """

    def __init__(self, conversation: Conversation, special_tokens: MarkerFinder, template: str) -> None:
        self._special_tokens = special_tokens
        texts = "\n".join([template, *special_tokens.markers, *_strings(conversation)])
        firsts = sorted({marker[0] for marker in special_tokens.markers})
        # Letters without case: no filter changes them, and Python prints them as they are.
        free = (c for c in map(chr, range(0xA000, 0xA48D)) if c not in texts and _escaped(c) not in texts)
        letters = [letter for letter, _ in zip(free, range(len(firsts) + 2), strict=False)]
        if len(letters) < len(firsts) + 2:
            raise FormatError("a conversation that leaves a few letters unused", "all in use", "shorten it")
        self._stand_ins = dict(zip(firsts, letters, strict=False))
        self.marks = (letters[-2], letters[-1])
        self.hidden = _mapped(conversation, self._hide)

    def _hide(self, text: str) -> str:
        body = text.rstrip()  # templates trim
        edge = self._special_tokens.partial_marker(body, 0)
        positions = [edge] if edge < len(body) else []
        match = self._special_tokens.find(text, 0)
        while match is not None:
            positions.append(match.start())
            match = self._special_tokens.find(text, match.end())
        if not positions:
            return text
        characters = list(text)
        for position in positions:
            characters[position] = self._stand_ins[text[position]]
        return "".join(characters)

    def restore(self, text: str) -> str:
        """The text as it was, stand-ins that a template has escaped included."""
        for character, stand_in in self._stand_ins.items():
            text = text.replace(stand_in, character).replace(_escaped(stand_in), character)
        return text


def _escaped(character: str) -> str:
    return f"\\u{ord(character):04x}"


def _strings(conversation: Conversation) -> list[str]:
    found: list[str] = []

    def take(text: str) -> str:
        found.append(text)
        return text

    _mapped(conversation, take)
    return found


def _mapped(conversation: Conversation, change: Callable[[str], str]) -> Conversation:
    """The conversation with every string changed, keys included."""
    return Conversation(
        tuple(_message(message, change) for message in conversation.messages),
        tuple(_tool(tool, change) for tool in conversation.tools),
    )


def _message(message: Message, change: Callable[[str], str]) -> Message:
    calls = tuple(
        ToolCall(change(call.name), _value(dict(call.arguments), change), _optional(call.id, change))
        for call in message.tool_calls
    )
    return replace(
        message,
        content=_value(message.content, change),
        reasoning=_optional(message.reasoning, change),
        tool_calls=calls,
        name=_optional(message.name, change),
        tool_call_id=_optional(message.tool_call_id, change),
        parts=tuple(map(change, message.parts)),
    )


def _tool(tool: Tool, change: Callable[[str], str]) -> Tool:
    given = _value(source_tool(tool), change)
    return Tool(change(tool.name), _optional(tool.description, change), _value(dict(tool.parameters), change), given)


def _optional(text: str | None, change: Callable[[str], str]) -> str | None:
    return None if text is None else change(text)


def _value(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_value(item, change) for item in value]
    if isinstance(value, Mapping):
        return {change(key): _value(item, change) for key, item in value.items()}
    return value


@lru_cache(maxsize=64)
def _finder(special_tokens: tuple[str, ...]) -> MarkerFinder:
    return MarkerFinder(special_tokens)


_HIDDEN = range(0xDC00, 0xDC80)
"""Half a surrogate pair for each ASCII character: no text that was ever UTF-8 holds one."""
_RESTORED = dict(zip(_HIDDEN, range(0x80), strict=True))


class OutputHider:
    """Hides what looks like a control token in a model's output, which arrives in pieces.

    The first character is replaced by one that no text holds.

    Attributes:
      used: Whether anything was hidden.
    """

    def __init__(self, special_tokens: Sequence[str]) -> None:
        self.used = False
        self._finder = _finder(tuple(special_tokens))
        self._waiting = ""

    def hide(self, piece: Segment) -> str:
        """The piece, hidden where it must be; the end of a plain one may have to wait for the next piece."""
        if piece.control:
            return self.flush() + piece.text
        text = self._waiting + piece.text
        edge = self._finder.partial_marker(text, 0)
        match, start, parts = self._finder.find(text, 0), 0, []
        while match is not None:
            self.used = True
            parts += [text[start : match.start()], chr(_HIDDEN[ord(match.group()[0])]), match.group()[1:]]
            start = match.end()
            match = self._finder.find(text, start)
        edge = max(edge, start)
        self._waiting = text[edge:]
        return "".join([*parts, text[start:edge]])

    def flush(self) -> str:
        """What was waiting."""
        text, self._waiting = self._waiting, ""
        return text

    def restore(self, event: Event) -> Event:
        """The event with what was hidden."""
        if not self.used:
            return event
        match event:
            case TextDelta(text, reasoning=thought):
                return TextDelta(_plain(text), thought)
            case ToolCall(name, arguments, id=identity):
                return ToolCall(_plain(name), _value(dict(arguments), _plain), identity)
        return event


def _plain(text: str) -> str:
    return text.translate(_RESTORED)
