"""The reference engine: Gemma 3 in this process, on whatever device JAX finds.

A call is one batch: prompts are left-padded to a common length, the cache is filled in one forward pass, and a loop on
the device adds a token to every row until all have stopped. Shapes are rounded up (prompt lengths to a multiple of
`ROUND`, rows to one of `ROWS`), because every new shape is compiled once. Callers batch prompts of similar length.
"""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from callwright.engines.base import Generation
from callwright.engines.sampling import PURE, SamplingParams
from callwright.errors import ConfigError
from callwright.models.forward import Cache, Params, empty_cache, forward, logits, output_head
from callwright.models.gemma3 import Gemma3Config

ROUND = 128
ROWS = 4


def _rounded(count: int, step: int) -> int:
    return -(-count // step) * step


class JaxEngine:
    """Generates with a parameter tree (`models.load.parameters`, merged with any adapter)."""

    def __init__(self, params: Params, config: Gemma3Config, *, stop_ids: Sequence[int], pad_id: int) -> None:
        self.params = params
        self.head = output_head(params)
        self.config = config
        self.stop_ids = tuple(stop_ids)
        self.pad_id = pad_id

    def generate(
        self, prompts: Sequence[Sequence[int]], *, max_new_tokens: int, sampling: SamplingParams
    ) -> list[Generation]:
        """See `Engine.generate`.

        Greedy where no temperature is given; only temperature and seed can be chosen.
        """
        _check(sampling)
        rows = _rounded(len(prompts), ROWS)
        width = _rounded(max(map(len, prompts)), ROUND)
        tokens = np.full((rows, width), self.pad_id, np.int32)
        padding = np.zeros(rows, np.int32)
        for row in range(rows):
            prompt = prompts[row] if row < len(prompts) else prompts[0]
            padding[row] = width - len(prompt)
            tokens[row, padding[row] :] = prompt
        # Rows that only fill up the shape generate nothing, so they must not keep the loop going.
        idle = np.arange(rows) >= len(prompts)
        first, cache = _prefill(self.params, self.head, self.config, tokens, padding, max_new_tokens)
        output, lengths = _decode(
            self.params,
            self.head,
            self.config,
            first,
            padding,
            cache,
            idle,
            jax.random.key(sampling.seed or 0),
            jnp.float32(sampling.temperature or 0.0),
            self.stop_ids,
            max_new_tokens,
        )
        output, lengths = np.asarray(output), np.asarray(lengths)
        return [self._generation(output[row, : lengths[row]]) for row in range(len(prompts))]

    def _generation(self, output: np.ndarray) -> Generation:
        ids = tuple(int(token) for token in output)
        if ids and ids[-1] in self.stop_ids:
            return Generation(ids[:-1], "stop", ids[-1])
        return Generation(ids, "length")


def _check(sampling: SamplingParams) -> None:
    for name in ("top_k", "top_p", "min_p", "repeat_penalty"):
        value = getattr(sampling, name)
        if value not in (None, getattr(PURE, name)):
            fix = "leave it out, or serve the model and name the server"
            raise ConfigError("temperature and seed alone for the engine in this process", f"{name} = {value}", fix)


@functools.partial(jax.jit, static_argnums=(2, 5))
def _prefill(
    params: Params, head: jax.Array, config: Gemma3Config, tokens: jax.Array, padding: jax.Array, max_new_tokens: int
) -> tuple[jax.Array, Cache]:
    """Fills a cache with the prompts (B, T) and returns the logits (B, V) of the first new token."""
    batch, width = tokens.shape
    dtype = params["embedder"]["input_embedding"].dtype
    cache = empty_cache(config, batch, width + max_new_tokens, dtype)
    hidden, cache = forward(params, config, tokens, jnp.int32(0), padding, cache)
    return logits(head, hidden[:, -1]), cache


def _draw(scores: jax.Array, key: jax.Array, temperature: jax.Array) -> jax.Array:
    """One token id for each row of (B, V) logits, each row with a key of its own."""
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(scores.shape[0]))

    def sample() -> jax.Array:
        return jax.vmap(jax.random.categorical)(keys, scores / jnp.maximum(temperature, 1e-6))

    def greedy() -> jax.Array:
        return jnp.argmax(scores, axis=-1)

    return jax.lax.cond(temperature > 0, sample, greedy).astype(jnp.int32)


# The loop's state: step, logits of the next token, cache, which rows are done, the output, its length in each row.
_State = tuple[jax.Array, jax.Array, Cache, jax.Array, jax.Array, jax.Array]


@functools.partial(jax.jit, static_argnums=(2, 9, 10))
def _decode(
    params: Params,
    head: jax.Array,
    config: Gemma3Config,
    first: jax.Array,
    padding: jax.Array,
    cache: Cache,
    idle: jax.Array,
    key: jax.Array,
    temperature: jax.Array,
    stop_ids: tuple[int, ...],
    max_new_tokens: int,
) -> tuple[jax.Array, jax.Array]:
    """Draws up to max_new_tokens for each row; returns them (B, N) and how many each row has, stop included."""
    batch = first.shape[0]
    width = cache.keys[0].shape[1] - max_new_tokens
    stops = jnp.asarray(stop_ids, jnp.int32)

    def going(state: _State) -> jax.Array:
        step, _, _, done, _, _ = state
        return (step < max_new_tokens) & ~jnp.all(done)

    def add(state: _State) -> _State:
        step, scores, cache, done, output, lengths = state
        token = _draw(scores, jax.random.fold_in(key, step), temperature)
        output = output.at[:, step].set(token)
        lengths = jnp.where(done, lengths, step + 1)
        done = done | jnp.isin(token, stops)
        hidden, cache = forward(params, config, token[:, None], width + step, padding, cache)
        return step + 1, logits(head, hidden[:, 0]), cache, done, output, lengths

    output = jnp.zeros((batch, max_new_tokens), jnp.int32)
    start = (jnp.int32(0), first, cache, idle, output, jnp.zeros(batch, jnp.int32))
    _, _, _, _, output, lengths = jax.lax.while_loop(going, add, start)
    return output, lengths
