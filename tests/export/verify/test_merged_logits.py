"""Merged weights are compared with base and adapter as they were trained, and a wrong merge is noticed."""

import dataclasses

import numpy as np
import pytest
from tests.support.tiny import tiny_tokenizer
from tests.support.trained_runs import tiny_trained

from callwright.errors import WorkError
from callwright.export.hf import write_hf
from callwright.export.merged import merged_weights
from callwright.export.verify.check import refuse_failed
from callwright.export.verify.forced import forced_ids
from callwright.export.verify.held_out import HeldOut, held_out
from callwright.export.verify.merged import check_merged
from callwright.export.verify.reference import MergedModel, TrainedModel
from callwright.export.verify.verify import verify_hf, verify_merge
from callwright.formats import get_format

DRAW = np.random.default_rng(5)
OUTPUTS = [
    forced_ids(
        DRAW.integers(6, 512, 30 + 3 * n).tolist(), DRAW.integers(40, 300, 12).tolist(), get_format("xml"),
        tiny_tokenizer(), f"prompt {n}",
    )
    for n in range(3)
]  # fmt: skip


@pytest.fixture(scope="module")
def trained(shallow_model):
    return tiny_trained(shallow_model)


@pytest.fixture(scope="module")
def reference(trained):
    return TrainedModel(trained)


def tensors(trained, dtype=np.float32):
    made = {name: tensor.make(np.dtype(dtype)) for name, tensor in merged_weights(trained).tensors.items()}
    return {name: tensor.astype(np.float32) for name, tensor in made.items()}


@pytest.mark.slow
def test_merged_weights_give_the_logits_of_base_and_adapter(trained, reference):
    check = check_merged(reference, MergedModel(tensors(trained), trained.base.config), OUTPUTS)
    assert check.passed, check.detail
    assert 0 < check.numbers["largest_difference"] < 1e-4
    assert (check.numbers["same_top"], check.numbers["positions"]) == (1, 36)
    refuse_failed([check])


def test_the_adapter_changes_the_logits_much(trained, reference):
    base = MergedModel(tensors(dataclasses.replace(trained, adapter=None)), trained.base.config)
    assert not check_merged(reference, base, OUTPUTS).passed


@pytest.mark.parametrize("name", ["k_proj", "v_proj", "o_proj", "down_proj"])
def test_a_module_that_is_merged_wrongly_fails_and_the_prompt_is_named(trained, reference, name):
    right = tensors(trained)
    wrong = {
        key: tensor * DRAW.normal(1, 0.01, tensor.shape) if name in key else tensor for key, tensor in right.items()
    }
    wrong = {key: tensor.astype(np.float32) for key, tensor in wrong.items()}
    check = check_merged(reference, MergedModel(wrong, trained.base.config), OUTPUTS)
    assert not check.passed
    with pytest.raises(
        WorkError, match=r"merged logits as they were trained; got logits differ by .* \(in prompt \d\)"
    ):
        refuse_failed([check])


def test_a_number_that_is_none_fails(trained, reference):
    wrong = {key: tensor * np.nan if "o_proj" in key else tensor for key, tensor in tensors(trained).items()}
    check = check_merged(reference, MergedModel(wrong, trained.base.config), OUTPUTS)
    assert not check.passed
    assert check.numbers["largest_difference"] == np.inf


def test_nothing_compared_is_no_success(trained, reference):
    assert not check_merged(reference, reference, []).passed


def test_half_precision_may_differ_and_is_told_by_how_much(trained, reference):
    narrow = MergedModel(tensors(trained, np.float16), trained.base.config)
    check = check_merged(reference, narrow, OUTPUTS, dtype="float16")
    assert check.passed, check.detail
    assert check.numbers["largest_difference"] > 1e-4


def test_the_merge_of_a_run_is_checked_before_it_is_written(trained, reference):
    check = verify_merge(trained, HeldOut(tuple(OUTPUTS), ()), reference)
    assert check.passed, check.detail
    assert check.numbers["largest_difference"] < 1e-4


def test_a_hugging_face_directory_is_checked_by_its_template_and_its_weights(tmp_path, trained, reference):
    write_hf(trained, tmp_path / "out", dtype="float32")
    held = HeldOut(tuple(OUTPUTS), held_out(trained, tiny_tokenizer()).requests)
    checks = list(verify_hf(trained, tmp_path / "out", "float32", held, reference))
    assert [check.detail for check in checks if not check.passed] == []
    (tmp_path / "out/chat_template.jinja").write_text("{{ bos_token }}hello")
    prompts, _ = verify_hf(trained, tmp_path / "out", "float32", held, reference)
    assert "the example differs from byte 0 on" in prompts.detail
