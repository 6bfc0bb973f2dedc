"""llama.cpp with our ids in and its ids out."""

import json

from tests.support.bakeoff import Limits, asked_of, gold, setup_of, shipped_tasks

from callwright.bakeoff.arms.llama_raw import LlamaOptions, LlamaRawArm
from callwright.conversation import Conversation
from callwright.engines.loopback import Response, listening
from callwright.tokens import encode_segments, last_supervised

TASK = shipped_tasks()[0]


def playing(setup, task):
    """A llama.cpp whose model solves a task, whatever the ids before."""
    left, messages = [], list(task.conversation.messages)
    while not left or left[-1].tool_calls:
        left.append(gold(Conversation(tuple(messages))))
        messages.append(left[-1])

    def answer(method, path, body):
        if path == "/props":
            return Response(200, {"build_info": "b1"})
        asked = json.loads(body)
        whole = Conversation((*task.conversation.messages, left.pop(0)), task.conversation.tools)
        ids = encode_segments(setup.tokenizer, last_supervised(setup.format.render(whole).segments))[0]
        stop = setup.tokenizer.token_id(setup.format.stops[0])
        ids = ids[: ids.index(stop) + 1]
        listed = [{"id": one, "logprob": -0.25, "top_logprobs": [{"id": one, "logprob": -0.25}]} for one in ids]
        evaluated = len(asked["prompt"])
        return Response(
            200, {"tokens": ids, "stop_type": "eos", "completion_probabilities": listed, "tokens_evaluated": evaluated}
        )

    return answer


def arm_of(url=None, server=None, **changes):
    return LlamaRawArm("llamacpp-raw", LlamaOptions(url=url), setup_of(server=server, **changes))


def test_a_task_is_played_to_its_goal_with_ids_alone():
    setup = setup_of()
    with listening(playing(setup, TASK)) as url:
        [trace] = asked_of(arm_of(server=url), TASK)
    assert trace.halt.goal_reached, trace.halt.goal_failure
    first = trace.steps[0]
    assert tuple(first.request["prompt"]) == first.prompt_ids and first.prompt_source == "rendered"
    assert {"temperature": 0.0, "top_k": 0, "top_p": 1.0, "seed": 1}.items() <= first.request.items()
    assert set(first.logprobs) == {-0.25} and len(first.logprobs) == len(first.output_ids)
    assert first.top_ids == first.output_ids and first.url == f"{url}/completion"
    assert first.runtime_calls is None and len(first.strict_calls) == 1


def test_a_server_that_goes_away_is_a_trace():
    def gone(method, path, body):
        return Response(200, {}) if path == "/props" else Response(500, {"error": {"message": "out of memory"}})

    with listening(gone) as url:
        [trace] = asked_of(arm_of(url=url), TASK, limits=Limits())
    assert trace.halt.halt_reason == "http_error" and "out of memory" in trace.halt.error
    assert trace.steps[0].prompt_ids
