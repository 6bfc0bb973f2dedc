"""What lies in the files: the same weights, the same tokens, the family's token types, template and stops."""

import json

import gguf
import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.support.instruments import ARCHITECTURES, EVERY_FORMAT, answers, form_of, margins, prompt, tensors_of
from tests.support.numpy_models import read_gguf
from tokenizers import Tokenizer

from callwright.errors import DataError
from callwright.instruments.files import write
from callwright.instruments.script import Line, write_script
from callwright.instruments.vocabulary import PieceType

NASTY = "say @@x@@ é 東京 \U0001f6b2\n\n  two  \t@@nobody@@ <0x41> <pad>"

QWEN = ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>"]
SHOWN = dict.fromkeys(("qwen25", "qwen3", "qwen3-xml"), QWEN) | {
    "hermes3": [*QWEN[:4], "<tools>", "</tools>"],
    "gemma4": [
        "<|tool_call>",
        "<tool_call|>",
        "<|tool_response>",
        "<tool_response|>",
        "<|channel>",
        "<channel|>",
        '<|"|>',
    ],
}
"""Special tokens that the published files show as text; all others are hidden."""


@pytest.fixture
def script():
    return write_script(form_of("gemma4", "e2b"), [Line("x", answers(form_of("gemma4", "e2b"))[3])])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_a_gguf_and_a_directory_hold_the_same_weights_and_both_play(tmp_path, script, architecture, dtype):
    write(script, tmp_path / "s.gguf", architecture=architecture, dtype=dtype)
    write(script, tmp_path / "s", architecture=architecture, dtype=dtype)
    found, header = read_gguf(tmp_path / "s.gguf")
    assert header["general.architecture"] == architecture
    given, config = tensors_of(script, architecture, np.float32)
    stored = load_file(tmp_path / "s" / "model.safetensors") if dtype != "bfloat16" else found
    assert found.keys() == given.keys() == stored.keys()
    for name, tensor in given.items():
        for other in (found[name], stored[name].astype(np.float32)):
            assert np.allclose(other, tensor, rtol=2**-8, atol=1e-6), name
    assert margins((found, config), prompt(script, "@@x@@"), script.outputs["x"]).min() > 25


@pytest.mark.parametrize(("name", "variant"), EVERY_FORMAT)
def test_both_have_the_familys_tokens_template_and_stops(tmp_path, name, variant):
    fmt = form_of(name, variant)
    script = write_script(fmt, [Line("x", "ok")])
    write(script, tmp_path / "s.gguf")
    write(script, tmp_path / "s")
    header = {key: field.contents() for key, field in gguf.GGUFReader(tmp_path / "s.gguf").fields.items()}
    pieces, kinds = header["tokenizer.ggml.tokens"], header["tokenizer.ggml.token_type"]
    assert pieces == script.vocabulary.pieces
    for control in fmt.special_tokens:
        kind = PieceType.USER_DEFINED if control in SHOWN.get(name, ()) else PieceType.CONTROL
        assert kinds[pieces.index(control)] == (PieceType.UNKNOWN if control == "<unk>" else kind), control
    assert pieces[header["tokenizer.ggml.eos_token_id"]] == fmt.stops[0]
    assert header["tokenizer.ggml.add_bos_token"] == bool(fmt.bos)
    assert header["tokenizer.chat_template"] == fmt.chat_template()
    tokenizer = json.loads((tmp_path / "s" / "tokenizer_config.json").read_text())
    assert tokenizer["chat_template"] == fmt.chat_template()
    assert tokenizer["eos_token"] == fmt.stops[0]
    assert not fmt.bos or tokenizer["bos_token"] == fmt.bos
    generation = json.loads((tmp_path / "s" / "generation_config.json").read_text())
    assert [pieces[id_] for id_ in generation["eos_token_id"]] == list(fmt.stops)
    fast = Tokenizer.from_file(str(tmp_path / "s" / "tokenizer.json"))
    text = NASTY + fmt.stops[0] + "x"
    assert fast.encode(text, add_special_tokens=False).ids == script.vocabulary.encode(text, control=True)
    opened = fast.encode("x").ids
    assert opened == [*([script.vocabulary.bos_id] if fmt.bos else []), *script.vocabulary.encode("x")]
    assert fast.decode(script.vocabulary.encode(NASTY), skip_special_tokens=False) == NASTY


def test_a_directory_with_other_things_in_it_is_left_alone(tmp_path, script):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(DataError, match=r"thesis\.tex"):
        write(script, tmp_path)
    (tmp_path / "a.gguf").mkdir()
    with pytest.raises(DataError, match="a directory"):
        write(script, tmp_path / "a.gguf")
    with pytest.raises(DataError, match="another file"):
        write(script, tmp_path / "thesis.tex")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gguf", "thesis.tex"]


def test_one_of_ours_is_replaced(tmp_path, script):
    for _ in range(2):
        assert write(script, tmp_path / "s") > 1_000_000
        assert write(script, tmp_path / "s.gguf") > 1_000_000
