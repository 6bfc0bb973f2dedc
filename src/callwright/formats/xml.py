"""`xml`: tool calls in XML tags on Gemma 3 turns, the format Callwright trains by default.

Gemma 3 has no system role and no control tokens for tools, so tools and system text open the first user turn, a call is
one line of JSON between `<tool_call>` and `</tool_call>` in the model's turn, and results come back in a user turn. Of
all this only `<bos>`, `<start_of_turn>` and `<end_of_turn>` are control tokens; the tags are plain text, which every
runtime keeps. The tags inside JSON strings are no tags: parsing decodes the JSON first and looks for the closing tag
after it.

Two variants differ in one key of a call: `args` (the default) and `arguments`, which generic parsers of runtimes know.

Left out on purpose: thinking. Gemma 3 has no reasoning channel, so a message with reasoning is refused.
"""

from callwright.conversation import Message, ToolCall
from callwright.formats.base import template_text
from callwright.formats.gemma3 import Gemma3Format
from callwright.formats.grammar import Grammar
from callwright.formats.jsontext import dumps_at
from callwright.formats.tagged import TaggedJson

OPEN, CLOSE = "<tool_call>", "</tool_call>"


class XmlFormat(Gemma3Format):
    """The format; `variant` is how a call names its arguments: "args" or "arguments"."""

    name = "xml"
    around_tools = ("<tools>", "</tools>")
    around_result = ("<tool_response>", "</tool_response>")

    def __init__(self, variant: str = "args") -> None:
        self.variant = variant
        self.grammar = Grammar((TaggedJson(OPEN, CLOSE, variant).region(before="newline"),), stops=self.stops)

    def chat_template(self) -> str:
        """See `Format.chat_template`; the variants share one."""
        return self.tools_template + template_text("xml.jinja", key_of_arguments=self.variant)

    def _turn_text(self, message: Message, content: str, where: str) -> str:
        calls = [self._call(call, f"{where}.tool_calls[{n}]") for n, call in enumerate(message.tool_calls)]
        return "\n".join([content, *calls] if content else calls)

    def _call(self, call: ToolCall, where: str) -> str:
        body = dumps_at({"name": call.name, self.variant: dict(call.arguments)}, where)
        return f"{OPEN}\n{body}\n{CLOSE}"
