"""Loss and gradients of one update of shared prefixes, computed in a process of its own with devices of its own.

    python -m tests.support.devices_process MODEL ROWS DEVICES [PROCESSES NUMBER PORT]

prints a JSON object: the loss, for each factor a checksum of its gradient and its norm, the bytes that a device needs
for intermediate results, which rows this process holds, and, of a single process, the losses of a few updates.
"""

import json
import os
import sys
import tempfile
from pathlib import Path


def main(model: str, rows: int, devices: int, processes: int = 1, number: int = 0, port: int = 0) -> None:
    """Computes and prints them; of several processes, each prints the same."""
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={devices // processes}"
    import jax

    if processes > 1:
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        jax.distributed.initialize(f"127.0.0.1:{port}", processes, number)
    import numpy as np
    from flax import nnx
    from jax.experimental import multihost_utils
    from tests.support.training import LORA, grouped_examples, packed, settings

    from callwright.models.devices import put_batch
    from callwright.models.load import load_model, make_mesh
    from callwright.models.lora import attach, read_adapter, write_adapter
    from callwright.models.sources import resolve_model
    from callwright.training.losses import sft_loss
    from callwright.training.sft import train_sft

    mesh = make_mesh(fsdp=devices)
    adapted = attach(load_model(resolve_model(model), mesh), LORA, mesh, seed=0)
    draw = np.random.default_rng(0)
    shapes = {name: factor.shape for name, factor in sorted(read_adapter(adapted).items())}
    write_adapter(adapted, {name: draw.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()})
    shape = settings(batch_size=rows, sequence_length=128, supervised_length=None, steps=3)
    _, (batch,) = next(iter(packed(grouped_examples((8,) * 20), shape)))
    with mesh:
        compute = nnx.jit(nnx.value_and_grad(sft_loss, argnums=nnx.DiffState(0, nnx.LoRAParam)))
        placed = put_batch(batch, mesh)
        temporary = compute.lower(adapted, placed).compile().memory_analysis().temp_size_in_bytes
        loss, gradients = compute(adapted, placed)
    found = {".".join(map(str, path)): leaf for path, leaf in nnx.to_flat_state(nnx.pure(gradients))}
    whole = {name: np.asarray(multihost_utils.process_allgather(leaf, tiled=True)) for name, leaf in found.items()}
    weights = {name: np.random.default_rng(1).normal(size=array.shape) for name, array in whole.items()}
    told = {name: [float((whole[name] * weights[name]).sum()), float(np.linalg.norm(whole[name]))] for name in whole}
    held = [shard.index[0].indices(rows)[:2] for shard in placed["tokens"].addressable_shards]
    losses: list[float] = []
    if processes == 1:
        with tempfile.TemporaryDirectory() as directory:
            train_sft(
                adapted,
                packed(grouped_examples((8,) * 20), shape),
                shape,
                mesh=mesh,
                directory=Path(directory),
                record=lambda row: losses.append(row["loss"]),
            )
    said = {"loss": float(loss), "gradients": told, "temporary": temporary, "rows": held, "losses": losses}
    print(json.dumps(said))


if __name__ == "__main__":
    model, *numbers = sys.argv[1:]
    main(str(Path(model)), *map(int, numbers))
