"""Seconds and memory of an SFT step on the real Gemma 3 270M: our loss against Tunix's default, in one run.

Batches of 4 rows of 256 tokens, of which the last 26 (10%) are supervised, all rows full: the same tokens for every
case. Every case is a process of its own, so that its peak is its own; the first two steps compile and are left out. The
default loss projects every position onto the vocabulary and builds one-hot targets, so it needs about 13 GB.

    python benchmarks/bench_sft.py [--steps 6] [--cases callwright/bfloat16 tunix/bfloat16 ...]
"""

import argparse
import itertools
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROWS, LENGTH, SUPERVISED = 4, 256, 26
COMPILING = 2
CASES = ("callwright/bfloat16", "callwright/float32", "tunix/bfloat16", "tunix/float32")


def main() -> None:
    """Runs the cases one after the other and prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=6, help="measured steps of each case")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(measure(*options.case.split("/"), steps=options.steps)))
        return
    print(f"SFT, {ROWS} x {LENGTH} tokens, {SUPERVISED} of each row supervised; median of {options.steps} steps")
    print(f"{'loss/precision':22}{'s/step':>8}{'tokens/s':>10}{'peak GB':>9}{'first loss':>12}{'ratio':>8}", flush=True)
    fastest: dict[str, float] = {}
    for case in options.cases:
        command = [sys.executable, __file__, "--case", case, "--steps", str(options.steps)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{case:22}  failed: {(done.stderr.strip() or 'no message').splitlines()[-1]}")
            continue
        said = json.loads(done.stdout.splitlines()[-1])
        ours = fastest.setdefault(case.split("/")[1], said["seconds"])
        print(
            f"{case:22}{said['seconds']:8.2f}{ROWS * LENGTH / said['seconds']:10.0f}{said['peak_gb']:9.1f}"
            f"{said['loss']:12.4f}{said['seconds'] / ours:8.2f}",
            flush=True,
        )


def measure(loss: str, precision: Any, steps: int) -> dict[str, float]:
    """Trains for some steps in this process; the time of a step is the time between two requests for a batch."""
    from callwright.models import lora
    from callwright.models.load import load_model, make_mesh
    from callwright.models.settings import LoraSettings
    from callwright.models.sources import resolve_model

    mesh = make_mesh()
    base = load_model(resolve_model("gemma3-270m"), mesh, precision)
    model = lora.attach(base, LoraSettings(), mesh, seed=0)
    requested: list[float] = []

    def stream(batch: Any) -> Iterator[Any]:
        for _ in range(steps + COMPILING):
            requested.append(time.perf_counter())
            yield batch
        requested.append(time.perf_counter())

    losses: list[float] = []
    with tempfile.TemporaryDirectory() as directory, mesh:
        trainer, batch = (_ours if loss == "callwright" else _theirs)(model, Path(directory), losses)
        trainer.train(stream(batch))
    spent = [later - earlier for earlier, later in itertools.pairwise(requested)][COMPILING:]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"seconds": statistics.median(spent), "peak_gb": peak / 1e9, "loss": losses[0]}


def _ours(model: Any, directory: Path, losses: list[float]) -> tuple[Any, Any]:
    import numpy as np

    from callwright.data.rows import Encoded, Tree, lay_out
    from callwright.training.losses import sft_loss
    from callwright.training.settings import OptimizerSettings
    from callwright.training.trainer import LoraTrainer

    settings = OptimizerSettings(steps=1000, checkpoint_every=1000)
    trainer = LoraTrainer(
        model, settings, directory, accumulation=1, record=lambda row: losses.append(float(row["loss"]))
    )
    trainer.with_loss_fn(sft_loss)
    trainer.with_gen_model_input_fn(lambda batch: {"batch": batch})
    supervised = np.arange(LENGTH) >= LENGTH - SUPERVISED
    rows = [[Tree(Encoded("row", ids, supervised))] for ids in _tokens()]
    batch = lay_out(rows, LENGTH, SUPERVISED, pad_id=0)
    batch["weight"] = np.full((ROWS, SUPERVISED), 1 / (ROWS * SUPERVISED), np.float32)
    return trainer, batch


def _theirs(model: Any, directory: Path, losses: list[float]) -> tuple[Any, Any]:
    """Tunix's trainer as its own examples use it, with the same optimizer; it keeps every setting's default."""
    import numpy as np
    from tunix.sft import peft_trainer, utils

    from callwright.training.settings import OptimizerSettings
    from callwright.training.trainer import optimizer

    class Trainer(peft_trainer.PeftTrainer):
        def _post_process_train_step(self, aux: Any) -> None:
            losses.append(float(self._buffered_train_metrics.losses[-1]))

    config = peft_trainer.TrainingConfig(eval_every_n_steps=1 << 62, max_inflight_computations=1)
    trainer = Trainer(model, optimizer(OptimizerSettings(steps=1000)), config)
    trainer.with_gen_model_input_fn(
        lambda batch: {
            "input_tokens": batch.input_tokens,
            "input_mask": batch.input_mask,
            "positions": utils.build_positions_from_mask(batch.input_tokens != 0),
            "attention_mask": utils.make_causal_attn_mask(batch.input_tokens != 0),
        }
    )
    tokens = _tokens()
    mask = np.zeros_like(tokens)
    mask[:, LENGTH - SUPERVISED :] = 1
    return trainer, peft_trainer.TrainingInput(input_tokens=tokens, input_mask=mask)


def _tokens() -> Any:
    import numpy as np

    return np.random.default_rng(0).integers(1000, 200_000, (ROWS, LENGTH), dtype=np.int32)


if __name__ == "__main__":
    main()
