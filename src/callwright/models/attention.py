"""Attention over rows whose parts share prefixes (`data.rows`), as a subclass of Tunix's module.

Tunix's block takes a mask (B, L, L) and cuts the window of local layers by the distance of places in the row, so a
branch far behind its prefix would lose it. This one goes by what each part sees and by positions, and looks only at
the blocks of keys that a block of queries has something to see in: the work grows with a row's length times what its
tokens see, not with the square of its length.

The class of a layer's attention is changed before LoRA is attached. Qwix attaches to the modules by which the products
are computed, and finds them by walking the stack of calls, so projections stay calls of the module's own parts.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from tunix.models.gemma3 import model as tunix_gemma3

from callwright.models.devices import ROWS, constrain

STRIPE = 8
"""Blocks of queries that are computed together, with as many blocks of keys as the one that may look at most."""


class Visible(NamedTuple):
    """What every token of a batch of rows sees; stands where Tunix passes a mask.

    Attributes:
      key_blocks: (B, n, M) int32; the blocks of keys that each of n blocks of queries looks at, -1 for none.
      everywhere: (B, n, T, M * T) bool; which of these keys each of a block's T queries sees.
      in_window: The same in local layers.
    """

    key_blocks: jax.Array
    everywhere: jax.Array
    in_window: jax.Array


def visible(part: jax.Array, part_end: jax.Array, positions: jax.Array, key_blocks: jax.Array, window: int) -> Visible:
    """What the tokens of rows see; see `data.rows` for the arrays, of which the first three are (B, L).

    Args:
      part: The number of the part that a token belongs to.
      part_end: Where the numbers of the parts end that see it.
      positions: Of the tokens in their sequences.
      key_blocks: (B, n, M).
      window: How many positions a token of a local layer sees, its own included.
    """
    place, blocks = jnp.broadcast_to(jnp.arange(part.shape[1]), part.shape), key_blocks.shape[1]

    def queries(array: jax.Array) -> jax.Array:
        return _in_blocks(array, blocks)[..., None]  # (B, n, T, 1)

    def keys(array: jax.Array) -> jax.Array:
        return _looked_at(_in_blocks(array, blocks), key_blocks)[:, :, None]  # (B, n, 1, M * T)

    everywhere = (keys(part) <= queries(part)) & (queries(part) < keys(part_end)) & (keys(place) <= queries(place))
    everywhere &= jnp.repeat(key_blocks >= 0, queries(part).shape[2], axis=-1)[:, :, None]
    in_window = everywhere & (keys(positions) > queries(positions) - window)
    return Visible(key_blocks, *jax.lax.optimization_barrier((everywhere, in_window)))  # made once, not in every layer


class RowAttention(tunix_gemma3.Attention):
    """Tunix's attention that also takes `Visible` for a mask."""

    def block(self, x: jax.Array, segment_pos: jax.Array, cache: Any, attn_mask: Any) -> tuple[Any, jax.Array]:
        """See `tunix.models.gemma3.model.Attention.block`; x is (B, L, D), segment_pos (B, L)."""
        if not isinstance(attn_mask, Visible):
            return super().block(x, segment_pos, cache, attn_mask)
        x = constrain(x, ROWS)
        if self.use_qkv_einsum:
            query, key, value = self.qkv_einsum(x)
        else:
            query = self.q_einsum(x)
            key, value = self.kv_einsum(x)
        query, key = (
            tunix_gemma3.apply_rope(
                norm(states),
                segment_pos,
                head_dim=self.head_dim,
                base_frequency=self.rope_base_frequency,
                scale_factor=self.rope_scale_factor,
            )
            for norm, states in ((self._query_norm, query), (self._key_norm, key))
        )
        is_local = self.attn_type == tunix_gemma3.AttentionType.LOCAL_SLIDING
        mask = attn_mask.in_window if is_local else attn_mask.everywhere
        mixed = attend(query * self.query_pre_attn_scalar, key, value, mask, attn_mask.key_blocks)
        return None, constrain(self.attn_vec_einsum(mixed), ROWS)


