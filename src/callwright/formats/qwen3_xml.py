"""`qwen3-xml`: Qwen3-Coder's tool calls, where every argument stands as plain text between tags of its own.

A call is `<tool_call>`, `<function=NAME>`, for each argument `<parameter=KEY>`, its value and `</parameter>`, then
`</function>` and `</tool_call>`, each on a line of its own. Tools stand as XML-like text in the system turn, results as
in `qwen3`. Of all the tags only `<tool_call>` and `<tool_response>`, and their ends, are special tokens.

A value has no type in this format. A string stands verbatim between its two line breaks, lists and objects are JSON,
everything else prints as Python writes it (`True`, `None`, `1e+20`); reading casts by the tool's schema:

- a string where the schema allows strings only, whatever it looks like;
- else the number, truth value, null (`null` or `None`), list or object that the text spells, if the schema allows it;
- a string where the schema allows strings besides, or says nothing about the parameter (then it allows everything);
- what the schema does not allow is kept as what it spells, or as a string, and reported.

What it cannot represent: a value that would be read back as another (the string `42` for a parameter that may be a
number, a number for one that is a string, lines that look like the end of the value), names with `<`, `>` or a line
break, a call tag or an end of turn inside content, thinking (reasoning is left out, with a warning), and a result
before any turn, whose own turn the template never opens. White space around content that stands beside calls is taken
away. Missing content, on which the template fails, is no content.

A value ends where its closing tag stands on a line of its own and `<parameter=KEY>` or `</function>` follows; all other
tags in it are text, but for a line that begins with `<parameter=KEY>`, `</tool_call>`, or `<tool_call>` and
`<function=NAME>`: with one of these the call is malformed (see `formats/parameters.py`).

The name `qwen3-xml` with a model's name of Qwen 3.5 or later means one of the variants for these; `qwen3-xml/coder` is
this format whatever the model is called.

Source: the chat template of Qwen/Qwen3-Coder-30B-A3B-Instruct, sha256
5a38bfa05833266240066aedc497decc9b00cc0d3e3b8cceea98cf530196ab06; copies with other words ("the following tools") exist.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from callwright.conversation import Conversation, Json, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats.chatml import CLOSE, END, OPEN, START, AssistantTurn, ChatMl, python_text, text_of
from callwright.formats.grammar import Grammar, Region
from callwright.formats.jsontext import dumps, dumps_at
from callwright.formats.parameters import (
    FUNCTION,
    FUNCTION_END,
    NAME,
    PARAMETER_END,
    allowed_types,
    cast,
    read_call,
    read_value,
    types_in_words,
)
from callwright.formats.qwen3 import SPECIAL_TOKENS
from callwright.formats.schemas import source_function
from callwright.json_schema import json_type
from callwright.tokens import Segment

SYSTEM = "You are Qwen, a helpful AI assistant that can interact with a computer to solve tasks."
BEFORE_TOOLS = "# Tools\n\nYou have access to the following functions:\n\n<tools>"
AFTER_TOOLS = f"""
</tools>

If you choose to call a function ONLY reply in the following format with NO suffix:

{OPEN}
<function=example_function_name>
<parameter=example_parameter_1>
value_1
</parameter>
<parameter=example_parameter_2>
This is the value for the second parameter
that can span
multiple lines
</parameter>
</function>
{CLOSE}

