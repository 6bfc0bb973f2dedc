r"""`gemma4`: Gemma 4's own format, with control tokens for turns, tools, calls, results, thoughts and strings.

Tools are declared in the system turn, and a call is `<|tool_call>call:name{key:value,...}<tool_call|>` in the model's
turn. The model stops at `<|tool_response>`; the results are put behind it, and it goes on in the same turn. Keys are
sorted, ignoring case, so the order in which arguments were said is lost. Strings are raw between two `<|"|>`, and
nothing in them can be escaped: a string that holds `<|"|>` is refused. With thinking on, `<|think|>` opens the system
turn and a thought is `<|channel>thought\n...\n<channel|>`; only those after the last user message are kept. After
results, with thinking on, the prompt opens a thought itself, and reading begins inside it.

The template has oddities, and the model was trained on them. They are reproduced, with a `FormatWarning` where
something of the conversation is dropped or lands in the wrong place:

- Content beside calls is printed behind their results, and glued to the next answer. If the results come last, the
  turn is closed behind it and none is opened for the answer: the prompt is broken.
- A result that follows no call is dropped. Without ids, every result is named after the last call of the round.
- A call that nothing answers ends with an open `<|tool_response>`, and whatever comes next follows that.
- `<|channel>...<channel|>` inside content is cut out.

Variants: `31b` appends an empty thought to the generation prompt when thinking is off, `e2b` does not.

Source: the chat template that Google published with the models on 2026-07-09; sha256 df269903ea2e27a6426bf65f34f530a5
71cc04bf9b92ad8928ffa909eb46ecc5 (31b), 3beb16a140a78c7bf71cd86609f58e56f1594e670e95fe58bd6022f941d1cb1e (e2b). A
prompt holds no images, audio or video, and the template's `preserve_thinking` is left out.
"""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from callwright.conversation import Conversation, Message
from callwright.errors import FormatError, FormatWarning
from callwright.formats.base import Format
from callwright.formats.gemma_calls import CallReader
from callwright.formats.gemma_declaration import Declaration
from callwright.formats.gemma_notation import Writer, parts_joined, text_of
from callwright.formats.grammar import Grammar, Region, Thought
from callwright.tokens import Segment

DELIMITER = '<|"|>'
TURN, TURN_END = "<|turn>", "<turn|>"
TOOL, TOOL_END = "<|tool>", "<tool|>"
CALL, CALL_END = "<|tool_call>", "<tool_call|>"
RESULT, RESULT_END = "<|tool_response>", "<tool_response|>"
CHANNEL, CHANNEL_END = "<|channel>", "<channel|>"
THINK = "<|think|>"


class Gemma4Format(Format):
    """The format; `variant` is the size whose template it follows: "31b" or "e2b"."""

    name = "gemma4"
    bos = "<bos>"
    stops = (TURN_END, "<eos>", RESULT)
    controls = (
        "<bos>", "<eos>", TURN, TURN_END, TOOL, TOOL_END, CALL, CALL_END, RESULT, RESULT_END, CHANNEL, CHANNEL_END,
        THINK, DELIMITER,
    )  # fmt: skip

    def __init__(self, variant: str = "31b") -> None:
        self.variant = variant
        self.grammar = Grammar(
            (Region(CALL, CallReader(CALL, CALL_END, DELIMITER), closers=(CALL_END,)),),
            stops=self.stops,
            thought=Thought(f"{CHANNEL}thought", CHANNEL_END, after=""),
            strays=(CALL_END, CHANNEL_END),
        )

    def render(
        self, conversation: Conversation, *, add_generation_prompt: bool = False, thinking: bool | None = None
    ) -> list[Segment]:
        """See `Format.render`."""
        return _Render(self, conversation, bool(thinking)).segments(add_generation_prompt)

    def drops_content(self, message: Message) -> bool:
        """Content that spells a channel loses it."""
        return isinstance(message.content, str) and _without_channels(message.content) != message.content.strip()

    def chat_template(self) -> str:
        """See `Format.chat_template`; the variants share one template and set one variable in front of it."""
        shared = (Path(__file__).parent / "templates" / "gemma4.jinja").read_text(encoding="utf-8")
        return f"{{%- set closes_thought = {'true' if self.variant == '31b' else 'false'} -%}}\n{shared}"


