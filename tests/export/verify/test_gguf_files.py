"""What can be read from a GGUF itself: every tensor, and what its header says of prompts and stops."""

import dataclasses
import re

import numpy as np
import pytest
from tests.support.trained_runs import tiny_trained

from callwright.export import merged
from callwright.export.gguf import write_gguf
from callwright.export.verify import tensors as checked
from callwright.export.verify.header import check_header
from callwright.export.verify.tensors import check_tensors
from callwright.formats import get_format
from callwright.models.gguf import write_weights


@pytest.fixture(scope="module")
def trained(shallow_model):
    return tiny_trained(shallow_model)


@pytest.mark.parametrize("kind", ["f32", "f16", "bf16", "q8_0"])
def test_a_file_of_each_kind_is_within_the_bounds_of_its_types(tmp_path, trained, kind):
    write_gguf(trained, tmp_path / "m.gguf", kind)
    check = check_tensors(trained, tmp_path / "m.gguf")
    assert check.passed, check.detail
    assert (check.numbers["largest_error"] < 1e-6) == (kind == "f32")


def written(trained, path, change):
    """A file whose tensors were changed by name."""
    weights = merged.merged_weights(trained)
    tensors = change(dict(weights.tensors))
    write_weights(
        dataclasses.replace(weights, tensors=tensors), path, name="m", dtype="float16",
        add_vocabulary=lambda writer: None,
    )  # fmt: skip
    return path


UP = "model.layers.0.mlp.up_proj.weight"


def noisy(tensors):
    old = tensors[UP]
    noise = np.random.default_rng(0).normal(1, 0.01, old.shape)
    return tensors | {UP: old._replace(make=lambda dtype: (old.make(np.dtype(np.float32)) * noise).astype(dtype))}


def without(tensors):
    return {name: tensor for name, tensor in tensors.items() if name != UP}


@pytest.mark.parametrize(
    ("change", "said"), [(noisy, r"ffn_up\.weight, stored as F16, differs by 1\.\d%"), (without, "ffn_up.* is missing")]
)
def test_a_tensor_that_is_changed_or_missing_is_named(tmp_path, trained, change, said):
    check = check_tensors(trained, written(trained, tmp_path / "m.gguf", change))
    assert not check.passed
    assert check.detail.startswith("blk.0.")
    assert re.search(said, check.detail)


def test_the_base_without_its_adapter_fails(tmp_path, trained):
    write_gguf(dataclasses.replace(trained, adapter=None), tmp_path / "m.gguf", "f16")
    check = check_tensors(trained, tmp_path / "m.gguf")
    assert not check.passed
    assert check.numbers["different"] == 7  # every adapted matrix of the one layer


def test_large_tensors_are_compared_in_blocks(tmp_path, trained, monkeypatch):
    monkeypatch.setattr(checked, "_BLOCK", 100)
    write_gguf(trained, tmp_path / "m.gguf", "q8_0")
    assert check_tensors(trained, tmp_path / "m.gguf").passed


def test_the_header_is_that_of_the_format(tmp_path, trained):
    write_gguf(trained, tmp_path / "m.gguf", "f16")
    assert check_header(trained, tmp_path / "m.gguf").passed


@pytest.mark.parametrize(
    ("fmt", "said"), [("xml/arguments", "its chat template"), ("functiongemma", "<start_function_response> ends no")]
)
def test_a_header_of_another_format_says_what_differs(tmp_path, trained, fmt, said):
    write_gguf(trained, tmp_path / "m.gguf", "f16")
    check = check_header(dataclasses.replace(trained, format=get_format(fmt)), tmp_path / "m.gguf")
    assert not check.passed
    assert said in check.detail or check.numbers["different"] > 1
