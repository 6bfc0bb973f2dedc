"""Calls as JSON objects, `{"name": ..., "arguments": {...}}`, in the shapes that models give them.

A format knows one shape and reads it strictly. What lenient reading takes besides: the arguments under another of the
usual names, as a string of JSON, absent or null; the call inside `"function"`; several calls, in a list or side by
side. What is left out of an object is named, and an object that may mean two things is no call.
"""

from collections.abc import Iterator, Mapping, Sequence

from callwright.conversation import Json, ToolCall
from callwright.formats.jsontext import dumps
from callwright.formats.repair import LenientReader, repair_json

ARGUMENT_KEYS = ("arguments", "args", "parameters")
"""What models call the arguments; a format knows one of them."""
SEVERAL = "several calls in one block"
NO_ARGUMENTS = "a call without arguments"
_BESIDE = ("type", "id")
"""What may stand beside a name without meaning an argument."""


def read_calls(reader: LenientReader, key: str, *, with_ids: bool = False, listed: bool = False) -> list[ToolCall]:
    """The calls of all values up to the reader's end, whose repairs grow; none if these values are not all calls.

    Args:
      reader: It stands where the values begin.
      key: What the format calls the arguments.
      with_ids: Whether the format has ids in its calls.
      listed: Whether the format writes its calls as a list.

    Raises:
      Unfinished, Malformed: As the reader's methods.
    """
    values = reader.values()
    objects = list(_flattened(values))
    if listed and not (len(values) == 1 and isinstance(values[0], list)):
        reader.repairs.append("calls that are no list")
    elif not listed and len(objects) > 1:
        reader.repairs.append(SEVERAL)
    elif not listed and isinstance(values[0], list):
        reader.repairs.append("a call in a list")
    calls = [read_call(value, key, reader.repairs, with_id=with_ids) for value in objects]
    return [call for call in calls if call is not None] if None not in calls else []


def _flattened(values: Sequence[Json]) -> Iterator[Json]:
    for value in values:
        if isinstance(value, list):
            yield from _flattened(value)
        else:
            yield value


def read_call(value: Json, key: str, repairs: list[str], *, with_id: bool = False) -> ToolCall | None:
    """The call that an object means, if one is certain; what is wrong with it is added to the repairs."""
    if not isinstance(value, Mapping):
        return None
    fields = dict(value)
    inner = fields.get("function")
    if isinstance(inner, Mapping):
        repairs.append('a call inside "function"')
        fields = fields | dict(inner)
        del fields["function"]
    name = fields.pop("name", None)
    found = {alias: fields.pop(alias) for alias in ARGUMENT_KEYS if alias in fields}
    meant = {alias: arguments for alias, arguments in found.items() if arguments is not None}
    call_id = str(fields.pop("id")) if with_id and isinstance(fields.get("id"), str) else ""
    if not isinstance(name, str) or not name or len(meant) > 1:
        return None
    if not meant:
        if any(other not in _BESIDE for other in fields):
            return None  # these may be the arguments
    elif key not in meant:
        repairs.append(f'"{next(iter(meant))}" read as "{key}"')
    if fields:
        repairs.append(f"{', '.join(map(dumps, fields))} left out")
    arguments = read_arguments(next(iter(meant.values()), None), repairs)
    return None if arguments is None else ToolCall(name, arguments, call_id or None)


def read_arguments(value: Json, repairs: list[str]) -> dict[str, Json] | None:
    """The arguments, which may be absent or JSON in a string; None where a value can be no arguments."""
    if isinstance(value, str):
        repairs.append("arguments in a string")
        read = repair_json(value) if value.strip() else (None, "")
        if read is None:
            return None
        value = read[0]
        repairs += filter(None, [read[1]])
    if value is None:
        repairs.append(NO_ARGUMENTS)
        return {}
    return dict(value) if isinstance(value, Mapping) else None
