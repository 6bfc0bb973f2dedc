"""A trained model as a GGUF: read back it is the merged model, and its header says what a runtime has to know."""

import dataclasses
import json

import gguf
import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.support.tiny import TINY, tiny_sentencepiece, tiny_tokenizer, vocabulary, write_tiny_model
from tests.support.trained_runs import tiny_trained, write_trained_run

from callwright.errors import ConfigError, WeightsError
from callwright.export.gguf import gguf_bytes, gguf_kind, tensor_types, write_gguf
from callwright.export.gguf_vocabulary import model_markers, read_gguf_vocabulary
from callwright.export.merged import merged_weights
from callwright.formats import get_format
from callwright.models.gguf import convert_gguf, is_norm, open_gguf, write_weights
from callwright.models.sources import resolve_model
from callwright.models.tokenizer import load_tokenizer
from callwright.storage import sha256_file

FLOAT32 = np.dtype(np.float32)


@pytest.fixture(scope="module")
def trained(shallow_model):
    return tiny_trained(shallow_model)


@pytest.fixture(scope="module")
def merged(trained):
    return {name: tensor.make(FLOAT32) for name, tensor in merged_weights(trained).tensors.items()}


def read_back(path, directory):
    convert_gguf(path, directory)
    return load_file(directory / "model.safetensors")


def test_single_precision_gives_every_matrix_back_to_the_bit(tmp_path, trained, merged):
    write_gguf(trained, tmp_path / "m.gguf", "f32")
    found = read_back(tmp_path / "m.gguf", tmp_path / "back")
    assert found.keys() == merged.keys()
    for name, tensor in merged.items():
        # A norm goes through 1 + w, which costs at most the last bits of w.
        np.testing.assert_allclose(found[name], tensor, rtol=0, atol=1.2e-7 if is_norm(name) else 0, err_msg=name)


def test_a_base_that_came_as_a_gguf_keeps_every_norm_to_the_bit(tmp_path, trained):
    """Its norms are differences from 1, so adding 1 again is exact."""
    write_gguf(trained, tmp_path / "m.gguf", "f32")
    again = dataclasses.replace(trained, base=resolve_model(str(tmp_path / "m.gguf"), cache=tmp_path / "cache"))
    write_gguf(again, tmp_path / "n.gguf", "f32")
    expected = {name: tensor.make(FLOAT32) for name, tensor in merged_weights(again).tensors.items()}
    for name, tensor in read_back(tmp_path / "n.gguf", tmp_path / "back").items():
        assert np.array_equal(tensor, expected[name]), name


@pytest.mark.parametrize("kind", ["f16", "bf16", "q8_0"])
def test_a_narrower_kind_is_what_the_gguf_library_makes_of_each_matrix(tmp_path, trained, merged, kind):
    write_gguf(trained, tmp_path / "m.gguf", kind)
    found, ggml = read_back(tmp_path / "m.gguf", tmp_path / "back"), gguf.GGMLQuantizationType[kind.upper()]
    for name, tensor in merged.items():
        if not is_norm(name):
            expected = gguf.quants.dequantize(gguf.quants.quantize(tensor, ggml), ggml)
            assert np.array_equal(found[name], expected), name
            assert not np.array_equal(found[name], tensor), name
        else:
            np.testing.assert_allclose(found[name], tensor, rtol=0, atol=1.2e-7, err_msg=name)


def test_the_type_of_each_tensor_is_told(tmp_path, trained):
    write_gguf(trained, tmp_path / "m.gguf", "q8_0")
    types = tensor_types(tmp_path / "m.gguf")
    assert len(types) == len(trained.base.config.tensor_shapes())
    assert (types["token_embd.weight"], types["output_norm.weight"]) == ("Q8_0", "F32")
    assert set(types.values()) == {"Q8_0", "F32"}


def test_rows_that_are_no_whole_blocks_are_half_precision(tmp_path):
    base = write_tiny_model(tmp_path / "odd", dataclasses.replace(TINY, num_layers=1, d_ff=48))
    write_gguf(tiny_trained(resolve_model(str(base))), tmp_path / "m.gguf", "q8_0")
    types = tensor_types(tmp_path / "m.gguf")
    assert types["blk.0.ffn_down.weight"] == "F16"
    assert types["blk.0.ffn_up.weight"] == "Q8_0"


