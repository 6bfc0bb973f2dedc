"""What is asked although no tool fits, and how an assistant says so.

The questions are general knowledge, opinions and writing: things a model could answer or should decline in text, and
that tempt it to call whatever is on offer. Asking back for a missing argument is left out on purpose: told from the
same few examples, a small model learns to ask instead of calling.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from callwright.data.rng import Rng
from callwright.data.synthetic.naming import OfferedTool
from callwright.data.tools_file.load import SHARED_POOLS
from callwright.settings import Settings
from callwright.yaml_files import read_package_yaml


class SmallTalk(Settings):
    """The words, as small_talk.yaml has them."""

    slots: dict[str, tuple[str, ...]]
    questions: tuple[str, ...]
    refusals: tuple[str, ...]
    scoped_refusals: tuple[str, ...]


@cache
def small_talk() -> SmallTalk:
    """The words; the countries of the shared pool are a slot, too."""
    words, shared = read_package_yaml([Path(__file__).with_suffix(".yaml"), SHARED_POOLS])
    words["slots"] = {"country": shared["pools"]["country"]["values"], **words["slots"]}
    return SmallTalk.model_validate(words)


def general_question(rng: Rng) -> str:
    """A question that no tool of any group is meant for."""
    words = small_talk()
    return rng.pick(words.questions).format_map({slot: rng.pick(values) for slot, values in words.slots.items()})


def refusal(offered: Sequence[OfferedTool], rng: Rng) -> str:
    """Says that nothing on offer fits."""
    if rng.chance(0.7):
        return rng.pick(small_talk().refusals)
    nouns = [(each.declared.nouns or (each.tool.name,))[0].replace("_", " ") for each in offered[:2]]
    scope = " and ".join(dict.fromkeys(nouns))
    return rng.pick(small_talk().scoped_refusals).format(scope=scope)
