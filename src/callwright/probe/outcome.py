"""What became of a case: the record that the score card, the page, the JSON and the comparison with a baseline read."""

from dataclasses import asdict, dataclass
from typing import Literal

from callwright.conversation import Json

Result = Literal["faithful", "fault", "choice", "not_tested"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One case in one format against one target.

    Attributes:
      id: The case.
      format: `NAME` or `NAME/VARIANT`.
      fault_class: What the case tests for; a name of `faults.FAULTS`.
      result: `faithful`; `fault`; `choice`, where the runtime's documentation states what it does; `not_tested`.
      cause: For a fault the classes of `faults.FAULTS` that explain the difference, joined by " + "; for a choice the
        same, followed by ": " and the documentation; for what was not tested the reason; else "".
      expected: What our renderer and strict parser say. A prompt is a list of [text, is_control] pairs; an answer is
        {"content", "reasoning", "tool_calls": [{"name", "arguments"}], "finish_reason"?}; draws are
        {"draws": {face: share}}.
      seen: What was seen, in the same form, with "error" and "status" where the server refused.
      reproduce: A command line that shows it.
    """

    id: str
    format: str
    fault_class: str
    result: Result
    cause: str = ""
    expected: Json = None
    seen: Json = None
    reproduce: str = ""

    def as_json(self) -> dict[str, Json]:
        """The record of `callwright probe --json`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Report:
    """All outcomes of a probe.

    Attributes:
      target: The runtime, e.g. "llama.cpp".
      version: What it says of itself.
      cases: The outcomes, by format and in the order of the fidelity set.
    """

    target: str
    version: str
    cases: tuple[Outcome, ...]

    def as_json(self) -> dict[str, Json]:
        """What `callwright probe --json` prints."""
        return {"target": self.target, "version": self.version, "cases": [case.as_json() for case in self.cases]}
