"""The declared tools, in an order in which any first few come from different trades.

The very first tool has a reply, so that even one tool makes every kind of dialogue.
"""

from itertools import zip_longest

from callwright.data.synthetic.spec import Domain, Spec
from callwright.data.synthetic.tools import (
    civic,
    computing,
    finance,
    home,
    journeys,
    land,
    leisure,
    mathematics,
    nature,
    office,
    past,
    physics,
    play,
    trade,
)

_TRADES = (
    journeys, mathematics, finance, leisure, office, physics, trade, home, play, computing, nature, past, land, civic,
)  # fmt: skip

DOMAINS: tuple[Domain, ...] = tuple(
    domain for row in zip_longest(*(each.DOMAINS for each in _TRADES)) for domain in row if domain is not None
)

TOOLS: tuple[tuple[Domain, Spec], ...] = tuple(
    (domain, spec)
    for row in zip_longest(*(domain.tools for domain in DOMAINS))
    for domain, spec in zip(DOMAINS, row, strict=True)
    if spec is not None
)
