"""The updates of an SFT stage, of which the first may be on short prompts.

The declarations of tools, a system prompt and a history are most of a prompt. What is left without them is a tenth as
long, so several updates take the time of one, and with few examples it is the number of updates that decides how much
is learned: which words ask for which tool, what a call looks like, where a value ends. The updates after them show the
prompts as they will be.
"""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from callwright.conversation import Conversation
from callwright.data.packing import ExampleCounts, PackedBatches
from callwright.data.rows import Batch
from callwright.data.source import Example, Source
from callwright.formats.base import Format
from callwright.notices import Notify
from callwright.tokens import Tokenizer
from callwright.training.settings import SftSettings


class Batches(Protocol):
    """A stream of updates, as `PackedBatches` is one."""

    @property
    def counts(self) -> ExampleCounts:
        """What was put into batches so far, and what was not."""
        ...

    def __iter__(self) -> Iterator[tuple[list[str], list[Batch]]]:
        """The ids and batches of every update, from the first."""
        ...


class ShortPrompts:
    """The examples of another source, whose prompts declare no tools and have no context; requests and calls stay."""

    def __init__(self, source: Source) -> None:
        self._source = source

    @property
    def name(self) -> str:
        """See `Source.name`."""
        return self._source.name

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int) -> Example:
        return _shortened(self._source[index])

    def read(self, index: int, notify: Notify) -> Example:
        """See `Source.read`."""
        return _shortened(self._source.read(index, notify))

    def group(self, index: int) -> str:
        """See `Source.group`."""
        return self._source.group(index)

    def digests(self) -> dict[str, str]:
        """See `Source.digests`."""
        return self._source.digests()


def _shortened(example: Example) -> Example:
    return replace(example, conversation=Conversation(example.conversation.messages[example.context :]), context=0)


class StageBatches:
    """The updates of a stage: `settings.steps_on_short_prompts` on short prompts, then on whole ones, without end.

    Both parts are drawn from the same examples, each in an order of its own; iterating again starts from the first.

    Args:
      source: The examples.
      fmt: The format.
      tokenizer: The model's.
      settings: The shape of batches in both parts.
      seed: Of the order.
    """

    def __init__(self, source: Source, fmt: Format, tokenizer: Tokenizer, settings: SftSettings, seed: int) -> None:
        self._first = settings.steps_on_short_prompts
        self._whole = PackedBatches(source, fmt, tokenizer, settings, seed)
        self._short: PackedBatches | None = None
        if settings.short_prompts is not None:
            shape = settings.model_copy(update={"sequence_length": settings.short_prompts.sequence_length})
            self._short = PackedBatches(ShortPrompts(source), fmt, tokenizer, shape, seed + 1)

    @property
    def counts(self) -> ExampleCounts:
        """What was put into batches so far; what fits into no row is told of whole prompts."""
        whole, short = self._whole.counts, self._short.counts if self._short else ExampleCounts()
        return ExampleCounts(
            whole.examples + short.examples,
            whole.tokens + short.tokens,
            whole.supervised_tokens + short.supervised_tokens,
            whole.too_long,
        )

    def __iter__(self) -> Iterator[tuple[list[str], list[Batch]]]:
        if self._short is not None:
            yield from itertools.islice(self._short, self._first)
        yield from self._whole
