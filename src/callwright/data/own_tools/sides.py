"""One side of a tools file: what training learns from, or what is held out for an evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from callwright.conversation import Tool
from callwright.data.own_tools.splits import on_side, phrasings_on_side, type_on_side
from callwright.data.rng import Rng
from callwright.data.synthetic.naming import OfferedTool, offer_tool
from callwright.data.synthetic.small_talk import small_talk
from callwright.data.tools_file.declaration import DeclaredTool, ToolGroup

_LISTS = ("phrasings", "near_misses", "incomplete", "answers", "follow_ups", "pronouns", "carry_overs", "corrections")


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a tools file.

    Attributes:
      file: The whole file.
      held_out: Which side.
      tools: The tools as they are offered, in the file's order, with the phrasings and the values of this side.
      off_topic: Requests that are far from all tools.
    """

    file: ToolGroup
    held_out: bool
    tools: tuple[OfferedTool, ...]
    off_topic: tuple[str, ...]

    @property
    def offered(self) -> tuple[Tool, ...]:
        """What the model sees of the tools, the same on both sides: each name once, as its first entry says."""
        first = dict[str, Tool]()
        for each in self.tools:
            first.setdefault(each.tool.name, each.tool)
        return tuple(first.values())


def one_side(file: ToolGroup, held_out: bool) -> Side:
    """The side of a file whose tools all have a name."""
    off_topic = on_side(file.off_topic, held_out)
    if file.small_talk:
        off_topic += tuple(_small_talk(held_out))
    return Side(file, held_out, tuple(_offered(file, tool, held_out) for tool in file.tools), off_topic)


def _offered(file: ToolGroup, tool: DeclaredTool, held_out: bool) -> OfferedTool:
    offered = offer_tool(file, tool, Rng("as it stands"))
    lists = {name: phrasings_on_side(getattr(tool, name), held_out) for name in _LISTS}
    series = None if held_out else tool.series  # a single way of asking for several calls is for training
    return replace(
        offered,
        declared=tool.model_copy(update={**lists, "series": series}),
        types={key: type_on_side(value_type, held_out) for key, value_type in offered.types.items()},
    )


def _small_talk(held_out: bool) -> Sequence[str]:
    """Every question of the package's small talk, with one of the values of its slots."""
    words, rng = small_talk(), Rng("small talk", held_out)
    slots = {slot: on_side(values, held_out) for slot, values in words.slots.items()}
    questions = on_side(words.questions, held_out)
    return [
        question.format_map({slot: rng.pick(values) for slot, values in slots.items()})
        for question in questions
        for _ in range(1 + 4 * ("{" in question))
    ]
