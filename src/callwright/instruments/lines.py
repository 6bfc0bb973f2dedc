"""A script as a file of JSON lines, the way a user writes one down.

Each line has a `cue` and what is to be said: `says`, a text in which every special token of the format counts as one,
or a list of {"text", "control"?} where only control text does; or `message`, an assistant message in OpenAI's notation
(with `tools` where the format needs their schemas), which the format itself puts into words.
"""

import json
from pathlib import Path
from typing import Any

from callwright.conversation import Conversation
from callwright.errors import CallwrightError, DataError
from callwright.formats.base import Format
from callwright.instruments.script import Line
from callwright.openai import read_conversation
from callwright.tokens import Segment

_ASKED = {"role": "user", "content": "Go."}
_FIX = "write it as docs/instruments.md shows"


def read_lines(path: Path, form: Format) -> list[Line]:
    """The lines of a script file.

    Raises:
      DataError: The file cannot be read, or a line is not what it should be; the message names it.
    """
    try:
        texts = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"a script at {path}", str(error), "check the path") from error
    lines = [_line(text, f"{path}:{number}", form) for number, text in enumerate(texts, 1) if text.strip()]
    if not lines:
        raise DataError(f"lines in {path}", "none", _FIX)
    return lines


def spoken(form: Format, conversation: Conversation) -> tuple[Segment, ...]:
    """What the model must say for the conversation's last message, the end of its turn included."""
    segments = form.render(conversation)
    end = next((n for n in range(len(segments), 0, -1) if segments[n - 1].trained), 0)
    start = next((n for n in range(end, 0, -1) if not segments[n - 1].trained), 0)
    return tuple(segments[start:end])


def _line(text: str, where: str, form: Format) -> Line:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"a JSON object in {where}", str(error), _FIX) from error
    match row:
        case {"cue": str(cue), "says": str(says)}:
            return Line(cue, says)
        case {"cue": str(cue), "says": list(parts)}:
            return Line(cue, tuple(_segment(part, where) for part in parts))
        case {"cue": str(cue), "message": dict(message)}:
            try:
                record = {"messages": [_ASKED, message], "tools": row.get("tools")}
                return Line(cue, spoken(form, read_conversation(record)))
            except CallwrightError as error:
                raise DataError(f"a message that {form.name} can say in {where}", str(error), "change it") from error
    raise DataError(f"a cue with what it says, or with a message, in {where}", text[:80], _FIX)


def _segment(part: Any, where: str) -> Segment:
    match part:
        case {"text": str(text)}:
            return Segment(text, control=part.get("control") is True)
    raise DataError(f'parts like {{"text": ..., "control": true}} in {where}', repr(part)[:80], _FIX)
