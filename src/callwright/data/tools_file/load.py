"""Loads tools files, as docs/tools-file.md describes them; what is wrong is one error with file, line, tool and key."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from callwright.data.tools_file.declaration import ToolGroup
from callwright.data.tools_file.includes import place, read_pieces
from callwright.data.tools_file.pools import Pools
from callwright.errors import DataError, suggest
from callwright.settings import expectation
from callwright.yaml_files import read_package_yaml

SHARED_POOLS = Path(__file__).parent / "shared_pools.yaml"
FIX = "write it as docs/tools-file.md shows"


@cache
def shared_pools() -> Pools:
    """The package's own pools, which every tools file may name."""
    return _read(read_package_yaml([SHARED_POOLS])[0], SHARED_POOLS, {}).pools


def declare_tools(data: Any, path: Path) -> ToolGroup:
    """The tools that a tools file declares.

    Args:
      data: What the file holds, as `read_yaml` reads it.
      path: The file, for errors.

    Raises:
      DataError: It is no tools file; the message names file, tool and key, and the line where the file can be read.
    """
    group = _read(data, path, shared_pools())
    if not group.tools:
        raise DataError(f"at least one tool in {path}", "none", FIX)
    return group


def load_tools_file(path: Path) -> ToolGroup:
    """The tools that a file declares, with the files that it includes.

    Raises:
      DataError: A file cannot be read, or is no tools file; the message names file, line, tool and key.
    """
    return declare_tools(read_pieces(path), path)


def _read(data: Any, path: Path, pools: Pools) -> ToolGroup:
    if not isinstance(data, dict):
        raise DataError(f"keys and values in {path}", type(data).__name__, FIX)
    try:
        return ToolGroup.model_validate(data, context=dict(pools))
    except ValidationError as error:
        raise _readable(error.errors()[0], data, path) from error


def _readable(error: ErrorDetails, data: Mapping[str, Any], path: Path) -> DataError:
    """The error that names file, line, tool and key for what pydantic found.

    The names of classes of values stand in brackets in its location.
    """
    keys = [part for part in error["loc"] if not (isinstance(part, str) and part.startswith("["))]
    context = error.get("ctx", {})
    if error["type"] == "misfit":
        keys += context["path"]
    unknown = [context["key"]] if error["type"] == "unknown_key" else []
    where = f"in {place(path, [*keys, *unknown])}"
    below = keys
    if keys[:1] == ["tools"] and len(keys) > 1:
        tool = data["tools"][int(keys[1])]
        where, below = f"of tool {_label(tool) or f'number {int(keys[1]) + 1}'} {where}", keys[2:]
    if unknown:
        return DataError(
            f"a known key {where}", ".".join(map(str, below + unknown)), suggest(unknown[0], context["known"], FIX)
        )
    value = _at(data, keys) if error["type"] == "misfit" else error["input"]
    got = "nothing" if error["type"] == "missing" else repr(value)[:80]
    fix = "write true or false" if error["type"] == "truth_expected" else FIX
    if keys == ["version"] and value == 0:
        fix = "write version: 1; nothing else changes"
    return DataError(f"{'.'.join(map(str, below)) or 'keys'} {where}: {expectation(error)}", got, fix)


def _label(tool: Any) -> str:
    """The name of a tool, or the first of its names."""
    if not isinstance(tool, dict):
        return ""
    first = [part[0] for part in (tool.get("verbs"), tool.get("nouns")) if isinstance(part, list) and part]
    return str(tool.get("name") or "_".join(map(str, first)))


def _at(data: Any, keys: Iterable[str | int]) -> Any:
    """What stands at these keys; None where nothing does."""
    for key in keys:
        try:
            data = data[key]
        except (LookupError, TypeError):
            return None
    return data
