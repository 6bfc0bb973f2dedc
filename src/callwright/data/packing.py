"""From examples to batches: exact masks, packed rows, and an order that any process can reproduce.

Only what the model should generate is supervised. Several examples share a row, and examples of one group, which offer
the same tools, share their beginning in it (see `data.rows`): a row teaches exactly what its examples would teach one
by one, and no step is spent on padding or on a prefix that is there already. Only supervised positions are projected
onto the vocabulary, so a batch lists them: where in the row the prediction is made, which token is right, and its
weight. The weights of all batches of one optimizer update add up to the number of batches, so the mean that gradient
accumulation takes is exactly the gradient of one big batch.

An example that does not fit into a row is left out and counted; it is never cut.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeVar

import numpy as np
from pydantic import Field

from callwright.data.rows import Batch, Encoded, Tree, by_target, lay_out
from callwright.data.source import Example, Source
from callwright.errors import DataError
from callwright.formats.base import Format
from callwright.settings import Settings
from callwright.tokens import Tokenizer, encode_segments

T = TypeVar("T")

PACKING_VERSION = 2
"""Rises when the same examples would be packed into other rows: a run that began with another one is not continued."""
LOOK_AHEAD = 256
"""Examples that the next row is filled from, or all of a smaller source: then no example comes much more often."""
LEAST_AHEAD = 16
"""The same of a tiny source, which comes several times, so that its rows are full."""
ROWS_AHEAD = 64
"""Rows that are looked at before the first batch, so that the batches after it have its shape."""
_EXPONENT = {"tokens": 1.0, "root_tokens": 0.5, "examples": 0.0}
"""Of an example's supervised tokens, what it counts by."""
GROUP_PART = 32
"""Larger groups are permuted in parts of so many examples, so that they are mixed with the other groups."""


class PackingSettings(Settings):
    """The shape of a batch."""

    RENAMED: ClassVar[Mapping[str, str]] = {"weigh": "weight_by"}

    batch_size: int = Field(4, gt=0)
    """Rows in a batch."""
    sequence_length: int = Field(256, gt=0)
    """Tokens in a row; several examples share one."""
    supervised_length: int | None = Field(None, gt=0)
    """Supervised tokens in a row, at most; as many as fit when absent."""
    share_prefixes: bool = True
    """Whether examples of a group share their beginning in a row."""
    gradient_accumulation: int = Field(1, gt=0)
    """Batches in one optimizer update."""
    weight_by: Literal["tokens", "root_tokens", "examples"] = "tokens"
    """What an example counts by: its supervised tokens, their square root, or nothing: then every example counts the
    same. The fewer it counts by, the less do long answers drown a short refusal."""


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
    return Encoded(example.id, np.asarray(ids, np.int32), np.asarray(supervised, bool))


def order(count: int, seed: int) -> Iterator[int]:
    """Indices below `count`, without end: one seeded permutation after the other."""
    epoch = 0
    while True:
        yield from np.random.default_rng((seed, epoch)).permutation(count).tolist()
        epoch += 1


def group_order(source: Source, seed: int) -> Iterator[int]:
    """Indices of the source's examples, without end: its groups in one seeded permutation after the other.

    The members of a group, or of a part of a large one, come one after the other, in a seeded order too.
    """
    groups: dict[str, list[int]] = {}
    for index in range(len(source)):
        groups.setdefault(source.group(index), []).append(index)
    epoch = 0
    while True:
        draw = np.random.default_rng((seed, epoch))
        members = [draw.permutation(group) for group in groups.values()]
        parts = [group[i : i + GROUP_PART] for group in members for i in range(0, len(group), GROUP_PART)]
        for part in draw.permutation(len(parts)):
            yield from parts[part].tolist()
        epoch += 1


