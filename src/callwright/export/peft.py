"""The adapter alone, as PEFT reads it: on the same base it gives the same logits as the run's.

Hugging Face has a matrix each for keys and values, where the run's module stacks them: the factor that they share is
written twice, the other one is split. The files hold float32, as the adapter was trained. generation_config.json
stands beside them because the base's may not know where the format ends a turn.
"""

from pathlib import Path

import numpy as np
from safetensors.numpy import save

from callwright.errors import ConfigError
from callwright.export.chat_files import write_chat_files
from callwright.export.trained import Trained
from callwright.models.hf_names import factors_of
from callwright.models.sources import ModelFiles
from callwright.storage import write_bytes, write_json


def write_lora(trained: Trained, target: Path) -> None:
    """Writes adapter_config.json, adapter_model.safetensors, and what `chat_files.write_chat_files` writes.

    Args:
      trained: The model.
      target: The directory.

    Raises:
      ConfigError: It is a base model, without an adapter.
      CheckpointError: The adapter does not fit the base.
      StorageError: The directory cannot be written.
    """
    if trained.adapter is None:
        raise ConfigError("a trained adapter", "the base model alone", "name a run, or a stage that trained")
    tensors: dict[str, np.ndarray] = {}
    factors = factors_of(trained.adapter, trained.base.config, trained.lora.modules)
    for name, (a, b) in factors.items():
        module = f"base_model.model.{name.removesuffix('.weight')}"
        tensors[f"{module}.lora_A.weight"] = np.ascontiguousarray(a)
        tensors[f"{module}.lora_B.weight"] = np.ascontiguousarray(b)
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": _base_name(trained.base),
        "revision": trained.base.revision,
        "r": trained.lora.rank,
        "lora_alpha": trained.lora.alpha,
        "lora_dropout": 0.0,
        "target_modules": sorted({name.split(".")[-2] for name in factors}),
        "bias": "none",
        "fan_in_fan_out": False,
        "use_rslora": False,
        "modules_to_save": None,
        "inference_mode": True,
    }
    write_json(target / "adapter_config.json", config)
    write_bytes(target / "adapter_model.safetensors", save(tensors, metadata={"format": "pt"}))
    write_chat_files(trained.base, trained.format, target)


def _base_name(base: ModelFiles) -> str:
    """What transformers loads the base by: its hub id, else its directory."""
    return base.spec.partition("@")[0] if base.revision else str(base.directory)
