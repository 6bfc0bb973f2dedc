"""Filters: JSON lines in and out, one line out for each line in, in order, and a bad line never loses another's answer.

Blank lines are passed over, as most readers of JSON lines do, and have no answer.

A filter brings the function that answers a row; reading the row, reporting what is wrong with it and answering every
line is the same for all. Bytes that are no UTF-8 and halves of surrogate pairs, which no encoding can hold, pass
through: a stray byte is read as Python's `surrogateescape` reads it, and answers are written with everything but ASCII
escaped.
"""

import codecs
import json
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from callwright.errors import CallwrightError, DataError

JsonObject = dict[str, Any]
AnswerLine = Callable[[str], JsonObject]
"""From a line to its answer."""

CHUNK = 1 << 16
"""How much is read at once, in bytes."""


def answer_row(line: str, work: Callable[[JsonObject], JsonObject]) -> JsonObject:
    """The answer to one line: the row's id, then what `work` returns for the row, or "error" and why.

    Args:
      line: One JSON object, or anything else, which is an error.
      work: From the row to the rest of the answer; may raise a CallwrightError.
    """
    row: JsonObject = {}
    try:
        row = _parsed_object(line)
        return {"id": row.get("id"), **work(row)}
    except CallwrightError as error:
        return {"id": row.get("id"), "error": str(error)}
    except RecursionError:
        return {"id": row.get("id"), "error": str(_unwritable("values nested too deeply"))}


def field(row: JsonObject, key: str, kind: type, *default: Any) -> Any:
    """A field of the row, checked; `default`, if given, stands for one that is absent or null.

    Raises:
      DataError: It is missing, or of another type.
    """
    value = row.get(key)
    if value is None and default:
        return default[0]
    if type(value) is not kind:
        got = type(value).__name__ if key in row else "nothing"
        raise DataError(f"{key} to be a {kind.__name__}", got, f"give a {kind.__name__}")
    return value


def run_filter(source: BinaryIO, sink: BinaryIO, answer: AnswerLine) -> int:
    """Answers every line of `source` on `sink`, and returns the exit code: 1 if every answer is an error, otherwise 0.

    All lines that have come are answered before more are waited for, so a writer that waits for each answer gets it,
    and one that does not wait gets them in large pieces.

    Args:
      source: A buffered reader, e.g. `sys.stdin.buffer`.
      sink: Where answers go.
      answer: Answers one line; must not raise. An answer with "error" is one.
    """
    answers = errors = 0
    mark = codecs.BOM_UTF8  # how some editors and shells begin a text; JSON knows none
    for lines in _line_batches(source):
        for line in lines:
            line, mark = line.removeprefix(mark), b""
            if line.isspace() or not line:
                continue
            written, is_error = _encoded(answer(line.decode("utf-8", "surrogateescape")))
            sink.write(written)
            answers += 1
            errors += is_error
        sink.flush()
    return int(answers > 0 and errors == answers)


def _line_batches(source: BinaryIO) -> Iterator[list[bytes]]:
    """The lines of `source`, as many at once as have come."""
    begun: list[bytes] = []
    while chunk := source.read1(CHUNK):  # type: ignore[attr-defined]
        first, *lines = chunk.split(b"\n")
        begun.append(first)
        if lines:
            yield [b"".join(begun), *lines[:-1]]
            begun = lines[-1:]
    if any(begun):
        yield [b"".join(begun)]


def _encoded(answer: JsonObject) -> tuple[bytes, bool]:
    """The answer's line, and whether it is an error."""
    try:
        return json.dumps(answer, allow_nan=False).encode() + b"\n", "error" in answer
    except (ValueError, RecursionError) as error:
        got = "values nested too deeply" if isinstance(error, RecursionError) else str(error)
        return json.dumps({"id": None, "error": str(_unwritable(got))}).encode() + b"\n", True


def _parsed_object(line: str) -> JsonObject:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        begun = line.strip()[:1]
        over_lines = {"[": "a JSON list", "{": "a JSON object"}.get(begun) if line.strip() == begun else None
        got = f"{over_lines} over several lines" if over_lines else f"a line that is not JSON ({error})"
        raise DataError("a JSON object", got, "write one object a line") from None
    if not isinstance(row, dict):
        got = "a JSON list" if isinstance(row, list) else f"a JSON {type(row).__name__}"
        raise DataError("a JSON object", got, "write one object a line")
    return row


def _unwritable(got: str) -> DataError:
    return DataError("an answer that JSON can hold", got, "use plain, finite JSON values")
