"""Which of several exports to ship, said in a sentence that claims no more than the comparisons do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from callwright.html.numbers import count, size
from callwright.report.compare import Paired


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An export that may be shipped.

    Attributes:
      name: What it is called.
      bytes: Of its weights.
      mean_divergence: Of its distributions from the trained model's, in nats; None where nobody measured it.
      compared: Its calls against the run's own, by suite; a suite that shares no entry is left out.
    """

    name: str
    bytes: int
    mean_divergence: float | None = None
    compared: Mapping[str, Paired] = field(default_factory=dict)

    @property
    def lost(self) -> list[str]:
        """The suites in which it is worse than the run's own rows."""
        return [suite for suite, paired in self.compared.items() if paired.verdict == "worse"]

    @property
    def undecided(self) -> list[str]:
        """The suites whose entries are too few to tell."""
        return [suite for suite, paired in self.compared.items() if paired.verdict == "undecided"]


def which_to_ship(candidates: Sequence[Candidate]) -> str:
    """The smallest that is no worse than the trained model, or why nothing can be said."""
    if not any(one.compared for one in candidates):
        return "Nothing is said of calls: the run has no rows of a suite that these were asked too."
    kept = [one for one in candidates if one.compared and not one.lost]
    if not kept:
        return f"Ship none of these: each loses calls ({_listed(candidates)}). Export with another quantization."
    sure = [one for one in kept if not one.undecided]
    if sure:
        best = min(sure, key=lambda one: one.bytes)
        smaller = [one for one in candidates if one.bytes < best.bytes]
        but = f" {_listed(smaller)}." if smaller else ""
        return f"Ship {best.name} ({size(best.bytes)}): the smallest that is no worse than the trained model.{but}"
    closest = min(kept, key=lambda one: (one.mean_divergence is None, one.mean_divergence or 0.0, one.bytes))
    needed = max(paired.entries_needed or 0 for one in kept for paired in one.compared.values())
    return (
        f"Undecided: none is shown to be worse, and none to be no worse; about {count(needed)} entries would decide. "
        f"{closest.name} ({size(closest.bytes)}) is the nearest to the trained model."
    )


def _listed(candidates: Sequence[Candidate]) -> str:
    """What speaks against each."""
    reasons = []
    for one in candidates:
        if one.lost:
            reasons.append(f"{one.name} is worse in {' and '.join(one.lost)}")
        elif one.undecided:
            reasons.append(f"{one.name} is undecided in {' and '.join(one.undecided)}")
        else:
            reasons.append(f"{one.name} was not asked")
    return "; ".join(reasons)
