"""The parameter tree and Hugging Face's tensors: one table of names, used in both directions.

The tree has Tunix's layout (see `forward`), where heads have an axis of their own and the matrices of keys and values
are stacked; Hugging Face's matrices are (out, in). Values are only rearranged, so both directions are exact. An
adapter's factors are rearranged with them (`factors_of`), so that their product has the shape of Hugging Face's matrix.

Shape letters: D model width, N heads (K of keys and values), H head width, F width of the feed-forward layer, R rank of
an adapter.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from callwright.errors import CheckpointError
from callwright.models.forward import Params
from callwright.models.gemma3 import Gemma3Config
from callwright.models.settings import Module

# Hugging Face's modules, outside a layer and inside, and where the tree has them.
_PATHS: Mapping[str, tuple[str, ...]] = {
    "embed_tokens": ("embedder", "input_embedding"),
    "norm": ("final_norm", "scale"),
    "input_layernorm": ("pre_attention_norm", "scale"),
    "self_attn.q_proj": ("attn", "q_einsum", "w"),
    "self_attn.k_proj": ("attn", "kv_einsum", "w"),
    "self_attn.v_proj": ("attn", "kv_einsum", "w"),
    "self_attn.q_norm": ("attn", "_query_norm", "scale"),
    "self_attn.k_norm": ("attn", "_key_norm", "scale"),
    "self_attn.o_proj": ("attn", "attn_vec_einsum", "w"),
    "post_attention_layernorm": ("post_attention_norm", "scale"),
    "pre_feedforward_layernorm": ("pre_ffw_norm", "scale"),
    "mlp.gate_proj": ("mlp", "gate_proj", "kernel"),
    "mlp.up_proj": ("mlp", "up_proj", "kernel"),
    "mlp.down_proj": ("mlp", "down_proj", "kernel"),
    "post_feedforward_layernorm": ("post_ffw_norm", "scale"),
}
_HEADS = {"self_attn.q_proj": 0, "self_attn.k_proj": 1, "self_attn.v_proj": 2}
"""Matrices from D to heads, and their places where all three are stacked."""


def tensors_of(params: Params, config: Gemma3Config) -> Iterator[tuple[str, np.ndarray]]:
    """Every tensor of a tree with its Hugging Face name, in the order of `Gemma3Config.tensor_shapes`."""
    for name, shape in config.tensor_shapes().items():
        module, path, place = _locate(name, config)
        value: Any = params
        for key in path:
            value = value[key]
        array = np.asarray(value) if place is None else np.asarray(value[place])
        if module in _HEADS:  # (N, D, H) to (N * H, D)
            array = array.swapaxes(1, 2).reshape(shape)
        elif module == "self_attn.o_proj":  # (N, H, D) to (D, N * H)
            array = array.reshape(shape[::-1]).T
        elif module.startswith("mlp."):
            array = array.T
        yield name, array


def tree_of(tensors: Mapping[str, np.ndarray], config: Gemma3Config) -> Params:
    """The tree of a model's tensors, which are all there and have the configuration's shapes."""
    tree: dict[str, Any] = {}
    stacks: dict[tuple[str | int, ...], dict[int, np.ndarray]] = {}
    for name in config.tensor_shapes():
        module, path, place = _locate(name, config)
        array = tensors[name]
        if module in _HEADS:  # (N * H, D) to (N, D, H)
            array = array.reshape(-1, config.head_dim, config.d_model).swapaxes(1, 2)
        elif module == "self_attn.o_proj":  # (D, N * H) to (N, H, D)
            array = array.T.reshape(config.num_heads, config.head_dim, config.d_model)
        elif module.startswith("mlp."):
            array = array.T
        if place is None:
            _put(tree, path, array)
        else:
            stacks.setdefault(path, {})[place] = array
    for path, parts in stacks.items():
        _put(tree, path, np.stack([parts[place] for place in sorted(parts)]))
    return tree


class Factors(NamedTuple):
    """An adapter's two factors for one matrix (out, in), which `b @ a` has the shape of."""

    a: np.ndarray
    """(R, in)."""
    b: np.ndarray
    """(out, R)."""


def factors_of(
    adapter: Mapping[str, np.ndarray], config: Gemma3Config, modules: Collection[Module]
) -> dict[str, Factors]:
    """The factors of every adapted matrix, by its Hugging Face name.

    Keys and values are one module of the tree and two matrices there: they share the first factor.

    Args:
      adapter: The tree's factors by dotted name, e.g. `layers.0.attn.kv_einsum.w_lora_a`.
      config: The architecture.
      modules: What was adapted, in every layer.

    Raises:
      CheckpointError: A module lacks a factor, a factor has no module, or the two do not multiply out to its shape.
    """
    found, unused = {}, set(adapter)
    for name, (out, *rest) in config.tensor_shapes().items():
        _, path, place = _locate(name, config)
        if path[-2] not in modules:
            continue
        names = [f"{'.'.join(map(str, path))}_lora_{which}" for which in "ab"]
        if missing := [one for one in names if one not in adapter]:
            raise _unfit(f"a factor {missing[0]} for {name}", "none")
        a, b = (adapter[one] for one in names)
        unused -= set(names)
        try:
            rank = a.shape[-1]
            mine = b if place is None else b[:, place]  # (R, 2, K, H) to (R, K, H)
            factors = Factors(a.reshape(-1, rank).T, mine.reshape(rank, -1).T)
        except (IndexError, ValueError):
            raise _unfit(f"factors of one rank for {name}", f"{a.shape} and {b.shape}") from None
        if (len(factors.b), factors.a.shape[1]) != (out, *rest):
            raise _unfit(f"factors of {name}, which is {(out, *rest)}", f"{a.shape} and {b.shape}")
        found[name] = factors
    if unused:
        raise _unfit("only factors of modules that were adapted", min(unused))
    return found


def _unfit(expected: str, got: str) -> CheckpointError:
    return CheckpointError(expected, f"{got} in the adapter", "train the stage again, or name another one")


def _locate(name: str, config: Gemma3Config) -> tuple[str, tuple[str | int, ...], int | None]:
    """The module of a tensor, its path in the tree, and its place there where several are stacked."""
    module = name.removeprefix("model.").removesuffix(".weight")
    layer: tuple[str | int, ...] = ()
    if module.startswith("layers."):
        _, number, module = module.split(".", 2)
        layer = ("layers", int(number))
    if module in _HEADS and config.num_heads == config.num_kv_heads:
        return module, (*layer, "attn", "qkv_einsum", "w"), _HEADS[module]
    place = {"self_attn.k_proj": 0, "self_attn.v_proj": 1}.get(module)
    return module, (*layer, *_PATHS[module]), place


def _put(tree: dict[str, Any], path: tuple[str | int, ...], value: np.ndarray) -> None:
    inner: dict[Any, Any] = tree
    for key in path[:-1]:
        inner = inner.setdefault(key, {})
    inner[path[-1]] = value
