"""A row of a batch: token sequences that share their beginnings, laid out so that each beginning is computed once.

The field calls it tree packing or prefix sharing (arXiv:2410.20305). A row holds trees; a tree is a prefix and its
branches. Each of these parts has a number, `part`, and `part_end` says where the numbers of those end that see it: a
token at place q sees a token at place k exactly if k <= q and part[k] <= part[q] < part_end[k]. Positions of a branch
continue from its prefix, so a row teaches what its sequences would teach in rows of their own. docs/architecture.md has
a picture.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

Batch = dict[str, np.ndarray]

BLOCK = 64
"""Places that attention takes together: each block of queries looks at the blocks of keys that it may see."""
_STEP = 4  # how many blocks of keys a block of queries looks at is rounded up to a multiple of this


@dataclass(frozen=True, slots=True)
class Encoded:
    """A token sequence and what is learned from it.

    Attributes:
      id: Of the example.
      ids: (T,) int32 token ids.
      supervised: (T,) bool, which of them are to be predicted.
    """

    id: str
    ids: np.ndarray
    supervised: np.ndarray

    @property
    def supervised_tokens(self) -> int:
        """How many tokens are learned from."""
        return int(np.count_nonzero(self.supervised))

    @property
    def first_supervised(self) -> int:
        """The place of the first of them."""
        return int(np.argmax(self.supervised))


def shared_length(one: Encoded, other: Encoded) -> int:
    """How many token ids at their beginning two sequences may share: before the first supervised one of either."""
    most = min(one.first_supervised, other.first_supervised)
    differs = one.ids[:most] != other.ids[:most]
    return int(np.argmax(differs)) if differs.any() else most


class Tree:
    """Sequences with the longest beginning that they share; members can be added.

    Attributes:
      members: The sequences, whole.
      prefix: Length of the beginning that they share, 0 for a single one.
    """

    def __init__(self, first: Encoded) -> None:
        self.members = [first]
        self.prefix = 0
        self._total = len(first.ids)

    def length_with(self, other: Encoded) -> int:
        """Places that the tree would take with one more member."""
        prefix = self._prefix_with(other)
        return self._total + len(other.ids) - len(self.members) * prefix

    def add(self, other: Encoded) -> None:
        """Adds a member."""
        self.prefix = self._prefix_with(other)
        self.members.append(other)
        self._total += len(other.ids)

    @property
    def length(self) -> int:
        """Places that the tree takes."""
        return self._total - (len(self.members) - 1) * self.prefix

    def _prefix_with(self, other: Encoded) -> int:
        shared = shared_length(self.members[0], other)
        return shared if len(self.members) == 1 else min(self.prefix, shared)


def lay_out(rows: Sequence[Sequence[Tree]], length: int, targets: int, pad_id: int, key_blocks: int = 0) -> Batch:
    """The rows as arrays.

    Args:
      rows: The trees of each of B rows.
      length: L, the places of a row.
      targets: K, the supervised tokens of a row at most.
      pad_id: The token of unused places.
      key_blocks: M, at least; every new shape is compiled once, so batches that follow each other should agree on it.

    Returns:
      tokens, positions, part, part_end: (B, L) int32, part 0 is padding; L is rounded up to whole blocks.
      key_blocks: (B, L / BLOCK, M) int32; the blocks of keys that each block of queries may see, -1 for none.
      at, label: (B, K) int32; the place that predicts, and the token that it should predict. The last place of a prefix
        predicts the first token of each branch.
      member: (B, K) int32; which sequence of the row the label belongs to, counted from 1; 0 where there is none.
    """
    size, length = len(rows), -(-length // BLOCK) * BLOCK
    batch: Batch = {name: np.zeros((size, length), np.int32) for name in ("tokens", "positions", "part", "part_end")}
    batch |= {name: np.zeros((size, targets), np.int32) for name in ("at", "label", "member")}
    batch["tokens"][:] = pad_id
    for index, row in enumerate(rows):
        _fill({name: array[index] for name, array in batch.items()}, row)
    batch["key_blocks"] = _key_blocks(batch["part"], batch["part_end"], key_blocks)
    return batch


def by_target(member: np.ndarray, values: Sequence[Sequence[float]]) -> np.ndarray:
    """The values of each row's sequences at their supervised tokens: (B, K) float32, 0 where there is none.

    Args:
      member: (B, K), of `lay_out`.
      values: Of the sequences of each row, in their order.
    """
    table = np.zeros((len(values), 1 + max(map(len, values))), np.float32)
    for row, found in zip(table, values, strict=True):
        row[1 : 1 + len(found)] = found
    return np.take_along_axis(table, member, axis=1)


def _fill(row: Batch, trees: Sequence[Tree]) -> None:
    place = used = part = member = 0
    for tree in trees:
        prefix, stop = tree.prefix, place + tree.prefix
        if prefix:
            part += 1
            _put(row, slice(place, stop), tree.members[0].ids[:prefix], 0, part, part + 1 + len(tree.members))
        last_of_prefix, place = stop - 1, stop
        for sequence in tree.members:
            part, member, stop = part + 1, member + 1, place + len(sequence.ids) - prefix
            _put(row, slice(place, stop), sequence.ids[prefix:], prefix, part, part + 1)
            predicted = np.flatnonzero(sequence.supervised)
            here = slice(used, used + len(predicted))
            row["at"][here] = np.where(predicted == prefix, last_of_prefix, place + predicted - prefix - 1)
            row["label"][here] = sequence.ids[predicted]
            row["member"][here] = member
            place, used = stop, here.stop


def _put(row: Batch, where: slice, ids: np.ndarray, position: int, part: int, part_end: int) -> None:
    row["tokens"][where] = ids
    row["positions"][where] = np.arange(position, position + len(ids))
    row["part"][where] = part
    row["part_end"][where] = part_end


def _key_blocks(part: np.ndarray, part_end: np.ndarray, least: int) -> np.ndarray:
    """The blocks of keys (B, L / BLOCK, M) that each block of queries has something to see in, in order, then -1."""
    lists = [list(_seen_blocks(*row)) for row in zip(part, part_end, strict=True)]
    needed = max(len(blocks) for row in lists for blocks in row)
    width = max(least, min(-(-needed // _STEP) * _STEP, part.shape[1] // BLOCK))
    return np.array([[[*blocks, *[-1] * (width - len(blocks))] for blocks in row] for row in lists], np.int32)


def _seen_blocks(part: np.ndarray, part_end: np.ndarray) -> Iterator[list[int]]:
    for start in range(0, len(part), BLOCK):
        queries, stop = part[start : start + BLOCK], start + BLOCK
        seen = (part[:stop, None] <= queries) & (queries < part_end[:stop, None])  # (keys, queries), causal by block
        yield np.flatnonzero(seen.reshape(-1, BLOCK * len(queries)).any(axis=1)).tolist()
