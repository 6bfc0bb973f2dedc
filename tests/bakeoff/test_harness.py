"""The loop ends every task with a trace that says why, whatever an arm does."""

from dataclasses import replace

import pytest
from tests.support.bakeoff import Limits, ToldArm, calling, mock_arm, played, search, shipped_tasks, words

from callwright.bakeoff.arms.base import ArmAnswer, ArmError
from callwright.bakeoff.harness import not_opened
from callwright.bakeoff.trace import Halt, Step
from callwright.conversation import Message
from callwright.errors import DataError

TASK = shipped_tasks()[0]


def halted(*answers, limits=None):
    return played(ToldArm(*answers), TASK, limits=limits)


@pytest.mark.parametrize("task", shipped_tasks(), ids=lambda task: task.name)
def test_the_mock_arm_plays_every_task_to_its_goal(task):
    trace = played(mock_arm(), task)
    assert (trace.halt.halt_reason, trace.halt.goal_reached, trace.halt.goal_failure) == ("answer_returned", True, "")
    assert trace.halt.model_answer == task.flow.answer
    assert trace.halt.steps_used == len(trace.steps) == len(task.flow.steps) + 1
    assert trace.halt.tool_calls_total == len(task.flow.steps)
    assert [step.results for step in trace.steps] == [(step.result,) for step in task.flow.steps] + [()]


def test_each_step_is_kept_before_the_next_is_asked():
    kept, seen = [], []

    class Watching(ToldArm):
        async def answer(self, conversation, seed):
            seen.append(len(kept))
            return await super().answer(conversation, seed)

    trace = played(Watching(calling(search()), calling(search()), words("done")), TASK, kept=kept)
    assert seen == [0, 1, 2]
    assert kept == [*trace.steps, trace.halt] and isinstance(kept[-1], Halt) and isinstance(kept[0], Step)


def test_the_conversation_goes_on_with_what_was_delivered_and_what_the_stubs_gave_back():
    arm = ToldArm(calling(search("a"), search("b"), content="I look."), words("done"))
    trace = played(arm, TASK)
    before, after = arm.asked
    assert after.messages[: len(before.messages)] == before.messages
    answer, *results = after.messages[len(before.messages) :]
    assert (answer.content, [call.arguments["query"] for call in answer.tool_calls]) == ("I look.", ["a", "b"])
    assert [(message.role, message.tool_call_id) for message in results] == [("tool", "c1")] * 2
    assert trace.steps[1].messages[-1]["content"] == trace.steps[0].results[1]


def test_an_answer_without_the_goal_is_an_answer_that_did_not_reach_it():
    halt = halted(words("No idea.")).halt
    assert (halt.halt_reason, halt.model_answer, halt.goal_reached) == ("answer_returned", "No idea.", False)
    assert "no call of sethsearch" in halt.goal_failure


@pytest.mark.parametrize(
    ("answer", "reason", "said"),
    [
        (words(""), "no_answer", ""),
        (words("  \n"), "no_answer", ""),
        (ArmAnswer(message=None, raw="<tool_call>{", error="not JSON"), "no_answer", "not JSON"),
        (ArmAnswer(message=None), "no_answer", "cannot be read"),
        (words("It is", truncated=True, stop_reason="length"), "truncated", "length"),
        (calling(search(), truncated=True, stop_reason="loop"), "truncated", "loop"),
        (words("text", strict_calls=(search(),)), "parse_lost", "web_search"),
        (ArmAnswer(message=None, failure="context_overflow", error="too long"), "context_overflow", "too long"),
        (ArmAnswer(message=None, failure="http_error", error="HTTP 500"), "http_error", "HTTP 500"),
        (ArmAnswer(message=None, failure="sampler_error", error="NaN"), "sampler_error", "NaN"),
        (ArmError("env_missing", "an environment", "none", "build it"), "env_missing", "expected an environment"),
        (ArmError("http_error", "a server", "none", "start it"), "http_error", "a server"),
        (DataError("a", "b", "c"), "arm_error", "expected a; got b; c"),
        (ZeroDivisionError("by\nzero"), "arm_error", "ZeroDivisionError: by zero"),
        (0.3, "timeout", "no answer within"),
    ],
)
def test_every_end_has_its_reason_and_a_step_that_shows_it(answer, reason, said, monkeypatch):
    monkeypatch.setattr("callwright.bakeoff.harness._GRACE", 0.0)
    trace = halted(answer, limits=Limits(step_seconds=0.05))
    assert trace.halt.halt_reason == reason and not trace.halt.goal_reached
    assert said in (trace.halt.error or "") and "\n" not in (trace.halt.error or "")
    assert len(trace.steps) == 1 and trace.halt.goal_failure.startswith(reason)


def test_calls_without_end_stop_at_the_budget_of_steps():
    trace = halted(*[calling(search())] * 5, limits=Limits(max_steps=3))
    assert (trace.halt.halt_reason, trace.halt.steps_used, trace.halt.tool_calls_total) == ("step_budget", 3, 3)


def test_a_task_as_a_whole_has_its_time():
    trace = halted(calling(search()), 0.3, words("late"), limits=Limits(task_seconds=0.05))
    assert trace.halt.halt_reason == "timeout" and len(trace.steps) == 2


def test_calls_that_the_runtime_delivered_are_not_lost_whatever_our_parser_reads():
    trace = halted(calling(search("a"), strict_calls=(search("a"), search("b"))), words("done"))
    assert trace.halt.halt_reason == "answer_returned"
    assert (len(trace.steps[0].runtime_calls), len(trace.steps[0].strict_calls)) == (1, 2)


def test_a_stub_that_raises_is_told_to_the_model_and_kept():
    class Broken(type(TASK.flow)):
        def result(self, call, made):
            raise OSError("no disk")

    fields = {name: getattr(TASK.flow, name) for name in TASK.flow.__dataclass_fields__}
    trace = played(ToldArm(calling(search()), words("done")), replace(TASK, flow=Broken(**fields)))
    assert trace.steps[0].results == ("error: no disk",)
    assert "the stub of web_search failed: OSError: no disk" in trace.steps[0].error
    assert trace.halt.halt_reason == "answer_returned"


def test_an_arm_that_cannot_be_opened_ends_its_tasks_without_a_step():
    error = ArmError("env_missing", "an environment", "none", "build it")
    kept = []
    trace = not_opened(TASK, ToldArm(), error, seed=1, load_seconds=2.0, keep=kept.append)
    assert kept == [trace.halt] and trace.steps == ()
    assert (trace.halt.halt_reason, trace.halt.steps_used, trace.halt.load_elapsed_s) == ("env_missing", 0, 2.0)


def test_a_thought_stays_out_of_the_content_that_is_sent_again():
    """A thought that is kept as content puts a wrong end of turn into the next prompt of some templates."""
    thoughtful = replace(words(""), message=Message("assistant", None, "Hm.", (search(),)), runtime_calls=(search(),))
    arm = ToldArm(thoughtful, words("done"))
    trace = played(arm, TASK)
    sent = trace.steps[1].messages[-2]
    assert (sent["content"], sent["reasoning_content"]) == (None, "Hm.")
