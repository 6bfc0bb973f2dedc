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

import json
from collections.abc import Iterator, Mapping

from callwright.conversation import Conversation, Json, Message
from callwright.errors import FormatError
from callwright.formats.base import control
from callwright.formats.calllist import CallList, CallListFormat
from callwright.formats.grammar import Grammar, Region
from callwright.formats.jsontext import dumps_at
from callwright.formats.pythonic import write_call
from callwright.openai import write_tool
from callwright.tokens import Segment

START, END = "<|python_start|>", "<|python_end|>"
STOPS = ("<|eot|>", "<|eom|>", "<|end_of_text|>")
SYSTEM = (
    "You are a helpful assistant and an expert in function composition. You can answer general questions "
    "using your internal knowledge OR invoke functions when necessary. Follow these strict guidelines:\n"
    "\n"
    "1. FUNCTION CALLS:\n"
    "- ONLY use functions that are EXPLICITLY listed in the function list below\n"
    '- If NO functions are listed (empty function list []), respond ONLY with internal knowledge or "I '
    "don't have access to [Unavailable service] information\"\n"
    "- If a function is not in the list, respond ONLY with internal knowledge or \"I don't have access to "
    '[Unavailable service] information"\n'
    "- If ALL required parameters are present AND the query EXACTLY matches a listed function's purpose: "
    "output ONLY the function call(s)\n"
    "- Use exact format: [func_name1(param1=value1, param2=value2), func_name2(...)]\n"
    "Examples:\n"
    'CORRECT: [get_weather(location="Vancouver"), calculate_route(start="Boston", end="New York")] <- '
    "Only if get_weather and calculate_route are in function list\n"
    'INCORRECT: get_weather(location="New York")\n'
    'INCORRECT: Let me check the weather: [get_weather(location="New York")]\n'
    'INCORRECT: [get_events(location="Singapore")] <- If function not in list\n'
    "\n"
    "2. RESPONSE RULES:\n"
    "- For pure function requests matching a listed function: ONLY output the function call(s)\n"
    "- For knowledge questions: ONLY output text\n"
    "- For missing parameters: ONLY request the specific missing parameters\n"
    "- For unavailable services (not in function list): output ONLY with internal knowledge or \"I don't "
    'have access to [Unavailable service] information". Do NOT execute a function call.\n'
    "- If the query asks for information beyond what a listed function provides: output ONLY with "
    "internal knowledge about your limitations\n"
    "- NEVER combine text and function calls in the same response\n"
    "- NEVER suggest alternative functions when the requested service is unavailable\n"
    "- NEVER create or invent new functions not listed below\n"
    "\n"
    "3. STRICT BOUNDARIES:\n"
    "- ONLY use functions from the list below - no exceptions\n"
    "- NEVER use a function as an alternative to unavailable information\n"
    "- NEVER call functions not present in the function list\n"
    "- NEVER add explanatory text to function calls\n"
    "- NEVER respond with empty brackets\n"
    "- Use proper Python/JSON syntax for function calls\n"
    "- Check the function list carefully before responding\n"
    "\n"
    "4. TOOL RESPONSE HANDLING:\n"
    "- When receiving tool responses: provide concise, natural language responses\n"
    "- Don't repeat tool response verbatim\n"
    "- Don't add supplementary information\n"
    "\n"
    "Here is a list of functions in JSON format that you can invoke:\n"
)
OFFER = (
    "\nHere is a list of functions in JSON format that you can invoke. Use exact format: [func_name1(param1=value1, "
    "param2=value2), func_name2(...)]\n"
)


class Llama4Format(CallListFormat):
    """The format; the object holds nothing."""

    name = "llama4"
    bos = "<|begin_of_text|>"
    stops = STOPS
    controls = ("<|begin_of_text|>", "<|header_start|>", "<|header_end|>", START, END, *STOPS)
    grammar = Grammar(
        (
            Region("[", CallList("[", STOPS), closers=("]",), at_start=True),
            Region(START, CallList(START, STOPS, END), closers=("]", *STOPS)),
        ),
        stops=STOPS,
        strays=(END,),
    )

    def render(
        self, conversation: Conversation, *, add_generation_prompt: bool = False, thinking: bool | None = None
    ) -> list[Segment]:
        """See `Format.render`."""
        if thinking:
            raise FormatError("thinking off or unset", "thinking on", "choose a format whose family can think")
        return list(self._segments(conversation, add_generation_prompt))

    def _segments(self, conversation: Conversation, add_generation_prompt: bool) -> Iterator[Segment]:
        messages = conversation.messages
        first = 1 if messages and messages[0].role == "system" else 0
        yield control(self.bos)
        system = self._system(conversation)
        if system:
            yield from _turn("system", system)
        for index in range(first, len(messages)):
            message = messages[index]
            if message.role == "assistant":
                yield from _turn("assistant", self._answer(message, index), trained=True)
            elif message.role == "tool":
                self.check_order(messages, index)
                yield from _turn("ipython", _result(message.content, f"messages[{index}].content"))
            else:
                yield from _turn(message.role, _text(message, index))
        if add_generation_prompt:
            yield from _header("assistant")

    def _system(self, conversation: Conversation) -> str:
        messages = conversation.messages
        given = messages[0].role == "system" if messages else False
        text = _text(messages[0], 0).strip() if given else ""
        if not conversation.tools:
            return text
        if given and not text:
            raise FormatError(
                "text in messages[0].content", "an empty system message beside tools", "drop the message, or fill it"
            )
        tools = [dict(tool.given or write_tool(tool)) for tool in conversation.tools]
        for n, tool in enumerate(tools):
            dumps_at(tool, f"tools[{n}]")
        return (text + OFFER if given else SYSTEM) + json.dumps(tools, ensure_ascii=False, indent=4)

    def _answer(self, message: Message, index: int) -> str:
        where = f"messages[{index}]"
        if message.reasoning:
            raise FormatError(f"{where} without reasoning", "reasoning", "drop it: this format has no place for it")
        content = _text(message, index) if message.content is not None else ""
        if not message.tool_calls:
            self.check_text(content, f"{where}.content")
            return content
        if content:
            raise FormatError(
                f"no text in {where}.content beside calls",
                "text and calls",
                "keep the calls, which are all of a message",
            )
        calls = [write_call(call, f"{where}.tool_calls[{n}]") for n, call in enumerate(message.tool_calls)]
        return f"[{', '.join(calls)}]"


def _header(role: str) -> Iterator[Segment]:
    yield control("<|header_start|>")
    yield Segment(role)
    yield control("<|header_end|>")
    yield Segment("\n\n")


def _turn(role: str, text: str, *, trained: bool = False) -> Iterator[Segment]:
    yield from _header(role)
    yield Segment(text, trained=trained)
    yield control("<|eot|>", trained=trained)


def _text(message: Message, index: int) -> str:
    if not isinstance(message.content, str):
        raise FormatError(
            f"text as messages[{index}].content",
            "nothing" if message.content is None else type(message.content).__name__,
            f"give the {message.role} message a string",
        )
    return message.content


def _result(content: Json, where: str) -> str:
    """The result as JSON; of a list of text parts each part as JSON."""
    if isinstance(content, list) and content and all(map(_is_text, content)):
        return "".join(dumps_at(part["text"], where) for part in content if isinstance(part, Mapping))
    return dumps_at(content, where)


def _is_text(part: Json) -> bool:
    return isinstance(part, Mapping) and part.get("type") == "text" and isinstance(part.get("text"), str)
