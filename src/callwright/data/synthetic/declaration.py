"""What a tools file declares: every way of naming, describing and asking for a tool.

docs/tools-file.md is the contract, version 0. The classes here say what each key may hold, `value_settings` what the
values of a parameter are.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    GetCoreSchemaHandler,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from callwright.data.synthetic.rng import Rng
from callwright.data.synthetic.value_settings import ParameterName, Pools, Texts, ValuePool, WithValues
from callwright.errors import suggest
from callwright.settings import Settings

ToolName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")]

_REQUEST_VERBS = ("find", "get", "look up", "check", "show me", "tell me", "give me", "find out")


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
        return f"{_braces(unknown)} is no parameter here ({suggest(unknown[0], names)})" if unknown else None


def _braces(keys: Iterable[str]) -> str:
    return ", ".join(f"{{{key}}}" for key in sorted(keys))


class DeclaredParameter(WithValues):
    """A parameter; its key is its first name, and what phrasings call it."""

    aliases: tuple[ParameterName, ...] = ()
    """Its other names, in snake case."""
    descriptions: Texts = Field(min_length=1, alias="description")
    """What its description says, one of them."""
    required: bool | None = None
    """Whether every call has it: without this key, one that has no default is required."""
    default: str | None = None
    """How the description words the default."""

    @field_validator("default", mode="before")
    @classmethod
    def _worded(cls, value: Any) -> Any:
        return json.dumps(value) if isinstance(value, int | float) else value

    @model_validator(mode="after")
    def _required_or_default(self) -> "DeclaredParameter":
        if self.required and self.default is not None:
            raise ValueError("a required parameter has no default; take out one of the two")
        return self

    @property
    def is_required(self) -> bool:
        """Whether every call has it."""
        return self.default is None if self.required is None else self.required


class Series(Settings):
    """Several calls as a head and a list."""

    head: Phrasing
    """Says how many, `{n}`, and what they share."""
    item: Phrasing
    """What differs from call to call: a noun phrase after "with", or one with its own preposition."""


class ToolResult(Settings):
    """What the tool gives back."""

    values: dict[ParameterName, ValuePool] = Field(min_length=1)
    """Its fields."""
    answer: Phrasing
    """How the assistant words it; braces name fields and required parameters."""


class DeclaredTool(Settings):
    """A tool. Two are equal only if they are the same."""

    name: ToolName | None = None
    """Its name, if that never changes."""
    verbs: tuple[ParameterName, ...] = ()
    """Else the verbs of its names ("calculate")."""
    nouns: tuple[ParameterName, ...] = ()
    """And their nouns, in snake case ("cone_volume")."""
    descriptions: Texts = Field(min_length=1, alias="description")
    """What its description says, one of them."""
    parameters: dict[ParameterName, DeclaredParameter] = Field(default_factory=dict)
    """By key, required ones first."""
    phrasings: tuple[Phrasing, ...] = Field(min_length=1)
    """Ways of asking for it."""
    series: Series | None = None
    """A way of asking for several calls."""
    fan_out: tuple[str, ...] = ()
    """Parameters of which a phrasing may enumerate several values ("in Oslo and Rome") to mean a call for each."""
    result: ToolResult | None = None
    """What it gives back; None keeps it out of dialogues."""

    __eq__, __hash__ = object.__eq__, object.__hash__

    @model_validator(mode="after")
    def _consistent(self) -> "DeclaredTool":
        """Finds what no type says: a call must never need a value that its request does not have."""
        if (self.name is None) == (not self.verbs or not self.nouns):
            raise ValueError("a tool has either a name, or verbs and nouns")
        for problem in self._problems():
            raise ValueError(problem)
        return self

    def _problems(self) -> Iterator[str]:
        required = {key for key, parameter in self.parameters.items() if parameter.is_required}
        order = [parameter.is_required for parameter in self.parameters.values()]
        if order != sorted(order, reverse=True):
            yield "parameters: required ones stand first"
        for number, phrasing in enumerate(self.phrasings):
            if problem := phrasing.problem(self.parameters):
                yield f"phrasings[{number}]: {problem}"
            if missing := required - phrasing.required:
                yield f"phrasings[{number}]: {_braces(missing)} must stand in it outside of square brackets"
        if not any(phrasing.required <= required for phrasing in self.phrasings):
            yield "phrasings: in at least one, every optional parameter must stand in square brackets"
        if self.series:
            yield from self._problems_of_series(self.series, required)
        for key in self.fan_out:
            if key not in self.parameters:
                yield f"fan_out: {key} is no parameter ({suggest(key, self.parameters)})"
        if self.result:
            if problem := self.result.answer.problem(required | self.result.values.keys()):
                yield f"result.answer: {problem}"
            if "[" in self.result.answer.source:
                yield "result.answer: there are no optional parts in it"

    def _problems_of_series(self, series: Series, required: set[str]) -> Iterator[str]:
        if problem := series.head.problem({*self.parameters, "n"}):
            yield f"series.head: {problem}"
        if problem := series.item.problem(self.parameters):
            yield f"series.item: {problem}"
        named = series.head.required | series.item.required
        if "n" in self.parameters:
            yield "series: {n} is the number of calls, so no parameter can be called n"
        if "n" not in series.head.required:
            yield "series.head: {n}, the number of calls, must stand in it"
        if missing := required - named:
            yield f"series: {_braces(missing)} must stand in head or item, outside of square brackets"
        if named - {"n"} - required:
            yield "series: optional parameters must stand in square brackets"


class ToolGroup(Settings):
    """A tools file: tools of one trade. Two groups are equal only if they are the same.

    It is validated in a context: a dict of the pools that it may name, to which its own are added.
    """

    version: Literal[0]
    """Of this contract."""
    namespaces: tuple[ToolName, ...] = ()
    """What may stand before the dot in a name like weather.get_forecast."""
    request_verbs: tuple[str, ...] = Field(_REQUEST_VERBS, min_length=1)
    """What asks for a phrasing that is a noun phrase: "calculate" the area, "look up" the price."""
    contexts: tuple[str, ...] = ()
    """Sentences that may precede a query and ask for nothing."""
    pools: dict[str, ValuePool] = Field(default_factory=dict)
    """Value pools that parameters can name; one may name those before it."""
    tools: tuple[DeclaredTool, ...] = ()
    """The tools."""

    __eq__, __hash__ = object.__eq__, object.__hash__

    @field_validator("pools", mode="wrap")
    @classmethod
    def _one_after_another(cls, pools: Any, read: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Pools:
        made: dict[str, Any] = {}
        for name in pools if isinstance(pools, dict) else ():
            made |= read({name: pools[name]})
            info.context.update(made)  # type: ignore[union-attr]
        return made or read(pools)

    @model_validator(mode="after")
    def _names_differ(self) -> "ToolGroup":
        names = [tool.name for tool in self.tools if tool.name is not None]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"tools: two have the name {name}")
        return self
