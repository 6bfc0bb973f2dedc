"""A text with slots, which is how a tools file says what people say; docs/tools-file.md explains how one is written."""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from callwright.data.rng import Rng
from callwright.errors import suggest

Problem = tuple[str, tuple[str | int, ...]]
"""What is wrong, and the keys and indices that lead to it."""


def misfit(what: str, *path: str | int) -> PydanticCustomError:
    """What a validator raises for something that does not fit the rest of its record.

    Args:
      what: What is wrong, in words.
      path: The keys and indices below the record that lead to it.
    """
    return PydanticCustomError("misfit", "{what}", {"what": what, "path": path})


class Phrasing:
    """A text with `{parameters}` and `[optional parts]`.

    Attributes:
      source: The text.
      required: The parameters that stand outside of brackets.
      parameters: All of them.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        parts = re.split(r"\[([^\]]*)\]", source)
        self._parts = [(part, re.findall(r"{(\w+)}", part), bool(i % 2)) for i, part in enumerate(parts) if part]
        self.required = frozenset(key for _, keys, optional in self._parts if not optional for key in keys)
        self.parameters = frozenset(key for _, keys, _ in self._parts for key in keys)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())

    def choose(self, available: Iterable[str], rng: Rng, share: float = 0.5) -> tuple[str, list[str]]:
        """The text with some of its optional parts, and the parameters in it.

        Args:
          available: The parameters that may be spoken of.
          rng: Chooses the parts.
          share: The chance of each part.
        """
        text, parameters = "", list[str]()
        for part, keys, optional in self._parts:
            if not optional or (all(key in available for key in keys) and rng.chance(share)):
                text += part
                parameters += keys
        return text, parameters

    def problem(self, known: Iterable[str]) -> str | None:
        """What keeps the text from being a phrasing over these parameters."""
        plain = re.sub(r"\[[^][]*\]", lambda match: match[0][1:-1], self.source)
        if re.search(r"[][]", plain):
            return "square brackets open and close in pairs, and do not stand in each other"
        if not re.sub(r"\[[^][]*\]", "", self.source).strip():
            return "something must stand in it outside of square brackets"
        if re.search(r"[{}]", re.sub(r"{\w+}", "", plain)):
            return "braces stand around the name of a parameter and nowhere else"
        names = list(known)
        unknown = sorted(self.parameters - set(names))
        return f"{braces(unknown)} is no parameter here ({suggest(unknown[0], names)})" if unknown else None


def braces(keys: Iterable[str]) -> str:
    """The keys as a phrasing names them."""
    return ", ".join(f"{{{key}}}" for key in sorted(keys))
