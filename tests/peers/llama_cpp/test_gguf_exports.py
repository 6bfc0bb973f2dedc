"""llama.cpp itself makes, loads and runs what the export writes."""

import dataclasses
from contextlib import contextmanager

import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.support.tiny import TINY, tiny_tokenizer, write_tiny_model
from tests.support.trained_runs import tiny_trained

from callwright.conversation import Conversation
from callwright.engines.llama_program import build
from callwright.engines.llama_server import serve
from callwright.engines.openai_chat import OpenAIChat
from callwright.errors import DataError
from callwright.export.gguf import tensor_types, write_gguf
from callwright.export.merged import merged_weights
from callwright.export.verify.calls import AskedRequest, check_calls
from callwright.export.verify.check import refuse_failed
from callwright.export.verify.forced import forced_answer
from callwright.export.verify.held_out import held_out
from callwright.export.verify.instruments import check_arrival, check_reading
from callwright.export.verify.prompts import check_prompts, check_tokens, served_renderer
from callwright.export.verify.reference import TrainedModel
from callwright.export.verify.served import ForcedCompletion, check_served
from callwright.export.verify.verify import verify_gguf
from callwright.formats import get_format
from callwright.formats.example import EXAMPLE, ONE_CALL, WORDLESS
from callwright.models.gguf import convert_gguf, is_norm
from callwright.models.sources import resolve_model

pytestmark = pytest.mark.peer("llama.cpp")
WIDE = dataclasses.replace(TINY, num_layers=1, d_model=256, head_dim=64, d_ff=256)
"""Every matrix has rows of 256 numbers, one block of a K-quant."""
BOUND = {"q4_k_m": 0.12, "q5_k_m": 0.06, "q6_k": 0.03}
"""How large the error of a matrix may be, as a share of the matrix (Frobenius norms)."""
TEXTS = [f"<bos><start_of_turn>user\n{n}: the weather in Paris<end_of_turn>\n" for n in range(200)]


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    return tiny_trained(resolve_model(str(write_tiny_model(tmp_path_factory.mktemp("wide") / "m", WIDE))))


@pytest.mark.parametrize("calibration", [(), TEXTS], ids=["plain", "imatrix"])
@pytest.mark.parametrize("kind", BOUND)
def test_a_k_quant_is_read_back_within_the_types_bound(tmp_path, wide, kind, calibration):
    write_gguf(wide, tmp_path / "m.gguf", kind, calibration=calibration)
    types = set(tensor_types(tmp_path / "m.gguf").values())
    assert types & {"Q4_K", "Q5_K", "Q6_K"}
    convert_gguf(tmp_path / "m.gguf", tmp_path / "back")
    found = load_file(tmp_path / "back/model.safetensors")
    for name, tensor in merged_weights(wide).tensors.items():
        expected = tensor.make(np.dtype(np.float32))
        if not is_norm(name):
            error = np.linalg.norm(found[name] - expected) / np.linalg.norm(expected)
            assert 0 < error < BOUND[kind], name
    assert str(tmp_path).encode() not in (tmp_path / "m.gguf").read_bytes()


def test_rows_that_are_no_multiple_of_256_fall_back_to_other_types(tmp_path, shallow_model):
    write_gguf(tiny_trained(shallow_model), tmp_path / "m.gguf", "q4_k_m")
    assert not set(tensor_types(tmp_path / "m.gguf").values()) & {"Q4_K", "Q6_K"}


def test_too_few_texts_for_an_importance_matrix_are_told(tmp_path, wide):
    with pytest.raises(DataError, match=r"you need at least 1024 tokens"):
        write_gguf(wide, tmp_path / "m.gguf", "q4_k_m", calibration=["the weather"])
    assert not (tmp_path / "m.gguf").exists()


KINDS = ("f32", "f16", "bf16", "q8_0", "q4_k_m", "q5_k_m", "q6_k")
FMT = get_format("xml", "arguments")
ASKED = Conversation(EXAMPLE.messages[:2], EXAMPLE.tools)
ANSWERED = Conversation((*ASKED.messages, WORDLESS), EXAMPLE.tools)


@pytest.fixture(scope="module")
def trained(tiny_model):
    return dataclasses.replace(tiny_trained(tiny_model), format=FMT)


@pytest.fixture(scope="module")
def reference(trained):
    return TrainedModel(trained)


