"""From weights on disk to a Tunix model on a mesh, and from there to a plain parameter tree.

Training goes through Tunix's `Gemma3` module, because LoRA is attached to it; everything else reads the tree that
`parameters` returns. Tunix's own loader is left out on purpose: it reads all tensors of a file as the first one's type.
"""

from typing import Any, cast

import jax
import jax.numpy as jnp
from flax import nnx
from tunix.models.gemma3 import model as tunix_gemma3

from callwright.models.attention import take_rows
from callwright.models.forward import Params
from callwright.models.gemma3 import Gemma3Config
from callwright.models.hf_names import tree_of
from callwright.models.safetensors_files import read_tensors
from callwright.models.settings import Precision
from callwright.models.sources import ModelFiles


def make_mesh(fsdp: int = 1, tp: int = 1) -> jax.sharding.Mesh:
    """A mesh with the axis names that Tunix shards by. Explicit axes, JAX's default, break its embedding gather."""
    auto = (jax.sharding.AxisType.Auto,) * 2
    return jax.make_mesh((fsdp, tp), ("fsdp", "tp"), axis_types=auto)


def tunix_config(config: Gemma3Config, precision: Precision) -> tunix_gemma3.ModelConfig:
    """The architecture as Tunix's configuration."""
    return tunix_gemma3.ModelConfig(
        num_layers=config.num_layers,
        num_embed=config.vocab_size,
        embed_dim=config.d_model,
        hidden_dim=config.d_ff,
        num_heads=config.num_heads,
        head_dim=config.head_dim,
        num_kv_heads=config.num_kv_heads,
        sliding_window_size=config.sliding_window,
        local_base_frequency=int(config.rope_base_local),
        global_base_frequency=int(config.rope_base_global),
        param_dtype=jnp.dtype(precision),
    )


def load_model(files: ModelFiles, mesh: jax.sharding.Mesh, precision: Precision = "float32") -> tunix_gemma3.Gemma3:
    """The model with its weights in `precision`, sharded over the mesh; it takes `attention.Visible` for a mask too."""
    config = tunix_config(files.config, precision)
    with mesh:
        module = nnx.eval_shape(lambda: tunix_gemma3.Gemma3(config, rngs=nnx.Rngs(params=0)))
        graph, state = nnx.split(module)
        tree = tree_of(read_tensors(files.weights, files.config, precision), files.config)
        arrays = jax.tree.map(jax.device_put, tree, nnx.get_named_sharding(state, mesh).to_pure_dict())
        model = cast(tunix_gemma3.Gemma3, nnx.merge(graph, arrays))
    take_rows(model)
    return model


def parameters(model: tunix_gemma3.Gemma3) -> Params:
    """The model's own parameters as a nested dictionary of arrays, LoRA left out. The arrays are shared, not copied."""
    is_weight = nnx.All(nnx.Param, nnx.Not(nnx.LoRAParam))
    tree: dict[str, Any] = nnx.to_pure_dict(nnx.state(model, is_weight))
    return tree
