"""Merging the real Gemma 3 270M: the logits of base and adapter, in the memory of a laptop."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.support.logits import module_logits, tree_logits
from tests.support.trained_runs import random_adapter

from callwright.export.merged import merged_weights
from callwright.export.trained import Trained
from callwright.formats import get_format
from callwright.models.hf_names import tree_of
from callwright.models.load import load_model, make_mesh
from callwright.models.lora import attach, write_adapter
from callwright.models.settings import LoraSettings
from callwright.models.sources import resolve_model

pytestmark = pytest.mark.weights
LORA = LoraSettings()
TOKENS = np.random.default_rng(3).integers(6, 200_000, (1, 24)).astype(np.int32)
_EXPORT = """
import json, sys, time
from pathlib import Path
from tests.export.test_real_export import real_trained
from callwright.export.hf import write_hf

trained, began = real_trained(), time.monotonic()
write_hf(trained, Path(sys.argv[1]))
seconds, status = time.monotonic() - began, Path("/proc/self/status").read_text()
print(json.dumps([seconds, 1024 * int(status.partition("VmHWM:")[2].split()[0])]))
"""


def real_trained():
    """The built-in model with a random adapter of the default shape, as large as one that was trained."""
    base = resolve_model("gemma3-270m")
    adapter = random_adapter(base.config, LORA, size=0.02)
    return Trained(run=Path("runs/real"), stage=4, base=base, adapter=adapter, lora=LORA, format=get_format("xml"))


def test_merged_weights_give_the_logits_of_base_and_adapter():
    trained = real_trained()
    mesh = make_mesh()
    model = attach(load_model(trained.base, mesh), LORA, mesh, seed=0)
    write_adapter(model, trained.adapter)
    expected = module_logits(model, TOKENS)
    tensors = {name: one.make(np.dtype(np.float32)) for name, one in merged_weights(trained).tensors.items()}
    found = tree_logits(tree_of(tensors, trained.base.config), trained.base.config, TOKENS)
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="a process's memory is read from /proc")
def test_an_export_takes_less_than_three_gigabytes_and_half_a_minute(tmp_path):
    command = [sys.executable, "-c", _EXPORT, str(tmp_path / "export")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    seconds, peak = json.loads(done.stdout)
    assert peak < 3e9
    assert seconds < 30
    size = sum(path.stat().st_size for path in (tmp_path / "export").glob("*.safetensors"))
    assert size == pytest.approx(2 * 268_098_176, rel=0.001)
