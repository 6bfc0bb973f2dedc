r"""`gemma4`: Gemma 4's own format, with control tokens for turns, tools, calls, results, thoughts and strings.

Tools are declared in the system turn, and a call is `<|tool_call>call:name{key:value,...}<tool_call|>` in the model's
turn. The model stops at `<|tool_response>`; the results are put after it, and it continues in the same turn. Keys are
sorted, ignoring case, so the order in which arguments were said is lost. Strings are raw between two `<|"|>`, and
nothing in them can be escaped: a string that holds `<|"|>` is refused. With thinking on, `<|think|>` opens the system
turn and a thought is `<|channel>thought\n...\n<channel|>`; only those after the last user message are kept. After
results, with thinking on, the prompt opens a thought itself, and reading begins inside it.

The template has oddities, and the model was trained on them. They are reproduced, with a warning where something of the
conversation is dropped or lands in the wrong place:

- Content beside calls is printed behind their results, and glued to the next answer. If the results come last, the
  turn is closed behind it and none is opened for the answer: the prompt is broken.
- A result that follows no call is dropped. Without ids, every result is named after the last call of the round.
- A call that nothing answers ends with an open `<|tool_response>`, and whatever comes next follows that.
- `<|channel>...<channel|>` inside content is cut out.

Variants: `31b` appends an empty thought to the generation prompt when thinking is off, `e2b` does not.

Source: the chat template that Google published with the models on 2026-07-09; sha256 df269903ea2e27a6426bf65f34f530a5
71cc04bf9b92ad8928ffa909eb46ecc5 (31b), 3beb16a140a78c7bf71cd86609f58e56f1594e670e95fe58bd6022f941d1cb1e (e2b). A prompt
holds no images, audio or video, and the template's `preserve_thinking` is left out.
"""

from collections.abc import Mapping, Sequence

from callwright.conversation import Conversation, Message
from callwright.formats.base import Format, Warn, template_text, text_of
from callwright.formats.gemma_calls import GemmaCallReader
from callwright.formats.gemma_declaration import DeclarationWriter
from callwright.formats.gemma_notation import SegmentWriter, parts_joined
from callwright.formats.grammar import Grammar, Thought
from callwright.formats.omissions import Omissions
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
    special_tokens = (
        "<bos>", "<eos>", TURN, TURN_END, TOOL, TOOL_END, CALL, CALL_END, RESULT, RESULT_END, CHANNEL, CHANNEL_END,
        THINK, DELIMITER,
    )  # fmt: skip

    def __init__(self, variant: str = "31b") -> None:
        self.variant = variant
        self.grammar = Grammar(
            (GemmaCallReader(CALL, CALL_END, DELIMITER).region(),),
            stops=self.stops,
            thought=Thought(f"{CHANNEL}thought", CHANNEL_END, after=""),
            lone_closers=(CALL_END, CHANNEL_END),
        )

    def _segments(
        self, conversation: Conversation, *, add_generation_prompt: bool, thinking: bool | None, warn: Warn
    ) -> Sequence[Segment]:
        return _Renderer(self, conversation, bool(thinking), warn).segments(add_generation_prompt)

    def drops_content(self, message: Message) -> bool:
        """Content that spells a channel loses it."""
        pieces = message.parts or (message.content,)
        return any(isinstance(text, str) and _without_channels(text) != text.strip() for text in pieces)

    def chat_template(self) -> str:
        """See `Format.chat_template`; the variants share one template and set one variable in front of it."""
        return template_text("gemma4.jinja", closes_thought=self.variant == "31b")


