"""`hermes3`: Hermes 3's tool calls, JSON between `<tool_call>` tags on ChatML turns, results in a turn of their own.

The tools open the prompt in a system turn of their own (the conversation's system message follows as a second one):
each with its signature as Python would write it (`get_weather(city: str) - ...`) and, unless it has none, the JSON of
its parameters. A call is `<tool_call>`, `{"name": ..., "arguments": {...}}`, `</tool_call>` on lines of their own.
Results stand in a `tool` turn, each between `<tool_response>` tags, and no line break follows the end of that turn.
These tags are special tokens. A result that is not text prints as Python writes it (`None`, `{'a': 1}`).

The template's oddities are the model's: `list[Union[]]` for every array, whatever its items; descriptions that are not
escaped inside the signature's JSON. Where the template fails, this renderer does not: `null` in a list of types, on
which it recurses for ever, is `None`, an unknown type is `Any`, a missing description is empty. Without tools the
prompt is that of the family's default template, system message included; calls in it are written as with tools.

What it cannot represent: content beside calls, reasoning, a schema without `properties` and further keys of a tool (all
left out, with a warning, as the template does), a call tag or an end of turn inside content, function names that JSON
would escape, and a result as the first message, whose turn the template never opens.

Source: the chat templates `tool_use` of NousResearch/Hermes-3-Llama-3.1-8B, sha256
7ce09d55d3690e06c70b5c07228cc7e8c99c43a23cdc027762be4011efcdea6c, and `default`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from callwright.conversation import Conversation, Message, Tool
from callwright.errors import FormatError
from callwright.formats.base import Warn
from callwright.formats.chatml import (
    CLOSE,
    END,
    OPEN,
    START,
    AssistantTurn,
    ChatMl,
    calls_in_json,
    text_of,
)
from callwright.formats.jsontext import dumps_at
from callwright.formats.omissions import Omissions
from callwright.formats.schemas import FUNCTION_KEYS, source_tool, tell_of_further_keys
from callwright.tokens import Segment

SYSTEM = "You are a helpful assistant."
BEFORE_TOOLS = (
    f"{START}system\nYou are a function calling AI model. You are provided with function signatures within "
    "<tools></tools> XML tags. You may call one or more functions to assist with the user query. Don't make "
    "assumptions about what values to plug into functions. Here are the available tools: <tools> "
)
AFTER_TOOLS = f"""\
 </tools>Use the following pydantic model json schema for each tool call you will make: \
{{"properties": {{"name": {{"title": "Name", "type": "string"}}, "arguments": {{"title": "Arguments", \
"type": "object"}}}}, "required": ["name", "arguments"], "title": "FunctionCall", "type": "object"}}}}
For each function call return a json object with function name and arguments within {OPEN}{CLOSE} XML tags as follows:
{OPEN}
{{"name": <function-name>, "arguments": <args-dict>}}
{CLOSE}{END}
"""
_KEYS = FUNCTION_KEYS | {"return"}
TYPES = {"string": "str", "number": "float", "integer": "int", "boolean": "bool", "array": "list[Union[]]"}


class Hermes3Format(ChatMl):
    """The format."""

    name = "hermes3"
    bos = "<|begin_of_text|>"
    stops = (END, "<|end_of_text|>")
    special_tokens = (bos, *stops, START, OPEN, CLOSE, "<tools>", "</tools>", "<tool_response>", "</tool_response>")
    grammar = calls_in_json(stops)
    result_opener = f"{START}tool\n"

    def _segments(
        self, conversation: Conversation, *, add_generation_prompt: bool, thinking: bool | None, warn: Warn
    ) -> Iterator[Segment]:
        for n, tool in enumerate(conversation.tools):
            omissions = Omissions(f"tools[{n}]", tool.name)
            tell_of_further_keys(tool, omissions, _KEYS)
            if not tool.parameters.get("properties"):
                omissions.unprinted("", tool.parameters, ("type", "properties", "required"))
            omissions.tell(warn)
        return super()._segments(
            conversation, add_generation_prompt=add_generation_prompt, thinking=thinking, warn=warn
        )

    def opening(self, conversation: Conversation, thinking: bool | None) -> Iterator[Segment]:
        """See `ChatMl.opening`."""
        if conversation.tools:
            yield from self.literal(BEFORE_TOOLS)
            yield Segment("\n".join(_tool(tool, f"tools[{n}]") for n, tool in enumerate(conversation.tools)))
            yield from self.literal(AFTER_TOOLS)
        elif conversation.messages[0].role != "system":
            yield from self.turn("system", SYSTEM)

    def opening_includes(self, first: Message) -> bool:
        """See `ChatMl.opening_includes`: a system message stays a turn of its own."""
        return False

    def answer(self, turn: AssistantTurn) -> Iterator[Segment]:
        """See `ChatMl.answer`."""
        content = text_of(turn.message, turn.where)
        if self.drops_content(turn.message):
            turn.warn(f"{turn.where}.content is left out: Hermes 3's template has no place for it beside calls")
            content = ""
        self.check_reads_back(content, f"{turn.where}.content")
        yield from self.content_and_calls(content, turn, "")

    def drops_content(self, message: Message) -> bool:
        """See `Format.drops_content`: content beside calls is left out."""
        return bool(message.tool_calls and message.content)

    def result(self, messages: Sequence[Message], index: int) -> Iterator[Segment]:
        """See `ChatMl.result`."""
        if index == 0:
            raise FormatError(
                "a message before the first result", "a result as messages[0]", "put the call it answers before it"
            )
        return super().result(messages, index)

    def results_end(self, last: bool) -> str:
        """See `ChatMl.results_end`."""
        return END if last else f"\n{END}"


def _tool(tool: Tool, where: str) -> str:
    """The tool as the template prints it: a signature, its arguments, and the schema as JSON."""
    written = source_tool(tool)
    function = _mapping(written["function"]) if "function" in written else written
    parameters = _mapping(function.get("parameters"))
    properties = _mapping(parameters.get("properties"))
    returns = f" -> {_type(function['return'], where)}" if "return" in function else ""
    typed = {name: _type(schema, f"{where}.parameters.properties.{name}") for name, schema in properties.items()}
    signature = f"{tool.name}({', '.join(f'{name}: {kind}' for name, kind in typed.items())}){returns}"
    arguments = "".join(f"        {name}({kind}): {_description(properties[name])}" for name, kind in typed.items())
    description = f"{signature} - {tool.description or ''}\n\n" + (f"    Args:\n{arguments}" if typed else "")
    if isinstance(described := _mapping(function.get("return")).get("description"), str):
        description += f"\n    Returns:\n        {described}"
    schema = dumps_at(dict(parameters), f"{where}.parameters") if properties else "{}"
    return (
        f'{{"type": "function", "function": {{"name": "{tool.name}", "description": "{description}", '
        f'"parameters": {schema}}}'
    )


def _type(schema: Any, where: str, depth: int = 32) -> str:
    """A schema's type as the template writes it in Python's way."""
    if depth == 0:
        raise FormatError(f"{where} nested less deeply", "more than 32 levels", "simplify the schema")
    kind = _mapping(schema).get("type", [])
    if isinstance(kind, str) and kind in TYPES:
        return TYPES[kind]
    if kind == "object":
        values = _mapping(schema)
        if "additionalProperties" not in values:
            return "dict"
        return f"dict[str, {_type(values['additionalProperties'], where, depth - 1)}]"
    if kind == "null":
        return "None"
    if isinstance(kind, list):
        return f"Union[{','.join(_type({'type': one}, where, depth - 1) for one in kind)}]"
    return "Any"


def _description(schema: Any) -> str:
    fields = _mapping(schema)
    return str(fields["description"]).strip() if "description" in fields else ""


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
