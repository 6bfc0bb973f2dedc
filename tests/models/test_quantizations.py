"""Every quantization that the GGUF importer reads gives the numbers that ggml itself reads out of the same blocks.

The blocks and numbers were recorded from ggml's own code; tests/support/ggml_blocks.c says how.
"""

import base64
import dataclasses
import json
from pathlib import Path

import gguf
import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.support import tiny
from tests.support.tiny import TINY, write_tiny_gguf

from callwright.errors import WeightsError
from callwright.models.gguf import READABLE, gguf_name, is_norm
from callwright.models.sources import resolve_model

ROW = 256  # numbers in a recorded row; the largest block of ggml
CONFIG = dataclasses.replace(TINY, num_layers=1, d_model=ROW, head_dim=ROW // TINY.num_heads, d_ff=ROW)
"""Every matrix of it has rows of ROW numbers."""
RECORDED = {
    name: {key: base64.b64decode(value) for key, value in row.items()}
    for name, row in json.loads(Path(tiny.__file__).with_name("ggml_blocks.json").read_text("utf-8")).items()
}
PLAIN = np.linspace(-1, 1, ROW, dtype=np.float32)
RECORDED["F32"] = {"blocks": PLAIN.tobytes(), "numbers": PLAIN.tobytes()}


def _write(path, kind, row):
    """A GGUF whose matrices have these bytes as their every row."""

    def encode(tensor):
        return np.tile(np.frombuffer(row, np.uint8), (len(tensor), 1))

    return write_tiny_gguf(path, CONFIG, quantization=gguf.GGMLQuantizationType[kind], encode=encode)


def test_each_type_that_the_importer_reads_is_recorded():
    assert set(RECORDED) == READABLE


def test_the_importer_reads_each_type_that_the_library_can_undo():
    assert {kind.name for kind in gguf.quants._type_traits} | {"F32", "F16"} == READABLE


@pytest.mark.parametrize("kind", sorted(RECORDED))
def test_a_quantization_is_read_as_ggml_reads_it(tmp_path, kind):
    source = _write(tmp_path / "m.gguf", kind, RECORDED[kind]["blocks"])
    found = load_file(resolve_model(str(source), cache=tmp_path / "cache").weights[0])
    numbers = np.frombuffer(RECORDED[kind]["numbers"], "<f4")
    assert len(np.unique(numbers)) > 2
    assert set(found) == set(CONFIG.tensor_shapes())
    for name, tensor in found.items():
        if not is_norm(name):
            assert tensor.dtype == np.float32
            assert tensor.shape == CONFIG.tensor_shapes()[name]
            assert np.array_equal(tensor, np.broadcast_to(numbers, tensor.shape)), name


def test_blocks_of_different_types_lie_in_one_file(tmp_path):
    """As in every file of a K-quant: norms in single precision, the embedding and some matrices in other types."""
    kinds = iter(sorted(RECORDED) * 9)
    source, chosen = tmp_path / "m.gguf", {}

    class Writer(gguf.GGUFWriter):
        def add_tensor(self, name, tensor, raw_dtype=None):
            if raw_dtype is not None:
                chosen[name] = kind = next(kinds)
                row = np.frombuffer(RECORDED[kind]["blocks"], np.uint8)
                tensor, raw_dtype = np.tile(row, (len(tensor), 1)), gguf.GGMLQuantizationType[kind]
            super().add_tensor(name, tensor, raw_dtype=raw_dtype)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gguf, "GGUFWriter", Writer)
        write_tiny_gguf(source, dataclasses.replace(CONFIG, num_layers=4))
    found = load_file(resolve_model(str(source), cache=tmp_path / "cache").weights[0])
    assert set(chosen.values()) == set(RECORDED)
    for name, tensor in found.items():
        if not is_norm(name):
            numbers = np.frombuffer(RECORDED[chosen[gguf_name(name)]]["numbers"], "<f4")
            assert np.array_equal(tensor, np.broadcast_to(numbers, tensor.shape)), name


@pytest.mark.parametrize("kind", sorted({kind.name for kind in gguf.GGMLQuantizationType} - READABLE))
def test_a_type_that_cannot_be_read_is_named_before_anything_is_written(tmp_path, kind):
    size, width = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[kind]]
    source = _write(tmp_path / "m.gguf", kind, bytes(ROW // size * width))
    with pytest.raises(WeightsError, match=rf"got .*\b{kind}\b.*; name "):
        resolve_model(str(source), cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.safetensors"))


@pytest.mark.parametrize(
    ("number", "named"), [(31, "Q4_0_4_4"), (33, "Q4_0_8_8"), (36, "IQ4_NL_4_4"), (4, "Q4_2"), (142, "type 142")]
)
def test_a_type_that_ggml_retired_or_never_had_is_named(tmp_path, number, named):
    source = _write(tmp_path / "m.gguf", "Q4_0", RECORDED["Q4_0"]["blocks"])
    data = source.read_bytes()
    place = data.index(b"token_embd.weight") + len("token_embd.weight") + 4 + 2 * 8  # count and lengths of dimensions
    assert data[place : place + 4] == (2).to_bytes(4, "little")
    source.write_bytes(data[:place] + number.to_bytes(4, "little") + data[place + 4 :])
    with pytest.raises(WeightsError, match=rf"that the gguf library can undo; got {named} in .*; name a GGUF"):
        resolve_model(str(source), cache=tmp_path / "cache")
