"""The attention of rows is Tunix's on plain rows, whatever else it can do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from tests.support.tiny import TINY

from callwright.data.rows import Encoded, Tree, lay_out
from callwright.models.attention import Visible, visible
from callwright.models.load import load_model, make_mesh

LENGTH = 192


@pytest.fixture(scope="module")
def model(tiny_model):
    """A model without an adapter; read-only."""
    return load_model(tiny_model, make_mesh())


def seen(batch) -> Visible:
    """What the tokens of a batch of rows see."""
    names = ("part", "part_end", "positions", "key_blocks")
    return visible(*(jnp.asarray(batch[name]) for name in names), TINY.sliding_window)


def test_on_plain_rows_it_is_tunixs_block(model):
    """Two rows of one sequence each, longer than the window; places of padding do not matter."""
    draw = np.random.default_rng(0)
    lengths = (LENGTH, LENGTH - 50)
    ids = [draw.integers(1, TINY.vocab_size, length).astype(np.int32) for length in lengths]
    trees = [[Tree(Encoded(str(len(one)), one, np.arange(len(one)) == len(one) - 1))] for one in ids]
    batch = lay_out(trees, LENGTH, 1, 0)
    causal = np.tril(np.ones((2, LENGTH, LENGTH), bool))
    run = nnx.jit(lambda model, *arguments: model(*arguments)[0])
    theirs = run(model, batch["tokens"], np.tile(np.arange(LENGTH), (2, 1)), None, causal)
    ours = run(model, batch["tokens"], batch["positions"], None, seen(batch))
    assert 2 * TINY.sliding_window < LENGTH
    for row, length in enumerate(lengths):
        np.testing.assert_allclose(ours[row, :length], theirs[row, :length], atol=2e-4)


def test_what_it_looks_at_grows_with_what_is_seen_and_not_with_the_row(model):
    """Many short sequences in a row: the products of attention are a small part of those of a mask over the row."""
    short = [Tree(Encoded(str(n), np.full(60, n + 1, np.int32), np.arange(60) > 50)) for n in range(30)]
    batch = lay_out([short], 1800, 300, 0)
    whole = jax.eval_shape(seen, batch).everywhere
    assert whole.shape[-1] * 5 < batch["tokens"].shape[1]
    assert seen(batch).everywhere.sum() == 30 * 60 * 61 // 2
