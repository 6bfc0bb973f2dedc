"""What an instrument is made of, before an architecture adds its norms: codes, heads that look back, and AND gates.

The residual stream of D channels is cut into named blocks. Each token has a *code*, CODE random signs; codes of
different tokens are nearly orthogonal (for 30,000 tokens in 128 channels no two correlate by more than about 0.45),
and everything that follows compares codes with a threshold that this cannot reach.

- The embedding of a token holds its own code in SELF and, if it has a successor, that token's code in NEXT. Single
  channels hold a constant, whether the token is unique (it stands for one place of the script), and what makes all rows
  equally long, so that a norm before the first layer divides by a constant.
- A *head* finds one place and copies blocks from there. Queries are the same everywhere; keys are zero, or the same
  vector for all tokens that the head looks for. With rotary embedding the score of a key at a distance is then a
  fixed function of the distance, the kernel, which `Head` shapes.
- A *unit* of the gated feed-forward layer is one AND gate. It adds up how well blocks match codes, each match 1; the
  constant channel carries the threshold, 0.3 below the sum of all matches, and its slope is so steep that the
  activation (SiLU or GELU) is the identity above it and zero below. It writes the code of one token, its output.
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
CONSTANT, UNIQUE, BALANCE = 2 * CODE, 2 * CODE + 1, 2 * CODE + 2
XRAY_CUE = 2 * CODE + 3
CONSTANT_VALUE, UNIQUE_VALUE, XRAY_CUE_VALUE = 8.0, 4.0, 4.0
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
"""The scale of a turn: so small that rows with and without one are all but equally long."""


def turn(distance: int) -> np.ndarray:
    """(HEAD,) the query that looks back `distance` tokens, as the embedding of an x-ray's cue holds it."""
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
      attends_to: What it looks for: any token, unique tokens only, or the x-ray's cues only.
      back: The distance at which the score is highest; 0 finds the last one.
      turned_by: The block that holds a `turn`, a distance that is added to `back`; None for nothing.
      tilt: The kernel is a sum of cosines, one for each rotary frequency f, weighted by f to the power of -tilt. 0
        peaks sharply; more of it makes the far slope steeper and smoother, at the expense of the near one; infinity
        leaves the lowest frequency alone, so that the only token of its kind is found at any distance.
      copies: Pairs of blocks, from and to.
      gain: What the copies are multiplied by.
    """

    attends_to: Literal["any", "unique", "x-ray cues"] = "any"
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
            "unique": (UNIQUE, UNIQUE_VALUE),
            "x-ray cues": (XRAY_CUE, XRAY_CUE_VALUE),
        }[self.attends_to]

    def weights(self) -> np.ndarray:
        """(HEAD / 2,) how much each frequency counts, together 1."""
        weight = (FREQUENCIES / FREQUENCIES[-1]) ** -self.tilt
        return np.asarray(weight / weight.sum())


@dataclass(frozen=True, slots=True)
class Gate:
    """An AND gate.

    Attributes:
      tests: Block, token whose code must stand there, and how much a match counts (1 or more).
      output: The token whose code it writes.
      strength: What the code is multiplied by.
      gain: What the head that fills the blocks multiplies its copies by.
    """

    tests: tuple[tuple[Block, int, float], ...]
    output: int
    strength: float
    gain: float = 1.0


@dataclass(slots=True, kw_only=True)
class Units:
    """The feed-forward layer: matrices of F units, made when they are written because they are most of a file.

    Attributes:
      width: Channels of the residual stream.
      code: (V, CODE) the code of each token.
      constants: (D,) vectors that are added whatever the context.
      copies: Blocks, the blocks to which they are added, and how often.
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
            matrix[SELF, column] = self.code[gate.output] * (gate.strength / OPEN)
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
      units: The feed-forward layer.
      output_block: The block that the final norm lets through.
      amplitude: The length to which the final norm scales this block (the root of the sum of its squares). The logits
        are its dot products with the rows of the embedding.
      gain: How much larger than the token's own embedding the gates' outputs are made where an architecture norms them.
    """

    embedding: np.ndarray
    heads: tuple[Head, ...]
    lookup: Head | None = None
    units: Units
    output_block: Block
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
    """The length of what the heads of a layer add, when each finds what it looks for."""
    return float(np.sqrt(sum(head.gain**2 * _length_squared(target) for head in heads for _, target in head.copies)))


def _length_squared(block: Block) -> float:
    """Of a block that holds a code, or else a turn."""
    return CODE if block.stop - block.start == CODE else CODE * TURN_VALUE**2


def rounded(count: int) -> int:
    """The next multiple of 64, which every kernel of every runtime can divide."""
    return -(-count // 64) * 64
