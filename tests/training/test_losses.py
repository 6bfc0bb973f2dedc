"""The loss that projects only supervised positions is the usual one, and its gradients reach every factor."""

import jax
import numpy as np
import pytest
from flax import nnx
from tests.support.tiny import tiny_tokenizer
from tests.support.training import ALONE, Examples, adapted, examples, packed, randomize, settings
from tunix.sft.peft_trainer import _default_loss_fn

from callwright.data.packing import encode
from callwright.formats import get_format
from callwright.models.lora import read_adapter, write_adapter
from callwright.training.losses import CHUNK, sft_loss, target_logits, target_logprobs

value_and_grad = nnx.jit(nnx.value_and_grad(sft_loss, argnums=nnx.DiffState(0, nnx.LoRAParam)))
loss = nnx.jit(sft_loss)
usual_loss = nnx.jit(_default_loss_fn)
SOURCE = examples(12)


def gradients(model, batch):
    """Gradients by the factors' dotted names."""
    _, grads = value_and_grad(model, batch)
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
    np.testing.assert_allclose(chosen, labels, atol=1e-4)
    np.testing.assert_allclose(entropy, -(np.exp(logprobs) * logprobs).sum(-1), atol=1e-4)
    assert float(loss(supervised, batch)) == pytest.approx(-(labels * batch["weight"]).sum(), rel=1e-5)


def test_logprobs_have_the_gradients_of_the_loss(supervised):
    """Taken in chunks and computed again on the way back, they are the same numbers."""
    (batch,) = one_update(supervised_length=40)
    assert batch["at"].shape[1] % CHUNK
    pieced = nnx.jit(
        nnx.grad(
            lambda model, batch: -jax.numpy.sum(target_logprobs(model, batch)[0] * batch["weight"]),
            argnums=nnx.DiffState(0, nnx.LoRAParam),
        )
    )(supervised, batch)
    found = {".".join(map(str, path)): np.asarray(leaf) for path, leaf in nnx.to_flat_state(nnx.pure(pieced))}
    for name, gradient in gradients(supervised, batch).items():
        np.testing.assert_allclose(found[name], gradient, rtol=1e-4, atol=1e-5 * np.abs(gradient).max(), err_msg=name)
