"""From examples to batches: exact masks, packed rows, and an order that any process can reproduce.

Only what the model must say is supervised. Several examples share a row: attention is kept apart by segment numbers
and positions start again, so a row learns exactly what its examples would teach one by one, and no step is spent on
padding. Because only supervised positions are projected onto the vocabulary, a batch lists them: where in the row the
prediction is made, which token is right, and its weight. The weights of all batches of one optimizer update add up to
the number of batches, so the mean that gradient accumulation takes is exactly the gradient of one big batch.

An example that does not fit into a row is left out and counted; it is never cut.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import numpy as np
from pydantic import Field

from callwright.data.source import Example, Source
from callwright.errors import DataError
from callwright.formats.base import Format
from callwright.settings import Settings
from callwright.tokens import Tokenizer, encode_segments

Batch = dict[str, np.ndarray]
T = TypeVar("T")

OPEN_ROWS = 8
"""Rows that are filled side by side: enough to leave little padding, few enough to keep the order of examples."""


class PackingSettings(Settings):
    """The shape of a batch."""

    batch_size: int = Field(4, gt=0)
    """Rows in a batch."""
    sequence_length: int = Field(256, gt=0)
    """Tokens in a row; several examples share one."""
    supervised_length: int = Field(64, gt=0)
    """Supervised tokens in a row, at most."""
    gradient_accumulation: int = Field(1, gt=0)
    """Batches in one optimizer update."""
    weigh: Literal["tokens", "examples"] = "tokens"
    """What counts the same: every supervised token, or every example, so that calls do not drown a short refusal."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """An example as token ids (T,) and, aligned with them, which are supervised."""

    id: str
    ids: Sequence[int]
    trained: Sequence[bool]

    @property
    def supervised(self) -> int:
        """How many tokens are learned from."""
        return sum(self.trained)


def encode(example: Example, form: Format, tokenizer: Tokenizer) -> Encoded:
    """The example as the model will see it, from BOS to the end of its last turn.

    Raises:
      DataError: nothing in it is to be learned, or the format cannot say it.
    """
    ids, trained = encode_segments(tokenizer, example.render(form))
    if not any(trained):
        raise DataError(
            f"something to learn in example {example.id}",
            f"none: format {form.name} finds no turn of the assistant in what it wrote",
            "give the assistant a turn, or use a format whose template shows where its turns begin and end",
        )
    while not trained[-1]:  # what follows the last supervised token teaches nothing
        ids.pop()
        trained.pop()
    return Encoded(example.id, ids, trained)


def order(count: int, seed: int) -> Iterator[int]:
    """Indices below `count`, for ever: one seeded permutation after the other."""
    epoch = 0
    while True:
        yield from np.random.default_rng((seed, epoch)).permutation(count).tolist()
        epoch += 1


def stream(
    source: Source, seed: int, prepare: Callable[[Example], T | None], too_long: list[str], limits: str
) -> Iterator[T]:
    """What `prepare` makes of the source's examples, for ever, in a seeded order; None is passed over.

    Args:
      source: The examples.
      seed: Of the order.
      prepare: Encodes one example, or gives None if it does not fit.
      too_long: Receives the ids of those that do not, once each.
      limits: What fits, in words.

    Raises:
      DataError: there are no examples, or none of them fits.
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
class Seen:
    """What has gone by so far.

    Attributes:
      examples: Examples put into batches.
      tokens: Their tokens.
      supervised: Their supervised tokens.
      too_long: Ids of examples that fit into no row.
    """

    examples: int = 0
    tokens: int = 0
    supervised: int = 0
    too_long: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Row:
    """Examples that share a row."""

    examples: list[Encoded] = field(default_factory=list)

    @property
    def length(self) -> int:
        return sum(len(example.ids) for example in self.examples)

    def fits(self, example: Encoded, settings: PackingSettings) -> bool:
        supervised = sum(other.supervised for other in self.examples)
        return (
            self.length + len(example.ids) <= settings.sequence_length
            and supervised + example.supervised <= settings.supervised_length
        )


class PackedBatches:
    """An endless, deterministic stream of updates; iterating again starts it again from the first.

    Yields, for every optimizer update, the ids of its examples and its `gradient_accumulation` batches:

      tokens, segments, positions: (B, L) int32; segment 0 is padding.
      at, label: (B, K) int32; the position that predicts, and the token it should predict.
      weight: (B, K) float32; zero where a row has fewer than K supervised tokens.
    """

    def __init__(
        self, source: Source, form: Format, tokenizer: Tokenizer, settings: PackingSettings, seed: int
    ) -> None:
        self.source, self.form, self.tokenizer, self.settings, self.seed = source, form, tokenizer, settings, seed
        self.seen = Seen()

    def __iter__(self) -> Iterator[tuple[list[str], list[Batch]]]:
        self.seen = Seen()
        rows = self._rows()
        while True:
            group = [next(rows) for _ in range(self.settings.batch_size * self.settings.gradient_accumulation)]
            examples = [example for row in group for example in row]
            self.seen.examples += len(examples)
            self.seen.tokens += sum(len(example.ids) for example in examples)
            self.seen.supervised += sum(example.supervised for example in examples)
            by_token = self.settings.weigh == "tokens"
            total = sum(example.supervised for example in examples) if by_token else len(examples)
            share = self.settings.gradient_accumulation / total
            size = self.settings.batch_size
            batches = [self._batch(group[i : i + size], share) for i in range(0, len(group), size)]
            yield [example.id for example in examples], batches

    def _rows(self) -> Iterator[list[Encoded]]:
        """Rows by first fit: a few stay open, and the oldest is given away when an example fits into none."""
        rows: list[_Row] = []
        for example in self._examples():
            row = next((row for row in rows if row.fits(example, self.settings)), None)
            if row is None:
                if len(rows) == OPEN_ROWS:
                    yield rows.pop(0).examples
                row = _Row()
                rows.append(row)
            row.examples.append(example)

    def _examples(self) -> Iterator[Encoded]:
        settings = self.settings

        def prepare(example: Example) -> Encoded | None:
            encoded = encode(example, self.form, self.tokenizer)
            fits = len(encoded.ids) <= settings.sequence_length
            return encoded if fits and 0 < encoded.supervised <= settings.supervised_length else None

        limits = f"{settings.sequence_length} tokens, {settings.supervised_length} of them supervised"
        return stream(self.source, self.seed, prepare, self.seen.too_long, limits)

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
                targets = start + np.flatnonzero(example.trained)
                here = slice(used, used + len(targets))
                batch["at"][index, here] = targets - 1
                batch["label"][index, here] = batch["tokens"][index, targets]
                batch["weight"][index, here] = share / (1 if self.settings.weigh == "tokens" else len(targets))
                start, used = stop, here.stop
        return batch
