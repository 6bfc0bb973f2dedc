"""`xml`: tool calls in XML tags on Gemma 3 turns, the format Callwright trains by default.

Gemma 3 has no system role and no control tokens for tools, so tools and system text open the first user turn, a call is
one line of JSON between `<tool_call>` and `</tool_call>` in the model's turn, and results come back in a user turn. Of
all this only `<bos>`, `<start_of_turn>` and `<end_of_turn>` are control tokens; the tags are plain text, which every
runtime keeps. The tags inside JSON strings are no tags: parsing decodes the JSON first and looks for the closing tag
after it.

Two variants differ in one key of a call: `args` (the default) and `arguments`, which generic parsers of runtimes know.

Left out on purpose: thinking. Gemma 3 has no reasoning channel, so a message with reasoning is refused.
"""

from collections.abc import Iterator, Sequence

from callwright.conversation import Conversation, Message, ToolCall
from callwright.errors import FormatError
from callwright.formats.base import Format, control, result_name
from callwright.formats.jsontext import dumps_at
from callwright.formats.reading import Grammar, Region
from callwright.formats.schemas import served_tool
from callwright.formats.tagged import TaggedJson
from callwright.tokens import Segment

OPEN, CLOSE = "<tool_call>", "</tool_call>"
RESPONSE_OPEN, RESPONSE_CLOSE = "<tool_response>", "</tool_response>"


class XmlFormat(Format):
    """The format; `variant` is how a call names its arguments: "args" or "arguments"."""

    name = "xml"
    bos = "<bos>"
    stops = ("<end_of_turn>",)
    controls = ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>")

    def __init__(self, variant: str = "args") -> None:
        self.variant = variant
        read = TaggedJson(OPEN, CLOSE, variant)
        self.grammar = Grammar((Region(OPEN, read, closers=(CLOSE,), before="newline"),), stops=self.stops)

    def render(
        self, conversation: Conversation, *, add_generation_prompt: bool = False, thinking: bool | None = None
    ) -> list[Segment]:
        """See `Format.render`."""
        if thinking:
            raise FormatError("thinking off or unset", "thinking on", "choose a format whose family can think")
        return list(self._segments(conversation, add_generation_prompt))

    def _segments(self, conversation: Conversation, add_generation_prompt: bool) -> Iterator[Segment]:
        yield control("<bos>")
        preamble, start = self._preamble(conversation)
        messages = conversation.messages
        if preamble and (start == len(messages) or messages[start].role != "user"):
            yield from _turn("user", preamble)
            preamble = ""
        index = start
        while index < len(messages):
            message = messages[index]
            if message.role == "tool":
                stop = next((i for i in range(index, len(messages)) if messages[i].role != "tool"), len(messages))
                yield from _turn("user", "\n".join(self._result(messages, i) for i in range(index, stop)))
                index = stop
                continue
            if message.role == "assistant":
                yield from _turn("model", self._answer(message, index), trained=True)
            elif message.role == "user":
                yield from _turn("user", preamble + _text(message, index))
                preamble = ""
            else:
                raise FormatError(
                    "system messages before all others",
                    f"one as messages[{index}]",
                    "move its text into the first system message",
                )
            index += 1
        if add_generation_prompt:
            yield control("<start_of_turn>")
            yield Segment("model\n")

    def _preamble(self, conversation: Conversation) -> tuple[str, int]:
        """Tools and system text, as they open the first user turn, and the index of the first other message."""
        parts = []
        if conversation.tools:
            parts.append(
                f"<tools>\n[{', '.join(dumps_at(served_tool(t), 'tools') for t in conversation.tools)}]\n</tools>"
            )
        start = 0
        for start, message in enumerate((*conversation.messages, None)):
            if message is None or message.role != "system":
                break
            parts.append(_text(message, start))
        return "".join(f"{part}\n\n" for part in parts), start

    def _answer(self, message: Message, index: int) -> str:
        if message.reasoning is not None:
            raise FormatError(
                f"messages[{index}] without reasoning", "reasoning", "drop it: this format has no place for thinking"
            )
        content = _text(message, index) if message.content is not None else ""
        if OPEN in content:
            raise FormatError(
                f"messages[{index}].content without {OPEN}",
                "one at character " + str(content.index(OPEN)),
                "say it as a tool call, or write the tag differently: read back it would be a call",
            )
        calls = [self._call(call, f"messages[{index}].tool_calls[{n}]") for n, call in enumerate(message.tool_calls)]
        return "\n".join([content, *calls] if content else calls)

    def _call(self, call: ToolCall, where: str) -> str:
        body = dumps_at({"name": call.name, self.variant: dict(call.arguments)}, where)
        return f"{OPEN}\n{body}\n{CLOSE}"

    def _result(self, messages: Sequence[Message], index: int) -> str:
        message = messages[index]
        name = result_name(messages, index)
        if not name:
            raise FormatError(
                f"messages[{index}] to name the function it comes from",
                f"no name and tool_call_id {message.tool_call_id!r}, which answers no earlier call",
                "set name, or the id of a call that was made",
            )
        body = dumps_at({"name": name, "result": message.content}, f"messages[{index}].content")
        return f"{RESPONSE_OPEN}\n{body}\n{RESPONSE_CLOSE}"


def _turn(role: str, text: str, *, trained: bool = False) -> Iterator[Segment]:
    yield control("<start_of_turn>")
    yield Segment(f"{role}\n")
    yield Segment(text, trained=trained)
    yield control("<end_of_turn>", trained=trained)
    yield Segment("\n")


def _text(message: Message, index: int) -> str:
    if not isinstance(message.content, str):
        raise FormatError(
            f"text as messages[{index}].content",
            type(message.content).__name__,
            f"give the {message.role} message a string",
        )
    return message.content
