"""Small helpers of the training tests: examples of varied length, adapted tiny models, and adapters as bits."""

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from tests.support.tiny import tiny_tokenizer

from callwright.conversation import Conversation, Message
from callwright.data.packing import PackedBatches, PackingSettings
from callwright.data.source import Example
from callwright.formats import get_format
from callwright.models.load import load_model, make_mesh
from callwright.models.lora import Adapter, attach, read_adapter, write_adapter
from callwright.models.settings import LoraSettings, Precision
from callwright.models.sources import ModelFiles
from callwright.training.settings import SftSettings

WORDS = ("weather", "Paris", "temperature", "tool", "result", "name", "city", "the", "a", "is", "in", "number", "get")
LORA = LoraSettings(rank=2, alpha=6.0)
ALONE = 50  # tokens: any one example fits, and no two


@dataclass(frozen=True)
class Examples:
    """A source that holds its examples."""

    examples: Sequence[Example]
    name: str = "examples"

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> Example:
        return self.examples[index]

    def group(self, index: int) -> str:
        return str(index)


def example(index: int, words: int, answer: int) -> Example:
    """A question of `words` words and an answer of `answer`; different for every index."""
    draw = random.Random(index)
    question, output = (" ".join(draw.choices(WORDS, k=count)) for count in (words, answer))
    messages = (Message("user", f"{index}: {question}"), Message("assistant", output))
    return Example(f"example/{index}", Conversation(messages), "dialogue")


def examples(count: int) -> Examples:
    """Examples of 26 to 50 tokens: one fills most of a row of `ALONE`, and leaves the tiny model's window of 16."""
    return Examples([example(index, 8 + index % 5, 1 + index * 7 % 4) for index in range(count)])


class Grouped(Examples):
    """Examples whose ids are "grouped/GROUP/INDEX"."""

    def group(self, index: int) -> str:
        return self.examples[index].id.split("/")[1]


def grouped_examples(sizes: Sequence[int], words: int = 12) -> Grouped:
    """Groups of these sizes; the questions of a group begin with the same `words` words."""
    found = []
    for group, size in enumerate(sizes):
        common = " ".join(random.Random(group).choices(WORDS, k=words))
        for index in range(size):
            one = example(1000 * group + index, 2 + index % 4, 1 + index % 4)
            asked, answered = one.conversation.messages
            messages = (Message("user", f"{group} {common} {asked.content}"), answered)
            found.append(Example(f"grouped/{group}/{index}", Conversation(messages), "dialogue"))
    return Grouped(found)


def settings(**changes: Any) -> SftSettings:
    """A run of a few small updates."""
    small: dict[str, Any] = {
        "steps": 6,
        "batch_size": 2,
        "sequence_length": 96,
        "supervised_length": 24,
        "learning_rate": 1e-2,
        "warmup_steps": 2,
        "checkpoint_every": 2,
    }
    return SftSettings(**small | changes)


def packed(source: Examples, shape: PackingSettings, seed: int = 0) -> PackedBatches:
    """The source's batches in the xml format, with the tiny tokenizer."""
    return PackedBatches(source, get_format("xml"), tiny_tokenizer(), shape, seed)


def adapted(files: ModelFiles, lora: LoraSettings = LORA, precision: Precision = "float32") -> Any:
    """A fresh adapted model on one device: a copy, since attaching the same adapter again takes a second."""
    graph, state = nnx.split(_attached(files, lora, precision))
    return nnx.merge(graph, jax.tree.map(jnp.copy, state))


@cache
def _attached(files: ModelFiles, lora: LoraSettings, precision: Precision) -> Any:
    mesh = make_mesh()
    return attach(load_model(files, mesh, precision), lora, mesh, seed=0)


def randomize(model: Any, size: float = 0.1, seed: int = 1) -> Adapter:
    """Gives the model a random adapter, b included, and returns it."""
    draw = np.random.default_rng(seed)
    noisy = {
        name: np.asarray(factor) + draw.normal(0, size, factor.shape).astype(np.float32)
        for name, factor in read_adapter(model).items()
    }
    write_adapter(model, noisy)
    return read_adapter(model)


def bits(arrays: Mapping[str, Any]) -> dict[str, str]:
    """A hash of every array's bytes by its name: equal if and only if all bits are."""
    return {name: hashlib.sha256(np.asarray(array).tobytes()).hexdigest() for name, array in arrays.items()}


def tree_bits(tree: Any) -> dict[str, str]:
    """The same for a nested tree."""
    return bits({jax.tree_util.keystr(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)})
