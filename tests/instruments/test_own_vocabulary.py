"""An x-ray over a GGUF's own vocabulary keeps its tokenizer as it is and says back every token of a prompt."""

import gguf
import numpy as np
import pytest
from tests.support.instruments import ARCHITECTURES, margins
from tests.support.numpy_models import read_gguf
from tests.support.tiny import write_tiny_gguf
from tokenizers import decoders

from callwright.errors import DataError, WeightsError
from callwright.instruments.own_vocabulary import BASE, make_own_xray, read_own_xray, read_vocabulary
from callwright.instruments.vocabulary import PRIVATE

SURE = 25.0


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return read_vocabulary(write_tiny_gguf(tmp_path_factory.mktemp("own") / "tiny.gguf"))


def write_header(path, values):
    """A GGUF of nothing but a header."""
    writer = gguf.GGUFWriter(path, "llama")
    for key, value in values.items():
        add = writer.add_array if isinstance(value, list) else writer.add_uint32 if isinstance(value, int) else None
        (add or writer.add_string)(key, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


def byte_level(**changes):
    """What a GGUF with a byte-level BPE of five tokens says of its tokenizer."""
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "qwen2",
        "tokenizer.ggml.tokens": ["<|end|>", "a", "b", "ab", "Ġab"],
        "tokenizer.ggml.token_type": [3, 1, 1, 1, 1],
        "tokenizer.ggml.merges": ["a b", "Ġ ab"],
        "tokenizer.ggml.eos_token_id": 0,
        "tokenizer.chat_template": "{{ bos_token }}",
    } | {f"tokenizer.ggml.{name}": value for name, value in changes.items()}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("start", [0, 30])
def test_it_says_back_every_token_of_a_prompt_and_ends(tmp_path, own, architecture, start):
    ids = np.random.default_rng(1).permutation(own.vocab_size).tolist()  # control tokens and bytes among them
    xray = make_own_xray(own, len(ids), start)
    xray.write(tmp_path / "x.gguf", architecture=architecture, context=2 * len(ids))
    tensors, header = read_gguf(tmp_path / "x.gguf")
    config = {
        "model_type": "gemma3_text" if architecture == "gemma3" else "llama",
        "num_attention_heads": header[f"{architecture}.attention.head_count"],
        "head_dim": header[f"{architecture}.attention.key_length"],
        "num_hidden_layers": header[f"{architecture}.block_count"],
        "hidden_size": header[f"{architecture}.embedding_length"],
        "rms_norm_eps": header[f"{architecture}.attention.layer_norm_rms_epsilon"],
        "rope_theta": header[f"{architecture}.rope.freq_base"],
        "rope_local_base_freq": header.get(f"{architecture}.rope.freq_base_swa"),
        "sliding_window": header.get(f"{architecture}.attention.sliding_window"),
        "layer_types": ["sliding_attention"],
    }
    plan = [*(own.vocab_size + id_ for id_ in ids[start:]), own.eos_id]
    assert margins((tensors, config), ids, plan, [0, 1, len(plan) // 2, len(plan) - 2, len(plan) - 1]).min() > SURE
    words = header["tokenizer.ggml.tokens"]
    assert read_own_xray(xray.vocabulary.vocab_size, "".join(words[token] for token in plan[:-1])) == ids[start:]
    assert xray.answer_tokens == len(ids) - start


def test_the_tokenizer_is_the_files_own_with_answers_behind_it(tmp_path, own):
    source, made = write_tiny_gguf(tmp_path / "s.gguf"), tmp_path / "x.gguf"
    make_own_xray(own, 9).write(made)
    before, after = ({k: f for k, f in gguf.GGUFReader(p).fields.items() if "tokenizer." in k} for p in (source, made))
    assert before.keys() == after.keys()
    for key in before:
        was, now = before[key].contents(), after[key].contents()
        assert before[key].types == after[key].types
        assert now[: len(was)] == was if isinstance(was, list) else now == was
    answers = after["tokenizer.ggml.tokens"].contents()[own.vocab_size :]
    assert len(set(answers)) == own.vocab_size
    assert {len(answer) for answer in answers} == {3}


def test_a_byte_level_vocabulary_spells_its_answers_in_bytes(tmp_path):
    own = read_vocabulary(write_header(tmp_path / "b.gguf", byte_level()))
    xray = make_own_xray(own, 3)
    xray.write(tmp_path / "x.gguf", template="{{ messages }}")
    values = {key: field.contents() for key, field in gguf.GGUFReader(tmp_path / "x.gguf").fields.items()}
    answers = values["tokenizer.ggml.tokens"][5:]
    assert read_own_xray(xray.vocabulary.vocab_size, decoders.ByteLevel().decode(answers)) == [0, 1, 2, 3, 4]
    assert values["tokenizer.ggml.merges"] == ["a b", "Ġ ab"]
    assert values["tokenizer.chat_template"] == "{{ messages }}"
    assert "tokenizer.ggml.scores" not in values


def test_ids_of_three_digits_are_read_and_other_words_refused():
    words = "".join(chr(PRIVATE + n * BASE + digit) for n, digit in enumerate((15, 127, 3)))
    assert read_own_xray(262_144, words * 2) == [15 * 128**2 + 127 * 128 + 3] * 2
    for output, got in (
        (words + "Hi", "'H' at character 3"),
        (words[:2], "at character 0"),
        (words[1:], "character 0"),
    ):
        with pytest.raises(DataError, match=got):
            read_own_xray(262_144, output)
    with pytest.raises(DataError, match="ids below 1000; got 262019"):
        read_own_xray(1000, words)


@pytest.mark.parametrize(
    ("changes", "got"),
    [
        ({"model": "bert"}, "'bert'"),
        ({"token_type": [1, 1]}, "others"),
        ({"eos_token_id": 5}, "5 in"),
        ({"tokens": ["a", "b", "c", "d", "x\ue000\ue080"]}, "token 4"),
    ],
)
def test_a_vocabulary_that_cannot_be_used_is_refused(tmp_path, changes, got):
    with pytest.raises(WeightsError, match=got):
        read_vocabulary(write_header(tmp_path / "b.gguf", byte_level(**changes)))


def test_what_is_no_gguf_is_refused(tmp_path, own):
    (tmp_path / "torn.gguf").write_bytes(b"GGUF\x03\x00")
    for path in (tmp_path / "torn.gguf", tmp_path / "missing.gguf"):
        with pytest.raises(WeightsError):
            read_vocabulary(path)
    with pytest.raises(DataError, match=r"ends in \.gguf"):
        make_own_xray(own, 4).write(tmp_path / "directory")
