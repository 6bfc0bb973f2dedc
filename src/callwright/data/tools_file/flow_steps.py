"""A flow's calls, their results and its goal, with values drawn."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from callwright.conversation import Json, Tool, ToolCall
from callwright.data.tools_file.flows import FlowCall, FlowSettings, StepResult
from callwright.data.tools_file.pools import Pools
from callwright.data.tools_file.templates import plain_text, worded, written, written_text
from callwright.data.tools_file.values import Value, ValueType
from callwright.scoring.expected import check_call
from callwright.scoring.verdict import show

_TRIES = 20  # to draw a value that is worded unlike the others, so that an argument can be traced to its words


@dataclass(frozen=True, slots=True)
class FlowStep:
    """A call, and what it gives back."""

    call: ToolCall
    result: Json


@dataclass(frozen=True, slots=True)
class Goal:
    """When a flow is solved.

    Attributes:
      calls: Calls that must be made in this order; others may stand between them.
      answer: Texts that the final answer must hold, whatever their case.
      exact: Whether a call may have no other arguments than these.
    """

    calls: tuple[ToolCall, ...] = ()
    answer: tuple[str, ...] = ()
    exact: bool = True

    def failure(self, calls: Sequence[ToolCall], answer: str, tools: Sequence[Tool] = ()) -> str:
        """Why it does not hold; "" where it does.

        Args:
          calls: All calls that were made, in order.
          answer: The final answer.
          tools: The tools on offer: to name an argument with its default is the same as to leave it out.
        """
        left = iter(calls)
        for wanted in self.calls:
            if not any(self._is_made(wanted, call, tools) for call in left):
                return f"no call of {wanted.name} with {show(dict(wanted.arguments))} in its place"
        missing = [text for text in self.answer if text.casefold() not in answer.casefold()]
        return f"the answer does not say {show(missing[0])}" if missing else ""

    def _is_made(self, wanted: ToolCall, call: ToolCall, tools: Sequence[Tool]) -> bool:
        if not self.exact:
            named = {name: value for name, value in call.arguments.items() if name in wanted.arguments}
            call = ToolCall(call.name, named)
        return is_same_call(wanted, call, tools)


def is_same_call(expected: ToolCall, call: ToolCall, tools: Sequence[Tool]) -> bool:
    """Whether a call is the expected one, by the rules of the suite: case and punctuation of strings do not count."""
    schema = next((tool.parameters for tool in tools if tool.name == expected.name), {})
    return check_call(schema, expected, call).valid


@dataclass(frozen=True, slots=True)
class DrawnSteps:
    """The steps and the goal of a flow, and the values in them by name: those of the request, then the results'."""

    values: Mapping[str, Value]
    steps: tuple[FlowStep, ...]
    goal: Goal

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The calls of all steps."""
        return tuple(step.call for step in self.steps)


def draw_steps(settings: FlowSettings, draw: Callable[[ValueType], Value]) -> DrawnSteps:
    """The steps and the goal with values that `draw` draws, each as the first type of its pool has it.

    A value that a result tells has no wording but the way in which JSON has it, so that the model can copy it.
    """
    values: dict[str, Value] = _drawn(settings.values, {}, draw)
    steps = list[FlowStep]()
    for step in settings.steps:
        call = _call(step, values)
        drawn = _drawn(step.result.values, values, draw)
        values |= {name: Value(value.json, plain_text(value.json)) for name, value in drawn.items()}
        steps.append(FlowStep(call, _result(step.result, values)))
    wanted = settings.goal.calls
    goal = Goal(
        calls=tuple(step.call for step in steps) if wanted is None else tuple(_call(one, values) for one in wanted),
        answer=tuple(worded(text, values) for text in settings.goal.answer),
        exact=wanted is None,
    )
    return DrawnSteps(values, tuple(steps), goal)


def _drawn(pools: Pools, others: Mapping[str, Value], draw: Callable[[ValueType], Value]) -> dict[str, Value]:
    """A value of each pool, worded unlike the others where the pool has enough."""
    values = dict[str, Value]()
    for name, pool in pools.items():
        taken = {value.text for value in (*others.values(), *values.values())}
        for _ in range(_TRIES):
            values[name] = draw(pool[0])
            if values[name].text not in taken:
                break
    return values


def _call(call: FlowCall, values: Mapping[str, Value]) -> ToolCall:
    return ToolCall(call.tool, {name: written(value, values) for name, value in call.arguments.items()})


def _result(result: StepResult, values: Mapping[str, Value]) -> Json:
    if result.text is None:
        return {name: values[name].json for name in result.values}
    return written_text(result.text, values)
