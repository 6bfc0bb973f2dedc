"""Flows: several calls for one request, of which a later one needs what an earlier one gave back.

A tools file says what a flow is made of (`tools_file/flows`), and `draw_flow` draws one of it. It is a whole
conversation to learn from, and in an evaluation it plays the tools: `Flow.result` is what a call gives back, whatever
the model calls, and `Flow.failure` says whether the goal holds in the end. Nothing is executed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from callwright.conversation import Conversation, Json, Message, Tool, ToolCall
from callwright.data.own_tools.splits import draw_value, phrasings_on_side
from callwright.data.rng import Rng
from callwright.data.tools_file.flow_checks import call_problem
from callwright.data.tools_file.flow_steps import FlowStep, Goal, draw_steps, is_same_call
from callwright.data.tools_file.flows import FlowSettings
from callwright.data.tools_file.templates import worded
from callwright.data.tools_file.values import Value, ValueType

NOTHING = "nothing found"
"""What a call gives back that no step makes."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One flow.

    Attributes:
      id: Unique among those that are drawn with different choices.
      name: The name of what it was drawn from.
      conversation: The tools, and the messages up to the user's request.
      steps: The calls that solve it, in order, one for each turn of the assistant.
      answer: What the assistant says in the end.
      goal: When it is solved.
      values: What was drawn, by name: first what the request speaks of, then what the results tell.
    """

    id: str
    name: str
    conversation: Conversation
    steps: tuple[FlowStep, ...]
    answer: str
    goal: Goal
    values: Mapping[str, Value] = field(default_factory=dict)

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The calls of all steps."""
        return tuple(step.call for step in self.steps)

    def result(self, call: ToolCall, made: Sequence[ToolCall]) -> Json:
        """What a call gives back: the result of the step that makes it, else a text that says what is wrong.

        The same call gives the same result again. Where several steps make it, it is the last of them whose turn has
        come: all steps before it have been made.

        Args:
          call: Any call.
          made: The calls that were made before it.
        """
        tools = self.conversation.tools
        same = [number for number, step in enumerate(self.steps) if is_same_call(step.call, call, tools)]
        if not same:
            problem = call_problem(call, tools)
            return f"error: {problem}" if problem else NOTHING
        turn = 0
        while turn < len(self.steps) and any(is_same_call(self.steps[turn].call, one, tools) for one in made):
            turn += 1
        come = [number for number in same if number <= turn]
        return self.steps[come[-1] if come else same[0]].result

    def failure(self, calls: Sequence[ToolCall], answer: str) -> str:
        """Why the goal does not hold after these calls and this final answer; "" where it does."""
        return self.goal.failure(calls, answer, self.conversation.tools)

    def gold(self) -> Conversation:
        """The whole conversation, as it is learned."""
        turns = list[Message]()
        for step in self.steps:
            turns.append(Message("assistant", tool_calls=(step.call,)))
            turns.append(Message("tool", step.result, name=step.call.name))
        turns.append(Message("assistant", self.answer))
        return Conversation((*self.conversation.messages, *turns), self.conversation.tools)


def draw_flow(settings: FlowSettings, tools: tuple[Tool, ...], rng: Rng, *, held_out: bool | None) -> Flow:
    """A flow whose conversation is the request alone.

    Args:
      settings: What it is drawn from.
      tools: Those of its file, as they are offered.
      rng: Makes the choices.
      held_out: Whether wordings and values are those that are never learned, or those that are; None for all of a file
        that nothing is learned from.
    """
    number = rng.between(0, 0xFFFFFFFF)
    requests = settings.requests if held_out is None else phrasings_on_side(settings.requests, held_out)

    def draw(value_type: ValueType) -> Value:
        return value_type.draw(rng) if held_out is None else draw_value(value_type, rng, held_out)

    drawn = draw_steps(settings, draw)
    request, _ = rng.pick(requests).choose(drawn.values, rng)
    return Flow(
        id=f"{settings.name}-{number:08x}",
        name=settings.name,
        conversation=Conversation((Message("user", worded(request, drawn.values)),), tools),
        steps=drawn.steps,
        answer=worded(rng.pick(settings.answers), drawn.values),
        goal=drawn.goal,
        values=drawn.values,
    )
