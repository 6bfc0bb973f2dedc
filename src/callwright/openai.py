"""Conversations in OpenAI's notation, read and written.

Several notations are read. A tool may be wrapped in {"type": "function", "function": ...} or not, its schema may be
called `inputSchema` as in MCP or `input_schema` as in Anthropic's API, and tools may stand under the old key
`functions`. Arguments may be an object or JSON in a string (an empty one means no arguments), and so may `messages`,
`tools` and `tool_calls`, as tables hold them. Text may be a string or a list of text parts, a developer is a system,
a `function_call` a tool call, and an assistant's message of weight 0 is shown and not learned. What tables fill with
null is absent, see `json_schema`.

Nothing is dropped or guessed: what is read as something else, or not at all, is a `Notice`, and pictures and arguments
that are no object are errors that name the message and the field. The official notation is written, with arguments as
JSON in a string; a tool's result that is not text is written as JSON, because only text is allowed there.
"""

import json
import marshal
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, NoReturn, TypeGuard

from callwright.conversation import Conversation, Json, Message, Role, Tool, ToolCall
from callwright.errors import DataError
from callwright.json_schema import has_null, without_null_arguments, without_nulls
from callwright.notices import Notice, Notify, notify_unread, warn

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
_REASONING = ("reasoning_content", "reasoning", "thinking")
_REASONING_KEYS = frozenset(_REASONING)
_ARGUMENTS = ("arguments", "args", "parameters", "input")
_SCHEMA = ("parameters", "inputSchema", "input_schema", "parametersJsonSchema")
_GROUPS = ("functionDeclarations", "function_declarations")
"""Where one entry of `tools` holds several, as in Gemini's API."""
_RESULT_KEYS = ("name", "tool_call_id")
_RECORD_KEYS = frozenset({"messages", "tools", "functions"})
_TOOL_KEYS = frozenset({"type", "function"})
_FUNCTION_KEYS = frozenset({"type", "name", "description", "strict", "response", "return", *_SCHEMA})
_MESSAGE_KEYS = frozenset(
    {"role", "content", "tool_calls", "function_call", "tool_responses", "weight", *_REASONING, *_RESULT_KEYS}
)
_CALL_KEYS = frozenset({"id", "type", "index", "function"})
_CALLED_KEYS = frozenset({"name", *_ARGUMENTS})
KnownTools = dict[bytes, Tool]
"""Tools by their bytes: as marshal writes them, which is quick and tells 1 from 1.0. Nothing is ever loaded from it."""
_MARSHAL = 2  # a version in which equal values have equal bytes
_KNOWN_TOOLS = 10_000
"""How many tools are remembered at most: a file may have others on every line."""
_PART_KEYS = frozenset({"type", "text"})
TEXT_PARTS = frozenset({"text", "input_text", "output_text"})
_OTHER_PARTS = frozenset(
    {"image", "image_url", "input_image", "audio", "input_audio", "video", "video_url", "file", "input_file"}
)


def read_conversation(
    record: Any,
    notify: Notify = warn,
    *,
    read_elsewhere: Collection[str] = (),
    known_tools: KnownTools | None = None,
    drop_nulls: bool = True,
) -> Conversation:
    """The conversation of a record with `messages` and, if tools are offered, `tools`.

    Args:
      record: The record.
      notify: Takes what is read as something else than it says, or not at all; a Python warning when not given.
      read_elsewhere: Keys of the record that the caller reads.
      known_tools: Tools that were read before, by their bytes, for files that repeat them on every line; it is filled.
      drop_nulls: Whether arguments that are null, though their schema does not allow it, count as absent.

    Raises:
      DataError: Something in it is wrong; the message names it, as in `messages[2].tool_calls[0]`.
    """
    fields = _object(record, "the record")
    notify_unread(fields, _RECORD_KEYS.union(read_elsewhere), "", notify)
    tools = read_tools(fields, notify, known_tools)
    messages: list[Message] = []
    for i, message in enumerate(_list(fields.get("messages"), "messages")):
        where = f"messages[{i}]"
        given = _object(message, where)
        read = read_message(given, where, notify)
        if drop_nulls and any(has_null(call.arguments) for call in read.tool_calls):
            read = replace(read, tool_calls=_without_nulls(read.tool_calls, tools, where, notify))
        messages += (read, *_read_responses(given, where))
    return Conversation(tuple(messages), tools)


