"""Loads tools files, as docs/tools-file.md describes them. What is wrong is one error with file, tool and key."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from callwright.data.synthetic.declaration import ToolGroup
from callwright.data.synthetic.value_settings import Pools
from callwright.errors import DataError, suggest
from callwright.settings import expectation
from callwright.yaml_files import read_package_yaml

SHARED_POOLS = Path(__file__).parent / "tools" / "pools.yaml"
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
      DataError: It is no tools file; the message names file, tool and key.
    """
    group = _read(data, path, shared_pools())
    if not group.tools:
        raise DataError(f"at least one tool in {path}", "none", FIX)
    return group


def _read(data: Any, path: Path, pools: Pools) -> ToolGroup:
    if not isinstance(data, dict):
        raise DataError(f"keys and values in {path}", type(data).__name__, FIX)
    try:
        return ToolGroup.model_validate(data, context=dict(pools))
    except ValidationError as error:
        raise _readable(error, data, path) from error


def _readable(error: ValidationError, data: Mapping[str, Any], path: Path) -> DataError:
    """The error that names file, tool and key for what pydantic found; classes of values stand there in brackets."""
    first = error.errors()[0]
    keys = [part for part in first["loc"] if not (isinstance(part, str) and part.startswith("["))]
    place = f"in {path}"
    if keys[:1] == ["tools"] and len(keys) > 1:
        tool = data["tools"][int(keys[1])]
        place, keys = f"of tool {_label(tool) or f'number {int(keys[1]) + 1}'} in {path}", keys[2:]
    if first["type"] == "unknown_key":
        key, known = first["ctx"]["key"], first["ctx"]["known"]
        return DataError(f"a known key {place}", ".".join(map(str, [*keys, key])), suggest(key, known, FIX))
    got = "nothing" if first["type"] == "missing" else repr(first["input"])[:80]
    fix = "write true or false" if first["type"] == "truth_expected" else FIX
    return DataError(f"{'.'.join(map(str, keys)) or 'keys'} {place}: {expectation(first)}", got, fix)


def _label(tool: Any) -> str:
    """The name of a tool, or the first of its names."""
    if not isinstance(tool, dict):
        return ""
    first = [part[0] for part in (tool.get("verbs"), tool.get("nouns")) if isinstance(part, list) and part]
    return str(tool.get("name") or "_".join(map(str, first)))
