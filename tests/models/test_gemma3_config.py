"""The architecture as data: what the files say is read exactly, and what cannot be run is refused by name."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from tests.support.tiny import GEMMA3_1B, GEMMA3_270M, TINY

from callwright.errors import WeightsError
from callwright.models.gemma3 import from_gguf, from_hf, read_config, to_hf


def test_the_270m_has_the_published_number_of_parameters_and_tensors():
    shapes = GEMMA3_270M.tensor_shapes()
    assert len(shapes) == 236
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == 268_098_176


def test_the_1b_has_the_published_number_of_parameters():
    # 999,885,952 is what the hub states for google/gemma-3-1b-pt.
    assert sum(int(np.prod(shape)) for shape in GEMMA3_1B.tensor_shapes().values()) == 999_885_952


@pytest.mark.parametrize("config", [GEMMA3_270M, GEMMA3_1B, TINY])
def test_a_configuration_survives_the_way_through_config_json(config):
    assert from_hf(json.loads(json.dumps(to_hf(config)))) == config


def test_every_sixth_layer_is_global():
    assert [i for i in range(GEMMA3_270M.num_layers) if GEMMA3_270M.is_global(i)] == [5, 11, 17]


def test_transformers_reads_our_config_json_as_the_same_model():
    from transformers import Gemma3TextConfig

    theirs = Gemma3TextConfig(**to_hf(GEMMA3_270M))
    assert theirs.rope_parameters["full_attention"]["rope_theta"] == GEMMA3_270M.rope_base_global
    assert theirs.rope_parameters["sliding_attention"]["rope_theta"] == GEMMA3_270M.rope_base_local
    # And what it writes in its newest layout, nested ropes included, we read back.
    assert from_hf(theirs.to_dict()) == GEMMA3_270M


def test_rope_bases_are_read_from_both_layouts():
    nested = to_hf(TINY) | {
        "rope_theta": None,
        "rope_local_base_freq": None,
        "rope_parameters": {
            "full_attention": {"rope_type": "default", "rope_theta": 5e5},
            "sliding_attention": {"rope_type": "default", "rope_theta": 7e3},
        },
    }
    flat = to_hf(TINY) | {"rope_theta": 5e5, "rope_local_base_freq": 7e3}
    assert from_hf(nested) == from_hf(flat) == replace(TINY, rope_base_global=5e5, rope_base_local=7e3)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"model_type": "llama"}, "'llama'"),
        ({"model_type": "gemma3"}, "'gemma3'"),  # the sizes that see images
        ({"use_bidirectional_attention": True}, "use_bidirectional_attention"),
        ({"tie_word_embeddings": False}, "tie_word_embeddings"),
        ({"final_logit_softcapping": 30.0}, "final_logit_softcapping"),
        ({"query_pre_attn_scalar": 168}, "query_pre_attn_scalar"),
        ({"layer_types": ["full_attention"] * 7}, "layer_types"),
        ({"rope_scaling": {"factor": 8.0}}, "rope_scaling"),
        ({"rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8.0}}}, "linear"),
        ({"hidden_size": "640"}, "hidden_size"),
        ({"num_hidden_layers": True}, "num_hidden_layers"),
        ({"rms_norm_eps": float("inf")}, "rms_norm_eps in config.json; got inf"),
        ({"rms_norm_eps": float("nan")}, "rms_norm_eps in config.json; got nan"),
        ({"rope_theta": "x"}, "rope's base in config.json; got 'x'"),
        ({"rope_theta": [1]}, r"rope's base in config.json; got \[1\]"),
        ({"rope_theta": True}, "rope's base in config.json; got True"),
        ({"rope_theta": -1}, "rope's base in config.json; got -1"),
        ({"rope_theta": 10**400}, "rope's base in config.json; got 1000"),
        ({"rope_local_base_freq": float("inf")}, "rope's base in config.json; got inf"),
        ({"rope_parameters": [1]}, r"rope_parameters in config.json; got \[1\]"),
        ({"rope_parameters": {"full_attention": 5}}, "rope_parameters in config.json; got {'full_attention': 5}"),
        ({"sliding_window_pattern": "x"}, "sliding_window_pattern in config.json; got 'x'"),
        ({"sliding_window_pattern": -1}, "sliding_window_pattern in config.json; got -1"),
        ({"_sliding_window_pattern": 1.5}, "sliding_window_pattern in config.json; got 1.5"),
    ],
)
def test_what_gemma_3_text_is_not_is_refused_by_name(change, named):
    with pytest.raises(WeightsError, match=named):
        from_hf(to_hf(TINY) | change)


def test_a_rope_base_of_null_is_the_default():
    stated = to_hf(TINY) | {"rope_parameters": {"full_attention": {"rope_theta": None}}}
    assert from_hf(stated) == TINY


def test_a_missing_number_is_named():
    config = to_hf(TINY)
    del config["head_dim"]
    with pytest.raises(WeightsError, match="head_dim"):
        from_hf(config)


@pytest.mark.parametrize(
    ("content", "named"),
    [(None, "no such file"), ("{", "JSON"), ("[]", "model_type None"), ("[" * 5000, "JSON in")],
)
def test_a_config_json_that_is_none_is_refused(tmp_path, content, named):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(WeightsError, match=named):
        read_config(tmp_path / "config.json")


def _header():
    keys = {
        "block_count": 18,
        "embedding_length": 640,
        "attention.head_count": 4,
        "attention.head_count_kv": 1,
        "attention.key_length": 256,
        "feed_forward_length": 2048,
        "attention.sliding_window": 512,
        "attention.layer_norm_rms_epsilon": 9.999999974752427e-07,
        "rope.freq_base": 1_000_000.0,
        "context_length": 32768,
    }
    tokens = {"tokenizer.ggml.tokens": ["x"] * 262_144}
    return {"general.architecture": "gemma3", **{f"gemma3.{k}": v for k, v in keys.items()}, **tokens}


def test_a_gguf_header_gives_the_same_configuration():
    assert asdict(from_gguf(_header())) == asdict(GEMMA3_270M)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"general.architecture": "llama"}, "'llama'"),
        ({"general.architecture": "gemma3n"}, "'gemma3n'"),
        ({"gemma3.rope.scaling.type": "linear"}, "linear"),
    ],
)
def test_another_gguf_architecture_is_refused_by_name(change, named):
    with pytest.raises(WeightsError, match=named) as caught:
        from_gguf(_header() | change)
    assert "gemma3_text" in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("gemma3.block_count", "x"),
        ("gemma3.attention.head_count_kv", [1, 1]),
        ("gemma3.attention.layer_norm_rms_epsilon", "x"),
        ("gemma3.rope.freq_base", float("nan")),
        ("gemma3.context_length", 0),
        ("tokenizer.ggml.tokens", 5),
    ],
)
def test_a_gguf_header_with_a_value_of_the_wrong_kind_says_which(key, value):
    with pytest.raises(WeightsError, match=f"as {key} in the GGUF"):
        from_gguf(_header() | {key: value})


@pytest.mark.parametrize("key", ["gemma3.block_count", "tokenizer.ggml.tokens"])
def test_a_gguf_header_without_a_needed_key_says_which(key):
    header = _header()
    del header[key]
    with pytest.raises(WeightsError, match=key):
        from_gguf(header)
