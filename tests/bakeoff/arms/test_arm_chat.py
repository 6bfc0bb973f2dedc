"""Chat servers as arms: what the runtime parsed goes on, and what it reveals is read by our own parser too."""

import json

import pytest
from tests.support.bakeoff import Limits, asked_of, gold, setup_of, shipped_tasks
from tests.support.canned_server import Canned, as_json, canned_server

from callwright.bakeoff.arms.base import ArmError
from callwright.bakeoff.arms.chat import ChatOptions, LlamaChatArm, OpenAIArm, OpenAIOptions
from callwright.engines.byte_tokenizer import ByteTokenizer
from callwright.engines.loopback import Response, events, listening
from callwright.engines.mock import MockServer
from callwright.formats import get_format

TASK = shipped_tasks()[0]
FMT = get_format("xml")
IDS = ByteTokenizer(FMT)
CALL = '<tool_call>\n{"name": "web_search", "args": {"query": "x"}}\n</tool_call>'


def openai_arm(url, **changes):
    options = OpenAIOptions(url=url, **changes)
    return OpenAIArm("openai", options, setup_of())


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("task", shipped_tasks(), ids=lambda task: task.name)
def test_a_faithful_server_is_played_to_every_goal_whole_and_streamed(task, stream):
    with MockServer(FMT, gold, context=100_000) as server:
        [trace] = asked_of(openai_arm(server.url, stream=stream, model="mock"), task)
    assert trace.halt.goal_reached, trace.halt.goal_failure
    first = trace.steps[0]
    assert first.request["stream"] if stream else "stream" not in first.request
    assert first.request["chat_template_kwargs"] == {"enable_thinking": False}
    assert (first.raw, first.strict_calls, first.prompt, first.prompt_source) == (None, None, None, "unknown")
    assert [call.name for call in first.runtime_calls] == [task.flow.steps[0].call.name]
    assert trace.steps[-1].runtime_calls == () and first.prompt_tokens > 0


def test_temperature_and_seed_are_always_sent_and_the_rest_where_it_is_ours():
    with MockServer(FMT, gold, context=100_000) as server:
        [mine] = asked_of(openai_arm(server.url, sampler="ours"), TASK, limits=Limits(max_steps=1))
        [theirs] = asked_of(openai_arm(server.url), TASK, limits=Limits(max_steps=1))
    assert {"temperature": 0.0, "seed": 1}.items() <= theirs.steps[0].request.items()
    assert "top_k" not in theirs.steps[0].request and theirs.steps[0].sampling.top_k is None
    assert {"top_k": 0, "top_p": 1.0, "min_p": 0.0, "repeat_penalty": 1.0}.items() <= mine.steps[0].request.items()


def test_a_prompt_that_a_server_refuses_for_its_length_is_an_overflow():
    with MockServer(FMT, gold, context=50) as server:
        [trace] = asked_of(openai_arm(server.url), TASK)
    assert trace.halt.halt_reason == "context_overflow" and "exceeds" in trace.steps[0].error


def llama(*, calls=(), content=CALL, tokens=None, finish="stop", **message):
    """A llama.cpp that always answers so, and reveals these tokens."""
    tokens = IDS.encode(content, control=True) if tokens is None else tokens

    def answer(method, path, body):
        if path == "/props":
            settings = {"default_generation_settings": {"n_ctx": 9}}
            return Response(200, {"build_info": "b1", "chat_template": "x"} | settings)
        if path == "/tokenize":
            return Response(200, {"tokens": IDS.encode(json.loads(body)["content"], control=True)})
        asked = json.loads(body)
        probabilities = [{"id": id_, "logprob": -0.5} for id_ in tokens]
        wire = {"content": None, "tool_calls": list(calls), **message}
        choice = {"index": 0, "finish_reason": finish, "message": wire, "logprobs": {"content": probabilities}}
        prompt = "<bos>Hi"
        reply = {"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": len(tokens)}}
        if asked.get("verbose"):
            reply["__verbose"] = {"prompt": prompt, "content": content, "tokens": tokens}
        return Response(200, reply)

    return answer


def asked_llama(answer, *, limits=None, **options):
    with listening(answer) as url:
        arm = LlamaChatArm("llamacpp-chat", ChatOptions(**options), setup_of(server=url))
        return asked_of(arm, TASK, limits=limits)


WIRE_CALL = {"id": "c1", "type": "function", "function": {"name": "web_search", "arguments": '{"query": "x"}'}}


