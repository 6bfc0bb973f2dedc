"""A script as a user writes it: a file of JSON lines.

Each line has a `cue` and an output: `says`, a text in which every special token of the format counts as one, or a list
of {"text", "control"?} where only those in control text do; or `message`, an assistant message in OpenAI's notation
(with `tools` where the format needs their schemas), which the format renders.
"""

import json
from pathlib import Path
from typing import Any

from callwright.conversation import Conversation
from callwright.errors import CallwrightError, DataError
from callwright.formats.base import Format
from callwright.instruments.script import Line
from callwright.notices import notify_unread, warn
from callwright.openai import read_conversation
from callwright.tokens import Segment, last_supervised

_USER = {"role": "user", "content": "Go."}
_FIX = "write it as docs/instruments.md shows"


def read_script_file(path: Path, fmt: Format) -> list[Line]:
    """The lines of a script file.

    Raises:
      DataError: The file cannot be read, or a line is not what it should be; the message names it.
    """
    try:
        texts = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"a script at {path}", str(error), "check the path") from error
    lines = [_line(text, f"{path}:{number}", fmt) for number, text in enumerate(texts, 1) if text.strip()]
    if not lines:
        raise DataError(f"lines in {path}", "none", _FIX)
    return lines


def expected_output(fmt: Format, conversation: Conversation) -> tuple[Segment, ...]:
    """What a model must generate for the conversation's last message, the end of its turn included.

    Where the prompt opens a thought, the output begins with the marker that opens it: a script goes on from there.
    """
    output = last_supervised(fmt.render(conversation).segments)
    before = Conversation(conversation.messages[:-1], conversation.tools)
    opened = fmt.generation_prompt(before)
    if fmt.grammar.thought is None or not fmt.grammar.opens_thought(opened):
        return output
    given: tuple[Segment, ...] = ()
    for segment in reversed(fmt.render(before, add_generation_prompt=True).segments):
        given = (segment, *given)
        if fmt.grammar.thought.opener in "".join(one.text for one in given):
            break
    return (*given, *output)


_KEYS = frozenset({"cue", "says", "message", "tools"})


def _line(text: str, where: str, fmt: Format) -> Line:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"a JSON object in {where}", str(error), _FIX) from error
    if isinstance(row, dict):
        notify_unread(row, _KEYS, where, warn)
    match row:
        case {"cue": str(cue), "says": str(says)}:
            return Line(cue, says)
        case {"cue": str(cue), "says": list(parts)}:
            return Line(cue, tuple(_segment(part, where) for part in parts))
        case {"cue": str(cue), "message": dict(message)}:
            try:
                record = {"messages": [_USER, message], "tools": row.get("tools")}
                return Line(cue, expected_output(fmt, read_conversation(record)))
            except CallwrightError as error:
                raise DataError(f"a message that {fmt.name} can express in {where}", str(error), "change it") from error
    raise DataError(f"a cue with `says` or `message` in {where}", text[:80], _FIX)


def _segment(part: Any, where: str) -> Segment:
    match part:
        case {"text": str(text)}:
            return Segment(text, control=part.get("control") is True)
    raise DataError(f'parts like {{"text": ..., "control": true}} in {where}', repr(part)[:80], _FIX)