def stream(
    source: Source,
    indices: Iterable[int],
    prepare: Callable[[Example], T | None],
    too_long: list[str],
    limits: str,
) -> Iterator[tuple[int, int, T]]:
    """Epoch, index, and what `prepare` makes of the source's example there, without end; None is passed over.

    Args:
      source: The examples.
      indices: Their order, without end; each comes once before any comes again.
      prepare: Encodes one example, or gives None if it does not fit.
      too_long: Receives the ids of those that do not, once each.
      limits: What fits, in words.

    Raises:
      DataError: There are no examples, or none of them fits.
    """
    if not len(source):
        raise DataError("at least one example", f"none in {source.name}", "name a source that has some")
    for taken, index in enumerate(indices, 1):
        example = source[index]
        prepared = prepare(example)
        if prepared is not None:
            yield (taken - 1) // len(source), index, prepared
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
      tokens: Tokens that they take in rows; a prefix that several share counts once.
      supervised_tokens: Their supervised tokens.
      too_long: Ids of examples that fit into no row.
    """

    examples: int = 0
    tokens: int = 0
    supervised_tokens: int = 0
    too_long: list[str] = field(default_factory=list)


class PackedBatches:
    """An endless, deterministic stream of updates; iterating again starts it again from the first.

    Yields, for every optimizer update, the ids of its examples and its `gradient_accumulation` batches: the arrays of
    `data.rows.lay_out`, and `weight` (B, K) float32, zero where a row has fewer than K supervised tokens.
    """

    def __init__(self, source: Source, fmt: Format, tokenizer: Tokenizer, settings: PackingSettings, seed: int) -> None:
        self.source, self.fmt, self.tokenizer, self.settings, self.seed = source, fmt, tokenizer, settings, seed
        self.counts = ExampleCounts()
        self._targets = settings.supervised_length or settings.sequence_length

    def __iter__(self) -> Iterator[tuple[list[str], list[Batch]]]:
        size, key_blocks = self.settings.batch_size, self._most_key_blocks()
        self.counts = ExampleCounts()
        rows = self._rows()
        while True:
            group = [next(rows) for _ in range(size * self.settings.gradient_accumulation)]
            examples = [example for row in group for tree in row for example in tree.members]
            self.counts.examples += len(examples)
            self.counts.tokens += sum(tree.length for row in group for tree in row)
            self.counts.supervised_tokens += sum(example.supervised_tokens for example in examples)
            share = self.settings.gradient_accumulation / sum(map(self._counts_for, examples))
            batches = []
            for start in range(0, len(group), size):
                batch = self._batch(group[start : start + size], share, key_blocks)
                key_blocks = batch["key_blocks"].shape[-1]
                batches.append(batch)
            yield [example.id for example in examples], batches

    def _most_key_blocks(self) -> int:
        """How many blocks of keys a block of queries looks at in the first rows: a wider row is compiled anew."""
        length, pad_id = self.settings.sequence_length, self.tokenizer.pad_id
        rows = itertools.islice(self._rows(), ROWS_AHEAD)
        return max(lay_out([row], length, self._targets, pad_id)["key_blocks"].shape[-1] for row in rows)

    def _rows(self) -> Iterator[list[Tree]]:
        """Rows that are filled one by one from the next `LOOK_AHEAD` examples, those that wait longest first."""
        examples = self._examples()
        look_ahead = max(LEAST_AHEAD, min(LOOK_AHEAD, len(self.source)))
        waiting: dict[tuple[int, str], list[Encoded]] = {}  # by group; groups and members by arrival
        while True:
            while sum(map(len, waiting.values())) < look_ahead:
                group, example = next(examples)
                waiting.setdefault(group, []).append(example)
            yield self._fill_row(waiting)

    def _fill_row(self, waiting: dict[tuple[int, str], list[Encoded]]) -> list[Tree]:
        """Takes a row out of what waits: the group that waits longest, then what leaves the least room.

        A group that fits goes in whole; of one that does not goes in as much as fits, and the rest goes to the end of
        the queue.
        """
        row: list[Tree] = []
        length, targets = self.settings.sequence_length, self._targets
        while waiting:
            grown = ((group, _grow(members, length, targets)) for group, members in waiting.items())
            candidates = [(group, tree) for group, tree in grown if tree]
            if not candidates:
                break
            if row:
                whole = [one for one in candidates if len(one[1].members) == len(waiting[one[0]])]
                group, tree = max(whole or candidates, key=lambda one: one[1].length)
            else:
                group, tree = candidates[0]
            row.append(tree)
            length -= tree.length
            targets -= sum(member.supervised_tokens for member in tree.members)
            taken = {member.id for member in tree.members}
            if rest := [member for member in waiting.pop(group) if member.id not in taken]:
                waiting[group] = rest
        return row

    def _examples(self) -> Iterator[tuple[tuple[int, str], Encoded]]:
        """Each example with the group that it shares its beginning with: one of the source's, within an epoch."""
        length = self.settings.sequence_length

        def prepare(example: Example) -> Encoded | None:
            encoded = encode(example, self.fmt, self.tokenizer)
            fits = len(encoded.ids) <= length and encoded.supervised_tokens <= self._targets
            return encoded if fits else None

        limits = f"{length} tokens"
        if self.settings.supervised_length:
            limits += f", {self._targets} of them supervised"
        indices = group_order(self.source, self.seed)
        for epoch, index, encoded in stream(self.source, indices, prepare, self.counts.too_long, limits):
            yield (epoch, self.source.group(index) if self.settings.share_prefixes else encoded.id), encoded

    def _counts_for(self, example: Encoded) -> float:
        """How much an example counts, as against others."""
        return float(example.supervised_tokens ** _EXPONENT[self.settings.weight_by])

    def _batch(self, rows: Sequence[Sequence[Tree]], share: float, key_blocks: int) -> Batch:
        batch = lay_out(rows, self.settings.sequence_length, self._targets, self.tokenizer.pad_id, key_blocks)
        weights = [
            [share * (self._counts_for(member) / member.supervised_tokens) for tree in row for member in tree.members]
            for row in rows
        ]
        batch["weight"] = by_target(batch["member"], weights)
        return batch


def _grow(members: Sequence[Encoded], length: int, targets: int) -> Tree | None:
    """A tree of the members that fit, in their order; None if none does."""
    tree: Tree | None = None
    for member in members:
        if member.supervised_tokens > targets:
            continue
        if tree is None:
            if len(member.ids) > length:
                continue
            tree = Tree(member)
        elif tree.length_with(member) <= length:
            tree.add(member)
        else:
            continue
        targets -= member.supervised_tokens
    return tree
