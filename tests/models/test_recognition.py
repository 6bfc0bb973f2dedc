"""What is not plain weights is called what it is, with what to do; what is a model is never taken for such."""

import json
import re

import gguf
import pytest
from tests.support.odd_models import CASES
from tests.support.tiny import TINY, write_tiny_gguf, write_tiny_model

from callwright.errors import WeightsError
from callwright.models.gemma3 import to_hf
from callwright.models.recognition import INSTEAD, KINDS
from callwright.models.sources import resolve_model
from callwright.models.tokenizer import load_tokenizer


@pytest.mark.parametrize("name", CASES)
def test_it_is_called_what_it_is_with_what_to_do(tmp_path, name):
    made = CASES[name]
    directory = write_tiny_model(tmp_path / "m")
    named = made.make(directory) or directory
    with pytest.raises(WeightsError, match=rf"^expected .+; got {made.got}.*; .*{made.fix}") as caught:
        load_tokenizer(resolve_model(str(named), cache=tmp_path / "cache").directory)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "cache").rglob("*.safetensors"))


def test_every_kind_has_a_case():
    for kind in (*KINDS, *INSTEAD):
        assert any(one.got.replace("\\", "").startswith(kind.what) for one in CASES.values()), kind.what


BESIDE_A_MODEL = """
README.md LICENSE generation_config.json special_tokens_map.json added_tokens.json chat_template.jinja
training_args.bin optimizer.pt rng_state.pth scheduler.pt trainer_state.json pytorch_model.bin consolidated.00.pth
flax_model.msgpack tf_model.h5 model.onnx model.tflite m.gguf model.tar.gz .gitattributes model.part
checkpoint-5/x onnx/x
"""


def test_what_lies_beside_a_model_is_no_obstacle(tmp_path):
    directory = write_tiny_model(tmp_path / "m")
    expected = resolve_model(str(directory))
    for name in BESIDE_A_MODEL.split():
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_bytes(b"\0")
    assert resolve_model(str(directory)) == expected


def test_what_a_good_configuration_says_besides_is_no_obstacle(tmp_path):
    directory = write_tiny_model(tmp_path / "m")
    more = {"quantization_config": None, "transformers_version": "5.0", "unsloth_fixed": True, "dtype": "bfloat16"}
    (directory / "config.json").write_text(json.dumps(to_hf(TINY) | more))
    assert resolve_model(str(directory)).config == TINY


@pytest.mark.parametrize("kind", ["F32", "F16", "Q8_0"])
def test_a_tied_output_head_in_a_gguf_is_accepted_and_changes_nothing(tmp_path, kind):
    quantization = gguf.GGMLQuantizationType[kind]
    plain = resolve_model(
        str(write_tiny_gguf(tmp_path / "a.gguf", quantization=quantization)), cache=tmp_path / "cache"
    )

    class Writer(gguf.GGUFWriter):
        def add_tensor(self, name, tensor, **more):
            super().add_tensor(name, tensor, **more)
            if name == "token_embd.weight":
                super().add_tensor("output.weight", tensor, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gguf, "GGUFWriter", Writer)
        source = write_tiny_gguf(tmp_path / "b.gguf", quantization=quantization)
    tied = resolve_model(str(source), cache=tmp_path / "cache")
    assert plain.sha256 != tied.sha256
    assert plain.weights[0].read_bytes() == tied.weights[0].read_bytes()


def test_the_suffix_of_a_gguf_may_be_in_capitals(tmp_path):
    source = write_tiny_gguf(tmp_path / "M.GGUF")
    assert resolve_model(str(source), cache=tmp_path / "cache").config == TINY


@pytest.mark.parametrize("file", ["config.json", "tokenizer.model"])
@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe"])
def test_a_file_that_begins_like_nothing_known_keeps_its_own_error(tmp_path, file, data):
    directory = write_tiny_model(tmp_path / "m")
    (directory / file).write_bytes(data)
    with pytest.raises(WeightsError, match=re.escape(file)):
        load_tokenizer(resolve_model(str(directory)).directory)
