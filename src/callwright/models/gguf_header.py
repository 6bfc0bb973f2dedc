"""The chat templates in a GGUF, read from its header alone, so that neither vocabulary nor tensors are loaded.

A header is a list of keys and values. Lists are passed over, which takes a fraction of a second for the longest
vocabularies; the gguf library makes an array of every piece first.
"""

import mmap
import re
import struct
from collections.abc import Iterator
from pathlib import Path

from callwright.errors import WeightsError

_TEMPLATE = re.compile(r"tokenizer\.chat_template(?:\.(\w+))?")
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # bytes, by the type's number
_STRING, _ARRAY = 8, 9


def chat_templates(source: Path) -> dict[str, str]:
    """The chat templates of a GGUF by name: `default`, and others where there are some; none may be there.

    Raises:
      WeightsError: It is no GGUF, or a broken one.
    """
    try:
        with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            texts = dict(_texts(data))
    except (OSError, ValueError, OverflowError, IndexError, struct.error) as error:  # an empty file is a ValueError
        got = "a file that ends early" if isinstance(error, struct.error | IndexError | OverflowError) else str(error)
        raise WeightsError(f"a whole GGUF at {source}", got, "fetch it again, or convert the model again") from error
    return {match[1] or "default": text for key, text in texts.items() if (match := _TEMPLATE.fullmatch(key))}


def _texts(data: mmap.mmap) -> Iterator[tuple[str, str]]:
    """The header's texts by key."""
    magic, version, _, count = struct.unpack_from("<4sIQQ", data)
    if magic != b"GGUF" or version not in (2, 3):
        raise ValueError(f"a file that begins with {magic!r} and version {version}")
    at = 24
    for _ in range(count):
        key, at = _string(data, at)
        (kind,) = struct.unpack_from("<I", data, at)
        at += 4
        if kind == _STRING:
            text, at = _string(data, at)
            yield key.decode(), text.decode()
        elif kind == _ARRAY:
            at = _behind_array(data, at)
        else:
            at += _size(kind)


def _string(data: mmap.mmap, at: int) -> tuple[bytes, int]:
    """The string at a place, and the place behind it."""
    (length,) = struct.unpack_from("<Q", data, at)
    end = at + 8 + length
    if end > len(data):
        raise ValueError(f"a text of {length} bytes, which the file does not have")
    return data[at + 8 : end], end


def _behind_array(data: mmap.mmap, at: int) -> int:
    kind, length = struct.unpack_from("<IQ", data, at)
    at += 12
    if kind != _STRING:
        return at + length * _size(kind)
    for _ in range(length):
        at += 8 + struct.unpack_from("<Q", data, at)[0]
    return at


def _size(kind: int) -> int:
    if kind not in _SIZES:
        raise ValueError(f"a value of type {kind}, which GGUF does not have")
    return _SIZES[kind]
