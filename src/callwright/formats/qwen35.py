"""`qwen3-xml/qwen35` and its later variants: Qwen 3.5's thinking, which the prompt opens, and Qwen3-Coder's calls.

The prompt opens the model's turn inside a thought: it ends with `<think>` and a line break, or with an empty block
where thinking is off. So the model's output is reasoning up to `</think>`, and what looks like a call in it is none;
whoever reads must know the end of the prompt. Calls are those of `qwen3-xml`. Tools stand as JSON lines in the system
turn, as their source wrote them, in front of the system text; results as in `qwen3`. All text is trimmed, results too.

The turns after the user's last question have a `<think>` block, even when it has nothing to say; earlier ones lose
their reasoning. Without `reasoning`, content that holds `</think>` is taken apart, as in `qwen3`.

Variants, each with the chat template it follows and its sha256:

- `qwen35`: Qwen/Qwen3.5-4B and larger, a4aee8afcf2e0711942cf848899be66016f8d14a889ff9ede07bca099c28f715.
- `qwen35-small`: Qwen/Qwen3.5-0.8B and 2B, whose thinking is off where nobody asks for it,
  273d8e0e683b885071fb17e08d71e5f2a5ddfb5309756181681de4f5a1822d80.
- `qwen36`: Qwen/Qwen3.6-27B, which writes every argument but strings as JSON (`true`, not `True`),
  e84f32a23fdda27689f868aa4a1a5621f41133e51a48d7f3efcbea2839574259.
- `qwen38`: Qwen/Qwen3.8-27B, which also keeps the `<think>` block of every turn, leaves content with `</think>` whole,
  and with thinking on opens the system turn with a sentence about the effort of reasoning (that of its default,
  `xhigh`), c3cf9e34abf4f9e36c2d72165aa9c132d3e2a725b6c2586aaa3a8af9d7a81041.

What it cannot represent: what `qwen3-xml` cannot, but for thinking; a conversation without a question of the user's, a
system message that is not the first, a result that is not text, and the family's tags inside content or reasoning where
they would be read as such. `preserve_thinking` and `reasoning_effort` keep the template's defaults; there are no
pictures.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats import base
from callwright.formats.base import result_value, template_text
from callwright.formats.chatml import CLOSE, END, START, AssistantTurn, ChatMl
from callwright.formats.grammar import Grammar, Thought
from callwright.formats.qwen3 import THINK, THOUGHT, Qwen3Format
from callwright.formats.qwen3_xml import (
    AFTER_TOOLS,
    BEFORE_TOOLS,
    CALL_REGIONS,
    json_or_python,
    json_or_text,
    write_call,
)
from callwright.tokens import Segment


@dataclass(frozen=True, slots=True)
class _Template:
    """What tells one published template from another.

    Attributes:
      thinks: Whether the model thinks where nobody says whether it should.
      json_values: Whether arguments other than strings are JSON, lists and objects aside, which always are.
      keeps_thoughts: Whether turns before the user's last question keep their `<think>` block, and content with
        `</think>` in it is left whole.
      instructions: What opens the system turn when the model is to think.
    """

    thinks: bool = True
    json_values: bool = False
    keeps_thoughts: bool = False
    instructions: str = ""


_EFFORT = (
    "Reasoning effort is set to xhigh. Please think carefully through the task, validate key assumptions, consider "
    "plausible alternatives, and prioritize correctness, consistency, and clarity in the final answer."
)
VARIANTS = {
    "qwen35": _Template(),
    "qwen35-small": _Template(thinks=False),
    "qwen36": _Template(json_values=True),
    "qwen38": _Template(json_values=True, keeps_thoughts=True, instructions=_EFFORT),
}


class Qwen35Format(Qwen3Format):
    """One variant of the format."""

    name = "qwen3-xml"
    grammar = Grammar(CALL_REGIONS, stops=ChatMl.stops, thought=Thought(THINK, THOUGHT), lone_closers=(CLOSE, THOUGHT))

    def __init__(self, variant: str) -> None:
        self.variant = variant
        self._template = VARIANTS[variant]

    def opening(self, conversation: Conversation, thinking: bool | None) -> Iterator[Segment]:
        """See `ChatMl.opening`."""
        self._check_turns(conversation.messages)
        first = conversation.messages[0]
        system = self.text(first, "messages[0]") if first.role == "system" else None
        instructions = self._template.instructions if self._thinks(thinking) else ""
        if not (conversation.tools or instructions or system or (system == "" and not self._template.instructions)):
            return
        yield from self.literal(f"{START}system\n")
        yield from self.literal(instructions)
        if conversation.tools:
            yield from self.literal(("\n\n" if instructions else "") + BEFORE_TOOLS)
            yield Segment("".join(f"\n{tool}" for tool in self.tools_json(conversation.tools)))
            yield from self.literal(AFTER_TOOLS)
        if system:
            yield Segment(("\n\n" if conversation.tools or instructions else "") + system)
        yield from self.literal(f"{END}\n")

    def prompt_suffix(self, thinking: bool | None) -> Iterator[Segment]:
        """See `ChatMl.prompt_suffix`."""
        yield from self.literal(f"{THINK}\n" if self._thinks(thinking) else f"{THINK}\n\n{THOUGHT}\n\n")

    def answer(self, turn: AssistantTurn) -> Iterator[Segment]:
        """See `ChatMl.answer`."""
        reasoning, content = self._split_thought(turn)
        self.check_reads_back(content, f"{turn.where}.content")
        if turn.after_question or self._template.keeps_thoughts:
            yield from self._thought(reasoning.strip(), turn)
        yield from self.content_and_calls(content, turn, "\n\n" if content else "")

    def drops_content(self, message: Message) -> bool:
        """See `Format.drops_content`."""
        return not self._template.keeps_thoughts and super().drops_content(message)

    def text(self, message: Message, where: str) -> str:
        """See `ChatMl.text`."""
        return base.text_of(message, where, absent="").strip()

    def result_text(self, message: Message, where: str) -> str:
        """See `ChatMl.result_text`."""
        value = result_value(message, where)
        return value.strip() if isinstance(value, str) else self.text(message, where)

    def call(self, call: ToolCall, tools: Sequence[Tool], where: str) -> str:
        """See `ChatMl.call`."""
        return write_call(call, tools, where, json_or_text if self._template.json_values else json_or_python)

    def chat_template(self) -> str:
        """See `Format.chat_template`."""
        template = self._template
        return template_text(
            "qwen3-xml-qwen35.jinja",
            thinks=template.thinks,
            json_values=template.json_values,
            keeps_thoughts=template.keeps_thoughts,
            instructions=template.instructions,
        )

    def _thinks(self, thinking: bool | None) -> bool:
        return self._template.thinks if thinking is None else thinking

    def _thought(self, reasoning: str, turn: AssistantTurn) -> Iterator[Segment]:
        self.check_reads_back(reasoning, f"{turn.where}.reasoning", reasoning=True)
        # The prompt opens the thought, or closes an empty one; the model does not generate that again.
        opened = self._thinks(turn.thinking)
        yield from self.literal(f"{THINK}\n", supervised=bool(reasoning) and not opened)
        yield Segment(reasoning, supervised=bool(reasoning))
        yield from self.literal(f"\n{THOUGHT}\n\n", supervised=bool(reasoning) or opened)

    def _split_thought(self, turn: AssistantTurn) -> tuple[str, str]:
        if self._template.keeps_thoughts:
            return self._reasoning(turn) or "", self.text(turn.message, turn.where)
        return super()._split_thought(turn)

    def _check_turns(self, messages: Sequence[Message]) -> None:
        """Refuses what the template refuses, and a result whose turn it never opens."""
        late = next((index for index, message in enumerate(messages) if index and message.role == "system"), 0)
        if late:
            raise FormatError("the system message as messages[0]", f"one as messages[{late}]", "move it, or join them")
        if self._last_question(messages) == len(messages):
            raise FormatError("a question of the user's", "none in messages", "add the user's message")
        if messages[0].role == "tool":
            raise FormatError(
                "a turn before the first result",
                "a result as messages[0]",
                "put the question and the call it answers before it",
            )
