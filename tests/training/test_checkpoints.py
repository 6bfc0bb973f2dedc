"""An adapter never meets a model it was not made for, and a broken one says what is wrong with it."""

import errno
import json
import struct

import numpy as np
import pytest
from safetensors.numpy import save

from callwright.errors import CheckpointError
from callwright.models.settings import LoraSettings
from callwright.training import checkpoints
from callwright.training.checkpoints import FILE, AdapterCard, load_adapter, read_card, save_adapter

LORA = LoraSettings(rank=4, alpha=8.0)
CARD = AdapterCard(model="tiny", model_sha256="ab" * 32, lora=LORA, format="xml/args", stage="stage3", steps=7)


def adapter():
    draw = np.random.default_rng(0)
    shapes = {"layers.0.mlp.up_proj.kernel_lora_a": (8, 4), "layers.0.mlp.up_proj.kernel_lora_b": (4, 16)}
    return {name: draw.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.fixture
def stage(tmp_path):
    save_adapter(tmp_path, adapter(), CARD)
    return tmp_path


def load(directory, sha256=CARD.model_sha256, lora=LORA):
    return load_adapter(directory, model_sha256=sha256, lora=lora)


def test_an_adapter_comes_back_bit_by_bit_with_its_card(stage):
    assert read_card(stage) == CARD
    got = load(stage)
    assert got.keys() == adapter().keys()
    for name, factor in adapter().items():
        assert got[name].dtype == factor.dtype
        assert got[name].tobytes() == factor.tobytes()


def test_the_same_adapter_is_the_same_file(stage, tmp_path):
    backwards = dict(reversed(adapter().items()))
    save_adapter(tmp_path / "other", backwards, CARD)
    assert (tmp_path / "other" / FILE).read_bytes() == (stage / FILE).read_bytes()


def test_an_adapter_of_other_weights_is_refused_by_name_and_hash(stage):
    with pytest.raises(CheckpointError, match=r"weights cdcdcdcdcdcd; got .*trained on tiny \(abababababab\)"):
        load(stage, sha256="cd" * 32)


@pytest.mark.parametrize(
    "lora",
    [
        LoraSettings(rank=8, alpha=8.0),
        LoraSettings(rank=4, alpha=16.0),
        LoraSettings(rank=4, alpha=8.0, modules=("q_einsum",)),
    ],
    ids=["rank", "alpha", "modules"],
)
def test_an_adapter_of_another_shape_is_refused_and_both_shapes_are_said(stage, lora):
    with pytest.raises(CheckpointError) as caught:
        load(stage, lora=lora)
    assert f"rank {lora.rank}, alpha {lora.alpha:g}, modules {', '.join(lora.modules)}" in caught.value.expected
    assert f"rank 4, alpha 8, modules {', '.join(LORA.modules)}" in caught.value.got


def test_a_directory_without_a_checkpoint_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"got none; name a directory such as runs/NAME/checkpoints/stage3"):
        load(tmp_path / "nowhere")


def test_an_unfinished_stage_is_told_from_a_missing_one(tmp_path):
    (tmp_path / "steps" / "10").mkdir(parents=True)
    with pytest.raises(CheckpointError, match="got a stage that was interrupted; run that stage again"):
        load(tmp_path)


def test_a_file_cut_anywhere_is_refused(stage):
    whole = (stage / FILE).read_bytes()
    (header,) = struct.unpack("<Q", whole[:8])
    for size in (0, 5, 8, 8 + header // 2, 8 + header, len(whole) - 1):
        (stage / FILE).write_bytes(whole[:size])
        with pytest.raises(CheckpointError, match=f"written by this program as .*{FILE}"):
            load(stage)


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {"format": "pt"},
        {"callwright": "{}"},
        {"callwright": "no JSON"},
        {"callwright": "[" * 5000},
        {"callwright": json.dumps(CARD.model_dump() | {"schema_version": 2})},
    ],
)
def test_a_safetensors_file_that_is_not_ours_is_refused(tmp_path, metadata):
    (tmp_path / FILE).write_bytes(save(adapter(), metadata=metadata))
    with pytest.raises(CheckpointError, match="written by this program"):
        load(tmp_path)


@pytest.mark.parametrize("read", [read_card, load], ids=["card", "adapter"])
def test_an_adapter_that_may_not_be_read_is_refused(stage, monkeypatch, read):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(*((checkpoints, "load_file") if read is load else ("builtins.open",)), refuse)
    with pytest.raises(CheckpointError, match=rf"readable adapter at .*{FILE}; got Permission denied; correct its"):
        read(stage)


def test_a_header_that_claims_to_be_huge_is_refused_without_reading_it(tmp_path):
    (tmp_path / FILE).write_bytes(struct.pack("<Q", 1 << 62) + b"{}")
    with pytest.raises(CheckpointError, match="written by this program"):
        load(tmp_path)
