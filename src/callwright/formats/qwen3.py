"""`qwen3`: Qwen 3's tool calls, which are Qwen 2.5's, and its thinking, between `<think>` tags before the answer.

Tools stand as JSON lines in the system turn, as their source wrote them, behind the system text, if there is one. A
call is `<tool_call>`, `{"name": ..., "arguments": {...}}`, `</tool_call>` on lines of their own. All results of a round
stand in one user turn, each between `<tool_response>` tags. All these tags are special tokens. A result that is not
text prints as Python writes it (`None`, `{'a': 1}`): give text where that matters.

Only the turns after the user's last question keep their reasoning; the last message of a conversation, if it stands
there, has a `<think>` block even when it has nothing to say in it. With thinking off, the generation prompt ends with
an empty block. Without `reasoning`, content that holds `</think>` is taken apart, as the template does: what stands
before the tag, from `<think>` on, is reasoning. The template knows reasoning as `reasoning_content` only.

What it cannot represent: the family's tags inside content or reasoning where they would be read as such, and function
names that JSON would escape. Missing content, on which the template fails, is no content.

Source: the chat template of Qwen/Qwen3-0.6B, sha256 87a2728cb8dc9fe424d624542f6060ec05a1d285ebbec578bb078900e33396b5.
"""

from collections.abc import Iterator

from callwright.conversation import Conversation, Message
from callwright.formats.chatml import CLOSE, END, OPEN, START, AssistantTurn, ChatMl, calls_in_json, text_of
from callwright.formats.grammar import Thought
from callwright.formats.qwen25 import AFTER_TOOLS, BEFORE_TOOLS
from callwright.tokens import Segment

THINK, THOUGHT = "<think>", "</think>"
SPECIAL_TOKENS = (START, END, "<|endoftext|>", OPEN, CLOSE, "<tool_response>", "</tool_response>", THINK, THOUGHT)
"""The special tokens of Qwen 3's tokenizer that a chat meets."""


class Qwen3Format(ChatMl):
    """The format."""

    name = "qwen3"
    special_tokens = SPECIAL_TOKENS
    grammar = calls_in_json(ChatMl.stops, Thought(THINK, THOUGHT))

    def opening(self, conversation: Conversation, thinking: bool | None) -> Iterator[Segment]:
        """See `ChatMl.opening`."""
        first = conversation.messages[0]
        system = text_of(first, "messages[0]") if first.role == "system" else None
        if conversation.tools:
            yield from self.literal(f"{START}system\n")
            if system is not None:
                yield Segment(f"{system}\n\n")
            yield from self.literal(BEFORE_TOOLS)
            yield Segment("".join(f"\n{tool}" for tool in self.tools_json(conversation.tools)))
            yield from self.literal(AFTER_TOOLS)
        elif system is not None:
            yield from self.turn("system", system)

    def prompt_suffix(self, thinking: bool | None) -> Iterator[Segment]:
        """See `ChatMl.prompt_suffix`."""
        if thinking is False:
            yield from self.literal(f"{THINK}\n\n{THOUGHT}\n\n")

    def answer(self, turn: AssistantTurn) -> Iterator[Segment]:
        """See `ChatMl.answer`."""
        reasoning, content = self._split_thought(turn)
        self.check_reads_back(content, f"{turn.where}.content")
        gap = "\n" if content else ""
        if turn.after_question and (turn.last or reasoning):
            yield from self._thought(reasoning, turn)
            content = content.lstrip("\n")
        yield from self.content_and_calls(content, turn, gap)

    def drops_content(self, message: Message) -> bool:
        """See `Format.drops_content`: content with a thought in it is taken apart."""
        return _reasoning(message) is None and isinstance(message.content, str) and THOUGHT in message.content

    def _thought(self, reasoning: str, turn: AssistantTurn) -> Iterator[Segment]:
        self.check_reads_back(reasoning, f"{turn.where}.reasoning", reasoning=True)
        # With thinking off the generation prompt holds the empty block already; the model does not generate it again.
        supervised = bool(reasoning) or turn.thinking is not False
        yield from self.literal(f"{THINK}\n", supervised=supervised)
        yield Segment(reasoning.strip("\n"), supervised=supervised)
        yield from self.literal(f"\n{THOUGHT}\n\n", supervised=supervised)

    def _split_thought(self, turn: AssistantTurn) -> tuple[str, str]:
        """Reasoning and content as the template sees them."""
        content, reasoning = self.text(turn.message, turn.where), self._reasoning(turn)
        if reasoning is not None or THOUGHT not in content:
            return reasoning or "", content
        before, *between, after = content.split(THOUGHT)
        lost, _, thought = before.rpartition(THINK)
        if between or lost.strip():
            turn.warn(f"part of {turn.where}.content is left out: the template keeps what follows the last {THOUGHT}")
        return thought.rstrip("\n").lstrip("\n"), after.lstrip("\n")

    def _reasoning(self, turn: AssistantTurn) -> str | None:
        """The reasoning that the template sees; None where there is none."""
        reasoning = _reasoning(turn.message)
        if turn.message.reasoning and reasoning is None:
            turn.warn(
                f"{turn.where}.{turn.message.reasoning_field} is left out: the template knows reasoning_content only"
            )
        return reasoning


def _reasoning(message: Message) -> str | None:
    return message.reasoning if message.reasoning_field == "reasoning_content" else None
