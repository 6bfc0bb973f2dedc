"""`qwen25`: Qwen 2.5's tool calls, one line of JSON between `<tool_call>` tags on ChatML turns.

Tools stand as JSON lines in the system turn, as their source wrote them, behind the system text; without a system
message the family's own ("You are Qwen, created by Alibaba Cloud. ...") is put there. A call is `<tool_call>`,
`{"name": ..., "arguments": {...}}`, `</tool_call>` on lines of their own; the tags are special tokens. All results of a
round stand in one user turn, each between `<tool_response>` tags, which are plain text to this family's tokenizer. A
result that is not text prints as Python writes it (`None`, `{'a': 1}`): give text where that matters.

What it cannot represent: thinking (reasoning is left out, with a warning, as the template does), a call tag or an end
of turn inside content, and function names that JSON would escape. Missing content, on which the template fails, is no
content.

Source: the chat template of Qwen/Qwen2.5-7B-Instruct, sha256
cd8e9439f0570856fd70470bf8889ebd8b5d1107207f67a5efb46e342330527f.
"""

from collections.abc import Iterator

from callwright.conversation import Conversation
from callwright.formats.chatml import CLOSE, END, OPEN, START, AssistantTurn, ChatMl, calls_in_json, text_of
from callwright.tokens import Segment

SYSTEM = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
BEFORE_TOOLS = """\
# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>"""
AFTER_TOOLS = f"""
</tools>

For each function call, return a json object with function name and arguments within {OPEN}{CLOSE} XML tags:
{OPEN}
{{"name": <function-name>, "arguments": <args-json-object>}}
{CLOSE}{END}
"""


class Qwen25Format(ChatMl):
    """The format."""

    name = "qwen25"
    special_tokens = (START, END, "<|endoftext|>", OPEN, CLOSE)
    grammar = calls_in_json(ChatMl.stops)

    def opening(self, conversation: Conversation, thinking: bool | None) -> Iterator[Segment]:
        """See `ChatMl.opening`."""
        first = conversation.messages[0]
        system = text_of(first, "messages[0]") if first.role == "system" else SYSTEM
        if not conversation.tools:
            yield from self.turn("system", system)
            return
        yield from self.literal(f"{START}system\n")
        yield Segment(system)
        yield from self.literal(f"\n\n{BEFORE_TOOLS}")
        yield Segment("".join(f"\n{tool}" for tool in self.tools_json(conversation.tools)))
        yield from self.literal(AFTER_TOOLS)

    def answer(self, turn: AssistantTurn) -> Iterator[Segment]:
        """See `ChatMl.answer`."""
        content = text_of(turn.message, turn.where)
        self.check_reads_back(content, f"{turn.where}.content")
        yield from self.content_and_calls(content, turn, "\n" if content else "")
