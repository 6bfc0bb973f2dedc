"""A Hugging Face directory is the merged model: our own loader and an independent reader find the same in it."""

import json
import math

import ml_dtypes
import numpy as np
import pytest
from safetensors import safe_open
from tests.support.tiny import tiny_sentencepiece, tiny_tokenizer
from tests.support.trained_runs import tiny_trained

from callwright.export.hf import write_hf
from callwright.export.merged import merged_weights
from callwright.models.safetensors_files import NUMPY_DTYPES, read_tensors
from callwright.models.sources import resolve_model
from callwright.models.tokenizer import load_tokenizer


@pytest.fixture(scope="module")
def trained(shallow_model):
    return tiny_trained(shallow_model)


@pytest.fixture(scope="module")
def exported(tmp_path_factory, trained):
    """The export as it is written by default; read-only."""
    target = tmp_path_factory.mktemp("hf") / "export"
    write_hf(trained, target)
    return target


def json_of(path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("dtype", NUMPY_DTYPES)
def test_our_own_loader_reads_back_every_tensor_as_it_was_merged(tmp_path, trained, dtype):
    write_hf(trained, tmp_path, dtype=dtype)
    files = resolve_model(str(tmp_path))
    assert files.config == trained.base.config
    found = read_tensors(files.weights, files.config, dtype)
    for name, tensor in merged_weights(trained).tensors.items():
        expected = tensor.make(np.dtype(np.float32)).astype(NUMPY_DTYPES[dtype])
        assert found[name].tobytes() == expected.tobytes(), name


def test_by_default_the_numbers_are_bfloat16_and_the_configuration_says_so(exported):
    config = json_of(exported / "config.json")
    assert (config["dtype"], config["torch_dtype"]) == ("bfloat16", "bfloat16")
    with safe_open(exported / "model.safetensors", framework="numpy") as file:
        assert {file.get_tensor(name).dtype for name in file.keys()} == {np.dtype(ml_dtypes.bfloat16)}  # noqa: SIM118


def test_generation_ends_at_the_end_of_a_text_and_of_a_turn(exported):
    ids = {name: tiny_tokenizer().token_id(name) for name in ("<bos>", "<eos>", "<pad>", "<end_of_turn>")}
    for file in ("generation_config.json", "config.json"):
        config = json_of(exported / file)
        assert config["eos_token_id"] == [ids["<eos>"], ids["<end_of_turn>"]]
        assert (config["bos_token_id"], config["pad_token_id"]) == (ids["<bos>"], ids["<pad>"])


def test_the_formats_template_stands_beside_the_weights_and_nowhere_else(exported, trained):
    assert (exported / "chat_template.jinja").read_bytes() == trained.format.chat_template().encode()
    assert "chat_template" not in json_of(exported / "tokenizer_config.json")


def test_the_bases_own_vocabulary_is_copied_to_the_byte(exported):
    assert (exported / "tokenizer.model").read_bytes() == tiny_sentencepiece()
    assert load_tokenizer(exported).vocab_size == tiny_tokenizer().vocab_size


@pytest.mark.parametrize("most", [1, 40_000, 100_000, 10**9])
def test_weights_are_cut_into_files_no_larger_than_asked_with_an_index(tmp_path, trained, most):
    write_hf(trained, tmp_path, dtype="float32", shard_bytes=most)
    files = sorted(tmp_path.glob("*.safetensors"))
    owners = {}
    for path in files:
        with safe_open(path, framework="numpy") as file:
            shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
        assert len(shapes) == 1 or sum(4 * math.prod(shape) for shape in shapes.values()) <= most
        owners |= dict.fromkeys(shapes, path.name)
    tensors = merged_weights(trained).tensors
    assert owners.keys() == tensors.keys()
    index = tmp_path / "model.safetensors.index.json"
    if len(files) == 1:
        assert (files[0].name, index.exists()) == ("model.safetensors", False)
        return
    assert [path.name for path in files] == [
        f"model-{n:05}-of-{len(files):05}.safetensors" for n in range(1, len(files) + 1)
    ]
    total = sum(4 * math.prod(tensor.shape) for tensor in tensors.values())
    assert json_of(index) == {"metadata": {"total_size": total}, "weight_map": owners}
    assert resolve_model(str(tmp_path)).config == trained.base.config
