"""The loop of a bake-off: the same for every arm, with limits that no runtime can forget.

A step is one answer. Its calls are executed by stubs (`Flow.result`), and the conversation goes on with what the
runtime delivered, or with what our parser read where the runtime parses nothing. Whatever an arm does, the outcome is a
trace: each step is kept as soon as it is over, and the halt says why there is no further one.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from callwright.bakeoff.arms.base import Arm, ArmAnswer, ArmError
from callwright.bakeoff.tasks import Task
from callwright.bakeoff.trace import Halt, HaltReason, Step, Trace
from callwright.conversation import Conversation, Json, Message, ToolCall
from callwright.errors import CallwrightError
from callwright.evaluation.row import recorded
from callwright.openai import write_message

Keep = Callable[[Step | Halt], None]
"""Takes a step or a halt, and returns once it is safe."""
_GRACE = 1.0
"""Seconds beyond the limit of a step: an arm that keeps the limit itself can still say what it asked."""


class TaskLimits(Protocol):
    """What the harness enforces."""

    @property
    def max_steps(self) -> int:
        """How many answers a task may take."""
        ...

    @property
    def step_seconds(self) -> float:
        """How long an answer may take."""
        ...

    @property
    def task_seconds(self) -> float:
        """How long a task may take in all."""
        ...


@dataclass(frozen=True, slots=True)
class _End:
    """Why a task ended, and what was answered in the end."""

    reason: HaltReason
    answer: str | None = None
    error: str = ""


async def run(
    task: Task, arm: Arm, limits: TaskLimits, *, seed: int, load_seconds: float = 0.0, keep: Keep = lambda record: None
) -> Trace:
    """Runs a task in an arm to its halt.

    Args:
      task: The task.
      arm: An open arm.
      limits: What is enforced.
      seed: Of sampling.
      load_seconds: What it took to open the arm, if that was for this task.
      keep: Takes each step as soon as it is over, and then the halt.
    """
    player = _Player(task, arm, limits, seed, keep)
    started = time.monotonic()
    with arm.playing():
        end = await player.play()
    halt = Halt(
        arm=arm.name,
        task=task.name,
        wording=task.wording,
        seed=seed,
        halt_reason=end.reason,
        steps_used=len(player.steps),
        tool_calls_total=len(player.made),
        wall_clock_s=time.monotonic() - started,
        load_elapsed_s=load_seconds,
        model_answer=end.answer,
        goal_reached=not (failure := player.failure(end)),
        goal_failure=failure,
        error=end.error or None,
    )
    keep(halt)
    return Trace(steps=tuple(player.steps), halt=halt)


def not_opened(task: Task, arm: Arm, error: Exception, *, seed: int, load_seconds: float, keep: Keep) -> Trace:
    """The trace of a task in an arm that could not be opened."""
    reason, words = _reason(error)
    halt = Halt(
        arm=arm.name,
        task=task.name,
        wording=task.wording,
        seed=seed,
        halt_reason=reason,
        steps_used=0,
        tool_calls_total=0,
        wall_clock_s=0.0,
        load_elapsed_s=load_seconds,
        model_answer=None,
        goal_reached=False,
        goal_failure=f"nothing was asked: {words}",
        error=words,
    )
    keep(halt)
    return Trace(steps=(), halt=halt)


@dataclass(slots=True)
class _Player:
    """One task while it is played."""

    task: Task
    arm: Arm
    limits: TaskLimits
    seed: int
    keep: Keep
    steps: list[Step] = field(default_factory=list)
    made: list[ToolCall] = field(default_factory=list)

    async def play(self) -> _End:
        """Asks until there is a reason to end."""
        conversation = self.task.conversation
        deadline = time.monotonic() + self.limits.task_seconds
        for _ in range(self.limits.max_steps):
            outcome = await self._step(conversation, deadline)
            if isinstance(outcome, _End):
                return outcome
            conversation = outcome
        return _End("step_budget", error=f"no final answer within {self.limits.max_steps} steps")

    def failure(self, end: _End) -> str:
        """What the goal lacks; a task that did not end with an answer has not reached it."""
        if end.reason != "answer_returned":
            return f"{end.reason}: {end.error}" if end.error else end.reason
        return self.task.flow.failure(self.made, end.answer or "")

    async def _step(self, conversation: Conversation, deadline: float) -> _End | Conversation:
        """Asks once: how the conversation goes on, or why it does not."""
        started = time.monotonic()
        left = min(self.limits.step_seconds + _GRACE, deadline - started)
        try:
            async with asyncio.timeout(left):
                answer = await self.arm.answer(conversation, self.seed)
        except TimeoutError:
            answer = ArmAnswer(message=None, failure="timeout", error=f"no answer within {max(left, 0):.3g} seconds")
        except Exception as error:
            reason, words = _reason(error)
            answer = ArmAnswer(message=None, failure=reason, error=words)
        seconds = time.monotonic() - started if answer.seconds is None else answer.seconds
        end = _end_of(answer)
        results, problems = ([], []) if end or answer.message is None else self._execute(answer.message.tool_calls)
        self._keep(conversation, answer, results, "; ".join(filter(None, (answer.error, *problems))), seconds)
        if end is not None or answer.message is None:
            return end or _End("no_answer")
        after = (
            Message("tool", result, name=call.name, tool_call_id=call.id)
            for call, result in zip(answer.message.tool_calls, results, strict=True)
        )
        return Conversation((*conversation.messages, answer.message, *after), conversation.tools)

    def _execute(self, calls: Sequence[ToolCall]) -> tuple[list[Json], list[str]]:
        """What the stubs give back, and what went wrong in them, which the model is told as well."""
        results, problems = list[Json](), list[str]()
        for call in calls:
            try:
                result = self.task.flow.result(call, self.made)
            except Exception as error:
                problems.append(f"the stub of {call.name} failed: {type(error).__name__}: {error}")
                result = f"error: {error}"
            results.append(result)
            self.made.append(call)
        return results, problems

    def _keep(
        self, conversation: Conversation, answer: ArmAnswer, results: Sequence[Json], error: str, seconds: float
    ) -> None:
        step = Step(
            arm=self.arm.name,
            task=self.task.name,
            wording=self.task.wording,
            seed=self.seed,
            step=len(self.steps),
            messages=tuple(map(write_message, conversation.messages)),
            request=answer.request,
            url=answer.url,
            sampling=answer.sampling,
            prompt=answer.prompt,
            prompt_ids=answer.prompt_ids,
            prompt_source=answer.prompt_source,
            output_ids=answer.output_ids,
            raw=answer.raw,
            logprobs=answer.logprobs,
            top_ids=answer.top_ids,
            content=answer.content,
            reasoning=answer.reasoning,
            runtime_calls=None if answer.runtime_calls is None else recorded(answer.runtime_calls),
            strict_calls=None if answer.strict_calls is None else recorded(answer.strict_calls),
            results=tuple(results),
            prompt_tokens=answer.prompt_tokens,
            output_tokens=answer.output_tokens,
            seconds=seconds,
            stop_reason=answer.stop_reason,
            error=error or None,
        )
        self.steps.append(step)
        self.keep(step)


def _end_of(answer: ArmAnswer) -> _End | None:
    """Why the task ends with this answer; None where it goes on with calls."""
    if answer.failure is not None:
        return _End(answer.failure, error=answer.error)
    text = answer.content or None
    if answer.strict_calls and answer.runtime_calls is not None and not answer.runtime_calls:
        names = ", ".join(call.name for call in answer.strict_calls)
        return _End("parse_lost", text, f"the text calls {names}, and no call was delivered")
    if answer.truncated:
        return _End("truncated", text, f"the answer was cut: {answer.stop_reason}")
    if answer.message is None:
        return _End("no_answer", text, answer.error or "a call was begun that cannot be read")
    if answer.message.tool_calls:
        return None
    return _End("answer_returned", text) if text and text.strip() else _End("no_answer", text)


def _reason(error: Exception) -> tuple[HaltReason, str]:
    """The reason of an exception, and what it says in one line."""
    reason: HaltReason = error.reason if isinstance(error, ArmError) else "arm_error"
    words = str(error) if isinstance(error, CallwrightError) else f"{type(error).__name__}: {error}"
    return reason, " ".join(words.split())
