"""Hostile text as safe HTML in which nothing is hidden.

What a model or a server said can hold anything: tags, control characters, characters that reverse the line or cannot be
seen. All of it is shown, none of it acts: HTML is escaped, and a mark (`<i>`) that names it stands for every invisible
character.
"""

from collections.abc import Iterator
from functools import lru_cache, partial
from itertools import groupby

from markupsafe import Markup, escape

from callwright.invisible import character_name, is_invisible

_MOST_GROWTH = 4
"""A text may grow by this factor when it is made visible; one that grows more is cut shorter."""
_SHOWN = {"\n": '<i class="nl">⏎</i>\n', "\t": '<i class="nl">→</i>\t', " ": "<i>·</i>"}


def safe_text(words: str, *, also: str = "") -> Markup:
    """The text, escaped, with a mark for each invisible character; one that is repeated is counted instead.

    Args:
      words: Anybody's.
      also: Which of line break, tab and space get a mark too; elsewhere they stay what they are.
    """
    if words.isascii() and words.isprintable() and " " not in also:
        return escape(words)
    return Markup("".join(_shown(words, also)))  # noqa: S704 - each part is escaped or a mark of ours


def shortened(words: str, limit: int) -> Markup:
    """The same; of a text longer than `limit` characters the middle is left out, and counted."""
    shown, budget = _cut(words, limit), limit
    while len(shown) > _MOST_GROWTH * limit and budget > 16:
        budget //= 2
        shown = _cut(words, budget)
    return shown


def left_out(number: int, what: str) -> Markup:
    """What stands where so many characters are left out."""
    return Markup("<b>… {:,} {} …</b>").format(number, what)


def _cut(words: str, limit: int) -> Markup:
    if len(words) <= limit:
        return safe_text(words)
    head, tail = limit * 3 // 4, limit // 4
    number = len(words) - head - tail
    return safe_text(words[:head]) + left_out(number, "characters left out") + safe_text(words[len(words) - tail :])


def _shown(words: str, also: str) -> Iterator[str]:
    for mark, run in groupby(words, key=partial(_mark, also=also)):
        if not mark:
            yield escape("".join(run))
            continue
        number = sum(1 for _ in run)
        repeated = number < 4 or mark in _SHOWN.values()
        yield mark * number if repeated else mark.replace("</i>", f" ×{number:,}</i>")


@lru_cache(4096)
def _mark(character: str, also: str) -> str:
    """What stands for a character, in HTML; "" where it stands for itself."""
    if character in also:
        return _SHOWN[character]
    return f"<i>{character_name(character)}</i>" if is_invisible(character) else ""
