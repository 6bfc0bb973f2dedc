"""What is wrong with a flow that only its tools and drawn values show.

The calls that a flow is made of must satisfy their tools' schemas, and must meet its goal themselves, whichever answer
is drawn. Some flows are drawn to see it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from callwright.conversation import Tool, ToolCall
from callwright.data.rng import Rng
from callwright.data.tools_file.flow_steps import DrawnSteps, draw_steps
from callwright.data.tools_file.flows import FlowSettings
from callwright.data.tools_file.slots import Problem
from callwright.data.tools_file.templates import whole_slot, worded
from callwright.errors import suggest
from callwright.json_schema import violation
from callwright.scoring.verdict import show

_DRAWS = 8


def flow_problems(flow: FlowSettings, tools: Sequence[Tool]) -> Iterator[Problem]:
    """Everything that is wrong with a flow over these tools."""
    names = [tool.name for tool in tools]
    unknown = [
        (f"{call.tool} is no tool of this file ({suggest(call.tool, names)})", (*path, number, "tool"))
        for path, calls in ((("steps",), flow.steps), (("goal", "calls"), flow.goal.calls or ()))
        for number, call in enumerate(calls)
        if call.tool not in names
    ]
    yield from unknown
    if unknown:
        return
    yield from _enum_problems(flow, {tool.name: tool.parameters["properties"] for tool in tools})
    for number in range(_DRAWS):
        found = list(_drawn_problems(flow, _draw(flow, number), tools))
        if found:
            yield from found
            return


def _enum_problems(flow: FlowSettings, properties: Mapping[str, Any]) -> Iterator[Problem]:
    """Values that an enum does not have, which a few draws need not show."""
    pools = dict(flow.values)
    for number, step in enumerate(flow.steps):
        for key, argument in step.arguments.items():
            allowed = properties[step.tool].get(key, {}).get("enum")
            name = whole_slot(argument)
            if allowed is None or name not in pools:
                continue
            value_type = pools[name][0]
            possible: Any = value_type.schema.get("enum") or value_type.listed
            strange = [value for value in possible if value not in allowed]
            if strange:
                what = f"{{{name}}} can be {show(strange[0])}, and {key} is one of {', '.join(allowed)}"
                yield what, ("steps", number, "arguments", key)
        pools |= step.result.values


def _draw(flow: FlowSettings, number: int) -> DrawnSteps:
    rng = Rng("check", flow.name, number)
    return draw_steps(flow, lambda value_type: value_type.draw(rng))


def _drawn_problems(flow: FlowSettings, drawn: DrawnSteps, tools: Sequence[Tool]) -> Iterator[Problem]:
    for number, call in enumerate(drawn.calls):
        if problem := call_problem(call, tools):
            yield problem, ("steps", number, "arguments")
    for number, answer in enumerate(flow.answers):
        if failure := drawn.goal.failure(drawn.calls, worded(answer, drawn.values), tools):
            yield f"it does not hold for the flow's own steps and answers[{number}]: {failure}", ("goal",)


def call_problem(call: ToolCall, tools: Sequence[Tool]) -> str:
    """Why a call cannot be made: its tool is none of these, or its arguments are against its schema; "" if it can."""
    tool = next((tool for tool in tools if tool.name == call.name), None)
    if tool is None:
        return f"there is no tool {show(call.name)}"
    schema = {"additionalProperties": False, **tool.parameters}
    problem = violation(dict(call.arguments), schema, tool.parameters)
    return f"{problem} in a call of {tool.name}" if problem else ""
