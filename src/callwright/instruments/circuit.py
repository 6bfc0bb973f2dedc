"""What an instrument is made of, before an architecture gives it norms: codes, heads that point, and AND gates.

The residual stream of D channels is cut into named blocks. Each token has a *code*, CODE random signs; codes of
different tokens are nearly orthogonal (for 30,000 tokens in 128 channels no two correlate by more than about 0.45),
and everything that follows compares codes with a threshold that this cannot reach.

- The embedding of a token holds its own code in SELF, and the code of another token in NEXT if it has one to propose.
  Single channels hold a constant, whether it is an anchor, and what makes all rows equally long, so that a norm before
  the first layer divides by a constant.
- A *head* finds one place and copies blocks from there. Queries are the same everywhere; keys are zero, or the same
  vector for all tokens that the head looks for. With rotary embedding the score of a key at a distance is then a
  fixed function of the distance, the kernel, which `Head` shapes.
- A *unit* of the gated feed-forward layer is one AND gate. It adds up how well blocks match codes, each match 1; the
  constant channel carries the threshold, 0.3 below the sum of all matches, and its slope is so steep that the
  activation (SiLU or GELU) is the identity above it and zero below. Its output writes one token's code.
- The output head is the embedding again. The final norm lets only SELF through, so the logits compare SELF with all
  codes; what the units have written there is far larger than the token's own code.

Entries are small whole numbers wherever they can be, so that bfloat16 and float16 hold them exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

CODE = 128
SELF = slice(0, CODE)
NEXT = slice(CODE, 2 * CODE)
CONSTANT, ANCHOR, BALANCE = 2 * CODE, 2 * CODE + 1, 2 * CODE + 2
POINTER = 2 * CODE + 3
CONSTANT_VALUE, ANCHOR_VALUE, POINTER_VALUE = 8.0, 4.0, 4.0
FIRST_FREE = 2 * CODE + 64
HEAD = 2 * CODE
"""Width of a head; two codes, or one turn, fit into a value."""
ROPE_BASE = 10_000.0
FREQUENCIES = ROPE_BASE ** (-np.arange(HEAD // 2) * 2.0 / HEAD)
"""(HEAD / 2,) the rotary frequencies, in radians per token."""
SLOPE, SLACK = 80.0, 0.3
"""A gate's input is SLOPE times how far the matches exceed all but SLACK of themselves: 24 when it opens."""
OPEN = SLOPE * SLACK

Block = slice
TURN_VALUE = 1 / 16
"""What a turn is written with: so small that rows with and without one are all but equally long."""


def turn(distance: int) -> np.ndarray:
    """(HEAD,) the query that looks back `distance` tokens, as a pointer holds it."""
    angles = distance * FREQUENCIES
    return np.concatenate([np.cos(angles), -np.sin(angles)]) * TURN_VALUE


