"""A run with a finished stage, without training: a tiny model with a random adapter, as an export finds it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tests.support.fake_run import CREATED
from tests.support.training import LORA

from callwright.export.trained import Trained
from callwright.formats import get_format
from callwright.models.gemma3 import Gemma3Config
from callwright.models.settings import LoraSettings
from callwright.models.sources import ModelFiles
from callwright.storage import JsonLines
from callwright.training.checkpoints import AdapterCard, save_adapter


def random_adapter(
    config: Gemma3Config, lora: LoraSettings = LORA, seed: int = 1, size: float = 0.2
) -> dict[str, np.ndarray]:
    """Factors of every module, float32, as a checkpoint has them; they change the tiny model's answers much."""
    draw = np.random.default_rng(seed)
    d, n, k, h, f = config.d_model, config.num_heads, config.num_kv_heads, config.head_dim, config.d_ff
    shapes: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
        "attn.q_einsum.w": ((d,), (n, h)),
        "attn.kv_einsum.w": ((d,), (2, k, h)),
        "attn.attn_vec_einsum.w": ((n, h), (d,)),
        "mlp.gate_proj.kernel": ((d,), (f,)),
        "mlp.up_proj.kernel": ((d,), (f,)),
        "mlp.down_proj.kernel": ((f,), (d,)),
    }
    return {
        f"layers.{layer}.{path}_lora_{which}": draw.normal(0, size, shape).astype(np.float32)
        for layer in range(config.num_layers)
        for path, (inner, outer) in shapes.items()
        if path.split(".")[1] in lora.modules
        for which, shape in (("a", (*inner, lora.rank)), ("b", (lora.rank, *outer)))
    }


def tiny_trained(base: ModelFiles, run: Path = Path("runs/tiny"), fmt: str = "xml/args") -> Trained:
    """The base with a random adapter; no run is written."""
    adapter = random_adapter(base.config)
    return Trained(run=run, stage=4, base=base, adapter=adapter, lora=LORA, format=get_format(fmt))


def write_trained_run(run: Path, base: ModelFiles, *, stages: tuple[int, ...] = (3, 4), fmt: str = "xml/args") -> Path:
    """The files of a run with these stages finished, each with its own adapter; returns its directory."""
    model = {**CREATED["model"], "spec": str(base.directory), "name": base.name, "sha256": base.sha256}
    with JsonLines(run / "events.jsonl") as log:
        time = "2026-03-01T09:30:00+00:00"
        log.append({"time": time, "event": "run_created", **CREATED, "model": model})
        for stage in stages:
            adapter = random_adapter(base.config, seed=stage)
            card = AdapterCard(
                model=base.name, model_sha256=base.sha256, lora=LORA, format=fmt, stage=f"stage{stage}", steps=5
            )
            save_adapter(run / "checkpoints" / f"stage{stage}", adapter, card)
            log.append({"time": time, "event": "stage_finished", "stage": stage})
    return run
