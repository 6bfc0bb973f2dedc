"""Conversations in OpenAI's notation, read and written.

Several notations are read: a tool may be wrapped in {"type": "function", "function": ...} or not, arguments may be an
object or JSON in a string (an empty one means no arguments), text may be a string or a list of text parts, and a
developer is a system. But nothing is dropped or guessed: images, legacy `function_call`s and arguments that are not an
object are errors that name the message and the field. The official notation is written, with arguments as JSON in a
string; a tool's result that is not text is written as JSON, because only text is allowed there.
"""

import json
from collections.abc import Mapping
from itertools import chain
from typing import Any, NoReturn

from callwright.conversation import Conversation, Json, Message, Role, Tool, ToolCall
from callwright.errors import DataError

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}

_REASONING = "reasoning_content"


def read_conversation(record: Any) -> Conversation:
    """The conversation of a record with `messages` and, if tools are offered, `tools`.

    Raises:
      DataError: Something in it is wrong; the message names it, as in `messages[2].tool_calls[0]`.
    """
    fields = _object(record, "the record")
    tools = _list(fields.get("tools") or [], "tools")
    messages = _list(fields.get("messages"), "messages")
    read = [read_message(message, f"messages[{i}]") for i, message in enumerate(messages)]
    results = [_read_responses(message, f"messages[{i}]") for i, message in enumerate(messages)]
    return Conversation(
        messages=tuple(chain.from_iterable((message, *after) for message, after in zip(read, results, strict=True))),
        tools=tuple(read_tool(tool, f"tools[{i}]") for i, tool in enumerate(tools)),
    )


def read_tool(value: Any, where: str = "the tool") -> Tool:
    """One tool, wrapped or not; `where` names it in errors."""
    fields = given = _object(value, where)
    if "function" in fields:
        if fields.get("type", "function") != "function":
            _refuse(f'{where}.type to be "function"', repr(fields["type"]), "leave out tools of other kinds")
        fields, where = _object(fields["function"], f"{where}.function"), f"{where}.function"
    parameters = _object(fields.get("parameters") or {}, f"{where}.parameters")
    if str(parameters.get("type", "object")).lower() != "object":  # FunctionGemma's own data writes OBJECT
        _refuse(f"{where}.parameters to be a schema of type object", f"type {parameters['type']!r}", "wrap it in one")
    return Tool(
        name=_name(fields.get("name"), f"{where}.name"),
        description=_optional_text(fields.get("description"), f"{where}.description"),
        parameters=parameters,
        given=given,
    )


def read_message(value: Any, where: str = "the message") -> Message:
    """One message; `where` names it in errors."""
    fields = _object(value, where)
    role = _ROLES.get(str(fields.get("role")))
    if role is None:
        _refuse(f"{where}.role to be one of {', '.join(_ROLES)}", repr(fields.get("role")), "correct the role")
    if fields.get("function_call"):
        _refuse(f"{where} with tool_calls", "a legacy function_call", "write it as an entry of tool_calls")
    calls = _list(fields.get("tool_calls") or [], f"{where}.tool_calls")
    if calls and role != "assistant":
        _refuse(f"{where}.tool_calls only where the assistant speaks", f"role {role}", "move them to the assistant")
    reasoning_field = "reasoning" if fields.get("reasoning") and not fields.get("reasoning_content") else _REASONING
    return Message(
        role=role,
        content=fields.get("content") if role == "tool" else _text(fields.get("content"), f"{where}.content"),
        reasoning=_optional_text(fields.get(reasoning_field), f"{where}.{reasoning_field}"),
        tool_calls=tuple(_read_call(call, f"{where}.tool_calls[{i}]") for i, call in enumerate(calls)),
        name=_optional_text(fields.get("name"), f"{where}.name"),
        tool_call_id=_optional_text(fields.get("tool_call_id"), f"{where}.tool_call_id"),
        reasoning_field=reasoning_field,
    )


