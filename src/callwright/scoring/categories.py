"""The BFCL categories that are scored by looking at calls.

For each: how many entries it has, which group's mean it enters, and what has to match:

- `one`: exactly one call, of the only function;
- `chosen`: exactly one call, of the right one of several functions;
- `unordered`: as many calls as expected, in any order;
- `none`: nothing that decodes to a call;
- `some`: anything that decodes to a call.

Left out: the Java and JavaScript categories, whose arguments are source text in those languages, and the categories
of several turns, which are scored by running tools.
"""

from dataclasses import dataclass
from typing import Literal

from callwright.errors import ConfigError, suggest

Match = Literal["one", "chosen", "unordered", "none", "some"]
Group = Literal["non_live", "live"]


@dataclass(frozen=True, slots=True)
class Category:
    """One category.

    Attributes:
      name: BFCL's name for it.
      size: How many entries it has.
      group: Which part of the benchmark it belongs to.
      match: What has to match: a word of the list above.
    """

    name: str
    size: int
    group: Group
    match: Match

    @property
    def has_gold_calls(self) -> bool:
        """Whether its entries list the calls that are right."""
        return self.match not in ("none", "some")


CATEGORIES = {
    category.name: category
    for category in (
        Category("simple_python", 400, "non_live", "one"),
        Category("multiple", 200, "non_live", "chosen"),
        Category("parallel", 200, "non_live", "unordered"),
        Category("parallel_multiple", 200, "non_live", "unordered"),
        Category("irrelevance", 240, "non_live", "none"),
        Category("live_simple", 258, "live", "one"),
        Category("live_multiple", 1053, "live", "chosen"),
        Category("live_parallel", 16, "live", "unordered"),
        Category("live_parallel_multiple", 24, "live", "unordered"),
        Category("live_irrelevance", 884, "live", "none"),
        Category("live_relevance", 16, "live", "some"),
    )
}


def find_category(name: str) -> Category:
    """The category of that name.

    Raises:
      ConfigError: There is none.
    """
    try:
        return CATEGORIES[name]
    except KeyError:
        raise ConfigError("a BFCL category", repr(name), suggest(name, CATEGORIES)) from None
