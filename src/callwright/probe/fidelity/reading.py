"""The fidelity set: the cases of the package and those that a user adds, read from YAML.

A file holds `cases`, and may hold `tools` (by a name that cases use) and `defaults` (keys that its cases have unless
they say otherwise). A case that is not what it should be is one line that names file and case; the others are read all
the same. docs/fidelity-set.md shows how to write them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from callwright.conversation import Conversation, Message, Tool
from callwright.errors import CallwrightError, DataError
from callwright.openai import read_message, read_tool, write_tool
from callwright.probe.fidelity import json_yaml
from callwright.probe.fidelity.case import Case, Says
from callwright.probe.fidelity.case_file import FIX, LONGEST, CaseSettings, MessageSettings

OWN = tuple(
    Path(__file__).parent / "cases" / f"{name}.yaml"
    for name in ("tools", "rendering", "parsing", "loops", "context", "sampling")
)
_BRANCHES = {"str", "int", "float", "bool", "list", "dict", "SaysSettings"}  # how pydantic names those of a union


class Cases(NamedTuple):
    """What was read: the cases in the order of the files, and what was wrong with others."""

    cases: list[Case]
    errors: list[DataError]


def load_cases(paths: Sequence[Path] = ()) -> list[Case]:
    """The package's cases, then those of the user's files.

    Raises:
      DataError: A file or a case is broken; the message names both.
    """
    cases, errors = read_cases(paths)
    if errors:
        raise errors[0]
    return cases


def read_cases(paths: Sequence[Path] = ()) -> Cases:
    """The same, with what is wrong beside what can be run.

    The package's tools are known in every file, a file's own in that file only.
    """
    read = Cases([], [])
    shared: dict[str, Tool] = {}
    seen: dict[str, Path] = {}
    for path in (*OWN, *paths):
        try:
            cases, named, defaults = _own_sections(path) if path in OWN else _sections(path)
            tools = shared | {name: _tool(tool, f"tools.{name} in {path}") for name, tool in named.items()}
        except DataError as error:
            read.errors.append(error)
            continue
        if path in OWN:
            shared = tools
        for number, fields in enumerate(cases, 1):
            try:
                case = _case(fields, defaults, tools, path, number)
                if case.id in seen:
                    raise DataError(
                        f"case {case.id} once", f"it in {seen[case.id]} and in {path}", "rename one of them"
                    )
            except DataError as error:
                read.errors.append(error)
            else:
                seen[case.id] = path
                read.cases.append(case)
    return read


def _sections(path: Path) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
    """The cases, tools and defaults of a file, not looked at yet."""
    data = json_yaml.load(path)
    keys = data if isinstance(data, dict) else {None: data}
    cases, tools, defaults = keys.get("cases", []), keys.get("tools", {}), keys.get("defaults", {})
    kinds_fit = isinstance(cases, list) and isinstance(tools, dict) and isinstance(defaults, dict)
    if kinds_fit and keys.keys() <= {"cases", "tools", "defaults"}:
        return cases, tools, defaults
    came = f"keys {', '.join(map(str, keys))} or values of another kind" if data is keys else type(data).__name__
    raise DataError(f"a list of cases, and perhaps tools and defaults by name, in {path}", came, FIX)


@cache
def _own_sections(path: Path) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
    """The same of the package's own files, which take half a second to read."""
    return _sections(path)


def _case(fields: Any, defaults: Mapping[str, Any], tools: Mapping[str, Tool], path: Path, number: int) -> Case:
    """One case; every error names it."""
    named = fields.get("id") if isinstance(fields, dict) else None
    where = f"case {named if isinstance(named, str) else f'number {number}'} of {path}"
    if not isinstance(fields, dict):
        raise DataError(f"keys and values as {where}", type(fields).__name__, FIX)
    try:
        settings = CaseSettings.model_validate({**defaults, **fields})
        settings.check()
        return _built(settings, tools, str(path))
    except ValidationError as error:
        first = max(error.errors(), key=lambda one: len(one["loc"]))  # of a union, the branch that came furthest
        parts = [str(part) for part in first["loc"]]
        key = ".".join(part for part in parts if part not in _BRANCHES and "[" not in part) or "keys"
        came = "nothing" if first["type"] == "missing" else repr(first["input"])[:80]
        raise DataError(f"{key} in {where}: {first['msg']}", came, FIX) from error
    except CallwrightError as error:
        raise DataError(f"{error.expected} in {where}", error.came, error.fix) from error
    except RecursionError as error:
        raise DataError(f"JSON values of a sane depth in {where}", "deeper ones", "flatten them") from error


