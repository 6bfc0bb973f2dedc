"""`mock`: no model, but the outputs that solve each task, in the model's format and tokens; for tests, and to see what
a bake-off writes.
"""

from dataclasses import replace

from callwright.bakeoff.arms.base import ArmError
from callwright.bakeoff.arms.raw import RawArm, RawOutput, RawPrompt
from callwright.conversation import Conversation, Message
from callwright.tokens import count_given, encode_segments, last_supervised


class MockArm(RawArm):
    """Plays every task to its goal."""

    async def generate(self, prompt: RawPrompt) -> RawOutput:
        """See `RawArm.generate`."""
        before, tokenizer = prompt.conversation, self.setup.tokenizer
        whole = replace(before, messages=(*before.messages, self.planned(before)))
        segments = last_supervised(self.setup.format.render(whole, thinking=self.setup.thinking).segments)
        ids = encode_segments(tokenizer, segments)[0]
        ids = ids[count_given(tokenizer, ids, prompt.ids) :]
        stops = {tokenizer.token_id(stop) for stop in self.setup.format.stops}
        ids = ids[: next((place + 1 for place, one in enumerate(ids) if one in stops), len(ids))]
        cut = len(ids) > prompt.limit
        return RawOutput(ids=tuple(ids[: prompt.limit]), truncated=cut, stop_reason="length" if cut else "stop")

    def planned(self, conversation: Conversation) -> Message:
        """What is answered to a conversation.

        Raises:
          ArmError: It is none of the tasks'.
        """
        for task in self.setup.tasks:
            first = task.conversation.messages
            if conversation.messages[: len(first)] != first:
                continue
            done = sum(message.role == "assistant" for message in conversation.messages[len(first) :])
            if done < len(task.flow.steps):
                call = replace(task.flow.steps[done].call, id=f"{done:09}")
                return Message("assistant", tool_calls=(call,))
            return Message("assistant", task.flow.answer)
        raise ArmError("arm_error", "a conversation of the tasks", "another one", "give the arm these tasks")
