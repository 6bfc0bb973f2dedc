"""What a record of the user's holds that is read as something else than it says, or not at all.

It is no error, and it is never silent: filters list each notice among an answer's `warnings`, and a run counts those of
all lines of a file by what they are about.
"""

import re
import warnings
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from callwright.errors import UnreadDataWarning, nearest

_INDEX = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing of a record.

    Attributes:
      where: Its place, `messages[2].audio`.
      what: What became of it, as the rest of a sentence.
    """

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where} {self.what}"

    @property
    def kind(self) -> str:
        """The same without indexes, `messages[].audio ...`: equal for all notices that are counted together."""
        return f"{_INDEX.sub('[]', self.where)} {self.what}"


Notify = Callable[[Notice], None]
"""Takes each notice."""


def warn(notice: Notice) -> None:
    """Makes a notice a Python warning: for programs that use the library without taking notices."""
    warnings.warn(str(notice), UnreadDataWarning, stacklevel=4)


def ignore(notice: Notice) -> None:
    """Takes a notice and does nothing: for records that are ours, or whose other keys somebody else reads."""


def notify_unread(fields: Mapping[str, Any], read: Set[str], where: str, notify: Notify) -> None:
    """Tells of the keys that nobody reads; a key that carries nothing (null, an empty text, list or object) is none.

    Args:
      fields: An object of the record.
      read: The keys that are read.
      where: The object's place; empty for the record itself.
      notify: Takes a notice for each other key.
    """
    if fields.keys() <= read:
        return
    for key, value in fields.items():
        if key not in read and value is not None and value not in ("", [], {}):
            notify(Notice(f"{where}.{key}" if where else str(key), _not_read(str(key), frozenset(read))))


@lru_cache(maxsize=1024)
def _not_read(key: str, read: frozenset[str]) -> str:
    names = nearest(key, sorted(read))
    return f"is not read; did you mean {' or '.join(names)}?" if names else "is not read"