def _built(settings: CaseSettings, tools: Mapping[str, Tool], place: str) -> Case:
    """The case that the settings describe."""
    before = [_message(message, f"messages[{number}]") for number, message in enumerate(settings.given)]
    said = [_message(says.message, "says.message") for says in settings.turns if says.message]
    numbered = _numbered([*before, *said])
    messages, spoken = numbered[: len(before)], iter(numbered[len(before) :])
    offered = (settings.tools,) if isinstance(settings.tools, str) else settings.tools
    return Case(
        id=settings.id,
        kind=settings.kind,
        fault_class=settings.fault_class,
        why=settings.why,
        conversation=Conversation(tuple(messages), tuple(_offered(tool, tools, n) for n, tool in enumerate(offered))),
        thinking=settings.thinking,
        says=tuple(
            Says(
                message=next(spoken) if says.message else None,
                edits=tuple(edit.model_dump(exclude_unset=True) for edit in says.edits),
                raw=says.raw,
            )
            for says in settings.turns
        ),
        results=settings.results,
        max_tokens=settings.max_tokens,
        sampling=settings.sampling.model_dump(exclude_none=True) if settings.sampling else {},
        formats=settings.formats,
        place=place,
        recorded=settings.recorded,
    )


def _message(settings: MessageSettings, where: str) -> Message:
    content = settings.content
    if settings.repeat > 1:
        if not isinstance(content, str):
            raise DataError(f"text to repeat as {where}.content", type(content).__name__, "leave out repeat")
        if len(content) * settings.repeat > LONGEST:
            came = f"{len(content)} characters {settings.repeat} times"
            raise DataError(f"at most {LONGEST} characters as {where}.content", came, "repeat it less often")
        content *= settings.repeat
    wire = {
        "role": settings.role,
        "content": content,
        "reasoning_content": settings.reasoning,
        "tool_calls": [call.model_dump() for call in settings.tool_calls],
        "name": settings.name,
        "tool_call_id": settings.tool_call_id,
    }
    return read_message(wire, where)


def _numbered(messages: Iterable[Message]) -> list[Message]:
    """The messages with an id on every call, and on every result the call that it answers and its name.

    The ids are nine letters and digits, which is what the pickiest family wants.
    """
    numbered: list[Message] = []
    waiting: dict[str, str] = {}  # the calls that have no result yet: id to name
    count = 0
    for message in messages:
        calls = []
        for call in message.tool_calls:
            count += 1
            calls.append(replace(call, id=call.id or f"call{count:05d}"))
        waiting |= {str(call.id): call.name for call in calls}
        if message.role == "tool":
            fitting = (id_ for id_, name in waiting.items() if message.name in (None, name))
            answered = message.tool_call_id or next(fitting, None)
            name = waiting.pop(answered or "", None)
            message = replace(message, name=message.name or name, tool_call_id=answered)
        numbered.append(replace(message, tool_calls=tuple(calls)))
    return numbered


def _offered(tool: str | dict[str, Any], tools: Mapping[str, Tool], number: int) -> Tool:
    if not isinstance(tool, str):
        return _tool(tool, f"tools[{number}]")
    if tool not in tools:
        known = ", ".join(map(str, tools))  # in a file a name may be a number
        raise DataError(f"a named tool ({known})", repr(tool), "name one of these, or write the tool out")
    return tools[tool]


def _tool(fields: Any, where: str) -> Tool:
    """A tool, given as requests give it, because some templates print what was given."""
    tool = read_tool(fields, where)
    return replace(tool, given=write_tool(tool))
