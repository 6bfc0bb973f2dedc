"""The parameter tree is the one that Tunix loads from the same tensors, and gives these tensors back to the bit."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from tests.support.tiny import TINY, tiny_tensors, write_tiny_model

from callwright.models.hf_names import tensors_of, tree_of
from callwright.models.load import load_model, make_mesh, parameters
from callwright.models.sources import resolve_model

SHALLOW = replace(TINY, num_layers=2)
SHARED, OWN = SHALLOW, replace(SHALLOW, num_kv_heads=SHALLOW.num_heads)
"""Query heads that share keys and values, and such that have their own, which Tunix stacks in one matrix."""


@pytest.mark.parametrize("config", [SHARED, OWN], ids=["shared keys", "own keys"])
def test_both_directions_agree_with_what_tunix_loads(tmp_path, config):
    tensors = tiny_tensors(config)
    loaded = parameters(load_model(resolve_model(str(write_tiny_model(tmp_path / "m", config))), make_mesh()))
    made = tree_of(tensors, config)
    assert jax.tree.structure(made) == jax.tree.structure(loaded)
    assert jax.tree.all(jax.tree.map(np.array_equal, made, loaded))
    for tree in (made, loaded):
        written = dict(tensors_of(tree, config))
        assert list(written) == list(tensors)
        assert all(np.array_equal(written[name], tensors[name]) for name in tensors)
