"""Products of bfloat16 matrices are those of the same numbers in float64, rounded once, and so are their gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.support.training import adapted, randomize

from callwright.models.attention import EinsumLinear
from callwright.models.lora import read_adapter
from callwright.models.products import dot_general

SIZES = {"B": 2, "T": 24, "S": 24, "D": 40, "N": 4, "H": 16, "C": 2, "K": 1, "F": 72, "r": 8}
ROUNDED = 2**-8
"""What rounding a number to bfloat16 changes, at most, as a part of it."""
EQUATIONS = (
    "BTD,NDH->BTNH",  # the model's own
    "BSD,CKDH->CBSKH",
    "BTNH,NHD->BTD",
    "BTD,DF->BTF",
    "BTF,FD->BTD",
    "BTD,Dr,rNH->BTNH",  # with the factors of LoRA
    "BSD,Dr,rCKH->CBSKH",
    "BTNH,NHr,rD->BTD",
    "BTD,Dr,rF->BTF",
    "BTF,Fr,rD->BTD",
)


def operands(equation, dtype):
    draw = np.random.default_rng(len(equation))
    inputs, output = equation.split("->")
    shapes = [[SIZES[axis] for axis in axes] for axes in (*inputs.split(","), output)]
    *given, direction = (jnp.asarray(draw.normal(size=shape), dtype) for shape in shapes)
    return tuple(given), direction


def einsum(equation, *given):
    return jnp.einsum(equation, *given, _dot_general=dot_general)


def is_close(found, wanted, roundings):
    """Each number is within what so many roundings of numbers of this size change."""
    scale = np.sqrt(np.mean(np.square(wanted)))
    return float(np.max(np.abs(np.asarray(found, np.float64) - wanted))) <= roundings * 4 * scale * ROUNDED


@pytest.mark.parametrize("equation", EQUATIONS)
def test_products_and_their_gradients_are_exact_but_for_rounding(equation):
    given, direction = operands(equation, jnp.bfloat16)
    found, back = jax.vjp(jax.jit(lambda *these: einsum(equation, *these)), *given)
    wide = [np.asarray(each, np.float64) for each in given]
    wanted = np.einsum(equation, *wide)
    products = len(given) - 1
    assert found.dtype == jnp.bfloat16
    assert is_close(found, wanted, products)
    inputs, output = equation.split("->")
    axes = inputs.split(",")
    for place, gradient in enumerate(back(direction)):
        others = [other for other in range(len(given)) if other != place]
        by_rule = ",".join([output, *(axes[other] for other in others)]) + "->" + axes[place]
        wanted = np.einsum(by_rule, np.asarray(direction, np.float64), *(wide[other] for other in others))
        assert gradient.dtype == jnp.bfloat16
        assert is_close(gradient, wanted, products), axes[place]


@pytest.mark.parametrize("types", [("float32", "float32"), ("float32", "bfloat16")])
def test_other_types_and_batches_of_matrices_are_left_to_jax(types):
    (a, b), _ = operands("BTD,NDH->BTNH", jnp.float32)
    a, b = a.astype(types[0]), b.astype(types[1])
    np.testing.assert_array_equal(einsum("BTD,NDH->BTNH", a, b), jnp.einsum("BTD,NDH->BTNH", a, b))
    batch = jnp.ones((2, 3, 4), jnp.bfloat16)
    np.testing.assert_array_equal(einsum("bij,bkj->bik", batch, batch), jnp.einsum("bij,bkj->bik", batch, batch))


def test_a_result_has_the_type_that_is_asked_for():
    (a, b), _ = operands("BTD,DF->BTF", jnp.bfloat16)
    found = jnp.einsum("BTD,DF->BTF", a, b, preferred_element_type=jnp.float32, _dot_general=dot_general)
    wanted = np.einsum("BTD,DF->BTF", np.asarray(a, np.float64), np.asarray(b, np.float64))
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)


def test_every_matrix_of_a_layer_has_an_adapter_and_is_an_einsum(shallow_model):
    model = adapted(shallow_model, precision="bfloat16")
    randomize(model)
    layer = model.layers[0]
    linear = (layer.mlp.gate_proj, layer.mlp.up_proj, layer.mlp.down_proj)
    assert all(isinstance(each, EinsumLinear) for each in linear)
    assert {name.split(".")[-2] for name in read_adapter(model)} == {
        "q_einsum", "kv_einsum", "attn_vec_einsum", "gate_proj", "up_proj", "down_proj",
    }  # fmt: skip
