"""The result of one check, for the model card and for whoever decides about the export."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from callwright.errors import WorkError


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes:
      name: What was checked, as a noun phrase: "merged logits".
      passed: Whether the export may be used.
      detail: What was found, in one sentence; of a failed check the tensor, prompt or byte.
      numbers: What was measured, by name.
    """

    name: str
    passed: bool
    detail: str
    numbers: Mapping[str, float] = field(default_factory=dict)


def refuse_failed(checks: Iterable[Check]) -> None:
    """Ends an export of which a check has failed.

    Raises:
      WorkError: One has; the message holds what it found.
    """
    for check in checks:
        if not check.passed:
            fix = "export again; where that gives the same, choose another kind of file or another program to serve it"
            raise WorkError(f"{check.name} as they were trained", check.detail, fix)
