"""Examples of a tools file: example i is a function of (seed, i) and nothing else.

All tools of the file are offered in every example, in the file's order, so a request's look-alikes are the other tools.
Kinds follow one another by the golden-ratio sequence, so that any stretch of examples has the mix.
"""

from dataclasses import replace

from callwright.conversation import Conversation, Message
from callwright.data.own_tools.context import ChatContext
from callwright.data.own_tools.conversations import Conversations
from callwright.data.own_tools.flows import Flow, draw_flow
from callwright.data.own_tools.settings import KindMix
from callwright.data.own_tools.sides import one_side
from callwright.data.own_tools.turns import spoken_texts
from callwright.data.rng import Rng
from callwright.data.source import Example
from callwright.data.tools_file.declaration import ToolGroup
from callwright.errors import ConfigError

OWN_TOOLS_VERSION = 1
"""Rises when the same file and settings would make other examples; a run that began with another is not continued."""
_GOLDEN = 0.6180339887498949
_PLAIN = "plain"


class Generator:
    """Examples of one side of a tools file, made when they are asked for.

    Args:
      file: The tools file; all of its tools have a name.
      mix: How often each kind comes; a kind that the file has nothing for gets no weight.
      context_share: The share of examples that carry a system prompt and a history.
      seed: Which of the endless sets of examples.
      held_out: Whether phrasings and values are those that are held out, or those that training learns from.

    Raises:
      ConfigError: The file has nothing for any kind that has a weight.
    """

    def __init__(self, file: ToolGroup, mix: KindMix, context_share: float, *, seed: int, held_out: bool) -> None:
        self._file, self._share, self._seed, self._held_out = file, context_share, seed, held_out
        self._side = one_side(file, held_out)
        self._conversations = Conversations(self._side, unanswered=mix.unanswered > 0)
        self._name = "tools-held-out" if held_out else "tools"
        self._shift = Rng(self._name, "kind", seed).unit()
        wanted = {kind: weight for kind, weight in mix.model_dump().items() if weight and self._makes(kind)}
        if not wanted:
            raise ConfigError(
                "a kind of request in mix that the tools file can make",
                ", ".join(kind for kind, weight in mix.model_dump().items() if weight),
                "give another kind a weight, or add what it needs to the file",
            )
        total, edge = sum(wanted.values()), 0.0
        self._edges = list[tuple[float, str]]()
        for kind, weight in wanted.items():
            edge += weight / total
            self._edges.append((edge, kind))
        self.kinds = tuple(wanted)

    def _makes(self, kind: str) -> bool:
        return bool(self._file.flows) if kind == "flow" else self._conversations.makes(kind)

    def kind(self, index: int) -> str:
        """The kind of the example at `index`."""
        point = (index * _GOLDEN + self._shift) % 1
        return next((kind for edge, kind in self._edges if point < edge), self._edges[-1][1])

    def group(self, index: int) -> str:
        """The name of the examples that begin as the one at `index` does: they have its system prompt, or none."""
        system = self._system(index)[0]
        return _PLAIN if system is None else f"system {system}"

    def example(self, index: int) -> Example:
        """The example at `index`; the assistant's message to learn and to score is its last."""
        kind, id = self.kind(index), f"{self._name}-{self._seed}-{index}"
        context = self._context(index)
        if kind == "flow":
            return Example(id, self.flow(index).gold(), kind, len(context.messages))
        rng = self._rng("example", index)
        drawn = self._conversations.draw(kind, rng)
        messages, kept = list[Message](), spoken_texts(drawn.turns)
        for turn, after in drawn.before:
            messages += (context.user_message(turn.text, kept, rng), turn.answer, *after)
        messages += (context.user_message(drawn.last.text, kept, rng), drawn.last.answer)
        conversation = Conversation((*context.messages, *messages), self._side.offered)
        return Example(id, conversation, kind, len(context.messages))

    def flow(self, index: int) -> Flow:
        """The flow at `index`; all that the file declares come before one of them comes again."""
        block, place = divmod(index, len(self._file.flows))
        number = Rng(self._name, "flows", self._seed, block).shuffled(range(len(self._file.flows)))[place]
        rng, context = self._rng("flow", index), self._context(index)
        flow = draw_flow(self._file.flows[number], self._side.offered, rng, held_out=self._held_out)
        *_, request = flow.conversation.messages
        kept = {value.text for value in flow.values.values()}
        arguments = [value for step in flow.steps for value in step.call.arguments.values()]
        kept |= {value for value in arguments if isinstance(value, str)}
        message = context.user_message(str(request.content), kept, rng)
        conversation = Conversation((*context.messages, message), flow.conversation.tools)
        return replace(flow, id=f"{self._name}-{self._seed}-{index}", conversation=conversation)

    def _rng(self, what: str, index: int) -> Rng:
        return Rng(self._name, what, self._seed, index)

    def _system(self, index: int) -> tuple[int | None, bool]:
        """Which system prompt the example has, if it has one, and whether it carries a history."""
        rng = self._rng("system", index)
        carries = rng.chance(self._share)
        return (rng.between(0, len(self._file.system) - 1) if carries and self._file.system else None), carries

    def _context(self, index: int) -> ChatContext:
        system, carries = self._system(index)
        return ChatContext(self._file, system, carries, self._rng("context", index))
