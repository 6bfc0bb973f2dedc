"""A real llama.cpp server with a scripted instrument plays all four tasks to their goals, in every arm of llama.cpp."""

import pytest
from tests.peers.llama_cpp.llama_server import serve
from tests.support.bakeoff import asked_of, scripted_tasks, setup_of

from callwright.bakeoff.arms.chat import ChatOptions, LlamaChatArm, OpenAIArm, OpenAIOptions
from callwright.bakeoff.arms.llama_raw import LlamaOptions, LlamaRawArm
from callwright.formats import get_format
from callwright.instruments.files import write

pytestmark = pytest.mark.peer("llama.cpp")
FMT = get_format("qwen3")
CONTEXT = 16384


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The tasks, and a setup of a server that plays them."""
    tasks, instrument = scripted_tasks(FMT)
    path = tmp_path_factory.mktemp("script") / "tasks.gguf"
    write(instrument, path, context=CONTEXT)
    with serve(path, context=CONTEXT) as client:
        url = str(client.base_url).rstrip("/")
        fields = {"tokenizer": instrument.vocabulary, "tasks": tasks, "server": url, "seconds": 300.0}
        yield tasks, setup_of("qwen3", context=CONTEXT, **fields)


def traces_of(kind, options, served):
    tasks, setup = served
    traces = asked_of(kind("arm", options, setup), *tasks)
    assert [trace.halt.goal_failure for trace in traces] == [""] * 4
    return traces


def test_ids_in_and_ids_out_and_the_chat_reveal_the_same_prompts_and_outputs(served):
    raw = traces_of(LlamaRawArm, LlamaOptions(), served)
    chat = traces_of(LlamaChatArm, ChatOptions(), served)
    for ours, theirs in zip(raw, chat, strict=True):
        for one, other in zip(ours.steps, theirs.steps, strict=True):
            assert other.prompt_source == "revealed" and one.prompt == other.prompt
            assert one.prompt_ids == other.prompt_ids and one.output_ids == other.output_ids
            assert one.strict_calls == other.strict_calls == other.runtime_calls
            assert one.raw == other.raw and len(one.logprobs) == len(one.output_ids)
            assert one.top_ids == one.output_ids


def test_a_stream_reveals_its_prompt_and_delivers_the_same_calls(served):
    whole = traces_of(LlamaChatArm, ChatOptions(), served)
    streamed = traces_of(LlamaChatArm, ChatOptions(stream=True), served)
    for one, other in zip(whole, streamed, strict=True):
        assert [step.prompt for step in one.steps] == [step.prompt for step in other.steps]
        assert [step.runtime_calls for step in one.steps] == [step.runtime_calls for step in other.steps]


def test_any_server_of_the_endpoint_plays_them_too(served):
    _, setup = served
    for trace in traces_of(OpenAIArm, OpenAIOptions(url=setup.server, server="llama.cpp"), served):
        assert trace.steps[0].raw is None and trace.steps[0].prompt_source == "unknown"
