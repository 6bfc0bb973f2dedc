"""How a synthetic tool is declared: as data, with every way of naming, describing and asking for it.

Alternatives are written "this|that". An ask is a pattern with parameters in braces; what stands in square brackets is
said, and its parameters are given, only sometimes. An ask that starts with "the" is a noun phrase ("~the" a plural one)
and goes into any question; one that ends in "?" is a question already; anything else is an imperative ("book a table
for {guests}"). A required parameter stands outside the brackets of every ask, so an argument is never guessed.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from callwright.data.synthetic.draw import Draw
from callwright.data.synthetic.values import Pool, options


class Pattern:
    """A text with `{parameters}` and `[optional parts]`."""

    def __init__(self, source: str) -> None:
        self.source = source
        parts = re.split(r"\[([^\]]*)\]", source)
        self.parts = tuple((part, _keys(part), bool(i % 2)) for i, part in enumerate(parts) if part)
        self.needs = frozenset(key for _, keys, optional in self.parts if not optional for key in keys)
        self.keys = frozenset(key for _, keys, _ in self.parts for key in keys)

    def choose(self, available: Iterable[str], draw: Draw, share: float = 0.5) -> tuple[str, list[str]]:
        """A plain pattern in which some of the optional parts are said, and the parameters it speaks of."""
        said, keys = "", list[str]()
        for text, spoken, optional in self.parts:
            if not optional or (all(key in available for key in spoken) and draw.chance(share)):
                said += text
                keys += spoken
        return said, keys


def _keys(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"{(\w+)}", text))


class Param:
    """One parameter.

    Args:
      names: Its names in snake case; the first is the key that asks use.
      values: The pool it draws from.
      about: What its description says.
      default: What the description says about the default; None for a required parameter, "" for an optional one
        whose default is not described.
    """

    def __init__(self, names: str, values: Pool, about: str, default: str | None = None) -> None:
        self.names, self.values, self.abouts = options(names), values, options(about)
        self.key, self.default, self.required = self.names[0], default, default is None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a tool gives back, for dialogues.

    Attributes:
      fields: The result's fields.
      text: How the assistant says it; braces name fields and required parameters.
    """

    fields: Mapping[str, Pool]
    text: str


@dataclass(frozen=True, eq=False)
class Spec:
    """One synthetic tool.

    Attributes:
      name: Verbs and nouns in snake case: "calculate|compute cone_volume|volume_of_cone".
      about: Its descriptions.
      params: Its parameters, required ones first.
      asks: Ways of asking for it.
      series: For several calls at once: a head that may hold shared parameters and "{n}" for the number of calls, and
        the item that is said for each; an item is a noun phrase after "with", or starts with its own preposition.
      fan: Parameters whose values may be enumerated in one ask ("in Oslo and Rome") to mean one call for each.
      reply: What it gives back; None keeps it out of dialogues.
    """

    name: str
    about: str
    params: tuple[Param, ...]
    asks: tuple[str, ...]
    series: tuple[str, str] | None = None
    fan: str = ""
    reply: Reply | None = None

    @cached_property
    def verbs(self) -> tuple[str, ...]:
        """The verbs of its names."""
        return options(self.name.split()[0])

    @cached_property
    def nouns(self) -> tuple[str, ...]:
        """The nouns of its names."""
        return options(self.name.split()[1])

    @cached_property
    def patterns(self) -> tuple[Pattern, ...]:
        """The asks, taken apart."""
        return tuple(Pattern(ask) for ask in self.asks)

    @cached_property
    def series_patterns(self) -> tuple[Pattern, Pattern] | None:
        """The series' head and item, taken apart."""
        return (Pattern(self.series[0]), Pattern(self.series[1])) if self.series else None


@dataclass(frozen=True, slots=True, eq=False)
class Domain:
    """Tools of one trade.

    Attributes:
      namespaces: What stands before the dot in dotted names.
      tools: Its tools.
      asking: Verbs that fetch a noun phrase: "calculate" the area, "look up" the price.
      contexts: Sentences that may precede a query.
    """

    namespaces: str
    tools: tuple[Spec, ...]
    asking: str = "find|get|look up|check|show me|tell me|give me|find out"
    contexts: str = ""


COMPUTING = "calculate|calculate|compute|find|determine|work out"
