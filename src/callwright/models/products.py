"""Products of bfloat16 matrices that are added up in float32, in the forward pass and in the backward pass.

The XLA of JAX 0.10, the last for Python 3.11, leaves such a product to the bfloat16 instructions of a CPU (AMX,
AVX512-BF16) only if its result is float32 and the left operand is summed over its last axis. Otherwise it widens both
operands first, which takes four to six times as long where there are such instructions, or it cannot compute the
product at all. JAX 0.12 needs none of this, and takes it as it is.
"""

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

Axes = tuple[int, ...]


def dot_general(
    lhs: jax.Array,
    rhs: jax.Array,
    dimension_numbers: lax.DotDimensionNumbers,
    precision: lax.PrecisionLike = None,
    preferred_element_type: Any = None,
    **options: Any,
) -> jax.Array:
    """See `jax.lax.dot_general`, which it is for other types and where matrices come in batches.

    `jax.numpy.einsum` takes it as its `_dot_general`.
    """
    (left, right), (batch, _) = dimension_numbers
    if batch or not lhs.dtype == rhs.dtype == jnp.bfloat16:
        return lax.dot_general(lhs, rhs, dimension_numbers, precision, preferred_element_type, **options)
    left_free, right_free = _others(lhs, left), _others(rhs, right)
    if _in_order(rhs, (*right_free, *right)) and not _in_order(lhs, (*left_free, *left)):
        found = _turned(_product(_matrix(rhs, right_free, right), _matrix(lhs, left_free, left), False))
    elif _in_order(rhs, (*right, *right_free)):
        found = _product(_matrix(lhs, left_free, left), _matrix(rhs, right, right_free), True)
    else:
        found = _product(_matrix(lhs, left_free, left), _matrix(rhs, right_free, right), False)
    shape = [lhs.shape[axis] for axis in left_free] + [rhs.shape[axis] for axis in right_free]
    return found.reshape(shape).astype(preferred_element_type or lhs.dtype)


def _others(array: jax.Array, axes: Axes) -> Axes:
    return tuple(axis for axis in range(array.ndim) if axis not in axes)


def _in_order(array: jax.Array, axes: Axes) -> bool:
    """Whether the array has its elements in the order of these axes already."""
    longer = [axis for axis in axes if array.shape[axis] > 1]
    return longer == sorted(longer)


def _matrix(array: jax.Array, rows: Axes, columns: Axes) -> jax.Array:
    """The array as (rows, columns)."""
    moved = jnp.transpose(array, (*rows, *columns))
    if not _in_order(array, (*rows, *columns)):
        moved = lax.optimization_barrier(moved)  # a copy: XLA would make the other order a part of the product
    return moved.reshape(math.prod(array.shape[axis] for axis in rows), -1)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _product(a: jax.Array, b: jax.Array, by_row: bool) -> jax.Array:
    """(M, K) and (K, N), or (N, K) if not `by_row`, give (M, N) in float32."""
    return _dot(a, b, by_row)


def _dot(a: jax.Array, b: jax.Array, by_row: bool) -> jax.Array:
    summed = (1,), (0 if by_row else 1,)
    return lax.dot_general(a, b, (summed, ((), ())), preferred_element_type=jnp.float32)


def _forward(a: jax.Array, b: jax.Array, by_row: bool) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _dot(a, b, by_row), (a, b)


def _backward(by_row: bool, operands: tuple[jax.Array, jax.Array], gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    a, b = operands
    gradient = gradient.astype(a.dtype)
    by_a = _dot(gradient, b, not by_row)
    first, second = (a, gradient) if by_row else (gradient, a)
    if first.size <= second.size:  # what is copied is the smaller one
        by_b = _dot(_turned(first), second, True)
    else:
        by_b = _turned(_dot(_turned(second), first, True))
    return by_a.astype(a.dtype), by_b.astype(b.dtype)


def _turned(matrix: jax.Array) -> jax.Array:
    """The transposed matrix, as an array of its own."""
    return lax.optimization_barrier(lax.optimization_barrier(matrix).T)


_product.defvjp(_forward, _backward)