def test_what_llama_cpp_reveals_is_kept_and_read_by_our_parser():
    [trace] = asked_llama(llama(calls=[WIRE_CALL]), limits=Limits(max_steps=1))
    step = trace.steps[0]
    assert (step.prompt, step.prompt_source) == ("<bos>Hi", "revealed")
    assert step.prompt_ids == (IDS.bos_id, *b"Hi")
    assert step.raw == CALL and step.output_ids == tuple(IDS.encode(CALL))
    assert step.runtime_calls == step.strict_calls and len(step.logprobs) == len(step.output_ids)
    assert step.request["verbose"] and step.request["return_tokens"]


def test_a_call_in_the_text_that_was_not_delivered_is_lost():
    [trace] = asked_llama(llama())
    assert trace.halt.halt_reason == "parse_lost" and "web_search" in trace.halt.error
    assert (trace.steps[0].runtime_calls, len(trace.steps[0].strict_calls)) == ((), 1)


def test_a_call_whose_arguments_are_no_object_cannot_be_read():
    broken = WIRE_CALL | {"function": {"name": "web_search", "arguments": '{"query": '}}
    [cut] = asked_llama(llama(calls=[broken], content=CALL[:40], finish="length"))
    [whole] = asked_llama(llama(calls=[broken], content="x"))
    assert (cut.halt.halt_reason, cut.steps[0].runtime_calls) == ("truncated", None)
    assert whole.halt.halt_reason == "no_answer" and "not a JSON object" in whole.halt.error


def test_ids_of_a_prompt_that_are_not_as_many_as_the_server_counted_are_not_told():
    def other(method, path, body):
        response = llama(calls=[WIRE_CALL])(method, path, body)
        return Response(200, {"tokens": [1]}) if path == "/tokenize" else response

    [trace] = asked_llama(other, limits=Limits(max_steps=1))
    assert trace.steps[0].prompt_ids is None and trace.steps[0].prompt == "<bos>Hi"


def test_the_version_context_and_template_of_llama_cpp_are_recorded():
    with listening(llama()) as url:
        arm = LlamaChatArm("llamacpp-chat", ChatOptions(), setup_of(server=url))
        asked_of(arm)
    assert (arm.record()["version"], arm.record()["context"]) == ("b1", 9)
    assert len(arm.record()["chat_template_sha256"]) == 64


def test_a_stream_asks_for_no_probabilities_which_llama_cpp_refuses_beside_tools():
    def streaming(method, path, body):
        asked = json.loads(body or b"{}")
        if asked.get("stream"):
            assert "logprobs" not in asked
            chunk = {"choices": [{"index": 0, "delta": {"content": "Hi."}, "finish_reason": "stop"}]}
            whole = chunk | {"__verbose": {"prompt": "<bos>Hi", "tokens": []}, "usage": {"prompt_tokens": 3}}
            return Response(200, events([whole]), "text/event-stream")
        return llama()(method, path, body)

    [trace] = asked_llama(streaming, stream=True)
    step = trace.steps[0]
    assert (trace.halt.halt_reason, step.content, step.prompt_source, step.raw) == (
        "answer_returned", "Hi.", "revealed", None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("canned", "reason"),
    [
        (as_json({"error": {"message": "tools are not supported"}}, status=400), "http_error"),
        (as_json({"error": {"message": "input length exceeds the context length"}}, status=400), "context_overflow"),
        (Canned(b"<html>busy</html>", status=502, kind="text/html"), "http_error"),
        (Canned(b"garbage"), "http_error"),
        (Canned(b'{"choices": [', missing=50), "http_error"),
        (Canned(b"x" * 10, wait=2.0), "timeout"),
    ],
)
def test_a_server_that_misbehaves_is_a_trace_with_its_request(canned, reason):
    def answer(path, body):
        return as_json({"data": []}) if path == "/v1/models" else canned

    with canned_server(answer) as url:
        arm = OpenAIArm("openai", OpenAIOptions(url=url), setup_of(seconds=0.2))
        [trace] = asked_of(arm, TASK)
    assert trace.halt.halt_reason == reason and trace.steps[0].request["messages"]
    assert "\n" not in trace.halt.error


def test_a_server_that_is_not_there_cannot_be_opened():
    with listening(llama()) as url:
        pass
    for arm in (openai_arm(url), LlamaChatArm("llamacpp-chat", ChatOptions(), setup_of())):
        with pytest.raises(ArmError) as caught:
            asked_of(arm)
        assert caught.value.reason == "http_error" and "\n" not in str(caught.value)


def test_a_model_that_the_server_does_not_list_is_told_with_those_that_it_does():
    with MockServer(FMT, gold) as server, pytest.raises(ArmError, match=r"got mok; did you mean mock\?"):
        asked_of(openai_arm(server.url, model="mok"))


def test_a_server_of_another_machine_is_not_local():
    assert openai_arm("http://127.0.0.1:1").local and not openai_arm("http://gpu.example:8000/v1").local
