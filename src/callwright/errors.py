"""Every error that Callwright raises on purpose, and its warnings.

What the *user* can correct (a key in a YAML file, a missing checkpoint, a file that is not what its name says) is an
`InputError` and ends the command with exit code 2; what went wrong while *working* (a full disk, training that
diverged, a server that went away) is a `WorkError` and ends it with exit code 1. A sample or a rollout that fails is
neither: it is a record in the results, and the others go on. Every message is one line in three parts: what was
expected, what was there instead, and what to do next. Of a name that does not exist, `suggest` makes the last part.
"""

import difflib
import re
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TextIO

_LONG_NAME = 80
"""Characters of a name beyond which nothing is looked for that is spelled like it."""
_MOST_SUGGESTED = 3
_MOST_LISTED = {True: 12, False: 30}
"""How many names are a list that may be told whole, beside names that are near and without any."""
_FURTHER = 0.15
"""How much less alike than the nearest name another may be."""
_MOST_COMPARED = 1000
"""Names with other digits that are compared letter by letter, which takes about 20 microseconds each."""
_SHORTEST = 3
"""Letters that a beginning has at least."""


class CallwrightError(Exception):
    """The base of all errors.

    Args:
      expected: What should have been there, as a noun phrase.
      got: What was there instead.
      fix: What the user can do about it, in the imperative.
    """

    exit_code = 1

    def __init__(self, expected: str, got: str, fix: str) -> None:
        super().__init__(expected, got, fix)
        self.expected, self.got, self.fix = expected, got, fix

    def __str__(self) -> str:
        return " ".join(f"expected {self.expected}; got {self.got}; {self.fix}".split())


class InputError(CallwrightError):
    """The user's input was wrong; nothing was computed."""

    exit_code = 2


class ConfigError(InputError):
    """A configuration file, an override or a combination of options that cannot be run."""


class DataError(InputError):
    """A dataset, a conversation or a benchmark entry that is not what it should be."""


class FormatError(InputError):
    """A conversation that a format cannot represent, or a format that does not exist."""


class CheckpointError(InputError):
    """A checkpoint that is missing, broken, or of another model or LoRA shape."""


class WeightsError(InputError):
    """Weights or a tokenizer that are missing, altered, or of an architecture that cannot be loaded."""


class WorkError(CallwrightError):
    """The work itself failed; what was computed before it is kept."""


class FetchError(WorkError):
    """Something that had to be downloaded could not be, and no cached copy exists."""


class StorageError(WorkError):
    """A file could not be written or read (full disk, missing rights)."""


class TrainingError(WorkError):
    """Training cannot go on: NaN, entropy collapse, or a KL divergence beyond its limit."""


def suggest(name: object, names: Iterable[object], see: str = "") -> str:
    """What to do about a name that does not exist: the nearest ones to it, and all of them where they are few.

    Args:
      name: What the user wrote.
      names: The names that exist.
      see: What tells all of them; it takes the place of a long list.
    """
    known = list(dict.fromkeys(map(str, names)))
    near = nearest(str(name), known)
    hint = f"did you mean {_either(near)}?" if near else ""
    if near and len(near) == len(known):
        return hint
    short = len(known) <= _MOST_LISTED[bool(near)] or not (near or see)
    rest = f"use one of: {', '.join(known) or 'none'}" if short else see
    return " ".join(filter(None, (hint, rest)))


def nearest(name: str, names: Iterable[str]) -> list[str]:
    """The names, three at most, that are spelled like this one, the most alike first.

    Capitals and all that is neither letter nor digit do not count: `Qwen-2.5` is spelled as `qwen25`. A name without a
    dot or a slash may be the last part of one that has some. Names with the same digits come before others, and where
    none is alike, one may be the other's beginning.
    """
    wanted = _letters(name)
    if not wanted or len(name) > _LONG_NAME:
        return []
    spelled = _spellings(tuple(names), not re.search("[./]", name))
    if wanted in spelled:
        return list(spelled[wanted][:_MOST_SUGGESTED])
    same_digits = [one for one in spelled if _digits(one) == _digits(wanted)]
    alike = _alike(wanted, same_digits) or (_alike(wanted, spelled) if len(spelled) <= _MOST_COMPARED else [])
    if not alike:
        alike = [one for one in spelled if min(len(one), len(wanted)) >= _SHORTEST and _begins(one, wanted)]
    return list(dict.fromkeys(known for one in alike for known in spelled[one]))[:_MOST_SUGGESTED]


def _alike(wanted: str, spelled: Iterable[str]) -> list[str]:
    """The nearest, and those that are not much further."""
    close = difflib.get_close_matches(wanted, list(spelled), _MOST_SUGGESTED)
    share = {one: difflib.SequenceMatcher(None, one, wanted).ratio() for one in close}
    return [one for one in close if share[one] > max(share.values()) - _FURTHER]


@lru_cache(maxsize=16)
def _spellings(names: tuple[str, ...], parts: bool) -> Mapping[str, Sequence[str]]:
    """The names by their letters and digits, if `parts` also by those of their last part; kept, since a file with many
    bad lines asks for the same ones.
    """
    spelled: dict[str, list[str]] = {}
    for known in dict.fromkeys(names):
        for part in dict.fromkeys((known, re.split("[./]", known)[-1])) if parts else (known,):
            spelled.setdefault(_letters(part), []).append(known)
    return spelled


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


@lru_cache(maxsize=10_000)
def _digits(name: str) -> str:
    return re.sub(r"\D+", "", name)


def _begins(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _either(names: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


class RenamedKeyWarning(UserWarning):
    """A key of a configuration that has another name now; it is read all the same."""


class UnreadDataWarning(UserWarning):
    """Something of a record that is not read, or read as something else than it says."""


def print_warnings_in_one_line() -> None:
    """From now on, prints each warning of ours as one line on standard error, and all others as Python does.

    The command line calls it; a program that uses the library gets ordinary warnings.
    """
    usual = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, RenamedKeyWarning | UnreadDataWarning):
            print(f"callwright: note: {' '.join(str(message).split())}", file=file or sys.stderr, flush=True)
        else:
            usual(message, category, filename, lineno, file, line)

    warnings.showwarning = show
