"""The declared tools, in an order in which any first few come from different trades."""

from itertools import chain, zip_longest

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
    mathematics, journeys, finance, leisure, office, physics, trade, home, play, computing, nature, past, land, civic,
)  # fmt: skip

DOMAINS: tuple[Domain, ...] = tuple(chain.from_iterable(each.DOMAINS for each in _TRADES))

TOOLS: tuple[tuple[Domain, Spec], ...] = tuple(
    (domain, spec)
    for row in zip_longest(*(domain.tools for domain in DOMAINS))
    for domain, spec in zip(DOMAINS, row, strict=True)
    if spec is not None
)
