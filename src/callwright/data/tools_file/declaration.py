"""What a tools file declares: every way of naming, describing and asking for a tool.

docs/tools-file.md is the contract, version 1. The classes here say what each key may hold, `pools` what the values
of a parameter are, `slots` what a phrasing is, `flows` what a flow is, and `conversations` what surrounds a request.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field, ValidationInfo, ValidatorFunctionWrapHandler, field_validator, model_validator

from callwright.conversation import Json, Tool
from callwright.data.tools_file.conversations import Fallback, History, Noise
from callwright.data.tools_file.flow_checks import flow_problems
from callwright.data.tools_file.flows import FlowSettings
from callwright.data.tools_file.pools import ParameterName, Pools, Text, Texts, ToolName, ValuePool, WithValues
from callwright.data.tools_file.slots import Phrasing, Problem, braces, misfit
from callwright.errors import suggest
from callwright.settings import Settings

_REQUEST_VERBS = ("find", "get", "look up", "check", "show me", "tell me", "give me", "find out")
_CHANGES = ("follow_ups", "corrections", "answers")
"""The lists of phrasings that each say at least one value."""


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
    questions: Texts = Field((), alias="question")
    """How the assistant asks for it, one of them."""

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
    several: bool = True
    """Whether a request may ask for several calls of it; False where one call takes them all, as a list."""
    result: ToolResult | None = None
    """What it gives back; None keeps it out of dialogues."""
    near_misses: tuple[Phrasing, ...] = ()
    """Requests that sound like it and that nothing serves."""
    incomplete: tuple[Phrasing, ...] = ()
    """Requests for it without the value of a required parameter."""
    answers: tuple[Phrasing, ...] = ()
    """Ways of saying a value that was missing."""
    follow_ups: tuple[Phrasing, ...] = ()
    """After a call of it, requests for another with the values that they say ("the kitchen too")."""
    pronouns: tuple[Phrasing, ...] = ()
    """Requests for it whose other values are those of its call before ("lock it again")."""
    carry_overs: tuple[Phrasing, ...] = ()
    """Requests for it whose other values are those of another tool's call before ("and lock it")."""
    corrections: tuple[Phrasing, ...] = ()
    """Requests for it in place of the call before, with the values that they say ("no, the garage door")."""

    __eq__, __hash__ = object.__eq__, object.__hash__

    @model_validator(mode="after")
    def _consistent(self) -> "DeclaredTool":
        """Finds what no type says: a call must never need a value that its request does not have."""
        if (self.name is None) == (not self.verbs or not self.nouns):
            raise misfit("a tool has either a name, or verbs and nouns")
        for what, path in self._problems():
            raise misfit(what, *path)
        return self

    def as_named(self) -> Tool:
        """The tool under its own name, without descriptions: what its calls are checked against."""
        properties: dict[str, Json] = {key: dict(each.types[0].schema) for key, each in self.parameters.items()}
        required: list[Json] = [key for key, each in self.parameters.items() if each.is_required]
        return Tool(str(self.name), None, {"type": "object", "properties": properties, "required": required})

    def mismatch(self, other: "DeclaredTool") -> str:
        """Why another entry under its name makes calls that this one, as which it is offered, cannot; "" if none."""
        for key, parameter in other.parameters.items():
            if key not in self.parameters:
                return f"{key} is no parameter of the first entry ({suggest(key, self.parameters)})"
            if not _allows(self.parameters[key].types[0].schema, parameter.types[0].schema):
                return f"{key} has other values in the first entry"
        required = [key for key, parameter in self.parameters.items() if parameter.is_required]
        missing = [key for key in required if key not in other.parameters or not other.parameters[key].is_required]
        return f"{missing[0]} is required in the first entry" if missing else ""

    def _problems(self) -> Iterator[Problem]:
        required = {key for key, parameter in self.parameters.items() if parameter.is_required}
        order = [parameter.is_required for parameter in self.parameters.values()]
        if order != sorted(order, reverse=True):
            yield "required ones stand first", ("parameters",)
        for number, phrasing in enumerate(self.phrasings):
            if problem := phrasing.problem(self.parameters):
                yield problem, ("phrasings", number)
            if missing := required - phrasing.required:
                yield f"{braces(missing)} must stand in it outside of square brackets", ("phrasings", number)
        if not any(phrasing.required <= required for phrasing in self.phrasings):
            yield "in at least one, every optional parameter must stand in square brackets", ("phrasings",)
        if self.series:
            yield from self._problems_of_series(self.series, required)
        for number, key in enumerate(self.fan_out):
            if key not in self.parameters:
                yield f"{key} is no parameter ({suggest(key, self.parameters)})", ("fan_out", number)
        if self.result:
            if problem := self.result.answer.problem(required | self.result.values.keys()):
                yield problem, ("result", "answer")
            if "[" in self.result.answer.source:
                yield "there are no optional parts in it", ("result", "answer")
        yield from self._problems_in_conversations(required)

    def _problems_of_series(self, series: Series, required: set[str]) -> Iterator[Problem]:
        if problem := series.head.problem({*self.parameters, "n"}):
            yield problem, ("series", "head")
        if problem := series.item.problem(self.parameters):
            yield problem, ("series", "item")
        named = series.head.required | series.item.required
        if "n" in self.parameters:
            yield "{n} is the number of calls, so no parameter can be called n", ("series",)
        if "n" not in series.head.required:
            yield "{n}, the number of calls, must stand in it", ("series", "head")
        if missing := required - named:
            yield f"{braces(missing)} must stand in head or item, outside of square brackets", ("series",)
        if named - {"n"} - required:
            yield "optional parameters must stand in square brackets", ("series",)

    def _problems_in_conversations(self, required: set[str]) -> Iterator[Problem]:
        for key in ("near_misses", "incomplete", "pronouns", "carry_overs", *_CHANGES):
            for number, phrasing in enumerate(getattr(self, key)):
                if problem := phrasing.problem(self.parameters):
                    yield problem, (key, number)
                if key in _CHANGES and not phrasing.required:
                    yield "a parameter must stand in it outside of square brackets", (key, number)
                if key == "incomplete" and required <= phrasing.parameters:
                    yield "it must lack a required parameter; what lacks none is one of phrasings", (key, number)


