"""What became of a case: the record that the score card, the page, the JSON and the comparison with a baseline read."""

import shlex
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from callwright.conversation import Json

OWN = "own model"
"""What outcomes have in place of a format where a server has only its own model."""
NO_WORDS = "no words for it in this format"
"""How the reason begins where a format cannot express a case."""
Result = Literal["faithful", "fault", "choice", "not_tested"]


class Outcome(BaseModel):
    """One case in one format against one target; keys that another version wrote are ignored when it is read."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    id: str
    """The case."""
    format: str
    """`NAME` or `NAME/VARIANT`, or OWN."""
    fault_class: str
    """What the case tests for; the name of a `Cause`."""
    result: Result
    """`faithful`; `fault`; `choice`, where the runtime's documentation states what it does; `not_tested`."""
    cause: str = ""
    """For a fault the causes that explain the difference, joined by " + "; for a choice the same, then ": "
    and the documentation; for what was not tested the reason; else ""."""
    expected: Any = None
    """What our renderer and strict parser say, as JSON. A prompt is a list of [text, is_control] pairs; an answer is
    {"content", "reasoning", "tool_calls": [{"name", "arguments"}], "finish_reason"?}; draws are
    {"draws": {face: share}}."""
    seen: Any = None
    """What was seen, in the same form, with "error" and "status" where the server refused."""
    reproduce: str = ""
    """A command line that shows it."""


class ProbeSettings(BaseModel):
    """What a probe was told, as it was typed."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    target: str
    """A name of a target, or a URL."""
    overrides: tuple[str, ...] = ()
    """`--set`: settings of the target, `key=value`."""
    formats: tuple[str, ...] = ()
    """`--format`: `NAME` or `NAME/VARIANT`; all, or the one that a server has loaded, where none is named."""
    files: tuple[str, ...] = ()
    """`--cases`: files of further cases."""
    only: tuple[str, ...] = ()
    """`--only`: beginnings of the ids of the cases that were run."""

    def command(self) -> str:
        """The command line."""
        words = ["callwright", "probe", self.target]
        options = {"--set": self.overrides, "--format": self.formats, "--cases": self.files, "--only": self.only}
        for option, values in options.items():
            words += [option, *values] if values else []
        return shlex.join(words)


class ComparedBaseline(BaseModel):
    """The baseline that a report was compared with."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    target: str
    """The baseline's runtime."""
    version: str
    """The version of that."""
    date: str = ""
    """When the baseline was made; see `Report.date`."""
    remarks: tuple[str, ...] = ()
    """What else than the runtime's version differs between the two, so that changes may come of it."""


class Report(BaseModel):
    """All outcomes of a probe, and how it was made; of that a report of Callwright 0.2.0 says nothing."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    target: str
    """The runtime, e.g. "llama.cpp"."""
    version: str
    """The version that the runtime reports."""
    date: str = ""
    """When the probe began, in UTC: 2026-11-30T06:40:12Z."""
    callwright: str = ""
    """The version of Callwright."""
    settings: ProbeSettings | None = None
    """What the probe was told."""
    case_set: str = ""
    """The version of the fidelity set, with the user's cases: a digest of what its files hold."""
    why: dict[str, str] = {}
    """Why each case matters, by its id."""
    baseline: ComparedBaseline | None = None
    """What it was compared with."""
    cases: tuple[Outcome, ...]
    """The outcomes, by format and in the order of the fidelity set."""

    def as_json(self) -> dict[str, Json]:
        """What `callwright probe --json` prints. Values are not copied, so they may be nested to any depth."""
        parts = dict(self) | {"cases": [dict(case) for case in self.cases]}
        return {key: part.model_dump() if isinstance(part, BaseModel) else part for key, part in parts.items()}
