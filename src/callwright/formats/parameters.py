"""Calls whose arguments stand as plain text: `<function=NAME>`, then `<parameter=KEY>`, VALUE, `</parameter>` for each.

Nothing is escaped in a value, so its end is found by where tags stand. A value that begins on a line of its own, as
templates write it, ends at the line break before the first `</parameter>` that stands on a line of its own and is
followed by what may follow: `<parameter=KEY>` or `</function>`. A value that begins on its tag's line ends at the first
`</parameter>` that is followed so, wherever it stands. All other closing tags and `<tool_call>` are text of the value.
A line that begins with `<parameter=KEY>`, `</tool_call>` or `<tool_call>` and `<function=NAME>` shows that the closing
tag was forgotten, and the call is malformed; so does each of them anywhere in a value on its tag's line.

What the text of a value means, the tool's schema decides. Where it allows strings only, the text is the value,
whatever it looks like. Where it allows no strings, the text is JSON, or one of Python's words `True`, `False`, `None`,
which such formats' templates print. Where it allows both, or says nothing, text that is exactly such a value of an
allowed type is that value, and all other text is a string. So some strings cannot be written (`"42"` where a number may
stand as well); whoever writes asks `read_value` and `cast` whether the text would read back. Text that is of no allowed
type is kept as the value it stands for, or else as a string, and the caller is told. A schema that cannot be understood
allows everything.

Lenient reading supplies what is missing: the tags around the block, `</function>`, and `</parameter>` where the next
tag follows; it takes a `</parameter>` at the end of a line, and reads values in Python's spelling or with a fence
around them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from callwright.conversation import Json, Tool, ToolCall
from callwright.formats.chatml import CLOSE, OPEN
from callwright.formats.grammar import WHITESPACE, ParseContext, ParsedRegion, ParseIssue, Repair, skip_space, unclosed
from callwright.formats.jsontext import PYTHON_WORDS, read_json
from callwright.formats.repair import repair_json
from callwright.json_schema import ANY_TYPE, STRING, json_type, parameter_types

FUNCTION, FUNCTION_END, PARAMETER_END = "<function=", "</function>", "</parameter>"
NAME = re.compile(r"[^<>\n]+")
"""What a function or a parameter may be called."""
_FUNCTION = re.compile(rf"<function=({NAME.pattern})>")
_PARAMETER = re.compile(rf"<parameter=({NAME.pattern})>")


def _value_end(*, own_line: bool, opened: bool) -> re.Pattern[str]:
    """A pattern for the end of a value: its group is the closing tag, and None where another tag shows it is missing.

    Args:
      own_line: Whether the value begins on a line of its own.
      opened: Whether the call has its opening tag. Without it, the name of any function is the next call.
    """
    begin, end = (r"\n[ \t]*", r"[ \t\r]*\n") if own_line else ("", "")
    closed = rf"({PARAMETER_END}){end}[{WHITESPACE}]*(?=<parameter={NAME.pattern}>|{FUNCTION_END})"
    missing = rf"(?=<parameter={NAME.pattern}>|{CLOSE}|{OPEN}[{WHITESPACE}]*<function={NAME.pattern}>)"
    call = "" if opened else rf"|(?=<function={NAME.pattern}>)"
    return re.compile(rf"{begin}(?:{closed}|{missing}){call}")


_VALUE_END = {
    (own_line, opened): _value_end(own_line=own_line, opened=opened)
    for own_line in (True, False)
    for opened in (True, False)
}


@dataclass(slots=True)
class _Block:
    """A function block, as far as it could be read.

    Attributes:
      end: Where reading stopped.
      name: The function's name.
      texts: Its arguments as they stand, and where.
      fixes: What is missing in it.
      error: What is wrong; "" when the block is whole.
      position: Where it is wrong.
    """

    end: int
    name: str = ""
    texts: dict[str, tuple[str, int]] = field(default_factory=dict)
    fixes: list[str] = field(default_factory=list)
    error: str = ""
    position: int = 0

    def wrong(self, error: str, position: int) -> "_Block":
        """The same block, with what is wrong in it."""
        self.error, self.position = error, position
        return self


def read_call(text: str, start: int, context: ParseContext) -> ParsedRegion | None:
    """Reads a call; see `grammar.RegionReader`."""
    opened = text.startswith(OPEN, start)
    block = _block(text, skip_space(text, start + len(OPEN) * opened), context, opened)
    fixes = [*block.fixes] if opened else [f"a missing {OPEN}", *block.fixes]
    end = skip_space(text, block.end)
    if not block.error:
        if text.startswith(CLOSE, end):
            return _cast_call(block, end + len(CLOSE), fixes, start, context)
        ended = context.ended_at(text, end)
        if context.lenient and (ended or not CLOSE.startswith(text[end : end + len(CLOSE)])):
            return _cast_call(block, end if ended else block.end, [*fixes, f"a missing {CLOSE}"], start, context)
        block = block.wrong(f"expected {CLOSE} after {FUNCTION_END}", end)
    if not opened and (context.final or text.find("<", block.end + 1) >= 0):  # words that merely begin like a call
        return ParsedRegion(start + len(FUNCTION), content=FUNCTION)
    end = block.end
    if not text.startswith(OPEN, end):  # the next call shows that this one is over
        close = text.find(CLOSE, end)
        if close < 0:
            return unclosed(text, block.position, block.error) if context.final else None
        end = close + len(CLOSE)
    return ParsedRegion(end, errors=(ParseIssue(block.error, block.position),), content=text[start:end])


def read_value(text: str) -> str | None:
    """What is read where `text` is written as the value of a parameter, on lines of its own; None where no call is."""
    if "<" not in text:
        return text
    written = f"\n{text}\n{PARAMETER_END}\n{FUNCTION_END}"
    end = _VALUE_END[True, True].search(written)
    return written[1 : end.start()] if end is not None and end[1] is not None else None


def _block(text: str, at: int, context: ParseContext, opened: bool) -> _Block:
    """The function block at `at`."""
    match = _FUNCTION.match(text, at)
    if match is None:
        return _Block(at).wrong("expected <function=NAME>", at)
    block = _Block(skip_space(text, match.end()), match[1])
    while (match := _PARAMETER.match(text, block.end)) is not None:
        name, begin = match[1], match.end()
        if name in block.texts:
            return block.wrong(f"the parameter {name} is given twice", block.end)
        edge = text.find("<", begin)
        following = edge + len(PARAMETER_END) + 1
        end: re.Match[str] | None = None
        if text.startswith(f"\n{PARAMETER_END}\n", edge - 1) and (  # as templates write it, no tag in the value
            text.startswith(FUNCTION_END, following) or _PARAMETER.match(text, following)
        ):
            block.end = following
        elif (end := _VALUE_END[text.startswith("\n", begin), opened].search(text, begin)) is not None and end[1]:
            edge, block.end = end.start(1), end.end()
        else:
            block.end = end.end() if end is not None else _end_of_turn(text, begin, context)
            if not context.lenient or (end is None and not context.ended_at(text, block.end)):
                return block.wrong(f"the parameter {name} is never closed", match.start())
            edge, block.end = _forgotten_end(text, begin, block.end, block.fixes)
        block.texts[name] = text[begin:edge].removeprefix("\n").removesuffix("\n"), match.start()
    if text.startswith(FUNCTION_END, block.end):
        block.end += len(FUNCTION_END)
    elif context.lenient and (
        text.startswith(CLOSE, block.end)
        or ((opened or block.texts) and (text.startswith(OPEN, block.end) or context.ended_at(text, block.end)))
    ):
        block.fixes.append(f"a missing {FUNCTION_END}")
    else:
        return block.wrong(f"expected <parameter=KEY> or {FUNCTION_END}", block.end)
    return block


def _end_of_turn(text: str, start: int, context: ParseContext) -> int:
    """Where the model's turn ends behind `start`: at what ends it, if lenient reading may ask for that."""
    found = [text.find(stop, start) for stop in context.stops if context.lenient and context.final]
    return min((position for position in found if position >= 0), default=len(text))


