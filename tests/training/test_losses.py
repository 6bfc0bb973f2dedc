"""The loss that projects only supervised positions is the usual one, and its gradients reach every factor."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from tests.support.tiny import tiny_tokenizer
from tests.support.training import ALONE, Examples, adapted, examples, grouped_examples, packed, randomize, settings
from tunix.sft.peft_trainer import _default_loss_fn

from callwright.data.packing import encode
from callwright.data.rows import Tree, lay_out
from callwright.formats import get_format
from callwright.models.lora import read_adapter, write_adapter
from callwright.training.losses import sft_loss, target_hidden, target_logprobs
from callwright.training.projection import CHUNK, label_logprobs

value_and_grad = nnx.jit(nnx.value_and_grad(sft_loss, argnums=nnx.DiffState(0, nnx.LoRAParam)))
loss = nnx.jit(sft_loss)
usual_loss = nnx.jit(_default_loss_fn)
SOURCE = examples(12)


def gradients(model, batch):
    """Gradients by the factors' dotted names."""
    return flat(value_and_grad(model, batch)[1])


def target_logits(model, batch):
    """All logits (B, K, V) at once, of the positions that predict."""
    hidden, embedding = target_hidden(model, batch)
    return jnp.dot(hidden, embedding.T.astype(jnp.float32))


def flat(grads):
    """A state of gradients by dotted names."""
    return {".".join(map(str, path)): np.asarray(leaf) for path, leaf in nnx.to_flat_state(nnx.pure(grads))}


def one_update(source=SOURCE, **shape):
    """The batches of the first update."""
    _, group = next(iter(packed(source, settings(**shape))))
    return group


@pytest.fixture(scope="module")
def supervised(shallow_model):
    """A model with an adapter that changes something; read-only."""
    model = adapted(shallow_model)
    randomize(model)
    return model


@pytest.mark.parametrize("index", range(3))
def test_the_loss_is_tunixs_default_loss_on_one_example(supervised, index):
    one = encode(SOURCE[index], get_format("xml"), tiny_tokenizer())
    (batch,) = one_update(Examples([SOURCE[index]]), batch_size=1, sequence_length=ALONE)
    tokens, mask = np.zeros((1, ALONE), np.int32), np.zeros((1, ALONE), bool)
    tokens[0, : len(one.ids)], mask[0, : len(one.ids)] = one.ids, one.supervised
    causal = np.tril(np.ones((1, ALONE, ALONE), bool))
    usual = usual_loss(supervised, tokens, mask, np.arange(ALONE)[None], causal)
    assert float(loss(supervised, batch)) == pytest.approx(float(usual), abs=1e-4)


def test_accumulated_gradients_are_those_of_one_big_batch(shallow_model):
    model = adapted(shallow_model)
    randomize(model)
    (big,) = one_update(batch_size=4)
    small = one_update(batch_size=1, gradient_accumulation=4)
    counts = [(batch["weight"] > 0).sum() for batch in small]
    assert len(set(counts)) > 1, "a mean of means would be another number"
    wanted = gradients(model, big)
    pieces = [gradients(model, batch) for batch in small]
    for name, gradient in wanted.items():
        mean = np.mean([piece[name] for piece in pieces], axis=0)
        np.testing.assert_allclose(mean, gradient, rtol=1e-4, atol=1e-5 * np.abs(gradient).max(), err_msg=name)


@pytest.mark.parametrize("files", ["shallow_model", pytest.param("tiny_model", marks=pytest.mark.slow)])
def test_gradients_reach_every_b_at_once_and_every_a_after_one_update(request, files):
    files = request.getfixturevalue(files)
    model = adapted(files)
    (batch,) = one_update()
    first = gradients(model, batch)
    assert len(first) == files.config.num_layers * 6 * 2
    for name, gradient in first.items():
        assert bool(np.abs(gradient).max() > 0) == name.endswith("_b"), name
    write_adapter(model, {name: value - 0.01 * np.sign(first[name]) for name, value in read_adapter(model).items()})
    for name, gradient in gradients(model, batch).items():
        assert np.abs(gradient).max() > 0, name


@pytest.mark.slow
def test_the_adapter_is_trained_in_float32_under_bfloat16_weights(shallow_model):
    model = adapted(shallow_model, precision="bfloat16")
    assert model.embedder.input_embedding.get_value().dtype == jax.numpy.bfloat16
    (batch,) = one_update()
    _, grads = nnx.eval_shape(value_and_grad, model, batch)
    assert {gradient.dtype for gradient in jax.tree.leaves(nnx.pure(grads))} == {np.dtype("float32")}
    assert nnx.eval_shape(target_logits, model, batch).dtype == np.float32


