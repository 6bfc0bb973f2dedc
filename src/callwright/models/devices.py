"""Where arrays lie: batches by rows over a mesh's data axis, and constraints inside a compiled function."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from jax.interpreters import pxla
from jax.sharding import NamedSharding, PartitionSpec

ROWS = PartitionSpec("fsdp")
"""Rows of a batch over the data axis, the rest whole on each device."""
WORDS = PartitionSpec(("fsdp", "tp"))
"""The vocabulary over all devices."""
WHOLE = PartitionSpec()
"""The whole array on each device."""


def put_batch(batch: Mapping[str, np.ndarray], mesh: jax.sharding.Mesh) -> dict[str, jax.Array]:
    """The batch on the devices of the mesh, its rows divided among them where their number can be.

    Where several processes form the mesh, each is given the same batch and puts only the rows of its own devices there,
    so that together they hold every row once.
    """
    rows = len(next(iter(batch.values())))
    sharding = NamedSharding(mesh, WHOLE if rows % mesh.shape["fsdp"] else ROWS)
    return {
        name: jax.make_array_from_callback(array.shape, sharding, array.__getitem__) for name, array in batch.items()
    }


def constrain(array: jax.Array, spec: PartitionSpec) -> jax.Array:
    """Says how an array is divided over the mesh in whose context this is traced; the same array without one.

    Tunix's own function does nothing on CPUs, where many devices are simulated.
    """
    mesh: Any = pxla.thread_resources.env.physical_mesh
    return array if mesh.empty else jax.lax.with_sharding_constraint(array, NamedSharding(mesh, spec))