def read_tools(record: Mapping[str, Any], notify: Notify = warn, known: KnownTools | None = None) -> tuple[Tool, ...]:
    """The tools of a record, under `tools` or the older `functions`; `known` is as for `read_conversation`.

    Raises:
      DataError: One is wrong, or both keys hold some.
    """
    tools, functions = record.get("tools"), record.get("functions")
    if tools and functions:
        _refuse("tools or functions", "both", "keep tools, the key of today")
    key = "functions" if functions else "tools"
    read: list[Tool] = []
    for i, entry in enumerate(_list(tools or functions or [], key)):
        name = None if known is None else _bytes_of(entry)
        if known is not None and name in known:
            read.append(known[name])
            continue
        notices: list[Notice] = []
        group = next((group for group in _GROUPS if isinstance(entry, Mapping) and group in entry), None)
        if group is None:
            read.append(read_tool(entry, f"{key}[{i}]", notices.append))
        else:
            place = f"{key}[{i}].{group}"
            members = _list(entry[group], place)
            read += [read_tool(one, f"{place}[{n}]", notices.append) for n, one in enumerate(members)]
        if known is not None and name is not None and group is None and not notices and len(known) < _KNOWN_TOOLS:
            known[name] = read[-1]
        for notice in notices:
            notify(notice)
    return tuple(read)


def _bytes_of(value: Any) -> bytes | None:
    """What a tool is remembered by; None for one that is nested too deeply, which whoever reads it refuses."""
    try:
        return marshal.dumps(value, _MARSHAL)
    except ValueError:
        return None


def read_tool(value: Any, where: str = "the tool", notify: Notify = warn) -> Tool:
    """One tool, wrapped or not; `where` names it."""
    fields = given = _object(value, where)
    if "function" in fields:
        if (fields.get("type") or "function") != "function":
            _refuse(f'{where}.type to be "function"', repr(fields["type"]), "leave out tools of other kinds")
        notify_unread(fields, _TOOL_KEYS, where, notify)
        fields, where = _object(fields["function"], f"{where}.function"), f"{where}.function"
    elif (fields.get("type") or "function") not in ("function", "custom"):
        _refuse(f"{where} to be a function", f"type {fields['type']!r}", "leave out tools of other kinds")
    notify_unread(fields, _FUNCTION_KEYS, where, notify)
    key, schema = _one_of(fields, _SCHEMA, where)
    parameters = _object(schema or {}, f"{where}.{key}")
    nulls = has_null(parameters)
    if nulls:
        parameters = without_nulls(parameters)
    _check_schema(parameters, f"{where}.{key}")
    name = _name(fields.get("name"), f"{where}.name")
    description = _text_at(fields, "description", where)
    if key != "parameters":
        return Tool(name, description, parameters)
    nulls = nulls or None in fields.values() or None in given.values()
    if nulls or isinstance(schema, str) or isinstance(given.get("function"), str):
        given = _without_nulls_around(given, fields, parameters)
    return Tool(name, description, parameters, given)