def _read_responses(value: Mapping[str, Any], where: str) -> list[Message]:
    """Gemma's `tool_responses`, results on the message that made the calls, as tool messages."""
    messages = []
    for i, response in enumerate(_list(value.get("tool_responses") or [], f"{where}.tool_responses")):
        fields = _object(response, f"{where}.tool_responses[{i}]")
        name = _name(fields.get("name"), f"{where}.tool_responses[{i}].name")
        messages.append(Message("tool", fields.get("response"), name=name))
    return messages


def _read_call(value: Any, where: str) -> ToolCall:
    fields = _object(value, where)
    inner = f"{where}.function" if "function" in fields else where
    function = _object(fields.get("function", fields), inner)
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        try:
            arguments = read_json(arguments) if arguments.strip() else {}
        except (ValueError, RecursionError) as error:
            _refuse(f"{inner}.arguments to be a JSON object", f"text that is not JSON ({error})", "correct the text")
    return ToolCall(
        name=_name(function.get("name"), f"{inner}.name"),
        arguments=_object({} if arguments is None else arguments, f"{inner}.arguments"),
        id=_optional_text(fields.get("id"), f"{where}.id"),
    )


def write_conversation(conversation: Conversation) -> dict[str, Json]:
    """The record with `messages` and, if there are any, `tools`."""
    record: dict[str, Json] = {"messages": [write_message(message) for message in conversation.messages]}
    if conversation.tools:
        record["tools"] = [write_tool(tool) for tool in conversation.tools]
    return record


def write_tool(tool: Tool) -> dict[str, Json]:
    """The tool, wrapped."""
    function: dict[str, Json] = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"] = dict(tool.parameters)
    return {"type": "function", "function": function}


def write_message(message: Message) -> dict[str, Json]:
    """The message; an assistant that only calls has null content."""
    content = message.content
    if message.role == "tool" and not isinstance(content, str):
        content = _dumps(content)
    wire: dict[str, Json] = {"role": message.role, "content": content}
    if message.reasoning is not None:
        wire["reasoning_content"] = message.reasoning
    if message.tool_calls:
        wire["tool_calls"] = [_write_call(call) for call in message.tool_calls]
    if message.name is not None:
        wire["name"] = message.name
    if message.tool_call_id is not None:
        wire["tool_call_id"] = message.tool_call_id
    return wire


def _write_call(call: ToolCall) -> dict[str, Json]:
    wire: dict[str, Json] = {} if call.id is None else {"id": call.id}
    function: dict[str, Json] = {"name": call.name, "arguments": _dumps(dict(call.arguments))}
    return wire | {"type": "function", "function": function}


def _dumps(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _text(value: Any, where: str) -> str | None:
    if isinstance(value, list):
        parts = [_object(part, f"{where}[{i}]") for i, part in enumerate(value)]
        for i, part in enumerate(parts):
            if part.get("type") != "text" or not isinstance(part.get("text"), str):
                _refuse(f"{where}[{i}] to be a text part", f"type {part.get('type')!r}", "keep text only")
        return "".join(part["text"] for part in parts)
    return _optional_text(value, where)


def _optional_text(value: Any, where: str) -> str | None:
    if value is not None and not isinstance(value, str):
        _refuse(f"{where} to be text", _type_name(value), "correct its type")
    return value


def _name(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        _refuse(f"{where} to be a non-empty string", repr(value), "name the function")
    return value


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        _refuse(f"{where} to be an object", _type_name(value), "correct its type")
    return dict(value)


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        _refuse(f"{where} to be a list", _type_name(value), "correct its type")
    return value


def _type_name(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__


def read_json(text: str | bytes) -> Any:
    """The value of a JSON text.

    Raises:
      ValueError: It is not JSON; NaN and Infinity are not.
      RecursionError: It is nested too deeply.
    """

    def refuse(name: str) -> NoReturn:
        raise ValueError(f"{name} is no JSON number")

    return json.loads(text, parse_constant=refuse)


def _refuse(expected: str, got: str, fix: str) -> NoReturn:
    raise DataError(expected, got, fix)
