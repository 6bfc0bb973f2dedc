"""Calls whose arguments stand as plain text: `<function=NAME>`, then `<parameter=KEY>`, VALUE, `</parameter>` for each.

A value runs from the line break behind its tag to the one before `</parameter>`. Nothing is escaped in it, so it ends
at the first `</parameter>`; if `<parameter=` or `</tool_call>` comes before that, the closing tag was forgotten, and
the call is malformed. So no value contains `</tool_call>`, and a call ends at its first one. What the text of a value
means, the tool's schema decides (`casting`).

Lenient reading mends what is missing: the tags around the block, `</function>`, and `</parameter>` where the next tag
follows; it reads values in Python's spelling or with a fence around them.
"""

import re
from dataclasses import dataclass, field

from callwright.conversation import Json, ToolCall
from callwright.formats.casting import allowed, cast, fits, kind_of, listed
from callwright.formats.chatml import CLOSE, OPEN
from callwright.formats.grammar import WHITESPACE, Context, Found, ParseIssue, Repair, unclosed
from callwright.formats.repair import mend_json
from callwright.formats.tagged import skip_space

FUNCTION, FUNCTION_END, PARAMETER_END = "<function=", "</function>", "</parameter>"
NAME = re.compile(r"[^<>\n]+")
"""What a function or a parameter may be called."""
DELIMITER = re.compile(r"</parameter>|<parameter=|</tool_call>")
"""What no value may contain."""
_FUNCTION = re.compile(rf"<function=({NAME.pattern})>")
_PARAMETER = re.compile(rf"<parameter=({NAME.pattern})>")
_NEXT_CALL = re.compile(r"<tool_call>|<function=")


@dataclass(slots=True)
class _Block:
    """A function block, as far as it could be read.

    Attributes:
      end: Where reading stopped.
      name: The function's name.
      texts: Its arguments as they stand, and where.
      slips: What is missing in it.
      error: What is wrong at `end`; None when the block is whole.
    """

    end: int
    name: str = ""
    texts: dict[str, tuple[str, int]] = field(default_factory=dict)
    slips: list[str] = field(default_factory=list)
    error: str | None = None


def read_call(text: str, start: int, context: Context) -> Found | None:
    """Reads a call; see `grammar.Read`. No value contains the closing tag, so its first occurrence decides."""
    if not context.final and text.find(CLOSE, start) < 0:
        return None
    opened = text.startswith(OPEN, start)
    block = _block(text, skip_space(text, start + len(OPEN) * opened), context.lenient)
    slips = [*block.slips] if opened else [f"a missing {OPEN}", *block.slips]
    end = skip_space(text, block.end)
    if block.error is None and text.startswith(CLOSE, end):
        return _found(block, end + len(CLOSE), slips, start, context)
    if block.error is None and context.lenient:
        return _found(block, block.end, [*slips, f"a missing {CLOSE}"], start, context)
    if not opened:  # in lenient reading only: words that merely begin like a call
        return Found(start + len(FUNCTION), content=FUNCTION)
    message = block.error or f"expected {CLOSE} after {FUNCTION_END}"
    close = text.find(CLOSE, start)
    if close < 0:
        return unclosed(text, block.end, message)
    end = close + len(CLOSE)
    return Found(end, errors=(ParseIssue(message, block.end),), content=text[start:end])


def _block(text: str, at: int, lenient: bool) -> _Block:
    """The function block at `at`."""
    match = _FUNCTION.match(text, at)
    if match is None:
        return _Block(at, error="expected <function=NAME>")
    block = _Block(skip_space(text, match.end()), match[1])
    while (match := _PARAMETER.match(text, block.end)) is not None:
        delimiter = DELIMITER.search(text, match.end())
        edge = delimiter.start() if delimiter else len(text)
        closed = delimiter is not None and delimiter.group() == PARAMETER_END
        if match[1] in block.texts:
            block.error = f"the parameter {match[1]} is given twice"
        elif not closed and not lenient:
            block.error = f"the parameter {match[1]} is never closed"
        if block.error is not None:
            return block
        if not closed:
            block.slips.append(f"a missing {PARAMETER_END}")
            edge = _where_it_should_end(text, match.end(), edge)
        value = text[match.end() : edge].removeprefix("\n").removesuffix("\n")
        block.texts[match[1]] = value, match.start()
        block.end = skip_space(text, edge + len(PARAMETER_END) * closed)
    if text.startswith(FUNCTION_END, block.end):
        block.end += len(FUNCTION_END)
    elif lenient and text.startswith(CLOSE, block.end):
        block.slips.append(f"a missing {FUNCTION_END}")
    else:
        block.error = f"expected <parameter=KEY> or {FUNCTION_END}"
    return block


def _where_it_should_end(text: str, start: int, edge: int) -> int:
    """Where a value ends that nothing closes before `edge`: at the next call, and before the function's end."""
    match = _NEXT_CALL.search(text, start, edge)
    edge = match.start() if match else edge
    last = text.rfind(FUNCTION_END, start, edge)
    return last if last >= 0 and not text[last + len(FUNCTION_END) : edge].strip(WHITESPACE) else edge


def _found(block: _Block, end: int, slips: list[str], start: int, context: Context) -> Found:
    """The call of a whole block, its values cast."""
    arguments: dict[str, Json] = {}
    errors = []
    repairs = [Repair(" and ".join(slips), start)] if slips else []
    for key, (text, position) in block.texts.items():
        kinds = allowed(context.tools, block.name, key)
        arguments[key], good = cast(text, kinds)
        mended = mend_json(text) if not good and context.lenient else None
        if mended is not None and fits(mended[0], kinds):
            arguments[key] = mended[0]
            repairs.append(Repair(f"{mended[1]} in {key}", position))
        elif not good:
            read = kind_of(arguments[key])
            errors.append(ParseIssue(f"{key} should be {listed(kinds)} and was read as {read}", position))
    return Found(end, (ToolCall(block.name, arguments),), tuple(errors), tuple(repairs))
