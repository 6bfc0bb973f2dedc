"""A flow of the suite `tools` while it is played: until the model answers without a call; then its goal holds or not.

A call of a tool that does not exist gets a result that says so; a call that cannot be read, a request that fails and
too many steps end a flow.
"""

from callwright.conversation import Conversation, Message, ToolCall
from callwright.data.own_tools.flows import Flow
from callwright.evaluation.answerer import ModelAnswer
from callwright.evaluation.plays import Play
from callwright.evaluation.row import EvaluationRow, RowStep, recorded
from callwright.evaluation.statistics import FLOW
from callwright.scoring.expected import GOAL_NOT_MET
from callwright.scoring.verdict import VALID, Verdict, wrong


class FlowPlay(Play):
    """A flow that is played.

    Args:
      flow: The flow.
      max_steps: Answers, at most.
    """

    def __init__(self, flow: Flow, max_steps: int) -> None:
        super().__init__(flow.id, FLOW, flow.conversation, flow.calls)
        self.expected_answers = len(flow.steps) + 1
        self._flow, self._max_steps = flow, max_steps
        self._made: list[ToolCall] = []
        self._steps: list[RowStep] = []

    def _follow(self, answer: ModelAnswer) -> Verdict | Conversation:
        """The calls of the answer get their results, and the next prompt has both."""
        results = list[Message]()
        for call in answer.calls or ():
            result = self._flow.result(call, self._made)
            results.append(Message("tool", result, name=call.name, tool_call_id=call.id))
            self._made.append(call)
        calls = None if answer.calls is None else recorded(answer.calls)
        contents = tuple(message.content for message in results)
        self._steps.append(RowStep(raw=answer.text, calls=calls, results=contents))
        if answer.message is None:
            return wrong(GOAL_NOT_MET, "a call was begun that cannot be read")
        if not results:
            failure = self._flow.failure(self._made, str(answer.message.content or ""))
            return wrong(GOAL_NOT_MET, failure) if failure else VALID
        if len(self._steps) == self._max_steps:
            return wrong(GOAL_NOT_MET, f"no final answer within {self._max_steps} steps")
        before = self.prompt.conversation
        return Conversation((*before.messages, answer.message, *results), before.tools)

    def row(self) -> EvaluationRow:
        """See `Play.row`: with all calls that were made, and every answer."""
        return self._row(self._made, steps=tuple(self._steps))
