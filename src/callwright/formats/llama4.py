"""`llama4`: calls of Llama 4 in Python's words, `[get_weather(city="Paris"), clock.now(zone="UTC")]`.

The list is the whole message; the model may put it between `<|python_start|>` and `<|python_end|>`. Tools stand in the
system turn as one indented JSON list, behind the system text or, without one, behind the long instruction of Meta's
prompt format document. Results stand in turns of the role `ipython`, as JSON, without a name or an id: only their order
says which is whose, so another order is refused, and so are words beside calls, which would hide them.

In the calls of the history this departs from the published template where that does not say what was called: it writes
every value between double quotes as it is (`days="3"`, `ok="None"`, an inner quote not escaped), whereas Meta's
document shows the model saying `user_id=7890`. Here strings have their escapes and other values are literals; of plain
strings the bytes are the template's. Results that are not text, which it leaves out, stand here as JSON.

Template: examples/tool_chat_template_llama4_pythonic.jinja of vLLM 0.10.0, written by Meta,
sha256 3fe950790d033a6ee07a563fb6ad7c34e40f860b8ff99333b0b0aed6204ba258.
The model's answers: models/llama4/prompt_format.md of meta-llama/llama-models.
"""

from collections.abc import Iterator, Mapping

from callwright.conversation import Conversation, Json, Message
from callwright.errors import FormatError
from callwright.formats.base import Warn, control, refuse_reasoning, template_text, text_of
from callwright.formats.calllist import CallList, CallListFormat
from callwright.formats.grammar import Grammar
from callwright.formats.jsontext import dumps_at
from callwright.formats.schemas import source_tool
from callwright.tokens import Segment

START, END = "<|python_start|>", "<|python_end|>"
STOPS = ("<|eot|>", "<|eom|>", "<|end_of_text|>")
SYSTEM = template_text("llama4-system.txt")
"""What stands before the tools where the conversation has no system text."""
OFFER = (
    "\nHere is a list of functions in JSON format that you can invoke. Use exact format: [func_name1(param1=value1, "
    "param2=value2), func_name2(...)]\n"
)


class Llama4Format(CallListFormat):
    """The format."""

    name = "llama4"
    bos = "<|begin_of_text|>"
    stops = STOPS
    special_tokens = ("<|begin_of_text|>", "<|header_start|>", "<|header_end|>", START, END, *STOPS)
    text_markers = special_tokens
    grammar = Grammar(
        (
            CallList("[", STOPS).region(),
            CallList(START, STOPS, END).region(),
        ),
        stops=STOPS,
        lone_closers=(END,),
    )

    def _segments(
        self, conversation: Conversation, *, add_generation_prompt: bool, thinking: bool | None, warn: Warn
    ) -> Iterator[Segment]:
        messages = conversation.messages
        first = 1 if messages and messages[0].role == "system" else 0
        yield control(self.bos)
        system = self._system(conversation, warn)
        if system:
            yield from _turn("system", system)
        for index in range(first, len(messages)):
            message = messages[index]
            if message.role == "assistant":
                yield from _turn("assistant", self._answer(message, index), supervised=message.supervised)
            elif message.role == "tool":
                self.check_order(messages, index)
                yield from _turn("ipython", _result(message.content, f"messages[{index}].content"))
            else:
                yield from _turn(message.role, text_of(message, f"messages[{index}]", trim_parts=True))
        if add_generation_prompt:
            yield from _header("assistant")

    def _system(self, conversation: Conversation, warn: Warn) -> str:
        messages = conversation.messages
        has_system = messages[0].role == "system" if messages else False
        text = text_of(messages[0], "messages[0]").strip() if has_system else ""
        if has_system and len(messages[0].parts) > 1:
            warn("of the parts of messages[0].content only the first is printed, as the template does")
            text = messages[0].parts[0].strip()
        if not conversation.tools:
            return text
        if has_system and not text:
            raise FormatError(
                "text in messages[0].content", "an empty system message beside tools", "drop the message, or fill it"
            )
        tools: list[Json] = [source_tool(tool) for tool in conversation.tools]
        return (text + OFFER if has_system else SYSTEM) + dumps_at(tools, "tools", indent=4)

    def _answer(self, message: Message, index: int) -> str:
        where = f"messages[{index}]"
        refuse_reasoning(message, where)
        content = text_of(message, where, absent="", trim_parts=True)
        self.check_reads_back(content, f"{where}.content")
        return self.content_or_calls(message, content, where)


def _header(role: str) -> Iterator[Segment]:
    yield control("<|header_start|>")
    yield Segment(role)
    yield control("<|header_end|>")
    yield Segment("\n\n")


def _turn(role: str, text: str, *, supervised: bool = False) -> Iterator[Segment]:
    yield from _header(role)
    yield Segment(text, supervised=supervised)
    yield control("<|eot|>", supervised=supervised)


def _result(content: Json, where: str) -> str:
    """The result as JSON; of a list of text parts each part as JSON."""
    if isinstance(content, list) and content and all(map(_is_text, content)):
        return "".join(dumps_at(part["text"], where) for part in content if isinstance(part, Mapping))
    return dumps_at(content, where)


def _is_text(part: Json) -> bool:
    return isinstance(part, Mapping) and part.get("type") == "text" and isinstance(part.get("text"), str)