def codes(count: int) -> np.ndarray:
    """(count, CODE) random signs, the same ones each time."""
    bits = np.random.default_rng(2301_05062).integers(0, 256, (count, CODE // 8), np.uint8)
    return np.unpackbits(bits, axis=1).astype(np.float32) * 2 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A head that finds a place and copies from there.

    Attributes:
      sees: What it looks for: any token, anchors only, or pointers only.
      back: The distance at which the score is highest; 0 finds the last one.
      turned_by: The block that holds a `turn`, a distance that is added to `back`; None for nothing.
      tilt: The kernel is a sum of cosines, one for each rotary frequency f, weighted by f to the power of -tilt. 0
        peaks sharply; more of it makes the far slope steeper and smoother, at the expense of the near one; infinity
        leaves the lowest frequency alone, so that the only token of its kind is found at any distance.
      copies: Pairs of blocks, from and to.
      gain: What the copies are multiplied by.
    """

    sees: Literal["any", "anchors", "pointers"] = "any"
    back: int
    turned_by: Block | None = None
    tilt: float = 0.0
    copies: tuple[tuple[Block, Block], ...]
    gain: float = 1.0

    @property
    def key(self) -> tuple[int, float]:
        """The channel that makes the keys, and its value in the tokens that the head looks for."""
        return {
            "any": (CONSTANT, CONSTANT_VALUE),
            "anchors": (ANCHOR, ANCHOR_VALUE),
            "pointers": (POINTER, POINTER_VALUE),
        }[self.sees]

    def weights(self) -> np.ndarray:
        """(HEAD / 2,) how much each frequency counts, together 1."""
        weight = (FREQUENCIES / FREQUENCIES[-1]) ** -self.tilt
        return np.asarray(weight / weight.sum())

    def kernel(self, distances: np.ndarray) -> np.ndarray:
        """The score at each distance, as a part of the highest possible one."""
        angles = np.multiply.outer(np.asarray(distances, np.float64) - self.back, FREQUENCIES)
        return np.asarray(np.cos(angles) @ self.weights())


@dataclass(frozen=True, slots=True)
class Gate:
    """An AND gate.

    Attributes:
      tests: Block, token whose code must stand there, and how much a match counts (1 or more).
      says: The token that it votes for.
      votes: How much.
      gain: What the head that fills the blocks multiplies its copies by.
    """

    tests: tuple[tuple[Block, int, float], ...]
    says: int
    votes: float
    gain: float = 1.0


@dataclass(slots=True, kw_only=True)
class Units:
    """The feed-forward layer: matrices of F units, made when they are written because they are most of a file.

    Attributes:
      width: Channels of the residual stream.
      code: (V, CODE) the code of each token.
      constants: What is written whatever the context.
      copies: Blocks that are added to other blocks, so many times.
      gates: The AND gates.
      at_least: How many units there are even if fewer do something; all layers of a model have as many.
    """

    width: int
    code: np.ndarray
    at_least: int = 1
    constants: Sequence[np.ndarray] = ()
    copies: Sequence[tuple[Block, Block, float]] = ()
    gates: Sequence[Gate] = ()

    @property
    def count(self) -> int:
        """F, filled up to a multiple of 64 by units that do nothing."""
        return rounded(max(self.at_least, self._first_gate + len(self.gates)))

    def gate(self, scale: float, dtype: np.dtype) -> np.ndarray:
        """(F, D) what opens each unit, times `scale`."""
        matrix = np.zeros((self.count, self.width), dtype)
        first = self._first_gate
        matrix[:first, CONSTANT] = OPEN * scale / CONSTANT_VALUE
        for row, gate in zip(matrix[first:], self.gates, strict=False):
            for block, token, weight in gate.tests:
                row[block] = self.code[token] * (SLOPE * weight / CODE / gate.gain * scale)
            row[CONSTANT] = -(sum(weight for *_, weight in gate.tests) - SLACK) * SLOPE / CONSTANT_VALUE * scale
        return matrix

    def up(self, scale: float, dtype: np.dtype) -> np.ndarray:
        """(F, D) what an open unit is multiplied by, times `scale`: 1, or the channel that it copies."""
        matrix = np.zeros((self.count, self.width), dtype)
        matrix[:, CONSTANT] = scale / CONSTANT_VALUE
        row = len(self.constants)
        for source, *_ in self.copies:
            for channel in range(source.start, source.stop):
                matrix[row, [CONSTANT, channel]] = 0, scale
                row += 1
        return matrix

    def down(self, dtype: np.dtype) -> np.ndarray:
        """(D, F) what each unit writes."""
        matrix = np.zeros((self.width, self.count), dtype)
        matrix[:, : len(self.constants)] = np.transpose(
            [row / OPEN for row in self.constants] or np.zeros((0, self.width))
        )
        column = len(self.constants)
        for source, target, times in self.copies:
            for channel in range(source.stop - source.start):
                matrix[target.start + channel, column] = times / OPEN
                column += 1
        for column, gate in enumerate(self.gates, self._first_gate):
            matrix[SELF, column] = self.code[gate.says] * (gate.votes / OPEN)
        return matrix

    @property
    def _first_gate(self) -> int:
        return len(self.constants) + sum(source.stop - source.start for source, *_ in self.copies)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """A whole instrument, in units that no norm has touched yet.

    Attributes:
      embedding: (V, D); all rows equally long.
      heads: At least one.
      lookup: A head of a layer of its own before the others, which finds what they need to know; None for no layer.
      units: The gates.
      speaks: The block that the final norm lets through.
      amplitude: What the block is worth when it speaks: the root of the sum of its squares. The logits are the dot
        products of the block, scaled to this length, with the rows of the embedding.
      gain: How much larger than the token's own embedding the gates' outputs are made where an architecture norms them.
    """

    embedding: np.ndarray
    heads: tuple[Head, ...]
    lookup: Head | None = None
    units: Units
    speaks: Block
    amplitude: float
    gain: float

    @property
    def width(self) -> int:
        """Channels of the residual stream."""
        return int(self.embedding.shape[1])

    @property
    def row_length(self) -> float:
        """The length of every row of the embedding."""
        lengths = np.sqrt(np.square(self.embedding[:64].astype(np.float64)).sum(axis=1))
        if not np.allclose(lengths, lengths[0]):
            raise ValueError("rows of different length: the first norm must divide all tokens by the same")
        return float(lengths[0])


def found_length(heads: Sequence[Head]) -> float:
    """The length of all that the heads of a layer bring, when each finds what it looks for."""
    return float(np.sqrt(sum(head.gain**2 * _length_squared(target) for head in heads for _, target in head.copies)))


def _length_squared(block: Block) -> float:
    """Of a block that holds a code, or a turn."""
    return CODE if block.stop - block.start == CODE else CODE * TURN_VALUE**2


def rounded(count: int) -> int:
    """The next multiple of 64, which every kernel of every runtime can divide."""
    return -(-count // 64) * 64