@pytest.mark.parametrize("kind", ["f32", "f16", "q8_0"])
def test_the_bytes_that_are_asked_for_beforehand_are_enough_and_not_many_more(tmp_path, trained, kind):
    write_gguf(trained, tmp_path / "m.gguf", kind)
    header = len(trained.format.chat_template()) + 4096
    size = (tmp_path / "m.gguf").stat().st_size
    assert size - header <= gguf_bytes(trained, kind) <= size * 1.5


def test_the_tokenizer_is_the_one_that_the_base_came_with(tmp_path, trained):
    """llama.cpp's converter writes these lists of the same tokenizer, but leaves the markers of images in plain text's
    reach; here they are control tokens, as in our tokenizer.
    """
    write_gguf(trained, tmp_path / "m.gguf", "f16")
    _, header = open_gguf(tmp_path / "m.gguf")
    pieces, scores, kinds = map(list, zip(*vocabulary(), strict=True))
    assert header["tokenizer.ggml.tokens"] == pieces
    assert header["tokenizer.ggml.scores"] == scores
    found = header["tokenizer.ggml.token_type"]
    others = {pieces[id_] for id_ in range(len(kinds)) if found[id_] != kinds[id_]}
    assert others == {"<start_of_image>", "<end_of_image>"}
    assert all(tiny_tokenizer().is_special(id_) == (found[id_] == 3) for id_ in range(len(kinds)))
    text = "<bos><start_of_turn>user\n  the weather\n\n<table>"
    convert_gguf(tmp_path / "m.gguf", tmp_path / "back")
    assert load_tokenizer(tmp_path / "back").encode(text, control=True) == tiny_tokenizer().encode(text, control=True)


def test_template_stops_and_roles_are_the_formats(tmp_path, trained):
    write_gguf(trained, tmp_path / "m.gguf", "f16")
    _, header = open_gguf(tmp_path / "m.gguf")
    ids = {key: header[f"tokenizer.ggml.{key}_token_id"] for key in ("bos", "eos", "eot", "padding", "unknown")}
    pieces = ("<bos>", "<eos>", "<end_of_turn>", "<pad>", "<unk>")
    assert ids == dict(zip(ids, map(tiny_tokenizer().token_id, pieces), strict=True))
    assert header["tokenizer.chat_template"] == trained.format.chat_template()
    assert (header["tokenizer.ggml.add_bos_token"], header["tokenizer.ggml.add_space_prefix"]) == (True, False)


def test_the_header_says_where_the_weights_come_from(tmp_path, shallow_model):
    run = write_trained_run(tmp_path / "mine", shallow_model)
    write_gguf(tiny_trained(shallow_model, run), tmp_path / "m.gguf", "f16")
    _, header = open_gguf(tmp_path / "m.gguf")
    assert header["general.name"] == "mine (stage 4)"
    assert header["general.license"] == "gemma"
    assert "Gemma Terms of Use" in header["callwright.license_notice"]
    assert header["callwright.base_sha256"] == shallow_model.sha256
    assert header["callwright.adapter_sha256"] == sha256_file(run / "checkpoints/stage4/adapter.safetensors")
    assert (header["callwright.stage"], header["callwright.format"]) == (4, "xml/args")
    assert not [key for key, value in header.items() if str(tmp_path) in str(value)]


def test_markers_that_a_parser_must_see_are_no_control_tokens():
    """Runtimes take control tokens out of the text; stops and turn markers stay what they are."""
    assert model_markers(get_format("functiongemma")) == {
        "<start_function_call>",
        "<end_function_call>",
        "<escape>",
    }
    assert not model_markers(get_format("xml"))


def test_a_format_with_markers_of_its_own_makes_them_user_defined(tmp_path):
    write_tiny_model(tmp_path)
    plain, marked = (read_gguf_vocabulary(tmp_path, fmt, TINY.vocab_size) for fmt in (get_format("xml"), _Marking()))
    changed = [plain.pieces[id_] for id_ in range(TINY.vocab_size) if plain.types[id_] != marked.types[id_]]
    assert changed == ["<unused0>"]
    assert marked.types[plain.pieces.index("<unused0>")] == 4


