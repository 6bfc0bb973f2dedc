"""Ollama as two arms: its chat with JSON tools, and its raw endpoint with our prompt and our parser."""

import json

import pytest
from tests.support.bakeoff import Limits, asked_of, gold, scripted_tasks, setup_of, shipped_tasks
from tests.support.ollama_double import CannedResponse, OllamaDouble, real_ollama

from callwright.bakeoff.arms.base import ArmError
from callwright.bakeoff.arms.ollama import OllamaJsonArm, OllamaJsonOptions, OllamaOptions, OllamaRawArm
from callwright.conversation import Conversation, Message
from callwright.engines.loopback import Response, listening
from callwright.engines.ollama_api import Ollama
from callwright.formats import get_format
from callwright.instruments.files import write
from callwright.tokens import last_supervised

TASK = shipped_tasks()[0]


def ollama(chat, *, models=("tuned:latest",), asked=None):
    """An Ollama that answers chats and raw prompts so; `chat` takes path and body."""

    def answer(method, path, body):
        if path == "/api/version":
            return Response(200, {"version": "0.40.2"})
        if path == "/api/tags":
            return Response(200, {"models": [{"name": name} for name in models]})
        request = json.loads(body)
        if asked is not None:
            asked.append((path, request))
        if path == "/api/show":
            return Response(200, {"template": "{{ .Prompt }}", "capabilities": ["tools"]})
        return chat(path, request)

    return answer


def knowing(path, request):
    """Solves a task; it also shows the prompt, as newer versions do."""
    if request.get("_debug_render_only"):
        return Response(200, {"_debug_info": {"rendered_template": "<bos>shown"}, "done": False})
    messages = tuple(Message(one["role"], one["content"]) for one in request["messages"])
    planned = gold(Conversation(messages))
    calls = [{"function": {"name": one.name, "arguments": dict(one.arguments)}} for one in planned.tool_calls]
    message = {"role": "assistant", "content": planned.content or ""} | ({"tool_calls": calls} if calls else {})
    counts = {"prompt_eval_count": 40, "eval_count": 9}
    return Response(200, {"message": message, "done": True, "done_reason": "stop"} | counts)


def json_arm(url, **options):
    return OllamaJsonArm("ollama-json", OllamaJsonOptions(url=url, **{"model": "tuned"} | options), setup_of())


def raw_arm(url, **options):
    return OllamaRawArm("ollama-raw", OllamaOptions(url=url, **{"model": "tuned"} | options), setup_of())


def test_the_chat_is_played_to_its_goal_with_thinking_context_and_limits_always_sent():
    with listening(ollama(knowing)) as url:
        [trace] = asked_of(json_arm(url), TASK)
    assert trace.halt.goal_reached, trace.halt.goal_failure
    step = trace.steps[0]
    assert (step.request["think"], step.request["truncate"], step.request["stream"]) == (False, False, False)
    limits = {"num_ctx": 100_000, "num_predict": 2000, "temperature": 0.0, "top_k": 0, "seed": 1}
    assert limits.items() <= step.request["options"].items()
    assert (step.prompt, step.prompt_source, step.prompt_ids) == ("<bos>shown", "revealed", None)
    assert (step.prompt_tokens, step.output_tokens, step.raw) == (40, 9, None)
    assert step.url == f"{url}/api/chat" and step.sampling.temperature == 0


def test_a_version_that_shows_no_prompt_is_asked_for_one_once():
    asked = []

    def silent(path, request):
        return Response(501, {"error": "no"}) if request.get("_debug_render_only") else knowing(path, request)

    with listening(ollama(silent, asked=asked)) as url:
        [trace] = asked_of(json_arm(url), TASK)
    assert trace.halt.goal_reached and {step.prompt_source for step in trace.steps} == {"unknown"}
    assert sum("_debug_render_only" in request for _, request in asked) == 1


