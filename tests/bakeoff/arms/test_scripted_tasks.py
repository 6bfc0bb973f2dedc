"""A faithful server with an instrument in the model's place plays the shipped tasks to their goals, in chat arms."""

import pytest
from tests.support.bakeoff import asked_of, scripted_tasks, setup_of
from tests.support.faithful_server import FaithfulServer

from callwright.bakeoff.arms.chat import ChatOptions, LlamaChatArm
from callwright.formats import get_format

FMT = get_format("qwen3")


@pytest.fixture(scope="module")
def scripted():
    return scripted_tasks(FMT)


@pytest.mark.parametrize("stream", [False, True])
def test_what_the_server_reveals_is_what_we_would_have_rendered_and_what_we_read(scripted, stream):
    tasks, instrument = scripted
    with FaithfulServer(instrument, context=32768) as server:
        setup = setup_of("qwen3", tokenizer=instrument.vocabulary, tasks=tasks, server=server.url, context=32768)
        traces = asked_of(LlamaChatArm("llamacpp-chat", ChatOptions(stream=stream), setup), *tasks)
    assert [trace.halt.goal_failure for trace in traces] == [""] * 4
    for task, trace in zip(tasks, traces, strict=True):
        first = trace.steps[0]
        assert first.prompt == FMT.render(task.conversation, add_generation_prompt=True, thinking=False).text
        assert all(step.runtime_calls == step.strict_calls for step in trace.steps)
        assert all(step.raw and step.output_ids and step.prompt_source == "revealed" for step in trace.steps)
