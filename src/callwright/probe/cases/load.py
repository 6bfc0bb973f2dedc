"""The fidelity set: the cases of the package and those that a user adds, read from YAML.

A file holds `cases`, and may hold `tools` (by a name that cases use) and `defaults` (keys that its cases have unless
they say otherwise). A case that is not what it should be is one line that names file and case; the others are read all
the same. docs/fidelity-set.md shows how to write them.

The files are YAML under its JSON schema, because `1.0` and `1` must not be the same and `no` must be text; an alias is
an error, because what it repeats is hard to see in a case.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from callwright.conversation import Message, Tool
from callwright.errors import CallwrightError, DataError, suggest
from callwright.openai import read_tool, write_tool
from callwright.probe.cases.schema import FIX, Case
from callwright.settings import readable
from callwright.yaml_files import read_package_yaml, read_yaml

OWN = tuple(
    Path(__file__).parent / "fidelity" / f"{name}.yaml"
    for name in ("tools", "rendering", "parsing", "loops", "context", "sampling")
)


class Cases(NamedTuple):
    """What was read: the cases in the order of the files, and what was wrong with others."""

    cases: list[Case]
    errors: list[DataError]


def read_cases(paths: Sequence[Path] = ()) -> Cases:
    """The package's cases, then those of the user's files, and beside them the errors of those that are broken.

    The package's tools are known in every file, a file's own in that file only.
    """
    read = Cases([], [])
    shared: dict[str, Tool] = {}
    seen: dict[str, Path] = {}
    for path in (*OWN, *paths):
        try:
            data = _own_data()[path] if path in OWN else read_yaml(path, schema="json")
            cases, named, defaults = _sections(data, path)
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


def set_version(paths: Sequence[Path] = ()) -> str:
    """The version of the package's cases together with those of the user's files: a digest of what these hold.

    Raises:
      DataError: A file cannot be read.
    """
    data = [*_own_data().values(), *(read_yaml(path, schema="json") for path in paths)]
    return hashlib.sha256(json.dumps(data).encode()).hexdigest()[:10]


def _sections(data: Any, path: Path) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
    """The cases, tools and defaults of a file, not validated yet."""
    keys = data if isinstance(data, dict) else {None: data}
    cases, tools, defaults = keys.get("cases", []), keys.get("tools", {}), keys.get("defaults", {})
    kinds_fit = isinstance(cases, list) and isinstance(tools, dict) and isinstance(defaults, dict)
    if kinds_fit and keys.keys() <= {"cases", "tools", "defaults"}:
        return cases, tools, defaults
    got = f"keys {', '.join(map(str, keys))} or values of another kind" if data is keys else type(data).__name__
    raise DataError(f"a list of cases, and perhaps tools and defaults by name, in {path}", got, FIX)


@cache
def _own_data() -> Mapping[Path, Any]:
    """What the package's own files hold."""
    return dict(zip(OWN, read_package_yaml(OWN, schema="json"), strict=True))


def _case(fields: Any, defaults: Mapping[str, Any], tools: Mapping[str, Tool], path: Path, number: int) -> Case:
    """One case; every error names it."""
    named = fields.get("id") if isinstance(fields, dict) else None
    where = f"case {named if isinstance(named, str) else f'number {number}'} of {path}"
    if not isinstance(fields, dict):
        raise DataError(f"keys and values as {where}", type(fields).__name__, FIX)
    written = {**defaults, **fields}
    try:
        written["tools"] = _offered(written.get("tools", ()), tools)
        return _numbered(Case.model_validate(written))
    except ValidationError as invalid:
        raise readable(invalid, where=where, error=DataError, fix=FIX, model=Case, data=written) from invalid
    except CallwrightError as error:
        raise DataError(f"{error.expected} in {where}", error.got, error.fix) from error
    except RecursionError as error:
        raise DataError(f"JSON values of a sane depth in {where}", "deeper ones", "flatten them") from error


def _offered(written: Any, tools: Mapping[str, Tool]) -> Any:
    """The tools that a case offers: those named, and those written out."""
    if not isinstance(written, str | list | tuple):
        return written  # Case refuses it
    offered = []
    for number, tool in enumerate([written] if isinstance(written, str) else written):
        if isinstance(tool, str) and tool not in tools:
            fix = suggest(tool, tools, "name a tool of the file or of the package")
            raise DataError("a named tool", repr(tool), f"{fix}, or write the tool out")
        offered.append(tools[tool] if isinstance(tool, str) else _tool(tool, f"tools[{number}]"))
    return offered


def _tool(fields: Any, where: str) -> Tool:
    """A tool, given as requests give it, because some templates print what was given."""
    tool = read_tool(fields, where)
    return replace(tool, given=write_tool(tool))


def _numbered(case: Case) -> Case:
    """The case with an id on every call, and on every result the call that it answers and its name.

    The ids are nine letters and digits, which is what the pickiest family wants.
    """
    waiting: dict[str, str] = {}  # the calls that have no result yet: id to name
    ids = (f"call{number:05d}" for number in count(1))

    def numbered(message: Message) -> Message:
        calls = [replace(call, id=call.id or id_) for call, id_ in zip(message.tool_calls, ids, strict=False)]
        waiting.update({str(call.id): call.name for call in calls})
        if message.role == "tool":
            fitting = (id_ for id_, name in waiting.items() if message.name in (None, name))
            answered = message.tool_call_id or next(fitting, None)
            name = waiting.pop(answered or "", None)
            message = replace(message, name=message.name or name, tool_call_id=answered)
        return replace(message, tool_calls=tuple(calls))

    messages = tuple(map(numbered, case.messages))
    says = [says.model_copy(update={"message": says.message and numbered(says.message)}) for says in case.says]
    return case.model_copy(update={"messages": messages, "says": tuple(says)})