<IMPORTANT>
Reminder:
- Function calls MUST follow the specified format: an inner <function=...></function> block must be nested within \
{OPEN}{CLOSE} XML tags
- Required parameters MUST be specified
- You may provide optional reasoning for your function call in natural language BEFORE the function call, but NOT after
- If there is no function call available, answer the question like normal with your current knowledge and do not tell \
the user about function calls
</IMPORTANT>"""

CALL_REGIONS = (
    Region(OPEN, read_call, (CLOSE,), before="whitespace"),
    # What this family forgets most is the opening tag.
    Region(FUNCTION, read_call, (CLOSE,), lenient=True),
)


class Qwen3XmlFormat(ChatMl):
    """The format."""

    name = "qwen3-xml"
    special_tokens = SPECIAL_TOKENS
    grammar = Grammar(CALL_REGIONS, stops=ChatMl.stops, lone_closers=(CLOSE,))

    def opening(self, conversation: Conversation, thinking: bool | None) -> Iterator[Segment]:
        """See `ChatMl.opening`."""
        first = conversation.messages[0]
        system = text_of(first, "messages[0]") if first.role == "system" else None
        if system is None and not conversation.tools:
            return
        yield from self.literal(f"{START}system\n")
        yield Segment(SYSTEM if system is None else system)
        if conversation.tools:
            yield from self.literal(f"\n\n{BEFORE_TOOLS}")
            yield Segment("".join(_tool(tool, f"tools[{n}]") for n, tool in enumerate(conversation.tools)))
            yield from self.literal(AFTER_TOOLS)
        yield from self.literal(f"{END}\n")

    def answer(self, turn: AssistantTurn) -> Iterator[Segment]:
        """See `ChatMl.answer`."""
        content = text_of(turn.message, turn.where)
        self.check_reads_back(content, f"{turn.where}.content")
        if turn.message.tool_calls:
            content = content.strip()
        yield from self.content_and_calls(content, turn, "\n\n" if content else "")

    def call(self, call: ToolCall, tools: Sequence[Tool], where: str) -> str:
        """See `ChatMl.call`."""
        return write_call(call, tools, where, json_or_python)

    def result(self, messages: Sequence[Message], index: int) -> Iterator[Segment]:
        """See `ChatMl.result`."""
        if index == (messages[0].role == "system"):
            raise FormatError(
                "a turn before the first result",
                f"a result as messages[{index}]",
                "put the question and the call it answers before it",
            )
        return super().result(messages, index)

    def results_end(self, last: bool) -> str:
        """See `ChatMl.results_end`."""
        return f"\n{END}\n"


def _tool(tool: Tool, where: str) -> str:
    """The tool as the template prints it; keys it does not know become tags of their own."""
    function = source_function(tool)
    parameters = function.get("parameters")
    lines = ["", "<function>", f"<name>{tool.name}</name>"]
    if "description" in function:
        lines.append(f"<description>{str(function['description']).strip()}</description>")
    lines.append("<parameters>")
    properties = parameters.get("properties") if isinstance(parameters, Mapping) else None
    for name, schema in properties.items() if isinstance(properties, Mapping) else ():
        lines += ["<parameter>", f"<name>{name}</name>"]
        fields = schema if isinstance(schema, Mapping) else {}
        if "type" in fields:
            lines.append(f"<type>{python_text(fields['type'], where)}</type>")
        if "description" in fields:
            lines.append(f"<description>{str(fields['description']).strip()}</description>")
        lines += [*_tags(fields, ("name", "type", "description"), where), "</parameter>"]
    lines += [*_tags(parameters, ("type", "properties"), where), "</parameters>"]
    lines += [*_tags(function, ("type", "name", "description", "parameters"), where), "</function>"]
    return "\n".join(lines)


def _tags(fields: Any, without: tuple[str, ...], where: str) -> Iterator[str]:
    for key, value in fields.items() if isinstance(fields, Mapping) else ():
        if key not in without:
            yield f"<{key}>{json_or_python(value, where)}</{key}>"


def write_call(call: ToolCall, tools: Sequence[Tool], where: str, write: Callable[[Json, str], str]) -> str:
    """What stands between the tags of a call; `write` spells a value, given its place.

    Raises:
      FormatError: A name cannot be written, or a value would read back as another.
    """
    lines = ["", f"{FUNCTION}{_name(call.name, f'{where}.name')}>"]
    for key, value in call.arguments.items():
        at = f"{where}.arguments.{key}"
        text = write(value, at)
        _check_reads_back(text, value, allowed_types(tools, call.name, key), at)
        lines += [f"<parameter={_name(key, f'{where}.arguments')}>", text, PARAMETER_END]
    return "\n".join([*lines, FUNCTION_END, ""])


def json_or_python(value: Json, where: str) -> str:
    """A value as most templates of the family print it: lists and objects as JSON, all else as Python's `str` does."""
    return dumps_at(value, where) if isinstance(value, (list, Mapping)) else python_text(value, where)


def json_or_text(value: Json, where: str) -> str:
    """A value as later templates print it: a string as it is, all else as JSON."""
    return value if isinstance(value, str) else dumps_at(value, where)


def _name(name: str, where: str) -> str:
    if not NAME.fullmatch(name):
        raise FormatError(f"{where} without <, > and line breaks, and not empty", repr(name), "rename it")
    return name


def _check_reads_back(text: str, value: Json, types: frozenset[str], where: str) -> None:
    if read_value(text) != text:
        raise FormatError(
            f"{where} without a line that begins with a tag of the call's own",
            "one after which the value would read back as another",
            "choose a format with quoted strings: nothing can be escaped in this one",
        )
    read = cast(text, types)[0]
    if dumps(read) != dumps_at(value, where):
        raise FormatError(
            f"{where} to read back as the same {json_type(value)}",
            f"{text[:40]!r}, which reads as {json_type(read)} where the schema allows {types_in_words(types)}",
            "correct the value or the schema: this format writes no types",
        )
