"""The flows of the suite `tools`: each is played until the model answers without a call; then its goal holds or not.

Flows are played in groups, a step of all flows of a group at a time: what is asked together follows from the flows of
the group and from what the model answered, and the groups follow from the flows alone. A row is written when its flow
has ended. A group of which a row is missing is played again whole, as it was played before, and only what is missing is
added; so an evaluation that was stopped ends with the rows of one that was not.

Whatever the model does is a row: a call of a tool that does not exist gets a result that says so, and a call that
cannot be read, a request that fails and too many steps end a flow.
"""

import time
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from callwright.conversation import Conversation, Message, ToolCall
from callwright.data.own_tools.flows import Flow
from callwright.errors import FormatError
from callwright.evaluation.answerer import Answerer, ModelAnswer, Prompt
from callwright.evaluation.batches import batches
from callwright.evaluation.row import EvaluationRow, RowStep, read_rows, recorded
from callwright.evaluation.run import NO_ANSWER, question_text
from callwright.evaluation.settings import ToolsSuiteSettings
from callwright.scoring.expected import GOAL_NOT_MET
from callwright.scoring.verdict import VALID, Verdict, wrong
from callwright.storage import JsonLines


@dataclass(slots=True)
class _Play:
    """A flow that is being played.

    Attributes:
      flow: The flow.
      prompt: What is asked next, or was asked last.
      made: All calls so far.
      steps: Every answer so far.
      answer: The last one.
      verdict: Whether the flow is solved, once it has ended.
      seconds: Its share of the time that its batches took.
    """

    flow: Flow
    prompt: Prompt
    made: list[ToolCall] = field(default_factory=list)
    steps: list[RowStep] = field(default_factory=list)
    answer: ModelAnswer | None = None
    verdict: Verdict | None = None
    seconds: float = 0.0

    def go_on(self, answer: ModelAnswer, answerer: Answerer, max_steps: int) -> None:
        """Takes the model's answer: the calls in it get their results, and the next prompt has both."""
        results = list[Message]()
        for call in answer.calls or ():
            result = self.flow.result(call, self.made)
            results.append(Message("tool", result, name=call.name, tool_call_id=call.id))
            self.made.append(call)
        calls = None if answer.calls is None else recorded(answer.calls)
        contents = tuple(message.content for message in results)
        self.steps.append(RowStep(raw=answer.text, calls=calls, results=contents))
        self.answer = answer
        self.verdict = self._verdict(answer, max_steps)
        if self.verdict is None:
            before = self.prompt.conversation
            message = answer.message or Message("assistant", tool_calls=answer.calls or ())
            try:
                self.prompt = answerer.prepare(Conversation((*before.messages, message, *results), before.tools))
            except FormatError as error:
                self.verdict = wrong(GOAL_NOT_MET, f"the format cannot write this answer: {error.got}")

    def _verdict(self, answer: ModelAnswer, max_steps: int) -> Verdict | None:
        """Whether the flow is solved; None where it goes on."""
        if answer.failure:
            return wrong(NO_ANSWER, answer.failure)
        if answer.calls is None:
            return wrong(GOAL_NOT_MET, "a call was begun that cannot be read")
        if answer.calls:
            cut = len(self.steps) == max_steps
            return wrong(GOAL_NOT_MET, f"no final answer within {max_steps} steps") if cut else None
        content = answer.message.content if answer.message else answer.text
        failure = self.flow.failure(self.made, str(content or ""))
        return wrong(GOAL_NOT_MET, failure) if failure else VALID

    def row(self, category: str) -> EvaluationRow:
        """The row of a flow that has ended."""
        assert self.answer is not None  # noqa: S101  (it has been asked)
        assert self.verdict is not None  # noqa: S101  (it has ended)
        return EvaluationRow(
            id=self.flow.id,
            category=category,
            question=question_text(self.flow.conversation),
            expected=recorded(self.flow.calls),
            prompt=self.prompt.text,
            prompt_ids=self.prompt.ids,
            token_ids=self.answer.token_ids,
            raw=self.answer.text,
            finish_reason=self.answer.finish_reason,
            calls=recorded(self.made),
            complete=self.answer.complete,
            parse_errors=self.answer.issues,
            valid=self.verdict.valid,
            error_type=self.verdict.error_type,
            error_detail=self.verdict.detail,
            seconds=round(self.seconds, 3),
            steps=tuple(self.steps),
        )


def run_flows(
    answerer: Answerer,
    flows: Sequence[Flow],
    settings: ToolsSuiteSettings,
    path: Path,
    *,
    advance: Callable[[int, float], None] = lambda count, share: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Plays and scores the flows that have no row yet.

    Args:
      answerer: An engine or a served chat.
      flows: In any order.
      settings: Batching and limits.
      path: The file to which rows are appended; its name without the ending is their category.
      advance: Told how many flows are done, and which share of all the work they are; the ones found on disk first.
      should_stop: Asked before every step of a group.

    Returns:
      Whether every flow has its row.

    Raises:
      DataError: A line on disk is not a row.
      StorageError: The rows cannot be written.
    """
    work = {flow.id: len(flow.steps) + 1 for flow in flows}
    total = sum(work.values())

    def report(ids: Set[str]) -> None:
        advance(len(ids), sum(work[name] for name in ids) / max(total, 1))

    done = {row.id for row in read_rows(path)} & work.keys()
    report(done)
    first = [(flow, answerer.prepare(flow.conversation)) for flow in sorted(flows, key=lambda flow: flow.id)]
    for numbers in _batches([prompt for _, prompt in first], settings):
        going = [_Play(*first[number]) for number in numbers]
        if done.issuperset(play.flow.id for play in going):
            continue
        while going:
            if should_stop():
                return False
            _ask(answerer, going, settings)
            ended = [play for play in going if play.verdict is not None and play.flow.id not in done]
            going = [play for play in going if play.verdict is None]
            if ended:
                with JsonLines(path) as file:
                    file.append(*(play.row(path.stem).as_json() for play in ended))
                report({play.flow.id for play in ended})
    return True


def _ask(answerer: Answerer, going: Sequence[_Play], settings: ToolsSuiteSettings) -> None:
    """Asks for the next answer of every flow, in one batch if the prompts fit into one."""
    for numbers in _batches([play.prompt for play in going], settings):
        batch = [going[number] for number in numbers]
        began = time.perf_counter()
        answers = answerer.answer([play.prompt for play in batch], max_new_tokens=settings.max_new_tokens)
        seconds = (time.perf_counter() - began) / len(batch)
        for play, answer in zip(batch, answers, strict=True):
            play.seconds += seconds
            play.go_on(answer, answerer, settings.max_steps)


def _batches(prompts: Sequence[Prompt], settings: ToolsSuiteSettings) -> list[tuple[int, ...]]:
    """The numbers of the prompts of each batch."""
    ids = [prompt.ids for prompt in prompts]
    return list(batches(ids, rows=settings.batch_size, tokens=settings.batch_tokens))
