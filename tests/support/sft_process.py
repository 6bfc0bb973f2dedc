"""A small SFT run as a process of its own, to be killed: its command line is MODEL STAGE STEPS.

It continues where the last one stopped, appends one line for every update to STAGE/rows.jsonl, and leaves the finished
adapter in STAGE.
"""

import sys
from pathlib import Path

from tests.support.training import LORA, adapted, grouped_examples, packed, settings

from callwright.models.load import make_mesh
from callwright.models.lora import read_adapter
from callwright.models.sources import resolve_model
from callwright.storage import JsonLines
from callwright.training.checkpoints import AdapterCard, save_adapter
from callwright.training.sft import train_sft


def main() -> None:
    """Trains until so many updates are done."""
    _, model, stage, steps = sys.argv
    files, directory = resolve_model(model), Path(stage)
    shape = settings(steps=int(steps), checkpoint_every=3, gradient_accumulation=2, batch_size=1)
    adapted_model = adapted(files)
    with JsonLines(directory / "rows.jsonl") as rows:
        done, _ = train_sft(
            adapted_model,
            packed(grouped_examples((3, 5, 1, 9)), shape),
            shape,
            mesh=make_mesh(),
            directory=directory,
            record=rows.append,
        )
    assert done
    card = AdapterCard(
        model="tiny", model_sha256=files.sha256, lora=LORA, format="xml/args", stage="stage3", steps=shape.steps
    )
    save_adapter(directory, read_adapter(adapted_model), card)
