"""A GGUF becomes exactly the weights it was made from, and a broken one becomes an error that names what is wrong."""

import gguf
import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.support.tiny import TINY, tiny_tensors, tiny_tokenizer, write_tiny_gguf

from callwright.errors import WeightsError
from callwright.models.gemma3 import read_config
from callwright.models.gguf import convert_gguf, gguf_name, is_norm
from callwright.models.safetensors_files import check_weights
from callwright.models.tokenizer import load_tokenizer


def test_an_unquantized_gguf_gives_back_every_tensor(tmp_path):
    assert convert_gguf(write_tiny_gguf(tmp_path / "m.gguf"), tmp_path / "out") == TINY
    found, expected = load_file(tmp_path / "out/model.safetensors"), tiny_tensors()
    assert list(found) and set(found) == set(expected)
    for name, tensor in expected.items():
        # A norm went through 1 + w, which costs at most the last bits of w.
        np.testing.assert_allclose(found[name], tensor, rtol=0, atol=1.2e-7 if is_norm(name) else 0, err_msg=name)


@pytest.mark.parametrize("kind", ["Q8_0", "Q5_0", "BF16", "F16"])
def test_float32_holds_exactly_what_the_quantized_blocks_say(tmp_path, kind):
    quantization = gguf.GGMLQuantizationType[kind]
    convert_gguf(write_tiny_gguf(tmp_path / "m.gguf", quantization=quantization), tmp_path / "out")
    found = load_file(tmp_path / "out/model.safetensors")
    for name, tensor in tiny_tensors().items():
        if not is_norm(name):
            blocks = gguf.quants.quantize(tensor, quantization)
            assert np.array_equal(found[name], gguf.quants.dequantize(blocks, quantization)), name


def test_bfloat16_is_half_the_size_and_rounded_to_nearest(tmp_path):
    source = write_tiny_gguf(tmp_path / "m.gguf")
    convert_gguf(source, tmp_path / "full")
    convert_gguf(source, tmp_path / "half", dtype="bfloat16")
    sizes = [(tmp_path / kind / "model.safetensors").stat().st_size for kind in ("half", "full")]
    assert 0.4 < sizes[0] / sizes[1] < 0.6
    full, half = (load_file(tmp_path / kind / "model.safetensors") for kind in ("full", "half"))
    for name, tensor in full.items():
        np.testing.assert_allclose(half[name].astype(np.float32), tensor, rtol=2**-8, err_msg=name)


def test_the_result_passes_the_check_that_loading_makes(tmp_path):
    convert_gguf(write_tiny_gguf(tmp_path / "m.gguf"), tmp_path / "out")
    check_weights([tmp_path / "out/model.safetensors"], read_config(tmp_path / "out/config.json"))


def test_the_tokenizer_comes_along(tmp_path):
    convert_gguf(write_tiny_gguf(tmp_path / "m.gguf"), tmp_path / "out")
    text = "<bos><start_of_turn>user\n  the weather\n\n<table>"
    assert load_tokenizer(tmp_path / "out").encode(text, control=True) == tiny_tokenizer().encode(text, control=True)


def test_progress_counts_every_parameter_once(tmp_path):
    seen = []
    convert_gguf(write_tiny_gguf(tmp_path / "m.gguf"), tmp_path / "out", progress=lambda *pair: seen.append(pair))
    total = sum(tensor.size for tensor in tiny_tensors().values())
    assert seen[-1] == (total, total)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_names_are_llama_cpps():
    known = gguf.get_tensor_name_map(gguf.MODEL_ARCH.GEMMA3, TINY.num_layers)
    for name in TINY.tensor_shapes():
        assert gguf_name(name) == known.get_name(name, try_suffixes=(".weight",)), name


def test_another_architecture_is_named_beside_the_supported_one(tmp_path):
    source = write_tiny_gguf(tmp_path / "m.gguf", architecture="llama")
    with pytest.raises(WeightsError, match=r"gemma3_text.*architecture 'llama'"):
        convert_gguf(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.01, 0.2, 0.5, 0.9, 0.999])
def test_a_truncated_gguf_is_refused_and_leaves_no_weights(tmp_path, share):
    source = write_tiny_gguf(tmp_path / "m.gguf")
    data = source.read_bytes()
    source.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(WeightsError, match=r"a whole GGUF at .*m\.gguf"):
        convert_gguf(source, tmp_path / "out")
    assert not (tmp_path / "out/model.safetensors").exists()


def test_a_file_that_is_no_gguf_is_refused(tmp_path):
    (tmp_path / "m.gguf").write_bytes(b"PK\x03\x04" * 1000)
    with pytest.raises(WeightsError, match="GGUF"):
        convert_gguf(tmp_path / "m.gguf", tmp_path / "out")


def _without(name):
    return {key: value for key, value in tiny_tensors().items() if key != name}


NORM = "model.layers.3.self_attn.q_norm.weight"


@pytest.mark.parametrize(
    ("tensors", "named"),
    [
        (_without(NORM), r"blk\.3\.attn_q_norm\.weight .*no such tensor"),
        (tiny_tensors() | {NORM: np.zeros(8, np.float32)}, r"blk\.3\.attn_q_norm\.weight of shape \(16,\).*\(8,\)"),
        (tiny_tensors() | {"model.layers.7.mlp.up_proj.weight": np.zeros((64, 32), np.float32)}, r"blk\.7\.ffn_up"),
    ],
)
def test_a_missing_a_misshapen_and_an_unknown_tensor_are_named(tmp_path, tensors, named):
    source = write_tiny_gguf(tmp_path / "m.gguf", tensors=tensors)
    with pytest.raises(WeightsError, match=named):
        convert_gguf(source, tmp_path / "out")
