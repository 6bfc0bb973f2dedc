"""Every error that Callwright raises on purpose, and its warnings.

What the *user* can correct (a key in a YAML file, a missing checkpoint, a file that is not what its name says) is an
`InputError` and ends the command with exit code 2; what went wrong while *working* (a full disk, training that
diverged, a server that went away) is a `WorkError` and ends it with exit code 1. A sample or a rollout that fails is
neither: it is a record in the results, and the others go on. Every message is one line in three parts: what was
expected, what was there instead, and what to do next.
"""

import sys
import warnings
from typing import TextIO


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


class RenamedKeyWarning(UserWarning):
    """A key of a configuration that has another name now; it is read all the same."""


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
        if issubclass(category, RenamedKeyWarning):
            print(f"callwright: note: {' '.join(str(message).split())}", file=file or sys.stderr, flush=True)
        else:
            usual(message, category, filename, lineno, file, line)

    warnings.showwarning = show
