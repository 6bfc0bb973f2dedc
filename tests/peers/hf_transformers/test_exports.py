"""transformers and PEFT load what an export writes, without code of ours, and agree with the run."""

import ml_dtypes
import numpy as np
import pytest
from tests.peers.hf_transformers import peft_peer
from tests.support.conversations import tool_of
from tests.support.logits import tree_logits
from tests.support.tiny import tiny_tokenizer
from tests.support.trained_runs import tiny_trained

from callwright.conversation import Conversation, Message, ToolCall
from callwright.export.hf import write_hf
from callwright.export.merged import merged_weights
from callwright.export.peft import write_lora
from callwright.formats.jinja import template_message
from callwright.models.hf_names import tree_of
from callwright.models.lora import merge
from callwright.openai import write_tool
from callwright.tokens import encode_segments

pytestmark = pytest.mark.peer("transformers", "peft")
TOKENS = np.random.default_rng(3).integers(6, 512, (2, 40)).astype(np.int32)
"""Longer than the tiny model's window."""
CALLS = (ToolCall("get", {"city": "Paris", "days": 3}), ToolCall("get", {"city": "</tool_call>", "days": 2}))
ASKED = Conversation((Message("system", "Be brief."), Message("user", "the <b>weather</b>?")), (tool_of(CALLS[0]),))


@pytest.fixture(scope="module")
def trained(tiny_model):
    return tiny_trained(tiny_model)


@pytest.fixture(scope="module")
def expected(trained, tiny_params):
    """The run's own float32 logits."""
    merged = merge(tiny_params, trained.adapter, trained.scale)
    return tree_logits(merged, trained.base.config, TOKENS)


@pytest.fixture(scope="module")
def output(trained):
    """The model's turn as the format writes it: words, two calls, the end."""
    opened = trained.format.render(ASKED, add_generation_prompt=True).text
    said = Message("assistant", "Let me see.", tool_calls=CALLS)
    whole = trained.format.render(Conversation((*ASKED.messages, said), ASKED.tools)).text
    return whole.removeprefix(opened).removesuffix("\n")


@pytest.fixture(scope="module")
def answers(tmp_path_factory, trained, output):
    """What the peers say of each export, by its name."""
    exports = tmp_path_factory.mktemp("exports")
    write_hf(trained, exports / "float32", dtype="float32")
    write_hf(trained, exports / "sharded", dtype="float32", shard_bytes=20_000)
    write_hf(trained, exports / "bfloat16")
    write_lora(trained, exports / "lora")
    asked = {
        "ids": TOKENS.tolist(),
        "chat": [template_message(message) for message in ASKED.messages],
        "tools": [write_tool(tool) for tool in ASKED.tools],
        "answer": output,
    }
    jobs = {name: {"directory": str(exports / name), "adapter": None} for name in ("float32", "sharded", "bfloat16")}
    jobs["lora"] = {"directory": str(trained.base.directory), "adapter": str(exports / "lora")}
    return dict(zip(jobs, peft_peer.ask([asked | job for job in jobs.values()]), strict=True))


def error_of(logits, expected):
    return np.abs(np.asarray(logits) - expected).max() / np.abs(expected).max()


@pytest.mark.parametrize("name", ["float32", "sharded", "lora"])
def test_logits_are_the_runs(answers, expected, name):
    assert error_of(answers[name]["logits"], expected) < 1e-4


def test_an_adapter_that_peft_merges_is_our_merge(answers, expected):
    assert error_of(answers["lora"]["merged"], expected) < 1e-4


def test_bfloat16_is_the_merged_model_rounded(answers, trained):
    assert answers["bfloat16"]["dtype"] == "torch.bfloat16"
    half, config = np.dtype(ml_dtypes.bfloat16), trained.base.config
    rounded = {name: one.make(half).astype(np.float32) for name, one in merged_weights(trained).tensors.items()}
    assert error_of(answers["bfloat16"]["logits"], tree_logits(tree_of(rounded, config), config, TOKENS)) < 1e-4


@pytest.mark.parametrize("name", ["float32", "lora"])
def test_generation_stops_where_the_format_does(answers, trained, name):
    stops = [tiny_tokenizer().token_id(stop) for stop in ("<eos>", *trained.format.stops)]
    assert answers[name]["stops"] == stops


@pytest.mark.parametrize("name", ["float32", "lora"])
def test_a_rendered_chat_has_the_ids_that_the_run_trained_on(answers, trained, name):
    segments = trained.format.render(ASKED, add_generation_prompt=True).segments
    assert answers[name]["prompt"] == encode_segments(tiny_tokenizer(), segments)[0]


@pytest.mark.parametrize("name", ["float32", "lora"])
def test_calls_are_read_as_we_read_them(answers, trained, output, name):
    parsed = trained.format.parse(output)
    assert answers[name]["message"] == {
        "role": "assistant",
        "content": parsed.content,
        "tool_calls": [
            {"type": "function", "function": {"name": call.name, "arguments": dict(call.arguments)}}
            for call in parsed.tool_calls
        ],
    }
