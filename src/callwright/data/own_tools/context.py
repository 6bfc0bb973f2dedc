"""What surrounds the turns of a conversation: a system prompt, a history, and the line in which a user writes."""

import re
from collections.abc import Iterator

from callwright.conversation import Message
from callwright.data.own_tools.noise import spoken
from callwright.data.rng import Rng
from callwright.data.tools_file.conversations import History
from callwright.data.tools_file.declaration import ToolGroup


class ChatContext:
    """What surrounds one conversation.

    Args:
      file: The tools file.
      system: Which of its system prompts the conversation has; None for a conversation without one.
      history: Whether a history precedes the request, where the file has some.
      rng: Makes the choices.

    Attributes:
      messages: The system prompt and the history; nothing in them is learned.
    """

    def __init__(self, file: ToolGroup, system: int | None, history: bool, rng: Rng) -> None:
        self._file = file
        names = dict.fromkeys(re.findall(r"{(\w+)}", file.user_line))
        self._line = {name: file.pools[name][0].draw(rng).text for name in names if name != "text"}
        messages = [] if system is None else [Message("system", file.system[system])]
        if history and file.histories:
            whole = rng.pick(file.histories)
            start = 2 * rng.between(0, len(whole) // 2 - 1)  # the end of a history is one, too
            messages += self.chat(whole[start:])
        self.messages = tuple(messages)

    def chat(self, history: History) -> Iterator[Message]:
        """The messages of a history, as they arrived."""
        for message in history:
            ((role, text),) = message.items()
            yield Message(role, self.line(text) if role == "user" else text, supervised=False)

    def line(self, text: str) -> str:
        """A message of the user that says this."""
        values = self._line | {"text": text}
        return re.sub(r"{(\w+)}", lambda slot: values[slot[1]], self._file.user_line)

    def user_message(self, text: str, values: set[str], rng: Rng) -> Message:
        """The user's message, as it arrives.

        Args:
          text: What the user says.
          values: The texts in it that noise leaves alone.
          rng: Makes the choices.
        """
        return Message("user", self.line(spoken(text, values, self._file.noise, rng)))