class _Marking(type(get_format("xml"))):
    """A format whose model opens its calls with a special token."""

    special_tokens = (*get_format("xml").special_tokens, "<unused0>")

    def _call(self, call, where):
        return "<unused0>" + super()._call(call, where)


def test_ids_without_a_piece_are_unused(tmp_path):
    write_tiny_model(tmp_path)
    found = read_gguf_vocabulary(tmp_path, get_format("xml"), TINY.vocab_size + 2)
    assert (found.pieces[-2:], found.types[-2:]) == (["[PAD512]", "[PAD513]"], [5, 5])


def test_a_tokenizer_json_gives_the_same_lists(tmp_path):
    """Of its merges, whose order is that of the scores."""
    (tmp_path / "proto").mkdir()
    (tmp_path / "proto/tokenizer.model").write_bytes(tiny_sentencepiece())
    (tmp_path / "json").mkdir()
    (tmp_path / "json/tokenizer.json").write_text(_as_tokenizer_json(), encoding="utf-8")
    fmt = get_format("xml")
    one, other = (read_gguf_vocabulary(tmp_path / name, fmt, TINY.vocab_size) for name in ("proto", "json"))
    assert one.pieces == other.pieces
    assert one.types == other.types
    made = [id_ for id_ in range(TINY.vocab_size) if one.types[id_] == 1 and len(one.pieces[id_]) > 1]
    by_score = sorted(made, key=one.scores.__getitem__)
    assert by_score == sorted(made, key=other.scores.__getitem__)


def _as_tokenizer_json():
    rows = vocabulary()
    pieces = [piece.replace(" ", "\u2581") if kind == 4 else piece for piece, _, kind in rows]
    known = {piece: id_ for id_, piece in enumerate(pieces)}
    normal = sorted((row for row in rows if row[2] == 1 and len(row[0]) > 1), key=lambda row: -row[1])
    merges = [
        [piece[:cut], piece[cut:]]
        for piece, _, _ in normal
        for cut in range(1, len(piece))
        if piece[:cut] in known and piece[cut:] in known
    ]
    added = [
        {"id": id_, "content": pieces[id_], "special": kind == 3}
        for id_, (_, _, kind) in enumerate(rows)
        if kind in (3, 4)
    ]
    model = {"type": "BPE", "byte_fallback": True, "vocab": known, "merges": merges}
    return json.dumps({"model": model, "added_tokens": added})


def test_a_kind_is_named_in_capitals_or_not_and_an_unknown_one_lists_those_that_exist():
    assert gguf_kind("Q4_K_M") == "q4_k_m"
    with pytest.raises(ConfigError, match=r"got 'q4_k_s'; did you mean q4_k_m.*f32, f16, bf16, q8_0"):
        gguf_kind("q4_k_s")


def test_an_importance_matrix_for_a_kind_that_uses_none_is_refused(tmp_path, trained):
    with pytest.raises(ConfigError, match="one for q8_0"):
        write_gguf(trained, tmp_path / "m.gguf", "q8_0", calibration=["text"])
    assert not list(tmp_path.iterdir())


def test_another_pattern_of_layers_is_refused_before_anything_is_written(tmp_path):
    base = write_tiny_model(tmp_path / "odd", dataclasses.replace(TINY, num_layers=1, layers_per_global=2))
    with pytest.raises(WeightsError, match="one every 2"):
        write_gguf(tiny_trained(resolve_model(str(base))), tmp_path / "m.gguf", "f16")
    assert not (tmp_path / "m.gguf").exists()


def test_a_tensor_that_cannot_be_made_leaves_no_file(tmp_path, trained):
    weights = merged_weights(trained)

    def fail(dtype):
        raise RuntimeError

    last = list(weights.tensors)[-2]
    broken = dataclasses.replace(weights, tensors={**weights.tensors, last: weights.tensors[last]._replace(make=fail)})
    with pytest.raises(RuntimeError):
        write_weights(broken, tmp_path / "m.gguf", name="m", dtype="q8_0", add_vocabulary=lambda writer: None)
    assert not list(tmp_path.iterdir())