def _without_nulls_around(tool: dict[str, Any], function: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    """The tool as its source wrote it, with these parameters and without the other keys that are null."""
    cleaned = {key: value for key, value in function.items() if value is not None}
    if "parameters" in cleaned:
        cleaned["parameters"] = parameters
    outer = {key: value for key, value in tool.items() if value is not None}
    return outer | {"function": cleaned} if "function" in tool else cleaned


def _check_schema(parameters: Mapping[str, Any], where: str) -> None:
    """Refuses what is no schema of an object: a schema of another type, or parameters by name and nothing around them.

    Raises:
      DataError: It is such.
    """
    kind = parameters.get("type", "object")
    if isinstance(kind, str) and kind.lower() not in ("object", "dict"):  # FunctionGemma's own data writes OBJECT
        _refuse(f"{where} to be a schema of type object", f"type {kind!r}", "wrap it in one")
    known = ("properties", "$ref", "anyOf", "oneOf", "allOf", "$defs", "definitions", "additionalProperties", "items")
    flat = parameters and not any(key in parameters for key in known) and not isinstance(parameters.get("type"), str)
    if flat and all(isinstance(value, Mapping) for value in parameters.values()):
        names = ", ".join(parameters)
        _refuse(f"{where} to be a JSON Schema", f"parameters without one: {names:.60}", "put them under `properties`")


def read_message(value: Any, where: str = "the message", notify: Notify = warn) -> Message:
    """One message; `where` names it."""
    fields = _object(value, where)
    role = _ROLES.get(str(fields.get("role")))
    if role is None:
        names = ", ".join(name for name in _ROLES if name != "function")
        _refuse(f"{where}.role to be one of {names}", repr(fields.get("role")), "correct the role")
    notify_unread(fields, _MESSAGE_KEYS, where, notify)
    if role != "tool":
        for key in _RESULT_KEYS:
            if fields.get(key):
                notify(Notice(f"{where}.{key}", f"is not read: a message of role {role} is no tool's result"))
    content, parts = _content(fields.get("content"), where, notify, any_value=role == "tool")
    reasoning_field, reasoning = _REASONING[0], None
    if not _REASONING_KEYS.isdisjoint(fields):
        reasoning_field, _ = _one_of(fields, _REASONING, where)
        reasoning = _text_at(fields, reasoning_field, where)
    return Message(
        role,
        content,
        reasoning,
        _read_calls(fields, role, where, notify),
        _text_at(fields, "name", where),
        _text_at(fields, "tool_call_id", where),
        _is_supervised(fields.get("weight"), role, where, notify),
        reasoning_field,
        parts,
    )


def _is_supervised(weight: Any, role: Role, where: str, notify: Notify) -> bool:
    """What OpenAI's `weight` of an assistant's message says."""
    if weight is None:
        return True
    if role != "assistant":
        notify(Notice(f"{where}.weight", f"is not read: nothing is learned from a message of role {role}"))
        return True
    if isinstance(weight, bool) or weight not in (0, 1):
        _refuse(f"{where}.weight to be 0 or 1", repr(weight), "say whether the message is to be learned")
    return bool(weight)


def _read_responses(value: Mapping[str, Any], where: str) -> list[Message]:
    """Gemma's `tool_responses`, results on the message that made the calls, as tool messages."""
    messages = []
    given = value.get("tool_responses")
    for i, response in enumerate(_list(given, f"{where}.tool_responses") if given else ()):
        fields = _object(response, f"{where}.tool_responses[{i}]")
        name = _name(fields.get("name"), f"{where}.tool_responses[{i}].name")
        messages.append(Message("tool", fields.get("response"), name=name))
    return messages


def _read_calls(fields: Mapping[str, Any], role: Role, where: str, notify: Notify) -> tuple[ToolCall, ...]:
    if not (fields.get("tool_calls") or fields.get("function_call")):
        return ()
    calls = _list(fields.get("tool_calls") or [], f"{where}.tool_calls")
    places = [f"{where}.tool_calls[{i}]" for i in range(len(calls))]
    legacy = fields.get("function_call")
    if legacy:
        if calls:
            _refuse(f"tool_calls or function_call in {where}", "both", "keep tool_calls, the key of today")
        calls, places = [legacy], [f"{where}.function_call"]
    if calls and role != "assistant":
        _refuse(f"{where}.tool_calls only where the assistant speaks", f"role {role}", "move them to the assistant")
    return tuple(_read_call(call, place, notify) for call, place in zip(calls, places, strict=True))


def read_generated_calls(value: Any, where: str, notify: Notify = warn) -> list[ToolCall]:
    """Calls as a model generated them, for who judges the model: a name may be empty, and arguments no object.

    Args:
      value: A list of calls, each wrapped or not.
      where: What names the list in errors.
      notify: As for `read_conversation`.

    Raises:
      DataError: It is no list, or one of them has no name or no arguments.
    """
    calls = []
    for i, call in enumerate(_list(value, where)):
        _, function, inner = _unwrapped_call(call, f"{where}[{i}]", notify)
        name = _text_at(function, "name", inner)
        key, arguments = _one_of(function, _ARGUMENTS, inner)
        if name is None or key not in function:
            _refuse(f"{inner} to have name and arguments", f"no {'name' if name is None else key}", "give both")
        with suppress(DataError):
            arguments = _arguments(arguments, inner)
        calls.append(ToolCall(name, arguments))
    return calls


def _read_call(value: Any, where: str, notify: Notify) -> ToolCall:
    fields, function, inner = _unwrapped_call(value, where, notify)
    key, arguments = _one_of(function, _ARGUMENTS, inner)
    return ToolCall(
        name=_name(function.get("name"), f"{inner}.name"),
        arguments=_arguments(arguments, f"{inner}.{key}"),
        id=_text_at(fields, "id", where),
    )


def _unwrapped_call(value: Any, where: str, notify: Notify) -> tuple[dict[str, Any], dict[str, Any], str]:
    """The call, what of it has name and arguments, and the latter's place."""
    fields = _object(value, where)
    wrapped = "function" in fields
    inner = f"{where}.function" if wrapped else where
    function = _object(fields["function"], inner) if wrapped else fields
    if (fields.get("type") or "function") != "function":
        _refuse(f'{where}.type to be "function"', repr(fields["type"]), "leave out calls of other kinds")
    if wrapped:
        notify_unread(fields, _CALL_KEYS, where, notify)
    notify_unread(function, _CALLED_KEYS if wrapped else _CALLED_KEYS | _CALL_KEYS, inner, notify)
    return fields, function, inner


def _arguments(value: Any, where: str) -> dict[str, Any]:
    return _object({} if value in (None, "") else value, where)


def _without_nulls(
    calls: tuple[ToolCall, ...], tools: tuple[Tool, ...], where: str, notify: Notify
) -> tuple[ToolCall, ...]:
    """The calls without null arguments that the called tool's schema does not allow."""
    schemas = {tool.name: tool.parameters for tool in tools}
    out = []
    for n, call in enumerate(calls):
        schema = schemas.get(call.name)
        place = f"{where}.tool_calls[{n}].arguments"

        def dropped(path: str, place: str = place) -> None:
            notify(Notice(f"{place}.{path}", "is null, which its schema does not allow, and counts as absent"))

        if schema is not None:
            call = replace(call, arguments=without_null_arguments(dict(call.arguments), schema, schema, dropped))
        out.append(call)
    return tuple(out)


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


def _content(value: Any, where: str, notify: Notify, *, any_value: bool) -> tuple[Any, tuple[str, ...]]:
    """The content of the message at `where`, and its parts where it is a list of text parts; of a result any value.

    Raises:
      DataError: A part is no text, or the content is neither text nor, where it may be, another value.
    """
    if value is None or isinstance(value, str):
        return value, ()
    where = f"{where}.content"
    if not isinstance(value, list) or (any_value and not is_parts(value)):
        if not any_value:
            _refuse(f"{where} to be text", _type_name(value), "correct its type")
        return value, ()
    texts = []
    for i, item in enumerate(value):
        part = _object(item, f"{where}[{i}]")
        if part.get("type") not in TEXT_PARTS or not isinstance(part.get("text"), str):
            _refuse(f"{where}[{i}] to be a text part", f"type {part.get('type')!r}", "keep text only")
        notify_unread(part, _PART_KEYS, f"{where}[{i}]", notify)
        texts.append(part["text"])
    return (value, ()) if any_value else ("".join(texts), tuple(texts))


def is_parts(value: Any) -> TypeGuard[list[dict[str, Any]]]:
    """Whether a value is a list of content parts, and not data of a tool's that happens to be a list."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(part, Mapping) and isinstance(part.get("type"), str) for part in value)
        and all(part["type"] in _OTHER_PARTS or (part["type"] in TEXT_PARTS and "text" in part) for part in value)
    )


def _one_of(fields: Mapping[str, Any], keys: tuple[str, ...], where: str) -> tuple[str, Any]:
    """The value under one of several keys, and its key; the first key where there is none.

    Raises:
      DataError: Several hold different values.
    """
    found = [(key, fields[key]) for key in keys if key in fields and fields[key] is not None]
    if len(found) > 1:
        full = [(key, value) for key, value in found if value not in ("", {})] or found[:1]
        if any(value != full[0][1] for _, value in full):
            _refuse(f"one of {', '.join(keys)} in {where}", " and ".join(key for key, _ in full), "keep one")
        found = full
    return found[0] if found else (keys[0], None)


def _text_at(fields: Mapping[str, Any], key: str, where: str) -> str | None:
    value = fields.get(key)
    if value is not None and not isinstance(value, str):
        _refuse(f"{where}.{key} to be text", _type_name(value), "correct its type")
    return value


def _name(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        _refuse(f"{where} to be a non-empty string", repr(value), "name the function")
    return value


def _object(value: Any, where: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    value = _from_text(value, where, "{", "an object")
    if not isinstance(value, Mapping):
        _refuse(f"{where} to be an object", _type_name(value), "correct its type")
    return dict(value)


def _list(value: Any, where: str) -> list[Any]:
    if isinstance(value, list):
        return value
    value = _from_text(value, where, "[", "a list")
    if not isinstance(value, list):
        _refuse(f"{where} to be a list", _type_name(value), "correct its type")
    return value


def _from_text(value: Any, where: str, opener: str, what: str) -> Any:
    """The value of a JSON text, which is how tables hold lists and objects; any other value as it is."""
    if not isinstance(value, str):
        return value
    try:
        return read_json(value) if value.strip() else ([] if opener == "[" else {})
    except (ValueError, RecursionError) as error:
        _refuse(f"{where} to be {what}", f"text that is not JSON ({error})", "correct the text")


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
