"""The causes for which two arms part, asked in the order in which a runtime works: the first that explains is told."""

from collections.abc import Mapping

from callwright.bakeoff.verdict.align import Parting
from callwright.bakeoff.verdict.causes import answers, inputs, outputs
from callwright.bakeoff.verdict.causes.registry import Explain, Explanation, Margins

CAUSES: Mapping[str, Explain] = {**inputs.FUNCTIONS, **outputs.FUNCTIONS, **answers.FUNCTIONS}
"""By name, furthest upstream first; the last one explains everything."""


def find_cause(parting: Parting, margins: Margins = lambda _step, _place: None) -> tuple[str, Explanation]:
    """The cause for which two arms part, with its evidence.

    Args:
      parting: Where they part.
      margins: What the reference's weights say at a token.
    """
    for cause, explain in CAUSES.items():
        if explanation := explain(parting, margins):
            return cause, explanation
    raise AssertionError("the last cause explains everything")