def test_logprobs_and_entropies_are_those_of_the_logits(supervised):
    (batch,) = one_update()
    scores = np.asarray(nnx.jit(target_logits)(supervised, batch), np.float64)
    logprobs = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    chosen, entropy = nnx.jit(target_logprobs)(supervised, batch)
    labels = np.take_along_axis(logprobs, batch["label"][..., None], -1)[..., 0]
    taught = batch["weight"] > 0
    np.testing.assert_allclose(chosen[taught], labels[taught], atol=1e-4)
    np.testing.assert_allclose(entropy[taught], -(np.exp(logprobs) * logprobs).sum(-1)[taught], atol=1e-4)
    assert float(loss(supervised, batch)) == pytest.approx(-(labels * batch["weight"]).sum(), rel=1e-5)


def test_logprobs_have_the_gradients_of_the_loss(supervised):
    """Taken in chunks and computed again on the way back, they are the same numbers; so is the loss's own gradient."""
    (batch,) = one_update(supervised_length=CHUNK + 5)
    for objective in (_by_logprobs, _by_logits):
        found = flat(nnx.jit(nnx.grad(objective, argnums=nnx.DiffState(0, nnx.LoRAParam)))(supervised, batch))
        for name, gradient in gradients(supervised, batch).items():
            np.testing.assert_allclose(
                found[name], gradient, rtol=1e-4, atol=1e-5 * np.abs(gradient).max(), err_msg=name
            )


@pytest.mark.parametrize(("precision", "close"), [("float32", 1e-4), ("bfloat16", 1e-2)])
@pytest.mark.parametrize("positions", [5, CHUNK + 3])
def test_positions_projected_in_chunks_meet_the_whole_vocabulary(positions, precision, close):
    draw = np.random.default_rng(positions)
    hidden, embedding = (jnp.asarray(draw.normal(size=size), precision) for size in ((2, positions, 8), (96, 8)))
    label = draw.integers(0, 96, (2, positions))
    states, words = (np.asarray(each, np.float64) for each in (hidden, embedding))
    scores = states @ words.T
    logprobs = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    operands = hidden.astype(jnp.float32), embedding, label, np.ones((2, positions))
    chosen, entropy = jax.jit(label_logprobs)(*operands)
    np.testing.assert_allclose(chosen, np.take_along_axis(logprobs, label[..., None], -1)[..., 0], rtol=1e-4)
    np.testing.assert_allclose(entropy, -(np.exp(logprobs) * logprobs).sum(-1), rtol=1e-4, atol=1e-5)
    gradient = jax.grad(lambda *them: jnp.sum(label_logprobs(*them)[0]))(*operands)
    np.testing.assert_allclose(gradient, words[label] - np.exp(logprobs) @ words, rtol=close, atol=close)


def _by_logprobs(model, batch):
    return -jnp.sum(target_logprobs(model, batch)[0] * batch["weight"])


def _by_logits(model, batch):
    scores = nnx.log_softmax(target_logits(model, batch))
    return -jnp.sum(jnp.take_along_axis(scores, batch["label"][..., None], -1)[..., 0] * batch["weight"])


GROUPED = grouped_examples((5, 1, 4, 3, 7))
"""Examples of 20 to 40 tokens, of which a group shares 15 to 25: their rows go beyond the tiny model's window of 16."""
SHARED = {"batch_size": 2, "sequence_length": 128, "supervised_length": 64, "gradient_accumulation": 2}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("files", ["shallow_model", pytest.param("tiny_model", marks=pytest.mark.slow)])
def test_shared_prefixes_teach_what_their_examples_teach_in_rows_of_their_own(request, files, seed):
    model = adapted(request.getfixturevalue(files))
    randomize(model)
    ids, shared = next(iter(packed(GROUPED, settings(**SHARED), seed)))
    by_id = {one.id: one for one in GROUPED.examples}
    fmt, tokenizer = get_format("xml"), tiny_tokenizer()
    whole = [encode(by_id[name], fmt, tokenizer) for name in ids]
    saved = sum(len(one.ids) for one in whole) - sum(np.count_nonzero(batch["part"]) for batch in shared)
    assert saved > 100
    alone = lay_out([[Tree(one)] for one in whole], 64, 16, tokenizer.pad_id)
    total = sum(one.supervised_tokens for one in whole)
    alone["weight"] = (alone["member"] > 0).astype(np.float32) / total
    losses = [float(loss(model, batch)) for batch in shared]
    assert np.mean(losses) == pytest.approx(float(loss(model, alone)), rel=1e-5)
    pieces = [gradients(model, batch) for batch in shared]
    for name, gradient in gradients(model, alone).items():
        mean = np.mean([piece[name] for piece in pieces], axis=0)
        np.testing.assert_allclose(mean, gradient, rtol=1e-3, atol=2e-5 * np.abs(gradient).max(), err_msg=name)


def test_chunks_without_weight_are_not_computed(supervised):
    (batch,) = one_update(supervised_length=4 * CHUNK)
    empty = batch["weight"].sum(axis=0) == 0
    chosen, _ = nnx.jit(target_logprobs)(supervised, batch)
    assert empty[3 * CHUNK :].all()
    assert not np.asarray(chosen)[:, 3 * CHUNK :].any()
