"""Finds what a training set shares with a benchmark.

Two things must never be shared: a tool's signature (its name and the names and types of its parameters) and a query.
Both are compared in a normal form that forgives what a copy may change, which makes the test stricter than equality:
case, punctuation and word separators are dropped, and in a query every number counts as the same, so "area of a circle
of radius 3" is contaminated by "Area of a circle of radius 10?". Paraphrases are not looked for; nothing short of a
human reading finds them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from callwright.data.source import Example

# Benchmarks name some types as Python does.
_TYPES = {"dict": "object", "float": "number", "double": "number", "tuple": "array", "list": "array", "int": "integer"}


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that occurs in both.

    Attributes:
      example: The id of the training example.
      what: Whether a tool's signature or a query is shared.
      text: Its normal form.
    """

    example: str
    what: Literal["signature", "query"]
    text: str


def signature(name: str, parameters: Mapping[str, Any]) -> str:
    """The normal form of a tool: its name, then its parameters with their types in alphabetical order."""
    properties: Mapping[str, Any] = parameters.get("properties") or {}
    typed = sorted(f"{_plain(key)}:{_type(schema)}" for key, schema in properties.items())
    return f"{_plain(name)}({','.join(typed)})"


def normal_query(text: str) -> str:
    """The normal form of a query: its words in lower case, every number written as 0."""
    words = re.findall(r"[^\W_]+", re.sub(r"\d+(?:[.,]\d+)*", "0", text.lower()))
    return " ".join(words)


def contamination(examples: Iterable[Example], entries: Iterable[Mapping[str, Any]]) -> Iterator[Hit]:
    """What the examples share with benchmark entries.

    Args:
      examples: The training set.
      entries: The benchmark, as JSON: `function` is a list of tools with `name` and `parameters`, `question` a list of
        turns, each a list of messages with `role` and `content`.
    """
    signatures, queries = set[str](), set[str]()
    for entry in entries:
        signatures.update(signature(tool["name"], tool.get("parameters") or {}) for tool in entry["function"])
        messages = [message for turn in entry["question"] for message in turn]
        queries.update(normal_query(m["content"]) for m in messages if m["role"] == "user")
    for example in examples:
        for tool in example.conversation.tools:
            if (form := signature(tool.name, tool.parameters)) in signatures:
                yield Hit(example.id, "signature", form)
        for message in example.conversation.messages:
            if message.role == "user" and (form := normal_query(str(message.content))) in queries:
                yield Hit(example.id, "query", form)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower())


def _type(schema: Any) -> str:
    declared = schema.get("type", "any") if isinstance(schema, Mapping) else "any"
    return _TYPES.get(declared, declared) if isinstance(declared, str) else "any"