def _allows(offered: Json | Mapping[str, Json], drawn: Json | Mapping[str, Json]) -> bool:
    """Whether every value that the second schema describes is one of the first, for the schemas of value types."""
    if not isinstance(offered, Mapping) or not isinstance(drawn, Mapping):
        return True
    allowed, possible = offered.get("enum"), drawn.get("enum")
    if isinstance(allowed, list) and not (isinstance(possible, list) and all(value in allowed for value in possible)):
        return False
    inner, others = offered.get("properties", {}), drawn.get("properties", {})
    if not isinstance(inner, dict) or not isinstance(others, dict) or inner.keys() != others.keys():
        return False
    pairs = [(offered.get("items"), drawn.get("items")), *((inner[key], others[key]) for key in inner)]
    return offered["type"] == drawn["type"] and all(_allows(*pair) for pair in pairs)


class ToolGroup(Settings):
    """A tools file: tools of one trade. Two groups are equal only if they are the same.

    It is validated in a context: a dict of the pools that it may name, to which its own are added.
    """

    version: Literal[1]
    """Of this contract."""
    namespaces: tuple[ToolName, ...] = ()
    """What may stand before the dot in a name like weather.get_forecast."""
    request_verbs: tuple[Text, ...] = Field(_REQUEST_VERBS, min_length=1)
    """What asks for a phrasing that is a noun phrase: "calculate" the area, "look up" the price."""
    contexts: tuple[Text, ...] = ()
    """Sentences that may precede a query and ask for nothing."""
    system: Texts = ()
    """System prompts."""
    histories: tuple[History, ...] = ()
    """Chats that may precede a request."""
    user_line: str = "{text}"
    """How a message of the user is written: `{text}` is what the user says, other names are pools of this file."""
    fallback: Fallback | None = None
    """What answers a request that no tool serves; None for words of the package."""
    missing: Literal["ask", "call"] = "ask"
    """What answers a request that lacks a required value: a question, or the call without it."""
    off_topic: tuple[Text, ...] = ()
    """Requests that are far from all tools."""
    small_talk: bool = True
    """Whether the package's small talk, which is mostly general knowledge, is off topic, too."""
    noise: Noise = Noise()
    """What speech recognition does to what the user says."""
    include: tuple[str, ...] = ()
    """Files in the same directory whose keys count as if they stood in this one."""
    pools: dict[str, ValuePool] = Field(default_factory=dict)
    """Value pools that parameters can name; one may name those before it."""
    tools: tuple[DeclaredTool, ...] = ()
    """The tools."""
    flows: tuple[FlowSettings, ...] = ()
    """Requests that take several calls, a later one with what an earlier one gave back."""

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
    def _consistent(self) -> "ToolGroup":
        for what, path in self._problems():
            raise misfit(what, *path)
        return self

    @property
    def named(self) -> tuple[DeclaredTool, ...]:
        """The tools that have a name, each as its first entry says, which is how it is offered."""
        first = dict[str, DeclaredTool]()
        for tool in self.tools:
            if tool.name is not None:
                first.setdefault(tool.name, tool)
        return tuple(first.values())

    def _problems(self) -> Iterator[Problem]:
        first = {tool.name: tool for tool in self.named}
        for number, tool in enumerate(self.tools):
            if tool.name is not None and tool is not first[tool.name] and (problem := first[tool.name].mismatch(tool)):
                yield f"{tool.name} has an entry already, and this is another tool: {problem}", ("tools", number)
        used = re.findall(r"{(\w+)}", self.user_line)
        if "text" not in used or re.search(r"[{}]", re.sub(r"{\w+}", "", self.user_line)):
            yield "{text} must stand in it, and braces around nothing but it and names of pools", ("user_line",)
        for name in used:
            if name not in ("text", *self.pools):
                yield f"{{{name}}} is no pool of this file ({suggest(name, self.pools)})", ("user_line",)
        fallback = self.fallback.tool if self.fallback else None
        if fallback is not None:
            if fallback not in first:
                yield f"a tool of this file ({suggest(fallback, map(str, first))})", ("fallback", "tool")
            elif any(parameter.is_required for parameter in first[fallback].parameters.values()):
                yield "a tool without required parameters, because it is called without arguments", ("fallback", "tool")
        for number, flow in enumerate(self.flows):
            if flow.name in [other.name for other in self.flows[:number]]:
                yield f"two flows have the name {flow.name}", ("flows", number, "name")
            for what, path in flow_problems(flow, [tool.as_named() for tool in self.named]):
                yield what, ("flows", number, *path)
