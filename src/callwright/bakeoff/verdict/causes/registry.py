"""What a cause is: a name, and a function that says whether it explains why two arms part.

A module of this package registers its functions with `@explains("name")`, in the order in which a runtime works; the
package puts the modules in that order too. What a function returns is the evidence.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from callwright.bakeoff.trace import Step
from callwright.bakeoff.verdict.align import Parting
from callwright.bakeoff.verdict.evidence import Excerpts
from callwright.export.verify.likeliest import Likeliest

Margins = Callable[[Step, int], Likeliest | None]
"""What the reference would say in place of a token of one of its outputs; None where it cannot be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why two arms part.

    Attributes:
      sentence: What happened.
      kind: What of the cause it is, such as "lost" of a parser; "" where the cause says it all.
      excerpts: What stands around the place in both arms; None where there is no text to show.
      numbers: What was measured, by name.
      rounding: Whether the reference was so undecided that rounding to 16 bits explains it.
    """

    sentence: str
    kind: str = ""
    excerpts: Excerpts | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    rounding: bool = False


Explain = Callable[[Parting, Margins], Explanation | None]


class CauseFunctions(dict[str, Explain]):
    """The functions of one module by the cause that each explains by, in the order in which they are asked."""

    def explains(self, cause: str) -> Callable[[Explain], Explain]:
        """A decorator that registers a function for a cause."""

        def register(function: Explain) -> Explain:
            self[cause] = function
            return function

        return register
