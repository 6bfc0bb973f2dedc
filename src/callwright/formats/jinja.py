"""Chat templates, rendered as transformers renders them.

That is a sandboxed Jinja with trimmed blocks, loop controls and `{% generation %}` blocks, a `tojson` that escapes
nothing for HTML, and the functions `raise_exception` and `strftime_now` (see `apply_chat_template` in transformers'
`chat_template_utils`, 5.23). The date is frozen, so a prompt is a function of its conversation. Templates come from
strangers: they can read what they are given and nothing else, `dict` is only a call, and a namespace takes no attribute
that begins with an underscore.
"""

import datetime
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.runtime import Context, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from callwright.conversation import Conversation, Json, Message
from callwright.errors import FormatError
from callwright.formats.schemas import source_tool

DATE = datetime.datetime(2024, 7, 26, tzinfo=datetime.UTC)
"""What `strftime_now` takes for today: the date that Llama's template names when no clock is at hand."""


class ChatTemplate:
    """One template.

    Raises:
      FormatError: The source is no Jinja template.
    """

    def __init__(self, source: str) -> None:
        try:
            self._template = _compiled(source)
        except (jinja2.TemplateError, RecursionError) as error:
            raise FormatError("a Jinja chat template", str(error), "correct the template") from error
        self._reads_parts: bool | None = None

    def reads_parts(self) -> bool:
        """Whether the template prints the texts of a list of text parts, and not the list as it is, or nothing."""
        if self._reads_parts is None:
            probe = Conversation((Message("user", "", parts=("first", "second")),))
            self._reads_parts = True
            try:
                printed = self.render(probe)
                self._reads_parts = "first" in printed and "second" in printed and "'text'" not in printed
            except FormatError:
                self._reads_parts = False
        return self._reads_parts

    def render(
        self,
        conversation: Conversation,
        *,
        add_generation_prompt: bool = False,
        thinking: bool | None = None,
        variables: Mapping[str, Json] | None = None,
        marks: tuple[str, str] | None = None,
        sort_as: Callable[[str], str] | None = None,
    ) -> str:
        """The prompt.

        Args:
          conversation: What it is about.
          add_generation_prompt: Passed on.
          thinking: Passed on as `enable_thinking`; not passed when None.
          variables: Further variables, such as `bos_token`.
          marks: Written around what `{% generation %}` blocks enclose.
          sort_as: What a string stands for where `dictsort` orders it; itself when None.

        Raises:
          FormatError: The template refuses the conversation, or fails.
        """
        options: dict[str, Any] = dict(variables or {})
        parts = any(message.parts for message in conversation.messages) and self.reads_parts()
        if thinking is not None:
            options["enable_thinking"] = thinking
        options |= {_MARKS: marks, _SORT_AS: sort_as}
        try:
            return self._template.render(
                messages=[template_message(message, parts=parts) for message in conversation.messages],
                tools=[source_tool(tool) for tool in conversation.tools] or None,
                documents=None,
                add_generation_prompt=add_generation_prompt,
                **options,
            )
        except Exception as error:  # a stranger's template may fail in any way
            raise FormatError("a conversation that the chat template can render", str(error), "change it") from error


def template_message(message: Message, *, parts: bool = False) -> dict[str, Any]:
    """The message as templates expect it: OpenAI's fields, arguments as an object, results as they are.

    Args:
      message: The message.
      parts: Whether text parts are given as a list, and not joined.
    """
    content: Any = message.content
    if parts and message.parts:
        content = [{"type": "text", "text": part} for part in message.parts]
    fields: dict[str, Any] = {"role": message.role, "content": content}
    if message.reasoning is not None:
        fields[message.reasoning_field] = message.reasoning
        if message.reasoning_field == "reasoning_content":
            fields["thinking"] = message.reasoning  # transformers gives it under both names
    if message.tool_calls:
        fields["tool_calls"] = [
            ({} if call.id is None else {"id": call.id})
            | {"type": "function", "function": {"name": call.name, "arguments": dict(call.arguments)}}
            for call in message.tool_calls
        ]
    if message.name is not None:
        fields["name"] = message.name
    if message.tool_call_id is not None:
        fields["tool_call_id"] = message.tool_call_id
    return fields


@lru_cache(maxsize=64)
def _compiled(source: str) -> jinja2.Template:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.filters["dictsort"] = _dictsort
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = DATE.strftime
    environment.globals["dict"] = _dict
    environment.globals["namespace"] = _Namespace
    return environment.from_string(source)


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


_MARKS = "callwright_generation_marks"
_SORT_AS = "callwright_sort_as"


@jinja2.pass_context
def _dictsort(
    context: Context, value: Mapping[str, Any], case_sensitive: bool = False, by: str = "key", reverse: bool = False
) -> list[tuple[str, Any]]:
    """Jinja's filter, which orders hidden text by what it hides."""
    sort_as = context.get(_SORT_AS)

    def order(item: tuple[str, Any]) -> Any:
        part = item[1 if by == "value" else 0]
        if not isinstance(part, str):
            return part
        part = sort_as(part) if sort_as else part
        return part if case_sensitive else part.lower()

    return sorted(value.items(), key=order, reverse=reverse)


class _Generation(Extension):
    """`{% generation %}...{% endgeneration %}`: what the model itself says, by the template's author."""

    tags = {"generation"}  # noqa: RUF012 - as Jinja declares it

    def parse(self, parser: Parser) -> nodes.Node:
        lineno = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        call = self.call_method("_marked", [nodes.ContextReference()])
        return nodes.CallBlock(call, [], [], body).set_lineno(lineno)

    def _marked(self, context: Context, caller: Macro) -> str:
        opened, closed = context.get(_MARKS) or ("", "")
        return f"{opened}{caller()}{closed}"


class _Namespace(Namespace):
    """Jinja's namespace without attributes that begin with an underscore."""

    def __init__(*arguments: Any, **attributes: Any) -> None:
        itself, *given = arguments
        values = dict(*given, **attributes)
        for name in values:
            _check_attribute(name)
        Namespace.__init__(itself, values)

    def __setitem__(self, name: str, value: Any) -> None:
        _check_attribute(name)
        super().__setitem__(name, value)


def _check_attribute(name: Any) -> None:
    if isinstance(name, str) and name.startswith("_"):
        raise jinja2.exceptions.SecurityError(f"a namespace takes no attribute {name!r}: it begins with an underscore")


def _dict(*arguments: Any, **items: Any) -> dict[Any, Any]:
    return dict(*arguments, **items)


def _refuse(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)