def _forgotten_end(text: str, begin: int, edge: int, fixes: list[str]) -> tuple[int, int]:
    """Where a value ends that nothing rightly closes before `edge`, and where reading continues."""
    end = _VALUE_END[False, True].search(text, begin)
    if end is not None and end[1] is not None and end.start(1) < edge:
        fixes.append(f"a {PARAMETER_END} that is not on a line of its own")
        return end.start(1), end.end()
    value = text[begin:edge].rstrip(WHITESPACE)
    if value.endswith(PARAMETER_END):  # what is missing is behind it
        return begin + len(value) - len(PARAMETER_END), edge
    fixes.append(f"a missing {PARAMETER_END}")
    if value.endswith(FUNCTION_END):
        edge = begin + len(value) - len(FUNCTION_END)
    return edge, edge


def _cast_call(block: _Block, end: int, fixes: list[str], start: int, context: ParseContext) -> ParsedRegion:
    """The call of a whole block, its values cast."""
    arguments: dict[str, Json] = {}
    errors = []
    repairs = [Repair(" and ".join(fixes), start)] if fixes else []
    for key, (text, position) in block.texts.items():
        types = allowed_types(context.tools, block.name, key)
        arguments[key], good = cast(text, types)
        repaired = repair_json(text) if not good and context.lenient else None
        if repaired is not None and fits(repaired[0], types):
            arguments[key] = repaired[0]
            repairs.append(Repair(f"{repaired[1]} in {key}", position))
        elif not good:
            read = json_type(arguments[key])
            errors.append(ParseIssue(f"{key} should be {types_in_words(types)} and was read as {read}", position))
    return ParsedRegion(end, (ToolCall(block.name, arguments),), tuple(errors), tuple(repairs))


def allowed_types(tools: Sequence[Tool], function: str, parameter: str) -> frozenset[str]:
    """The types of values that a tool's parameter may have; everything where the tools do not say."""
    tool = next((tool for tool in tools if tool.name == function), None)
    return ANY_TYPE if tool is None else parameter_types(tool.parameters, parameter)


def cast(text: str, types: frozenset[str]) -> tuple[Json, bool]:
    """The value that a text stands for, and whether it is of one of these types."""
    if types == STRING:
        return text, True
    spelled = _literal_of(text if "string" in types else text.strip())
    if spelled is not None and fits(spelled[0], types):
        return spelled[0], True
    if "string" in types or spelled is None:
        return text, "string" in types
    return spelled[0], False


def fits(value: Json, types: frozenset[str]) -> bool:
    """Whether a value is of one of these types; an integer is a number, and 2.0 is an integer."""
    if isinstance(value, int) and not isinstance(value, bool):
        return bool(types & {"integer", "number"})
    if isinstance(value, float):
        return "number" in types or ("integer" in types and value.is_integer())
    return json_type(value) in types


def _literal_of(text: str) -> tuple[Json] | None:
    """The value, in a tuple, that the whole text is a literal of; None where there is none or it is a string."""
    if text in PYTHON_WORDS:
        return (PYTHON_WORDS[text],)
    try:
        value, stop = read_json(text, 0)
    except ValueError:
        return None
    return None if isinstance(value, str) or stop < len(text) else (value,)


def types_in_words(types: frozenset[str]) -> str:
    """The types as a phrase for messages."""
    return " or ".join(sorted(types)) if types != ANY_TYPE else "anything"
