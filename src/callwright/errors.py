"""Every error that Callwright raises on purpose.

The model in one paragraph: what the *user* can mend (a key in a YAML file, a missing checkpoint, a file that is not
what its name says) is an `InputError` and ends the command with exit code 2; what went wrong while *working* (a full
disk, training that diverged, a server that went away) is a `WorkError` and ends it with exit code 1. A sample, a
rollout or an arm that fails is neither: it is a record in the results and its siblings go on. Every message is one
line in three parts: what was expected, what came, and what to do next.
"""


class CallwrightError(Exception):
    """Base of the taxonomy.

    Args:
      expected: What should have been there, as a noun phrase.
      came: What was there instead.
      fix: What the user can do about it, in the imperative.
    """

    exit_code = 1

    def __init__(self, expected: str, came: str, fix: str) -> None:
        super().__init__(expected, came, fix)
        self.expected, self.came, self.fix = expected, came, fix

    def __str__(self) -> str:
        return " ".join(f"expected {self.expected}; got {self.came}; {self.fix}".split())


class InputError(CallwrightError):
    """The user's input was wrong; nothing was computed."""

    exit_code = 2


class ConfigError(InputError):
    """A configuration file, an override or a combination of options that cannot be run."""


class DataError(InputError):
    """A dataset, a conversation or a benchmark entry that is not what it should be."""


class FormatError(InputError):
    """A conversation that a format cannot represent, or a format that does not exist."""


class FormatWarning(UserWarning):
    """A family's template leaves out or misplaces part of a conversation; its bytes are reproduced all the same."""


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
