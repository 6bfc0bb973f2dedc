"""The reference engine: Gemma 3 in this process, on whatever device JAX finds.

A call is one batch. What groups of prompts begin with is computed and kept once (`prefixes`); the rest of each prompt
is left-padded to a common length, and one forward pass fills the cache. Then tokens are drawn in pieces of `PIECE`
steps on the device. Between two pieces finished rows are dropped, once that halves the rows; no other ones take their
place. What a row draws depends on its number in the call, not on where it is.

Shapes are rounded up (`shapes`), because every new one is compiled once. Callers batch prompts of similar length.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from callwright.engines.base import Generation
from callwright.engines.decoding import PIECE, add_tokens, fill_prefixes, fill_rows
from callwright.engines.loops import is_loop
from callwright.engines.prefixes import Layout, arrange, unshared
from callwright.engines.sampling import PURE, SamplingParams
from callwright.engines.shapes import rounded_rows, rounded_slots, rounded_width
from callwright.errors import ConfigError
from callwright.models.forward import Cache, Context, Params, matrices, output_head
from callwright.models.gemma3 import Gemma3Config

FEWEST_ROWS = 4
"""A step with fewer rows takes about as long."""


class JaxEngine:
    """Generates with a parameter tree (`models.load.parameters`, merged with any adapter).

    Args:
      params: The parameter tree.
      config: The architecture.
      stop_ids: Tokens that end a turn.
      pad_id: What fills rows up.
      share_prefixes: Whether prompts that begin alike have their beginning computed once.
      dtype: What is computed in; None is the weights' own type, on CPUs float32: there narrower products are slower.
    """

    def __init__(
        self,
        params: Params,
        config: Gemma3Config,
        *,
        stop_ids: Sequence[int],
        pad_id: int,
        share_prefixes: bool = True,
        dtype: jax.typing.DTypeLike | None = None,
    ) -> None:
        if dtype is None and jax.default_backend() == "cpu":
            dtype = jnp.float32
        self.params = matrices(params if dtype is None else jax.tree.map(lambda weights: weights.astype(dtype), params))
        self.head = output_head(self.params)
        self.config = config
        self.stop_ids = tuple(stop_ids)
        self.pad_id = pad_id
        self.share_prefixes = share_prefixes

    def generate(
        self, prompts: Sequence[Sequence[int]], *, max_new_tokens: int, sampling: SamplingParams
    ) -> list[Generation]:
        """See `Engine.generate`.

        Greedy where no temperature is given; only temperature and seed can be chosen.
        """
        _check(sampling)
        layout = arrange(prompts, max_new_tokens) if self.share_prefixes else unshared(prompts)
        key, temperature = jax.random.key(sampling.seed or 0), jnp.float32(sampling.temperature or 0.0)
        outputs = [_Output(self.stop_ids, max_new_tokens, greedy=not sampling.temperature) for _ in prompts]
        rows, width, token = self._start(prompts, layout, max_new_tokens, key, temperature)
        drawn, step = np.asarray(token)[:, None], 0
        while True:
            for row, number in enumerate(rows.numbers):
                if number >= 0:
                    outputs[number].extend(drawn[row].tolist())
            done = np.array([number < 0 or outputs[number].generation is not None for number in rows.numbers])
            if done.all():
                return [output.generation for output in outputs if output.generation is not None]
            rows, token, done = rows.compacted(token, done)
            until = min(step + PIECE, max_new_tokens - 1)
            found, token, cache = add_tokens(
                self.params,
                self.head,
                self.config,
                token,
                np.int32(step),
                np.int32(until),
                np.int32(width),
                rows.padding,
                rows.cache,
                rows.prefix,
                rows.numbers,
                done,
                key,
                temperature,
                self.stop_ids,
            )
            rows.cache, drawn, step = cache, np.asarray(found)[:, : until - step], until

    def _start(
        self,
        prompts: Sequence[Sequence[int]],
        layout: Layout,
        max_new_tokens: int,
        key: jax.Array,
        temperature: jax.Array,
    ) -> tuple["_Rows", int, jax.Array]:
        """The rows with their prompts in the cache, the width of their prompts, and the first token of each."""
        groups, most = rounded_rows(len(layout.groups)), max(layout.prefixes)
        prefix = None
        if most:
            beginnings = [
                prompts[group[0]][:length] for group, length in zip(layout.groups, layout.prefixes, strict=True)
            ]
            prefix = fill_prefixes(self.params, self.config, *self._padded(beginnings, groups))
        numbers = np.full((groups, layout.rows), -1, np.int32)
        rests: list[Sequence[int]] = [()] * numbers.size
        for index, (group, length) in enumerate(zip(layout.groups, layout.prefixes, strict=True)):
            for place, number in enumerate(group):
                numbers[index, place] = number
                rests[index * layout.rows + place] = prompts[number][length:]
        tokens, padding = self._padded(rests, numbers.size)
        width = tokens.shape[1]
        flat = numbers.ravel()
        slots = rounded_slots(width + -(-(max_new_tokens - 1) // PIECE) * PIECE)
        first, cache = fill_rows(
            self.params, self.head, self.config, tokens, padding, prefix, flat, key, temperature, slots
        )
        return _Rows(flat, groups, padding, cache, prefix), width, first

    def _padded(self, rows: Sequence[Sequence[int]], count: int) -> tuple[np.ndarray, np.ndarray]:
        """`count` rows of token ids, left-padded to a rounded width, and how much of each is padding."""
        width = rounded_width(max(map(len, rows)))
        tokens, padding = np.full((count, width), self.pad_id, np.int32), np.full(count, width, np.int32)
        for row, ids in enumerate(rows):
            padding[row] = width - len(ids)
            tokens[row, padding[row] :] = ids
        return tokens, padding


@dataclass(slots=True)
class _Output:
    """What one prompt was answered so far, and once it is finished the generation."""

    stop_ids: tuple[int, ...]
    limit: int
    greedy: bool
    ids: list[int] = field(default_factory=list)
    generation: Generation | None = None

    def extend(self, drawn: Sequence[int]) -> None:
        """Adds tokens up to the first that ends the output; the rest was drawn for nothing."""
        for token in drawn:
            if self.generation is not None:
                return
            if token in self.stop_ids:
                self.generation = Generation(tuple(self.ids), "stop", token)
                return
            self.ids.append(token)
            if self.greedy and is_loop(self.ids):
                self.generation = Generation(tuple(self.ids), "loop")
            elif len(self.ids) == self.limit:
                self.generation = Generation(tuple(self.ids), "length")


@dataclass(slots=True)
class _Rows:
    """The rows that are being decoded: `groups` of as many each.

    Attributes:
      numbers: (B,) the number of each row's prompt, -1 of rows that only fill up the shape.
      groups: How many groups the rows are in.
      padding: (B,) slots at the left of each row that are padding.
      cache: Keys and values of the rows.
      prefix: Those of what the groups begin with; None where nothing is shared.
    """

    numbers: np.ndarray
    groups: int
    padding: np.ndarray
    cache: Cache
    prefix: Context | None

    def compacted(self, token: jax.Array, done: np.ndarray) -> tuple["_Rows", jax.Array, np.ndarray]:
        """These rows, their last tokens and which are done, without rows that are done where that halves them."""
        alive = [np.flatnonzero(~group) for group in done.reshape(self.groups, -1)]
        kept = [index for index, group in enumerate(alive) if len(group)]
        groups, size = rounded_rows(len(kept)), rounded_rows(max(map(len, alive)))
        size = max(size, -(-FEWEST_ROWS // groups))
        if groups * size > len(done) // 2:
            return self, token, done
        chosen, idle = np.zeros((groups, size), np.int32), np.ones((groups, size), bool)
        for place, index in enumerate(kept):
            chosen[place, : len(alive[index])] = alive[index] + index * (len(done) // self.groups)
            idle[place, : len(alive[index])] = False
        take, done = chosen.ravel(), idle.ravel()
        prefix = self.prefix
        if prefix is not None and groups < self.groups:
            mine = np.resize(np.array(kept, np.int32), groups)
            prefix = Context(_take(prefix.cache, mine), prefix.padding[mine], prefix.filled)
        rows = _Rows(
            np.where(done, -1, self.numbers[take]), groups, self.padding[take], _take(self.cache, take), prefix
        )
        return rows, token[take], done


@jax.jit
def _take(tree: Any, rows: np.ndarray) -> Any:
    """These rows of every array."""
    return jax.tree.map(lambda array: array[rows], tree)


def _check(sampling: SamplingParams) -> None:
    for name in ("top_k", "top_p", "min_p", "repeat_penalty"):
        value = getattr(sampling, name)
        if value not in (None, getattr(PURE, name)):
            fix = "leave it out, or serve the model and name the server"
            raise ConfigError("temperature and seed alone for the engine in this process", f"{name} = {value}", fix)
