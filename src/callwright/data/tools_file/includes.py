"""Tools files in pieces: what files hold that are included counts as if it stood in the file that includes them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from callwright.errors import DataError
from callwright.yaml_files import read_yaml, yaml_line


def read_pieces(path: Path) -> Any:
    """What a tools file and the files that it includes hold, as one value.

    Lists and pools are joined, those of included files first, in their order; any other key stands in one file.

    Raises:
      DataError: A file cannot be read, or two do not fit together; the message names file and line.
    """
    pieces = _pieces(path)
    if len(pieces) == 1:
        return pieces[0][1]
    whole: dict[str, Any] = {}
    for file, data in pieces:
        for key, value in data.items():
            if key == "include" and file == path:
                continue
            if key == "include" or (key in whole and not _fit(key, whole[key], value)):
                raise DataError(
                    f"{key} in one of the files that {path} includes, as lists and pools alone are joined",
                    f"{key} in line {yaml_line(file, [key])} of {file}",
                    "take it out there",
                )
            whole[key] = _joined(whole[key], value) if key in whole else value
    return whole


def piece_paths(path: Path) -> list[Path]:
    """The files that a tools file includes, and itself last.

    Raises:
      DataError: A file cannot be read.
    """
    return [file for file, _ in _pieces(path)]


def place(path: Path, keys: Sequence[str | int]) -> str:
    """File and line of what stands at these keys of the whole; asked when there is something to complain about."""
    try:
        file, left = _owner(_pieces(path), list(keys))
    except DataError:
        file, left = path, list(keys)
    line = yaml_line(file, left)
    return f"{file}, line {line}" if line else str(file)


def _pieces(path: Path) -> list[tuple[Path, Any]]:
    main = read_yaml(path)
    names = main.get("include", []) if isinstance(main, dict) else []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError(
            f"names of files in the directory of {path}, as a list",
            f"{str(names)[:80]!r} in line {yaml_line(path, ['include'])}",
            "write include: [pools.yaml, flows.yaml]",
        )
    for number, name in enumerate(names):
        if Path(name).name != name or name in (path.name, *names[:number]) or not (path.parent / name).is_file():
            raise DataError(
                f"other files in the directory of {path}, each once",
                f"{name[:80]!r} in line {yaml_line(path, ['include', number])}",
                "write include: [pools.yaml, flows.yaml]",
            )
    included = [(path.parent / name, read_yaml(path.parent / name)) for name in names]
    for file, data in included:
        if not isinstance(data, dict):
            raise DataError(f"keys and values in {file}", type(data).__name__, "write it as docs/tools-file.md shows")
    return [*included, (path, main)]


def _fit(key: str, one: Any, other: Any) -> bool:
    if key == "pools":
        return isinstance(one, dict) and isinstance(other, dict) and not one.keys() & other.keys()
    return (isinstance(one, list) and isinstance(other, list)) or (key == "version" and one == other)


def _joined(one: Any, other: Any) -> Any:
    if isinstance(one, dict):
        return one | other
    return one + other if isinstance(one, list) else one


def _owner(pieces: Sequence[tuple[Path, Any]], keys: list[str | int]) -> tuple[Path, list[str | int]]:
    """The file in which the keys lead somewhere, and the keys there; the last file where none does."""
    holders = [(file, data[keys[0]]) for file, data in pieces if keys and isinstance(data, dict) and keys[0] in data]
    for file, held in holders:
        if len(keys) > 1 and isinstance(held, list) and isinstance(keys[1], int):
            if keys[1] < len(held):
                return file, keys
            keys = [keys[0], keys[1] - len(held), *keys[2:]]
        elif len(keys) < 2 or not isinstance(held, dict) or keys[1] in held:
            return file, keys
    return (holders or pieces)[-1][0], keys
