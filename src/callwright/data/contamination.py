"""Finds what training examples share with a benchmark, so that nothing is trained on that is scored later.

An example is a copy of a benchmark entry if it shares both a query and a tool's signature (name, and names and types of
the parameters) with it. Both are compared in a normal form that forgives what a copy may change: case, punctuation and
word separators are dropped, and in a query every number counts as the same, so "area of a circle of radius 3" is
contaminated by "Area of a circle of radius 10?". What is shared alone is counted only, because it proves nothing:
thousands of people ask "Hi", and tools called `get_current_weather` abound. Paraphrases are not looked for.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from callwright.data.source import Example
from callwright.errors import DataError
from callwright.scoring.entry import BfclEntry

# Benchmarks name some types as Python does.
_TYPES = {"dict": "object", "float": "number", "double": "number", "tuple": "array", "list": "array", "int": "integer"}
MIN_WORDS = 5
"""Words that a query must have to be a copy: shorter ones are said by everybody."""
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Overlap:
    """What an example shares with a benchmark; any of it may be empty.

    Attributes:
      example: The id of the example.
      signatures: The signatures of its tools that occur there, in normal form.
      queries: Its queries that occur there, in normal form.
      copied: The ids of the entries of which it has both a signature and a query of at least `MIN_WORDS` words.
    """

    example: str
    signatures: tuple[str, ...]
    queries: tuple[str, ...]
    copied: tuple[str, ...]


def signature(name: str, parameters: Mapping[str, Any]) -> str:
    """The normal form of a tool: its name, then its parameters with their types in alphabetical order."""
    properties: Mapping[str, Any] = parameters.get("properties") or {}
    typed = sorted(f"{_plain(key)}:{_type(schema)}" for key, schema in properties.items())
    return f"{_plain(name)}({','.join(typed)})"


def normal_query(text: str) -> str:
    """The normal form of a query: its words in lower case, every number written as 0."""
    words = re.findall(r"[^\W_]+", re.sub(r"\d+(?:[.,]\d+)*", "0", text.lower()))
    return " ".join(words)


class Benchmark:
    """The entries of a benchmark, by their signatures and queries."""

    def __init__(self, entries: Iterable[BfclEntry]) -> None:
        self._signatures: dict[str, set[str]] = {}
        self._queries: dict[str, set[str]] = {}
        for entry in entries:
            for tool in entry.functions:
                key = signature(tool["name"], tool.get("parameters") or {})
                self._signatures.setdefault(key, set()).add(entry.id)
            for message in entry.question:
                if message.role == "user":
                    self._queries.setdefault(normal_query(str(message.content)), set()).add(entry.id)

    def overlap(self, example: Example) -> Overlap:
        """What the example shares with the entries."""
        conversation = example.conversation
        signatures = {signature(tool.name, tool.parameters) for tool in conversation.tools} & self._signatures.keys()
        texts = (str(message.content) for message in conversation.messages if message.role == "user")
        queries = set(map(normal_query, texts)) & self._queries.keys()
        with_tool = set[str]().union(*(self._signatures[one] for one in signatures))
        with_query = set[str]().union(*(self._queries[one] for one in queries if len(one.split()) >= MIN_WORDS))
        return Overlap(
            example.id, tuple(sorted(signatures)), tuple(sorted(queries)), tuple(sorted(with_tool & with_query))
        )


@dataclass(slots=True)
class Contamination:
    """What all examples of a training stage share with a benchmark.

    Attributes:
      copies: Examples that are copies of entries.
      queries: How many examples share a query with it; copies are among them.
      signatures: How many share a signature; copies are among them, too.
    """

    copies: list[Overlap] = field(default_factory=list)
    queries: int = 0
    signatures: int = 0

    def add(self, overlap: Overlap) -> None:
        """Counts an example."""
        self.queries += bool(overlap.queries)
        self.signatures += bool(overlap.signatures)
        if overlap.copied:
            self.copies.append(overlap)

    def __str__(self) -> str:
        shared = f"{self.signatures} examples share a tool's signature with the benchmark, {self.queries} a query"
        return f"{shared}, {len(self.copies)} both" + (f": {self._named()}" if self.copies else "")

    def _named(self) -> str:
        named = [f"{copy.example} ({', '.join(copy.copied[:_SHOWN])})" for copy in self.copies[:_SHOWN]]
        more = len(self.copies) - len(named)
        return ", ".join(named) + (f" and {more} more" if more else "")

    def refuse_copies(self, section: str) -> None:
        """Refuses examples that are copies.

        Raises:
          DataError: There are some; it names the first ones, and the entries that they copy.
        """
        if self.copies:
            raise DataError(
                f"no example of {section}.data that is also an entry of the benchmark",
                f"{len(self.copies)}: {self._named()}",
                f"take these rows out, or set {section}.decontaminate to warn or off",
            )


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower())


def _type(schema: Any) -> str:
    declared = schema.get("type", "any") if isinstance(schema, Mapping) else "any"
    return _TYPES.get(declared, declared) if isinstance(declared, str) else "any"
