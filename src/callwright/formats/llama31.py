"""`llama31`: the JSON calls of Llama 3.1, as its chat template writes them; Llama 3.3 has the same template.

A call is the whole message: `{"name": ..., "parameters": {...}}`, bare as the template writes it, or behind
`<|python_tag|>`, as Meta's prompt format document shows the model answering, there with `"type": "function"` in it and
`<|eom_id|>` at the end. Behind the tag stand also calls of Llama's built-in tools, `brave_search.call(query="...")`;
program code behind it is no call. An object of other keys is an answer in JSON and stays content. One message holds one
call. Tools stand in the first user message, one indented object each, and results in turns of the role `ipython`, text
as JSON text and None, numbers and booleans as Python prints them. The template's date is its default, 26 Jul 2024.

The template leaves out reasoning, and words beside a call: the renderer does too, and warns. It cannot say parallel
calls, and tools without a user message to hold them.

Template: chat_template of meta-llama/Llama-3.1-8B-Instruct,
sha256 e10ca381b1ccc5cf9db52e371f3b6651576caee0a630b452e2816b2d404d4b65.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from callwright.conversation import Conversation, Json, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats.base import Format, Warn, control, text_of
from callwright.formats.call_objects import ARGUMENT_KEYS, read_call, read_calls
from callwright.formats.calllist import message_end
from callwright.formats.grammar import (
    Grammar,
    Malformed,
    ParseContext,
    ParsedRegion,
    ParseIssue,
    Region,
    Repair,
    Unfinished,
    skip_space,
    unclosed,
)
from callwright.formats.jsontext import dumps_at, needs_no_escape, read_json
from callwright.formats.pythonic import PythonCallReader
from callwright.formats.pythonic_repair import LenientPythonCallReader
from callwright.formats.repair import LenientReader, in_words
from callwright.formats.schemas import source_tool
from callwright.formats.strings import unescaped_json
from callwright.tokens import Segment

TAG = "<|python_tag|>"
STOPS = ("<|eot_id|>", "<|eom_id|>", "<|end_of_text|>")
INSTRUCTION = (
    "Given the following functions, please respond with a JSON for a function call with its proper arguments that best "
    'answers the given prompt.\n\nRespond in the format {"name": function name, "parameters": dictionary of argument '
    "name and its value}.Do not use variables.\n\n"
)
_ORDERS = (("name", "parameters"), ("type", "name", "parameters"), ("parameters", "name"))
"""The keys of a call; in another order it could not be told from an answer before its end."""
_NAMED = re.compile(
    r"""\{[\s{]*+(?:(["'])type\1\s*:\s*(["'])function\2\s*,\s*)?"""
    r"""(?:"name"|'name')\s*:\s*(?:"((?:[^"\\]|\\.)*+)"|'([^'\\]*+)')""",
    re.DOTALL,
)
"""How an object begins that gives its name early, in JSON, in Python's quotes or with doubled braces."""
_BEGINNINGS = ('{"name":"', '{"type":"function"', '{"parameters":{')
_KEYS = tuple(f'{{"{key}":' for key in ("name", "type", "function", "id", *ARGUMENT_KEYS))
"""How objects begin that may mean a call in another way than the family's."""
_EXPECTED = 'expected {"name": ..., "parameters": {...}}'
_PARAMETERS = re.compile(r'\s*,\s*"parameters"\s*:\s*\{')
_GOES_ON = ',"parameters":{'
_NAME = re.compile(r"[^\W\d]\w*+")
_CALL = ".call("


class Llama31Format(Format):
    """The format."""

    name = "llama31"
    bos = "<|begin_of_text|>"
    stops = STOPS
    special_tokens = ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", TAG, *STOPS)
    text_markers = special_tokens

    def __init__(self) -> None:
        bare, tagged = JsonMessage("{"), JsonMessage(TAG)
        regions = (
            Region("{", bare, closers=("}",), at_start=True, repair=bare.repair),
            Region(TAG, tagged, repair=tagged.repair),
        )
        self.grammar = Grammar(regions, stops=STOPS)

    def drops_content(self, message: Message) -> bool:
        """See `Format.drops_content`."""
        return bool(message.tool_calls)

    def _segments(
        self, conversation: Conversation, *, add_generation_prompt: bool, thinking: bool | None, warn: Warn
    ) -> Iterator[Segment]:
        messages, tools = conversation.messages, conversation.tools
        first = 1 if messages and messages[0].role == "system" else 0
        yield control(self.bos)
        environment = "Environment: ipython\n" if tools else ""
        date = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"
        yield from _turn("system", environment + date + (text_of(messages[0], "messages[0]").strip() if first else ""))
        if tools and (len(messages) == first or messages[first].role != "user"):
            raise FormatError(
                f"a user message as messages[{first}] to put the tools in",
                messages[first].role if len(messages) > first else "nothing",
                "begin with the user's words, or offer no tools",
            )
        for index in range(first, len(messages)):
            message = messages[index]
            if message.role == "assistant":
                yield from _turn("assistant", self._answer(message, index, warn), supervised=message.supervised)
            elif message.role == "tool":
                yield from _turn("ipython", _result(message, index))
            else:
                offer = INSTRUCTION + "".join(map(_described, tools)) if tools and index == first else ""
                yield from _turn(message.role, offer + text_of(message, f"messages[{index}]").strip())
        if add_generation_prompt:
            yield from _header("assistant")

    def _answer(self, message: Message, index: int, warn: Warn) -> str:
        where = f"messages[{index}]"
        if message.reasoning:
            warn(f"{where}.reasoning is left out, as the template does")
        if not message.tool_calls:
            content = text_of(message, where).strip()
            self.check_reads_back(content, f"{where}.content")
            return content
        if len(message.tool_calls) > 1:
            raise FormatError(
                f"one call in {where}.tool_calls", str(len(message.tool_calls)), "make the calls one after the other"
            )
        if message.content:
            warn(f"{where}.content is left out beside a call")
        call = message.tool_calls[0]
        if not needs_no_escape(call.name):
            raise FormatError(
                f"a name without quotes, backslashes and line breaks as {where}.tool_calls[0].name",
                repr(call.name),
                "rename the tool: the template writes names as they are",
            )
        arguments = dumps_at(dict(call.arguments), f"{where}.tool_calls[0].arguments")
        return f'{{"name": "{call.name}", "parameters": {arguments}}}'


def _header(role: str) -> Iterator[Segment]:
    yield control("<|start_header_id|>")
    yield Segment(role)
    yield control("<|end_header_id|>")
    yield Segment("\n\n")


def _turn(role: str, text: str, *, supervised: bool = False) -> Iterator[Segment]:
    yield from _header(role)
    yield Segment(text, supervised=supervised)
    yield control("<|eot_id|>", supervised=supervised)


def _described(tool: Tool) -> str:
    return dumps_at(source_tool(tool), "tools", indent=4) + "\n\n"


def _result(message: Message, index: int) -> str:
    content = message.content
    text = dumps_at(content, f"messages[{index}].content")
    return text if isinstance(content, str | Mapping | list | tuple) else str(content)


@dataclass(frozen=True, slots=True)
class JsonMessage:
    """Reads a message that is one call, from its bracket on or from the tag before it."""

    opener: str

    def __call__(self, text: str, start: int, context: ParseContext) -> ParsedRegion | None:
        """See `grammar.RegionReader`."""
        begin = skip_space(text, start + len(TAG)) if self.opener == TAG else start
        certain = self.opener == TAG or _is_attempt(text, begin, context)
        issue: ParseIssue | None = None
        try:
            if certain or _may_be_call(text, begin, context):
                found = self._strictly(text, start, begin, context)
                if found is not None or not context.final:
                    return found
        except Unfinished as error:
            if not context.final:
                return None
            if certain:
                return unclosed(text, start, str(error))
        except Malformed as error:
            issue = ParseIssue(str(error), error.position)
        except ValueError as error:
            issue = ParseIssue(f"not JSON: {error}", begin) if certain else None
        return ParsedRegion(start + len(self.opener), errors=(issue,) if issue else (), content=self.opener)

    def _strictly(self, text: str, start: int, begin: int, context: ParseContext) -> ParsedRegion | None:
        if self.opener == TAG and not text.startswith("{", begin):
            return self._built_in(text, begin, context)
        value, stop = read_json(text, begin)
        call = _call(value, context)
        if call is None and self.opener != TAG:
            return ParsedRegion(stop, content=text[start:stop])
        if not isinstance(call, ToolCall):
            raise Malformed(call or _EXPECTED, begin)
        end = message_end(text, stop, STOPS, context.final)
        return None if end is None else ParsedRegion(end, (call,))

    def _built_in(self, text: str, begin: int, context: ParseContext, *, lenient: bool = False) -> ParsedRegion | None:
        """`name.call(key="value")`, which Llama writes for its built-in tools."""
        if begin == len(text):
            raise Unfinished("the text ends behind the tag")
        name = _NAME.match(text, begin)
        rest = text[name.end() : name.end() + len(_CALL)] if name else "-"
        if not _CALL.startswith(rest):
            raise Malformed("behind the tag, neither a call in JSON nor one of a built-in tool", begin)
        reader = (LenientPythonCallReader if lenient else PythonCallReader)(text, begin, context)
        call = reader.call()
        end = message_end(text, reader.at, STOPS, context.final)
        if end is None:
            return None
        call = ToolCall(call.name.removesuffix(".call"), call.arguments)
        return ParsedRegion(end, (call,), repairs=tuple(reader.repairs))

    def repair(self, text: str, start: int, context: ParseContext, found: ParsedRegion) -> ParsedRegion | None:
        """See `grammar.RegionRepairer`; without a tag, only calls of tools at hand are certain."""
        if found.right:
            return None
        begin = skip_space(text, start + len(TAG)) if self.opener == TAG else start
        if _NAME.match(text, begin):
            return self._built_in(text, begin, context, lenient=True)
        reader = LenientReader(text, begin, context, opener=TAG)
        calls = tuple(read_calls(reader, "parameters"))
        names = _names(context)
        if not (calls and reader.repairs) or not (self.opener == TAG or all(call.name in names for call in calls)):
            return None
        return ParsedRegion(reader.at, calls, repairs=(Repair(in_words(reader.repairs), start),))


def _names(context: ParseContext) -> frozenset[str]:
    """The names of the tools at hand."""
    return frozenset(tool.name for tool in context.tools)


def _call(value: Json, context: ParseContext) -> ToolCall | str | None:
    """The call that a JSON value is, or what is wrong with one that is meant as a call, or None: it is an answer.

    An object that means a call of a tool at hand in another way than the family's is meant as a call.
    """
    if not isinstance(value, dict) or tuple(value) not in _ORDERS or value.get("type", "function") != "function":
        meant = read_call(value, "parameters", [])
        return _EXPECTED if meant is not None and meant.name in _names(context) else None
    name, parameters = value["name"], value["parameters"]
    if not isinstance(name, str) or not name or not isinstance(parameters, dict):
        return '"name" must be a string that is not empty, and "parameters" an object'
    return ToolCall(name, parameters)


def _is_attempt(text: str, begin: int, context: ParseContext) -> bool:
    """Whether what has come of a JSON object can only be the beginning of a call, as far as that is known."""
    named = _NAMED.match(text, begin)
    since = named.end() if named else begin
    if named and (_PARAMETERS.match(text, since) or _name_in(named) in _names(context)):
        return True
    head = "".join(text[since : since + 80].split())
    if named:
        return head.startswith(_GOES_ON) or _GOES_ON.startswith(head)
    return head.startswith(_BEGINNINGS) or any(beginning.startswith(head) for beginning in _BEGINNINGS)


def _may_be_call(text: str, begin: int, context: ParseContext) -> bool:
    """Whether the whole of a JSON object must be seen to tell: it may yet name a tool at hand."""
    if not context.tools or _NAMED.match(text, begin):
        return False
    head = "".join(text[begin : begin + 80].split())
    return head.startswith(_KEYS) or any(key.startswith(head) for key in _KEYS)


def _name_in(named: re.Match[str]) -> str:
    return unescaped_json(named[3]) or "" if named[3] is not None else named[4]
