"""What a tools file says of a flow: the request, the calls that answer it one after another, and when it is solved.

docs/tools-file.md explains every key. A model can only make a call whose values it has seen, so every value of an
argument or an answer stands in each request, or in a result before; `flow_checks` finds what only the tools show.
"""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator, model_validator

from callwright.conversation import Json
from callwright.data.tools_file.pools import ParameterName, Text, Texts, ToolName, ValuePool
from callwright.data.tools_file.slots import Phrasing, Problem, misfit
from callwright.data.tools_file.templates import slots, template_problem
from callwright.settings import Settings

FEWEST_REQUESTS = 5
"""Ways of asking that a flow has at least, because one of five is never learned."""
MOST_STEPS = 7
"""Calls of a flow: with their results, a longer one would not fit into a training row."""


class FlowCall(Settings):
    """A call."""

    tool: ToolName
    """The tool's name."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Any JSON; `{x}` in a text is a value, and a text that is `{x}` and nothing else is the value with its type."""


class StepResult(Settings):
    """What a call gives back."""

    values: dict[ParameterName, ValuePool] = Field(default_factory=dict)
    """Values that it tells, by name; later steps and the answer may name them."""
    text: Text | None = None
    """What the model sees; without it, an object with these values."""

    @model_validator(mode="after")
    def _says_something(self) -> "StepResult":
        if self.text is None and not self.values:
            raise misfit("a text, or values")
        return self


def _as_text(value: Any) -> Any:
    return {"text": value} if isinstance(value, str) else value


class FlowStepSettings(FlowCall):
    """A call, and what it gives back."""

    result: Annotated[StepResult, BeforeValidator(_as_text)]
    """What it gives back: a text, or a text with values of its own."""


class GoalSettings(Settings):
    """When a flow is solved."""

    calls: tuple[FlowCall, ...] | None = None
    """Calls that must be made in this order, others between them allowed; an argument that is not named may be
    anything. None, written `all`, stands for the calls of all steps, without further arguments."""
    answer: Texts = ()
    """Texts that the final answer must hold, whatever their case."""

    @field_validator("calls", mode="before")
    @classmethod
    def _all(cls, value: Any) -> Any:
        return None if value == "all" else value

    @model_validator(mode="after")
    def _asks_for_something(self) -> "GoalSettings":
        if self.calls == () and not self.answer:
            raise misfit("a call or a text of the answer; a goal without either always holds")
        return self


class FlowSettings(Settings):
    """Several calls for one request, of which a later one needs what an earlier one gave back."""

    name: ParameterName
    """Its name."""
    values: dict[ParameterName, ValuePool] = Field(default_factory=dict)
    """What the request speaks of, by name."""
    requests: tuple[Phrasing, ...] = Field(min_length=FEWEST_REQUESTS)
    """Ways of asking for it, over these values."""
    steps: tuple[FlowStepSettings, ...] = Field(min_length=2, max_length=MOST_STEPS)
    """The calls, in order."""
    answers: tuple[Text, ...] = Field(min_length=1)
    """What the assistant says in the end, one of them."""
    goal: GoalSettings = GoalSettings()
    """When it is solved."""

    @model_validator(mode="after")
    def _consistent(self) -> "FlowSettings":
        for what, path in self._problems():
            raise misfit(what, *path)
        return self

    def _problems(self) -> Iterator[Problem]:
        """Values that nothing declares, or that the model has not seen when it needs them."""
        sources = [request.source for request in self.requests]
        for number, request in enumerate(self.requests):
            if problem := request.problem(self.values):
                yield problem, ("requests", number)
            if request.source in sources[:number]:
                yield "two requests are the same", ("requests", number)
        known = set(self.values)
        seen = frozenset(self.values).intersection(*(request.required for request in self.requests))
        for number, step in enumerate(self.steps):
            yield from self._problems_of_arguments(number, known, seen)
            for name in step.result.values:
                if name in known:
                    yield f"two values have the name {name}", ("steps", number, "result", "values", name)
            known |= step.result.values.keys()
            seen |= step.result.values.keys() if step.result.text is None else slots(step.result.text)
            if problem := template_problem(step.result.text, known):
                yield problem, ("steps", number, "result")
        for number, answer in enumerate(self.answers):
            yield from _unseen(answer, known, seen, ("answers", number))
        for number, call in enumerate(self.goal.calls or ()):
            if problem := template_problem(call.arguments, known):
                yield problem, ("goal", "calls", number, "arguments")
        for number, text in enumerate(self.goal.answer):
            if problem := template_problem(text, known):
                yield problem, ("goal", "answer", number)

    def _problems_of_arguments(self, number: int, known: set[str], seen: frozenset[str]) -> Iterator[Problem]:
        later = {name: n for n, step in enumerate(self.steps) for name in step.result.values if n >= number}
        for key, argument in self.steps[number].arguments.items():
            path = ("steps", number, "arguments", key)
            if ahead := sorted(slots(argument) & later.keys() - known):
                yield f"{{{ahead[0]}}} is not known yet: it comes with the result of step {later[ahead[0]] + 1}", path
            else:
                yield from _unseen(argument, known, seen, path)


def _unseen(template: Json, known: set[str], seen: frozenset[str], path: tuple[str | int, ...]) -> Iterator[Problem]:
    if problem := template_problem(template, known):
        yield problem, path
    elif unseen := sorted(slots(template) - seen):
        yield (
            f"the model has not seen {{{unseen[0]}}}: it must stand in every request outside of square brackets, or in "
            "the text of a result before",
            path,
        )
