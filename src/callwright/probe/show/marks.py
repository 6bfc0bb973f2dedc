"""Spans of a comparison as safe HTML: what differs marked, what nobody sees shown, what is the same left out.

Everything is escaped; no character of a server's acts on the page. A line break, a tab and every character without a
shape stand as marks (`<i>`), a blank too where it is part of a difference. A control token is a `<kbd>`; text that only
looks like one is text.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby

from markupsafe import Markup, escape

from callwright.probe.show.differences import Kind, Span, cut
from callwright.shapeless import character_name, is_shapeless

AROUND = 160
"""Characters of what is the same that are shown beside a difference."""
_TAGS: dict[Kind, str] = {"same": "", "word": "s", "character": "mark"}
_BREAK, _TAB, _BLANK = '<i class="nl">⏎</i>\n', '<i class="nl">→</i>\t', "<i>·</i>"
_SHOWN = {"\n": _BREAK, "\t": _TAB, " ": _BLANK}


def spans(side: Sequence[Span], limit: int, around: int = AROUND) -> Markup:
    """One side of a comparison.

    Args:
      side: Its spans.
      limit: About how many characters are shown; what is left out is counted.
      around: How much of what is the same is shown at either end of it.
    """
    out: list[Markup] = []
    left = limit
    for same, run in groupby(side, key=lambda span: span.kind == "same"):
        part = list(run)
        length = sum(len(span.text) for span in part)
        most = min(left, 2 * around if same else left)
        head = length if length <= most + 40 else most - most // 2
        tail = 0 if head == length else most // 2
        out += map(_span, cut(part, 0, head))
        if head < length:
            out.append(_left_out(length - head - tail, "the same" if same else ""))
            out += map(_span, cut(part, length - tail)) if tail else ()
        left = max(left - head - tail, 2)
    return Markup("").join(out)


def _left_out(number: int, what: str) -> Markup:
    words = f"… {number:,} {'character' if number == 1 else 'characters'}{f' {what}' if what else ''} …"
    return Markup("<b>{}</b>").format(words)


def _span(span: Span) -> Markup:
    shown = text(span.text, blanks=span.kind == "character")
    for tag in ("kbd" if span.control else "", _TAGS[span.kind]):
        shown = Markup(f"<{tag}>{shown}</{tag}>") if tag else shown  # noqa: S704 - our own tags around what is safe
    return shown


def text(words: str, *, blanks: bool = False) -> Markup:
    """Words of anybody's, escaped, with marks for what has no shape; for blanks too if `blanks`."""
    if words.isascii() and words.isprintable() and not (blanks and " " in words):
        return escape(words)
    return Markup("".join(_shown(words, blanks)))  # noqa: S704 - each part is escaped or a mark of ours


def _shown(words: str, blanks: bool) -> Iterator[str]:
    for mark, run in groupby(words, key=_mark):
        if not mark or (mark == _BLANK and not blanks):
            yield escape("".join(run))
            continue
        number = sum(1 for _ in run)
        repeated = number < 4 or mark in (_BREAK, _TAB, _BLANK)
        yield mark * number if repeated else mark.replace("</i>", f" ×{number:,}</i>")


@lru_cache(4096)
def _mark(character: str) -> str:
    """What stands for a character, in HTML; "" where it stands for itself."""
    if character in _SHOWN:
        return _SHOWN[character]
    return f"<i>{character_name(character)}</i>" if is_shapeless(character) else ""
