"""What became of a case: the record that the score card, the page, the JSON and the comparison with a baseline read."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from callwright.conversation import Json

Result = Literal["faithful", "fault", "choice", "not_tested"]


class Outcome(BaseModel):
    """One case in one format against one target; keys that another version wrote are ignored when it is read."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    id: str
    """The case."""
    format: str
    """`NAME` or `NAME/VARIANT`."""
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


class Report(BaseModel):
    """All outcomes of a probe."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    target: str
    """The runtime, e.g. "llama.cpp"."""
    version: str
    """The version that the runtime reports."""
    cases: tuple[Outcome, ...]
    """The outcomes, by format and in the order of the fidelity set."""

    def as_json(self) -> dict[str, Json]:
        """What `callwright probe --json` prints. Values are not copied, so they may be nested to any depth."""
        return {"target": self.target, "version": self.version, "cases": [dict(case) for case in self.cases]}
