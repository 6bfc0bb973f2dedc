"""From causes to an outcome: faithful, a documented choice, or a fault."""

from collections.abc import Mapping, Sequence

from callwright.conversation import Json
from callwright.formats.base import Format
from callwright.probe.choices import find_choice
from callwright.probe.fidelity.case import Case, Kind
from callwright.probe.outcome import Outcome
from callwright.probe.plan import Part, format_name
from callwright.probe.targets.base import Target

_PARTS: Mapping[Kind, Part] = {
    "prompt": "reader", "context": "reader", "loop": "reader", "reply": "speaker", "sampling": "dice"
}  # fmt: skip
"""The instrument that shows a case again."""


def settle(
    target: Target,
    form: Format,
    case: Case,
    causes: Sequence[str],
    expected: Json,
    seen: Json,
    asked: str,
    *,
    documented: bool = True,
) -> Outcome:
    """The outcome of a case that was run.

    Args:
      target: The runtime.
      form: The format.
      case: The case.
      causes: What explains the difference; none where there is none.
      expected: What should have come.
      seen: What came.
      asked: The command line(s) that ask the same.
      documented: Whether what came is what the runtime's documentation says, where it says something of the causes.
    """
    by_default = case.thinking is None
    chosen = [find_choice(target.name, cause, by_default=by_default) if documented else None for cause in causes]
    faults = [cause for cause, choice in zip(causes, chosen, strict=True) if choice is None]
    cause = " + ".join(faults)
    if causes and not faults:
        cause = "; ".join(f"{one.cause}: {one.says} ({one.where})" for one in chosen if one is not None)
    name = format_name(form)
    part: Part = "both" if target.shares_instruments and case.kind != "sampling" else _PARTS[case.kind]
    return Outcome(
        id=case.id,
        format=name,
        fault_class=case.fault_class,
        result="fault" if faults else "choice" if causes else "faithful",
        cause=cause,
        expected=expected,
        seen=seen,
        reproduce=f"{target.how(name, part)}\n{asked}" if causes else "",
    )
