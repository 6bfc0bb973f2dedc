"""`callwright formats detect`: the format of a chat template in a file, in a GGUF or in a model's directory."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

from callwright.errors import FormatError
from callwright.formats.detection import detect
from callwright.formats.template_file import read_templates
from callwright.invisible import printable
from callwright.models.gguf_header import chat_templates

_ACCEPTED = "a chat template, a tokenizer_config.json, a GGUF, or a model's directory"
_LARGEST = 1 << 26  # bytes of a file that may be a template


def print_detected(path: Path, *, as_json: bool = False) -> int:
    """Prints the formats that the file's chat template may be of, the surest first, and gives the exit code.

    Args:
      path: A Jinja file, a tokenizer_config.json or chat_template.json, a GGUF, or a directory with one of them.
      as_json: As a JSON list.

    Returns:
      0, or 1 where it is of no format.

    Raises:
      FormatError: It cannot be read, or holds no chat template.
      WeightsError: The GGUF is broken.
      WorkError: The template does not end.
    """
    matches = detect(find_templates(path))
    if as_json:
        print(json.dumps([dataclasses.asdict(match) for match in matches], indent=2))
    elif matches:
        print(*matches, sep="\n")
    else:
        name = printable(str(path))
        print(f"no format: none writes tools as the template of {name} does; template:PATH/FORMAT renders any")
    return 0 if matches else 1


def find_templates(path: Path) -> dict[str, str]:
    """The chat templates of a model by name: `default`, and `tool_use` and others where there are some.

    Args:
      path: As for `print_detected`. Of a directory the first that has one: chat_template.jinja, tokenizer_config.json,
        chat_template.json, a GGUF.

    Raises:
      FormatError: It cannot be read, or holds no chat template.
      WeightsError: The GGUF is broken.
    """
    if path.is_dir():
        refused = FormatError(f"a chat template in {path}", "no file that may hold one", f"name {_ACCEPTED}")
        for file in _candidates(path):
            try:
                further = path.glob("additional_chat_templates/*.jinja") if file.suffix == ".jinja" else ()
                return {one.stem: _in_file(one)["default"] for one in further} | _in_file(file)
            except FormatError as error:
                refused = error
        raise refused
    return _in_file(path)


def _candidates(directory: Path) -> Iterator[Path]:
    names = ("chat_template.jinja", "tokenizer_config.json", "chat_template.json")
    yield from (directory / name for name in names if (directory / name).is_file())
    yield from sorted(path for path in directory.iterdir() if path.suffix.lower() == ".gguf" and path.is_file())


def _in_file(path: Path) -> dict[str, str]:
    if not path.is_file():
        raise FormatError(_ACCEPTED, f"no file {path}", "check the path")
    try:
        with path.open("rb") as file:
            is_gguf = file.read(4) == b"GGUF"
        size = path.stat().st_size
    except OSError as error:
        raise FormatError(f"to read {path}", error.strerror or str(error), "check its rights") from error
    if is_gguf or path.suffix.lower() == ".gguf":
        if "default" in (templates := chat_templates(path)):
            return templates
        raise FormatError(f"a chat template in {path}", "a GGUF without one", "name the file that came with the model")
    if size > _LARGEST:
        raise FormatError(_ACCEPTED, f"{size} bytes in {path}", "name the file that has the template")
    return read_templates(path)[0]
