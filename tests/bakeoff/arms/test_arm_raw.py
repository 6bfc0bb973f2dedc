"""What we render is what is sent, and what our strict parser reads is what the conversation goes on with."""

from dataclasses import replace

import pytest
from tests.support.bakeoff import Limits, mock_arm, played, setup_of, shipped_tasks

from callwright.bakeoff.arms.base import ArmOptions
from callwright.bakeoff.arms.raw import RawArm, RawOutput
from callwright.tokens import encode_segments

TASK = shipped_tasks()[0]


class Telling(RawArm):
    """Generates these texts, one after another."""

    def __init__(self, *texts, setup=None, **fields):
        super().__init__("telling", ArmOptions(), setup or setup_of())
        self.texts, self.fields, self.prompts = list(texts), fields, []

    async def generate(self, prompt):
        self.prompts.append(prompt)
        ids = tuple(self.setup.tokenizer.encode(self.texts.pop(0), control=True))
        return RawOutput(**{"ids": ids, "stop_reason": "stop"} | self.fields)


CALL = '<tool_call>\n{"name": "web_search", "args": {"query": "x"}}\n</tool_call>'


@pytest.mark.parametrize("name", ["xml", "qwen3", "gemma4/31b", "functiongemma", "llama31", "mistral/v3"])
def test_the_mock_arm_solves_a_task_in_every_family(name):
    trace = played(mock_arm(fmt=name), TASK)
    assert trace.halt.goal_reached, trace.halt.goal_failure
    for step in trace.steps:
        assert step.prompt_source == "rendered" and step.prompt_tokens == len(step.prompt_ids)
        assert step.runtime_calls is None and step.strict_calls is not None and step.request is None


def test_a_step_has_the_bytes_and_ids_of_our_renderer_and_the_token_that_ended_the_output():
    arm = mock_arm()
    trace = played(arm, TASK)
    setup, first = arm.setup, trace.steps[0]
    rendered = setup.format.render(TASK.conversation, add_generation_prompt=True)
    assert first.prompt == rendered.text
    assert first.prompt_ids == tuple(encode_segments(setup.tokenizer, rendered.segments)[0])
    assert first.output_ids[-1] == setup.tokenizer.token_id("<end_of_turn>")
    assert first.sampling == setup.sampling(1) and first.sampling.temperature == 0
    assert "<end_of_turn>" not in first.raw and '"args"' in first.raw
    assert trace.steps[1].prompt.startswith(first.prompt + first.raw)


def test_a_malformed_call_is_no_answer_and_stays_in_the_raw_text():
    trace = played(Telling('<tool_call>\n{"name": \n</tool_call><end_of_turn>'), TASK)
    step = trace.steps[0]
    assert (trace.halt.halt_reason, step.strict_calls, step.error is None) == ("no_answer", None, False)
    assert "<tool_call>" in step.raw


def test_an_output_that_was_cut_is_truncated():
    trace = played(Telling(CALL[:30], truncated=True, stop_reason="length"), TASK)
    assert (trace.halt.halt_reason, trace.steps[0].stop_reason) == ("truncated", "length")


def test_a_prompt_beyond_the_context_is_not_sent():
    arm = Telling(setup=setup_of(context=100))
    trace = played(arm, TASK)
    assert trace.halt.halt_reason == "context_overflow" and arm.prompts == []
    assert trace.steps[0].prompt_tokens == len(trace.steps[0].prompt_ids) > 100


def test_an_answer_has_at_most_the_room_that_is_left():
    whole = len(played(mock_arm(), TASK).steps[0].prompt_ids)
    trace = played(mock_arm(context=whole + 10), TASK)
    assert (trace.halt.halt_reason, len(trace.steps[0].output_ids)) == ("truncated", 10)


def test_text_without_ids_is_parsed_with_every_marker():
    arm = Telling("ignored", ids=None, text=CALL, sent_ids=False, prompt_tokens=7, output_tokens=9)
    step = played(arm, TASK, limits=Limits(max_steps=1)).steps[0]
    assert [call.name for call in step.strict_calls] == ["web_search"]
    assert (step.prompt_ids, step.output_ids, step.prompt_tokens, step.output_tokens) == (None, None, 7, 9)


def test_a_thought_is_reasoning_and_stands_in_no_later_prompt_as_content():
    texts = ["<think>\nHm.\n</think>\n\n" + CALL.replace("args", "arguments") + "<|im_end|>", "Done.<|im_end|>"]
    arm = Telling(*texts, setup=setup_of("qwen3", thinking=True))
    trace = played(arm, TASK)
    first, second = trace.steps
    assert (first.reasoning.strip(), (first.content or "").strip()) == ("Hm.", "")
    assert second.messages[-2]["content"] is None and second.messages[-2]["reasoning_content"].strip() == "Hm."


def test_an_empty_thought_before_a_call_changes_nothing_of_the_next_prompt():
    """A harness that kept it as content would have gemma4's template end the turn behind the results."""
    call = '<|tool_call>call:web_search{query:<|"|>x<|"|>}<tool_call|>'
    prompts = []
    for thought in ("", "<|channel>thought\n<channel|>"):
        arm = Telling(thought + call + "<|tool_response>", "Done.<turn|>", setup=setup_of("gemma4/e2b"))
        trace = played(arm, TASK)
        assert trace.halt.halt_reason == "answer_returned" and trace.steps[0].strict_calls
        prompts.append(arm.prompts[1].text)
    assert prompts[0] == prompts[1] and not prompts[1].endswith("<turn|>\n")


def test_a_runtime_that_fails_is_told_with_the_prompt_that_it_was_given():
    trace = played(Telling("x", failure="sampler_error", error="NaN"), TASK)
    assert (trace.halt.halt_reason, trace.steps[0].error) == ("sampler_error", "NaN")
    assert trace.steps[0].prompt and trace.steps[0].raw is None


def test_the_mock_arm_refuses_what_is_no_task():
    other = replace(TASK.conversation, messages=TASK.conversation.messages[-1:])
    trace = played(mock_arm(), replace(TASK, flow=replace(TASK.flow, conversation=other)))
    assert trace.halt.halt_reason == "arm_error"
