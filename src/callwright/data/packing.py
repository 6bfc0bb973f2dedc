"""From examples to batches: exact masks, packed rows, and an order that any process can reproduce.

Only what the model should generate is supervised. Several examples share a row: attention does not cross the segments
that they are numbered by and positions start again, so a row teaches exactly what its examples would teach one by one,
and no step is spent on padding. Only supervised positions are projected onto the vocabulary, so a batch lists them:
where in the row the prediction is made, which token is right, and its weight. The weights of all batches of one
optimizer update add up to the number of batches, so the mean that gradient accumulation takes is exactly the gradient
of one big batch.

An example that does not fit into a row is left out and counted; it is never cut.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeVar

import numpy as np
from pydantic import Field

from callwright.data.source import Example, Source
from callwright.errors import DataError
from callwright.formats.base import Format
from callwright.settings import Settings
from callwright.tokens import Tokenizer, encode_segments

Batch = dict[str, np.ndarray]
T = TypeVar("T")

PACKING_VERSION = 1
"""Rises when the same examples would be packed into other rows: a run that began with another one is not continued."""
OPEN_ROWS = 8
"""Rows that are filled side by side: enough to leave little padding, few enough to keep the order of examples."""


class PackingSettings(Settings):
    """The shape of a batch."""

    RENAMED: ClassVar[Mapping[str, str]] = {"weigh": "weight_by"}

    batch_size: int = Field(4, gt=0)
    """Rows in a batch."""
    sequence_length: int = Field(256, gt=0)
    """Tokens in a row; several examples share one."""
    supervised_length: int = Field(64, gt=0)
    """Supervised tokens in a row, at most."""
    gradient_accumulation: int = Field(1, gt=0)
    """Batches in one optimizer update."""
    weight_by: Literal["tokens", "examples"] = "tokens"
    """What counts the same: every supervised token, or every example, so that calls do not drown a short refusal."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """An example as token ids (T,) and, aligned with them, which are supervised."""

    id: str
    ids: Sequence[int]
    supervised: Sequence[bool]

    @property
    def supervised_tokens(self) -> int:
        """How many tokens are learned from."""
        return sum(self.supervised)


def encode(example: Example, fmt: Format, tokenizer: Tokenizer) -> Encoded:
    """The example as the model will see it, from BOS to the end of its last turn.

    Raises:
      DataError: Nothing in it is to be learned, or the format cannot represent it.
    """
    rendered = example.render(fmt)
    ids, supervised = encode_segments(tokenizer, rendered.segments)
    if not any(supervised):
        reason = "; ".join(rendered.warnings) or f"format {fmt.name} finds no turn of the assistant in what it wrote"
        raise DataError(
            f"something to learn in example {example.id}",
            f"none: {reason}",
            "give the assistant a turn, or use a format whose template shows where its turns begin and end",
        )
    while not supervised[-1]:  # what follows the last supervised token teaches nothing
        ids.pop()
        supervised.pop()
    return Encoded(example.id, ids, supervised)


def order(count: int, seed: int) -> Iterator[int]:
    """Indices below `count`, without end: one seeded permutation after the other."""
    epoch = 0
    while True:
        yield from np.random.default_rng((seed, epoch)).permutation(count).tolist()
        epoch += 1


def stream(
    source: Source, seed: int, prepare: Callable[[Example], T | None], too_long: list[str], limits: str
) -> Iterator[T]:
    """What `prepare` makes of the source's examples, without end, in a seeded order; None is passed over.

    Args:
      source: The examples.
      seed: Of the order.
      prepare: Encodes one example, or gives None if it does not fit.
      too_long: Receives the ids of those that do not, once each.
      limits: What fits, in words.

    Raises:
      DataError: There are no examples, or none of them fits.
    """
    if not len(source):
        raise DataError("at least one example", f"none in {source.name}", "name a source that has some")
    for taken, index in enumerate(order(len(source), seed), 1):
        example = source[index]
        prepared = prepare(example)
        if prepared is not None:
            yield prepared
        elif taken <= len(source):
            too_long.append(example.id)
        if len(too_long) == len(source):
            raise DataError(
                f"examples of at most {limits}", f"{len(source)} in {source.name}, all longer", "raise these limits"
            )


@dataclass(slots=True)
class ExampleCounts:
    """What was put into batches so far, and what was not.

    Attributes:
      examples: Examples put into batches.
      tokens: Their tokens.
      supervised_tokens: Their supervised tokens.
      too_long: Ids of examples that fit into no row.
    """

    examples: int = 0
    tokens: int = 0
    supervised_tokens: int = 0
    too_long: list[str] = field(default_factory=list)


class PackedBatches:
    """An endless, deterministic stream of updates; iterating again starts it again from the first.

    Yields, for every optimizer update, the ids of its examples and its `gradient_accumulation` batches:

      tokens, segments, positions: (B, L) int32; segment 0 is padding.
      at, label: (B, K) int32; the position that predicts, and the token it should predict.
      weight: (B, K) float32; zero where a row has fewer than K supervised tokens.
    """

    def __init__(self, source: Source, fmt: Format, tokenizer: Tokenizer, settings: PackingSettings, seed: int) -> None:
        self.source, self.fmt, self.tokenizer, self.settings, self.seed = source, fmt, tokenizer, settings, seed
        self.counts = ExampleCounts()

    def __iter__(self) -> Iterator[tuple[list[str], list[Batch]]]:
        self.counts = ExampleCounts()
        rows = self._rows()
        while True:
            group = [next(rows) for _ in range(self.settings.batch_size * self.settings.gradient_accumulation)]
            examples = [example for row in group for example in row]
            self.counts.examples += len(examples)
            self.counts.tokens += sum(len(example.ids) for example in examples)
            self.counts.supervised_tokens += sum(example.supervised_tokens for example in examples)
            by_token = self.settings.weight_by == "tokens"
            total = sum(example.supervised_tokens for example in examples) if by_token else len(examples)
            share = self.settings.gradient_accumulation / total
            size = self.settings.batch_size
            batches = [self._batch(group[i : i + size], share) for i in range(0, len(group), size)]
            yield [example.id for example in examples], batches

    def _rows(self) -> Iterator[list[Encoded]]:
        """Rows by first fit: `OPEN_ROWS` stay open, and the oldest is finished when an example fits into none."""
        rows: list[list[Encoded]] = []
        for example in self._examples():
            row = next((row for row in rows if self._fit(*row, example)), None)
            if row is None:
                if len(rows) == OPEN_ROWS:
                    yield rows.pop(0)
                row = []
                rows.append(row)
            row.append(example)

    def _fit(self, *examples: Encoded) -> bool:
        """Whether the examples can share a row."""
        supervised = sum(example.supervised_tokens for example in examples)
        length = sum(len(example.ids) for example in examples)
        return length <= self.settings.sequence_length and supervised <= self.settings.supervised_length

    def _examples(self) -> Iterator[Encoded]:
        def prepare(example: Example) -> Encoded | None:
            encoded = encode(example, self.fmt, self.tokenizer)
            return encoded if self._fit(encoded) else None

        limits = f"{self.settings.sequence_length} tokens, {self.settings.supervised_length} of them supervised"
        return stream(self.source, self.seed, prepare, self.counts.too_long, limits)

    def _batch(self, rows: Sequence[Sequence[Encoded]], share: float) -> Batch:
        size, length, most = len(rows), self.settings.sequence_length, self.settings.supervised_length
        batch = {name: np.zeros((size, length), np.int32) for name in ("tokens", "segments", "positions")}
        batch["tokens"][:] = self.tokenizer.pad_id
        batch |= {"at": np.zeros((size, most), np.int32), "label": np.zeros((size, most), np.int32)}
        batch["weight"] = np.zeros((size, most), np.float32)
        for index, row in enumerate(rows):
            start = used = 0
            for segment, example in enumerate(row, 1):
                stop = start + len(example.ids)
                batch["tokens"][index, start:stop] = example.ids
                batch["segments"][index, start:stop] = segment
                batch["positions"][index, start:stop] = np.arange(stop - start)
                targets = start + np.flatnonzero(example.supervised)
                here = slice(used, used + len(targets))
                batch["at"][index, here] = targets - 1
                batch["label"][index, here] = batch["tokens"][index, targets]
                batch["weight"][index, here] = share / (1 if self.settings.weight_by == "tokens" else len(targets))
                start, used = stop, here.stop
        return batch
