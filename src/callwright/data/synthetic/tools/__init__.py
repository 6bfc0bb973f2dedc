"""The declared tools, in an order in which any first few come from different trades."""

from itertools import chain, zip_longest

from callwright.data.synthetic.spec import Domain, Spec
from callwright.data.synthetic.tools import home, journeys, leisure, mathematics, money, science, society, work

DOMAINS: tuple[Domain, ...] = tuple(
    chain.from_iterable(
        domain.DOMAINS for domain in (mathematics, journeys, money, leisure, work, science, home, society)
    )
)

TOOLS: tuple[tuple[Domain, Spec], ...] = tuple(
    (domain, spec)
    for row in zip_longest(*(domain.tools for domain in DOMAINS))
    for domain, spec in zip(DOMAINS, row, strict=True)
    if spec is not None
)
