"""The parameter tree is the one that Tunix' own loader makes of the same tensors, and gives these back to the bit."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from tests.support.tiny import TINY, tiny_tensors, write_tiny_model
from tunix.models.gemma3.params_safetensors import create_model_from_safe_tensors

from callwright.models.hf_names import tensors_of, tree_of
from callwright.models.load import load_model, make_mesh, parameters, tunix_config
from callwright.models.sources import resolve_model

SHALLOW = replace(TINY, num_layers=2)
SHARED, OWN = SHALLOW, replace(SHALLOW, num_kv_heads=SHALLOW.num_heads)
"""Query heads that share keys and values, and such that have their own, which Tunix stacks in one matrix."""


@pytest.mark.parametrize("config", [SHARED, OWN], ids=["shared keys", "own keys"])
def test_both_directions_agree_with_what_tunix_loads(tmp_path, config):
    tensors = tiny_tensors(config)
    files, mesh = resolve_model(str(write_tiny_model(tmp_path / "m", config))), make_mesh()
    with mesh:
        theirs = create_model_from_safe_tensors(str(files.directory), tunix_config(config, "float32"), mesh)
    expected, made, loaded = parameters(theirs), tree_of(tensors, config), parameters(load_model(files, mesh))
    for tree in (made, loaded):
        assert jax.tree.structure(tree) == jax.tree.structure(expected)
        assert jax.tree.all(jax.tree.map(np.array_equal, tree, expected))
        written = dict(tensors_of(tree, config))
        assert list(written) == list(tensors)
        assert all(np.array_equal(written[name], tensors[name]) for name in tensors)