def test_the_raw_endpoint_gets_our_prompt_and_its_text_is_read_by_our_parser():
    setup = setup_of()
    messages = [*TASK.conversation.messages]

    def generating(path, request):
        planned = gold(Conversation(tuple(messages)))
        messages.append(planned)
        whole = Conversation((*TASK.conversation.messages, planned), TASK.conversation.tools)
        text = "".join(segment.text for segment in last_supervised(setup.format.render(whole).segments))
        text = text.removesuffix("\n").removesuffix("<end_of_turn>")
        return Response(200, {"response": text, "done": True, "done_reason": "stop", "prompt_eval_count": 40})

    with listening(ollama(generating)) as url:
        [trace] = asked_of(raw_arm(url), TASK)
    assert trace.halt.goal_reached, trace.halt.goal_failure
    step = trace.steps[0]
    assert (step.request["raw"], step.request["prompt"]) == (True, step.prompt)
    assert step.request["options"]["stop"] == list(setup.format.stops)
    assert (step.prompt_source, step.prompt_ids, step.output_ids, step.prompt_tokens) == ("rendered", None, None, 40)
    assert len(step.strict_calls) == 1 and step.runtime_calls is None and step.url == f"{url}/api/generate"


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (Response(400, {"error": "m does not support tools"}), "http_error"),
        (Response(400, {"error": "the input length exceeds the context length"}), "context_overflow"),
        (Response(500, {"error": "Unexpected empty grammar stack"}), "http_error"),
        (Response(200, {"done": True}), "http_error"),
    ],
)
def test_what_ollama_refuses_is_a_trace_with_its_request(response, reason):
    with listening(ollama(lambda path, request: response)) as url:
        for arm in (json_arm(url), raw_arm(url)):
            [trace] = asked_of(arm, TASK, limits=Limits())
            assert trace.halt.halt_reason == reason, arm.name
            assert trace.steps[0].request["model"] == "tuned" and trace.steps[0].error


def test_an_answer_that_vanished_is_no_answer_and_a_cut_one_is_truncated():
    empty = {"message": {"role": "assistant", "content": ""}, "response": "", "done": True}
    for reason, expected in (("stop", "no_answer"), ("length", "truncated")):
        with listening(ollama(lambda *_, reason=reason: Response(200, empty | {"done_reason": reason}))) as url:
            for arm in (json_arm(url), raw_arm(url)):
                [trace] = asked_of(arm, TASK)
                assert trace.halt.halt_reason == expected, arm.name


def test_a_model_that_is_not_there_is_told_with_those_that_are():
    with OllamaDouble() as double:
        for arm in (json_arm(double.address), raw_arm(double.address)):
            with pytest.raises(ArmError, match="a model of the Ollama"):
                asked_of(arm)
    with listening(ollama(knowing, models=("turned:latest",))) as url, pytest.raises(ArmError, match="turned:latest"):
        asked_of(json_arm(url))


def test_an_ollama_that_is_not_there_cannot_be_opened():
    instead = {("GET", "/api/version"): CannedResponse(500, "text/plain", b"no")}
    with OllamaDouble(instead=instead) as double, pytest.raises(ArmError, match="an Ollama at") as caught:
        asked_of(raw_arm(double.address))
    assert caught.value.reason == "http_error" and "\n" not in str(caught.value)


def test_version_and_template_of_the_model_are_recorded():
    with listening(ollama(knowing)) as url:
        arm = json_arm(url)
        asked_of(arm)
    assert {"version": "0.40.2", "model": "tuned", "capabilities": ["tools"]}.items() <= arm.record().items()


@pytest.fixture
def real_model(tmp_path):
    """A real Ollama with an instrument that plays the shipped tasks, and a setup of it."""
    address, fmt = real_ollama(), get_format("qwen3")
    tasks, instrument = scripted_tasks(fmt)
    write(instrument, tmp_path / "tasks.gguf", context=16384)
    server, name = Ollama(address, timeout=120.0), "callwright-bake-off-test"
    try:
        server.create(name, server.upload(tmp_path / "tasks.gguf"))
        fields = {"tokenizer": instrument.vocabulary, "tasks": tasks, "context": 16384, "seconds": 120.0}
        yield address, name, tasks, setup_of("qwen3", **fields)
    finally:
        server.delete(name)
        server.close()


def test_a_real_ollama_plays_the_tasks_or_its_traces_say_why_not(real_model):
    address, name, tasks, setup = real_model
    limits = Limits(step_seconds=120.0, task_seconds=600.0)
    raw = OllamaRawArm("ollama-raw", OllamaOptions(url=address, model=name), setup)
    for trace in asked_of(raw, *tasks, limits=limits):
        assert trace.halt.goal_reached or trace.halt.halt_reason in ("answer_returned", "no_answer"), trace.halt
        assert trace.steps[0].prompt_tokens
    chat = OllamaJsonArm("ollama-json", OllamaJsonOptions(url=address, model=name), setup)
    for trace in asked_of(chat, *tasks, limits=limits):
        assert trace.halt.goal_reached, trace.halt
        assert trace.steps[0].prompt_source == "revealed"