class _Render:
    """One conversation on its way to segments."""

    def __init__(self, form: Gemma4Format, conversation: Conversation, thinking: bool) -> None:
        self._form, self._messages, self._tools = form, conversation.messages, conversation.tools
        self._thinking = thinking
        self._out = Writer(DELIMITER)
        self._last = ""  # what the last turn ended in: "results", "calls", or nothing of these
        self._last_user = max((i for i, m in enumerate(self._messages) if m.role == "user"), default=-1)

    def segments(self, opened: bool) -> list[Segment]:
        out, messages = self._out, self._messages
        out.control("<bos>")
        index = self._preamble()
        speaker = ""
        while index < len(messages):
            message = messages[index]
            stop = index + 1
            if message.role == "assistant":
                stop = self._results_end(index)
                self._assistant(index, stop, continued=speaker == "assistant")
            elif message.role == "tool":
                _warn(f"messages[{index}], a result that follows no call, is not in the prompt")
            else:
                self._open(message.role)
                out.say(text_of(message, index).strip())
                self._close()
                self._last = ""
            speaker = speaker if message.role == "tool" else message.role
            index = stop
        if opened:
            self._generation_prompt()
        return out.segments

    def _open(self, role: str) -> None:
        self._out.control(TURN)
        self._out.say(f"{role}\n")

    def _close(self) -> None:
        self._out.control(TURN_END)
        self._out.trained = False
        self._out.say("\n")

    def _preamble(self) -> int:
        """The system turn; returns the index of the first message that is not in it."""
        messages, out = self._messages, self._out
        start = 1 if messages and messages[0].role == "system" else 0
        if not (self._thinking or self._tools or start):
            return start
        self._open("system")
        if self._thinking:
            out.control(THINK)
            out.say("\n")
        if start:
            out.say(text_of(messages[0], 0).strip())
        for i, tool in enumerate(self._tools):
            out.control(TOOL)
            Declaration(out, f"tools[{i}]", newer=True).write(tool)
            out.control(TOOL_END)
        self._close()
        return start

    def _results_end(self, index: int) -> int:
        """The index behind the results of the calls in `messages[index]`; if it makes none, behind itself."""
        stop = index + 1
        while self._messages[index].tool_calls and stop < len(self._messages) and self._messages[stop].role == "tool":
            stop += 1
        return stop

    def _assistant(self, index: int, stop: int, *, continued: bool) -> None:
        message, out = self._messages[index], self._out
        after_results = self._last == "results"
        content = self._content(message, index)
        following = next((m.role for m in self._messages[stop:] if m.role != "tool"), None)
        if not continued:
            self._open("model")
        elif self._last == "" and content:
            _warn(f"messages[{index}].content is glued to what the assistant said before it")
        if message.reasoning and index > self._last_user:
            self._thought(message.reasoning, index, prefilled=after_results and self._thinking)
        out.trained = True
        self._calls(message, index)
        for i in range(index + 1, stop):
            self._result(i, index, first=i == index + 1)
        answered = stop > index + 1
        if answered and content:
            _warn(f"messages[{index}].content, said before the calls, is printed behind their results")
        out.say(content)
        if message.tool_calls and not answered:
            out.control(RESULT)
            if following:
                _warn(f"messages[{index}].tool_calls are never answered, and the turn is not closed")
        elif not (following == "assistant" or (answered and not content and following is None)):
            self._close()
        out.trained = False
        self._last = "results" if answered else "calls" if message.tool_calls else ""

    def _content(self, message: Message, index: int) -> str:
        content = text_of(message, index)
        kept = _without_channels(content)
        if kept != content.strip():
            _warn(f"messages[{index}].content loses what stands in {CHANNEL}...{CHANNEL_END}")
        marker = self._form.grammar.in_content.find(kept, 0)
        if marker:
            _refuse(f"messages[{index}].content", marker.group())
        return kept

    def _thought(self, reasoning: str, index: int, *, prefilled: bool) -> None:
        out = self._out
        for marker in (CHANNEL_END, *self._form.stops):
            if marker in reasoning:
                _refuse(f"messages[{index}].reasoning", marker)
        out.trained = not prefilled
        out.control(CHANNEL)
        out.say("thought\n")
        out.trained = True
        out.say(f"{reasoning}\n")
        out.control(CHANNEL_END)

    def _calls(self, message: Message, index: int) -> None:
        for n, call in enumerate(message.tool_calls):
            self._out.control(CALL)
            self._out.call(call, f"messages[{index}].tool_calls[{n}]")
            self._out.control(CALL_END)

    def _result(self, index: int, calling: int, *, first: bool) -> None:
        """One result. The model itself says the token that opens the first, because it stops there."""
        message, out = self._messages[index], self._out
        where = f"messages[{index}].content"
        content = parts_joined(message.content, where)
        name = self._result_name(index, calling, data=isinstance(content, Mapping | list))
        out.trained = first
        out.control(RESULT)
        out.trained = False
        out.say(f"response:{name}")
        out.value(content if isinstance(content, Mapping) else {"value": content}, where, keys="result")
        out.control(RESULT_END)

    def _result_name(self, index: int, calling: int, *, data: bool) -> str:
        """The name as the template finds it: of the last call with the same id, and no id is the same as no id.

        Data comes from `tool_responses`, which carry their own names.
        """
        message, calls = self._messages[index], self._messages[calling].tool_calls
        same = [call.name for call in calls if call.id == message.tool_call_id]
        if message.tool_call_id is None and ((data and message.name) or not same):
            name = message.name
        else:
            name = same[-1] if same else message.name
        if name is None:
            _warn(f"messages[{index}], a result without a name and an id that a call has, comes from 'unknown'")
        elif len(same) > 1 and name != message.name:
            _warn(f"messages[{index}], a result that names no call by id, is named after the last call, {name!r}")
        return name or "unknown"

    def _generation_prompt(self) -> None:
        out = self._out
        if not self._last:
            self._open("model")
        if self._thinking and self._last == "results":
            out.control(CHANNEL)
            out.say("thought\n")
        elif not self._thinking and not self._last and self._form.variant == "31b":
            out.control(CHANNEL)
            out.say("thought\n")
            out.control(CHANNEL_END)


def _without_channels(text: str) -> str:
    """The text as the template prints it: without `<|channel>...<channel|>`, and trimmed."""
    return "".join(part.split(CHANNEL)[0] for part in text.split(CHANNEL_END)).strip()


def _refuse(where: str, marker: str) -> NoReturn:
    raise FormatError(
        f"{where} without {marker}", "one", "write it differently: read back it would not be text but a marker"
    )


def _warn(message: str) -> None:
    warnings.warn(message, FormatWarning, stacklevel=5)