@pytest.fixture(scope="module")
def served(trained, tmp_path_factory):
    """The export in single precision, and its server."""
    path = tmp_path_factory.mktemp("served") / "m.gguf"
    write_gguf(trained, path, "f32")
    with serve(path, program=build(), context=2048) as server:
        yield path, server.url


@contextmanager
def served_file(path):
    with serve(path, program=build(), context=2048) as server, ForcedCompletion(server.url, tiny_tokenizer()) as client:
        yield client


@pytest.mark.parametrize("kind", KINDS)
def test_a_served_file_of_each_kind_gives_the_reference_distributions(tmp_path, trained, reference, kind):
    """In single precision to a millionth of a nat; nothing but the rounding of numbers is left in the others."""
    write_gguf(trained, tmp_path / "m.gguf", kind)
    output = forced_answer(ANSWERED, FMT, tiny_tokenizer(), "the example")
    with served_file(tmp_path / "m.gguf") as client:
        check = check_served(reference, client, [output], kind)
    assert check.passed, check.detail
    assert check.numbers["positions"] == len(output.output)
    assert {f"mean_kl.{region}" for region in ("name", "keys", "values", "end")} < check.numbers.keys()
    if kind == "f32":
        assert check.numbers["same_top"] == 1
        assert check.numbers["mean_kl"] < 1e-5


def test_another_model_under_the_same_name_fails(tmp_path, trained, reference):
    write_gguf(dataclasses.replace(trained, adapter=None), tmp_path / "m.gguf", "f16")
    output = forced_answer(ANSWERED, FMT, tiny_tokenizer(), "the example")
    with served_file(tmp_path / "m.gguf") as client:
        check = check_served(reference, client, [output], "f16")
    assert not check.passed
    assert "in the example" in check.detail


def test_the_server_writes_the_trained_prompts_and_cuts_them_into_the_trained_tokens(served):
    conversations = {"asked": ASKED, "answered": dataclasses.replace(EXAMPLE, messages=EXAMPLE.messages[:5])}
    texts = ["the weather in Paris\n\n  is é 東京 <b>"]
    with ForcedCompletion(served[1], tiny_tokenizer()) as client:
        prompts = check_prompts(FMT, served_renderer(client), conversations)
        tokens = check_tokens(client, tiny_tokenizer(), FMT, conversations, texts)
        other = check_prompts(get_format("xml", "args"), served_renderer(client), conversations)
    assert prompts.passed, prompts.detail
    assert tokens.passed, tokens.detail
    assert not other.passed
    assert "answered differs from byte" in other.detail


def test_a_chat_with_tools_reaches_the_model_as_the_trained_tokens(served):
    check = check_arrival(served[0], FMT, tiny_tokenizer(), ASKED, program=build())
    assert check.passed, check.detail
    other = check_arrival(served[0], get_format("tool_code"), tiny_tokenizer(), ASKED, program=build())
    assert not other.passed


@pytest.mark.parametrize("variant", ["args", "arguments"])
def test_the_server_reads_planned_calls_of_the_format(variant):
    planned = {"one": ONE_CALL.tool_calls, "two": WORDLESS.tool_calls}
    check = check_reading(get_format("xml", variant), planned, ASKED, program=build())
    assert check.passed, check.detail


def test_a_model_that_calls_nothing_loses_no_call(served):
    requests = [AskedRequest(id="a", conversation=ASKED, recorded=())]
    with ForcedCompletion(served[1], tiny_tokenizer()) as client, OpenAIChat(served[1]) as chat:
        check = check_calls(chat, client, FMT, tiny_tokenizer(), requests, max_new_tokens=8)
    assert check.passed, check.detail
    assert check.numbers["asked"] == check.numbers["recorded"] == 1


def test_an_export_is_verified_as_a_whole(served, trained):
    held = held_out(trained, tiny_tokenizer())
    checks = list(verify_gguf(trained, served[0], "f32", held, TrainedModel(trained), program=build(), threads=1))
    assert [check.detail for check in checks if not check.passed] == []
    assert [check.name for check in checks] == [
        "header",
        "tensors",
        "prompts",
        "tokens",
        "F32 in llama.cpp",
        "calls",
        "tokens that reach the model",
        "calls that the server reads",
    ]
    refuse_failed(checks)