def attend(query: jax.Array, key: jax.Array, value: jax.Array, mask: jax.Array, key_blocks: jax.Array) -> jax.Array:
    """Softmax attention in which every token meets what it sees.

    Args:
      query: (B, L, N, H), scaled.
      key: (B, L, K, H); each head serves N / K query heads.
      value: (B, L, K, H).
      mask: (B, n, T, M * T), one of those of `Visible`.
      key_blocks: (B, n, M).

    Returns:
      (B, L, N, H). Places of padding hold numbers without meaning.
    """
    blocks, most = key_blocks.shape[1:]
    query, key, value = (_in_blocks(array, blocks) for array in (query, key, value))
    mixed = list[jax.Array]()
    for start in range(0, blocks, STRIPE):
        here = slice(start, start + STRIPE)
        seen = min(start + STRIPE, most)  # no block of the stripe looks at more: none looks at a later one
        mask_here = mask[:, here, :, : seen * query.shape[2]]
        mixed.append(_attend_in_stripe(query[:, here], key, value, mask_here, key_blocks[:, here, :seen]))
    return jnp.concatenate(mixed, axis=1).reshape(len(query), -1, *query.shape[3:])


def _attend_in_stripe(
    query: jax.Array, key: jax.Array, value: jax.Array, mask: jax.Array, key_blocks: jax.Array
) -> jax.Array:
    """The same for some blocks of queries (B, n, T, N, H), and all of keys and values (B, L / T, T, K, H)."""
    rows, blocks, size, heads, width = query.shape
    kv_heads = key.shape[3]
    shape = (rows, blocks, size, kv_heads, heads // kv_heads, width)
    by_head = (rows, blocks, kv_heads, heads // kv_heads, size, -1)
    together = (rows, blocks, kv_heads, heads // kv_heads * size, -1)  # one product for all heads that share keys
    grouped = jnp.moveaxis(query.reshape(shape), 2, 4).reshape(together)
    scores = jnp.einsum("bnkqh,bnskh->bnkqs", grouped, _looked_at(key, key_blocks)).reshape(by_head)
    weights = jax.nn.softmax(jnp.where(mask[:, :, None, None], scores, tunix_gemma3.K_MASK), axis=-1)
    mixed = jnp.einsum(
        "bnkqs,bnskh->bnkqh", weights.astype(value.dtype).reshape(together), _looked_at(value, key_blocks)
    )
    return jnp.moveaxis(mixed.reshape(by_head), 4, 2).reshape(query.shape)


def _in_blocks(array: jax.Array, blocks: int) -> jax.Array:
    """(B, L, ...) as (B, n, T, ...)."""
    rows, length, *rest = array.shape
    return array.reshape(rows, blocks, length // blocks, *rest)


def _looked_at(array: jax.Array, key_blocks: jax.Array) -> jax.Array:
    """(B, L / T, T, ...) as (B, n, M * T, ...): what each of n blocks of queries looks at."""
    chosen = jax.vmap(lambda each, index: each[index])(array, jnp.maximum(key_blocks, 0))
    return chosen.reshape(*key_blocks.shape[:2], -1, *array.shape[3:])


class EinsumLinear(nnx.Linear):
    """Flax's, computed as the other products of a layer are, so that LoRA attaches to all of them in one way."""

    def __call__(self, inputs: jax.Array, out_sharding: Any = None) -> jax.Array:
        """See `flax.nnx.Linear`; (B, L, D) gives (B, L, F)."""
        return jnp.einsum("BTD,DF->BTF", inputs, self.kernel.get_value(), out_sharding=out_sharding)


def take_rows(model: tunix_gemma3.Gemma3) -> None:
    """Lets the model take `Visible` for a mask; its parameters stay what they are."""
    for layer in model.layers:
        layer.attn.__class__ = RowAttention
        for linear in (layer.mlp.gate_proj, layer.mlp.up_proj, layer.mlp.down_proj):
            linear.__class__ = EinsumLinear