class _Renderer:
    """One conversation on its way to segments."""

    def __init__(self, fmt: Gemma4Format, conversation: Conversation, thinking: bool, warn: Warn) -> None:
        self._fmt, self._messages, self._tools = fmt, conversation.messages, conversation.tools
        self._thinking, self._warn = thinking, warn
        self._out = SegmentWriter(DELIMITER)
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
                self._warn(f"messages[{index}], a result that follows no call, is not in the prompt")
            else:
                self._open(message.role)
                out.text(text_of(message, f"messages[{index}]", absent="", trim_parts=True).strip())
                self._close()
                self._last = ""
            speaker = speaker if message.role == "tool" else message.role
            index = stop
        if opened:
            self._generation_prompt()
        return out.segments

    def _open(self, role: str) -> None:
        self._out.control(TURN)
        self._out.text(f"{role}\n")

    def _close(self) -> None:
        self._out.control(TURN_END)
        self._out.supervised = False
        self._out.text("\n")

    def _preamble(self) -> int:
        """The system turn; returns the index of the first message that is not in it."""
        messages, out = self._messages, self._out
        start = 1 if messages and messages[0].role == "system" else 0
        if not (self._thinking or self._tools or start):
            return start
        self._open("system")
        if self._thinking:
            out.control(THINK)
            out.text("\n")
        if start:
            out.text(text_of(messages[0], "messages[0]", absent="", trim_parts=True).strip())
        for i, tool in enumerate(self._tools):
            out.control(TOOL)
            omissions = Omissions(f"tools[{i}]", tool.name)
            DeclarationWriter(out, omissions, gemma4=True).write(tool)
            omissions.tell(self._warn)
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
        out.learning = message.supervised
        after_results = self._last == "results"
        content = self._content(message, index)
        following = next((m.role for m in self._messages[stop:] if m.role != "tool"), None)
        if not continued:
            self._open("model")
        elif self._last == "" and content:
            self._warn(f"messages[{index}].content is glued to what the assistant said before it")
        if message.reasoning and index > self._last_user:
            self._thought(message.reasoning, index, prefilled=after_results and self._thinking)
        out.supervised = True
        out.calls(message.tool_calls, f"messages[{index}]", CALL, CALL_END)
        for i in range(index + 1, stop):
            self._result(i, index, first=i == index + 1)
        answered = stop > index + 1
        if answered and content:
            self._warn(f"messages[{index}].content, said before the calls, is printed behind their results")
        out.text(content)
        if message.tool_calls and not answered:
            out.control(RESULT)
            if following:
                self._warn(f"messages[{index}].tool_calls are never answered, and the turn is not closed")
        elif not (following == "assistant" or (answered and not content and following is None)):
            self._close()
        out.supervised = False
        self._last = "results" if answered else "calls" if message.tool_calls else ""

    def _content(self, message: Message, index: int) -> str:
        content = text_of(message, f"messages[{index}]", absent="", trim_parts=True)
        kept = "".join(map(_without_channels, message.parts or (content,)))
        if kept != content.strip():
            self._warn(f"messages[{index}].content loses what stands in {CHANNEL}...{CHANNEL_END}")
        self._fmt.check_reads_back(kept, f"messages[{index}].content")
        return kept

    def _thought(self, reasoning: str, index: int, *, prefilled: bool) -> None:
        out = self._out
        self._fmt.check_reads_back(reasoning, f"messages[{index}].reasoning", reasoning=True)
        out.supervised = not prefilled
        out.control(CHANNEL)
        out.text("thought\n")
        out.supervised = True
        out.text(f"{reasoning}\n")
        out.control(CHANNEL_END)

    def _result(self, index: int, calling: int, *, first: bool) -> None:
        where = f"messages[{index}].content"
        content = parts_joined(self._messages[index].content, where)
        name = self._result_name(index, calling, data=isinstance(content, Mapping | list))
        self._out.result(name, content, where, RESULT, RESULT_END, first=first)

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
            self._warn(f"messages[{index}], a result without a name and an id that a call has, comes from 'unknown'")
        elif len(same) > 1 and name != message.name:
            self._warn(f"messages[{index}], a result that names no call by id, is named after the last call, {name!r}")
        return name or "unknown"

    def _generation_prompt(self) -> None:
        out = self._out
        if not self._last:
            self._open("model")
        if self._thinking and self._last == "results":
            out.control(CHANNEL)
            out.text("thought\n")
        elif not self._thinking and not self._last and self._fmt.variant == "31b":
            out.control(CHANNEL)
            out.text("thought\n")
            out.control(CHANNEL_END)


def _without_channels(text: str) -> str:
    """The text as the template prints it: without `<|channel>...<channel|>`, and trimmed."""
    return "".join(part.split(CHANNEL)[0] for part in text.split(CHANNEL_END)).strip()
