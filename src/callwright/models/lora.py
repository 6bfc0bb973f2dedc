"""LoRA (Hu et al. 2021, arXiv:2106.09685) on a Tunix model by way of Qwix: attach, read, write, merge.

The adapter is kept in float32 whatever precision the frozen weights have: a bfloat16 matrix drops updates smaller than
1/256 of its entries, which is most of them. `merge` adds alpha / rank * a @ b to every adapted matrix; a merge that
forgets the factor, or a module, gives a model that still talks, only worse, so both are tested against the adapted
model's own logits.
"""

import re
from collections.abc import Mapping
from typing import Any, cast

import jax
import jax.numpy as jnp
import qwix
from flax import nnx
from tunix.models.gemma3 import model as tunix_gemma3

from callwright.errors import CheckpointError
from callwright.models.forward import Params
from callwright.models.products import dot_general
from callwright.models.settings import LoraSettings, Module

# Adapted modules, by Tunix's names, and how their two factors multiply out to the shape of the weight.
# D model width, N heads, K key-value heads, H head width, F feed-forward width, C key or value, R rank.
MERGES: dict[Module, str] = {
    "q_einsum": "DR,RNH->NDH",
    "kv_einsum": "DR,RCKH->CKDH",
    "attn_vec_einsum": "NHR,RD->NHD",
    "gate_proj": "DR,RF->DF",
    "up_proj": "DR,RF->DF",
    "down_proj": "FR,RD->FD",
}

Adapter = dict[str, jax.Array]


def attach(model: tunix_gemma3.Gemma3, settings: LoraSettings, mesh: jax.sharding.Mesh, seed: int) -> Any:
    """The same model with a fresh adapter (a random, b zero) that changes nothing yet; base weights are shared."""
    provider = _Provider(
        module_path="|".join(f".*{re.escape(name)}" for name in settings.modules),
        rank=settings.rank,
        alpha=settings.alpha,
    )
    with mesh:
        adapted = qwix.apply_lora_to_model(model, provider, **model.get_model_input(), rngs=nnx.Rngs(params=seed))
        state = nnx.state(adapted)
        nnx.update(adapted, jax.lax.with_sharding_constraint(state, nnx.get_partition_spec(state)))
    lora = nnx.state(adapted, nnx.LoRAParam)
    nnx.update(adapted, jax.tree.map(lambda x: x.astype(jnp.float32), lora))
    return adapted


class _Provider(qwix.LoraProvider):
    """Qwix's, which attaches to every einsum with a weight, with our products of bfloat16 matrices."""

    def einsum(self, einsum_str: str, *operands: jax.Array, **options: Any) -> jax.Array:
        """See `qwix.LoraProvider.einsum`."""
        return super().einsum(einsum_str, *operands, **(options | {"_dot_general": dot_general}))


def read_adapter(model: Any) -> Adapter:
    """The adapter's factors by dotted name, e.g. `layers.0.attn.q_einsum.w_lora_a`."""
    flat = nnx.to_flat_state(nnx.state(model, nnx.LoRAParam))
    return {".".join(map(str, path)): variable.get_value() for path, variable in flat}


def write_adapter(model: Any, adapter: Mapping[str, Any]) -> None:
    """Replaces the model's adapter.

    Raises:
      CheckpointError: The factors' names or shapes are not the model's.
    """
    state = nnx.state(model, nnx.LoRAParam)
    flat = {".".join(map(str, path)): variable for path, variable in nnx.to_flat_state(state)}
    check_adapter(flat, adapter)
    for name, variable in flat.items():
        old = variable.get_value()
        variable.set_value(jax.device_put(jnp.asarray(adapter[name], old.dtype), old.sharding))
    nnx.update(model, state)


def check_adapter(expected: Mapping[str, Any], adapter: Mapping[str, Any]) -> None:
    """Refuses an adapter whose names or shapes differ from the expected ones."""
    for name in sorted(expected.keys() | adapter.keys()):
        wanted = tuple(expected[name].shape) if name in expected else None
        got = tuple(adapter[name].shape) if name in adapter else None
        if wanted != got:
            raise CheckpointError(
                f"a LoRA factor {name} of shape {wanted or '(none)'}",
                f"{got or 'none'} in the checkpoint",
                "train with the rank and modules of that checkpoint, or start from another one",
            )


def merge(params: Params, adapter: Mapping[str, jax.Array], scale: float) -> Params:
    """The parameter tree with `scale * a @ b` added to every adapted matrix, in the weights' own precision.

    Matrices without an adapter are shared with `params`, not copied.
    """
    return _merge_into(params, {name: jnp.asarray(value) for name, value in adapter.items()}, scale, ())


def _merge_into(tree: Any, adapter: Adapter, scale: float, path: tuple[str, ...]) -> Any:
    if isinstance(tree, Mapping):
        return {key: _merge_into(value, adapter, scale, (*path, str(key))) for key, value in tree.items()}
    name = ".".join(path)
    a, b = adapter.get(f"{name}_lora_a"), adapter.get(f"{name}_lora_b")
    if a is None or b is None:
        return tree
    return _add_product(tree, a, b, scale, MERGES[cast(Module, path[-2])])


@jax.jit(static_argnames=("equation",))
def _add_product(weight: jax.Array, a: jax.Array, b: jax.Array, scale: float, equation: str) -> jax.Array:
    product = jnp.einsum(equation, a, b, precision=jax.lax.Precision.HIGHEST)
    return (weight.astype(jnp.float32) + scale * product).astype(weight.dtype)
