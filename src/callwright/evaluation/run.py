"""An evaluation: every entry is asked once and scored once, and its row is on disk before the next batch begins.

Prompts that begin alike or are of similar length are asked together (`batches`). The batches follow from the entries
alone, so an evaluation that was stopped asks the rest in the same batches as one that never stopped, and ends with the
same rows. A batch that was cut while its rows were written is asked again, and only its missing rows are added.
"""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callwright.conversation import Conversation
from callwright.evaluation.answerer import Answerer, ModelAnswer, Prompt
from callwright.evaluation.batches import batches
from callwright.evaluation.entries import Entry
from callwright.evaluation.row import EvaluationRow, read_rows, recorded
from callwright.evaluation.settings import SuiteSettings
from callwright.scoring.verdict import wrong
from callwright.storage import JsonLines

NO_ANSWER = "answerer:no_answer"
"""The type of error of an entry whose request failed."""


@dataclass(frozen=True, slots=True)
class _Question:
    """An entry, and the prompt that asks it."""

    entry: Entry
    prompt: Prompt


def evaluate(
    answerer: Answerer,
    entries: Mapping[str, Sequence[Entry]],
    settings: SuiteSettings,
    directory: Path,
    *,
    advance: Callable[[int, float], None] = lambda count, share: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Asks and scores the entries that have no row yet in `directory`/CATEGORY.jsonl.

    Args:
      answerer: An engine or a served chat.
      entries: By category.
      settings: Batching and limits.
      directory: Where the rows are appended.
      advance: Told how many entries are done, and which share of all the work they are; the ones found on disk first.
      should_stop: Asked before every batch.

    Returns:
      Whether every entry has its row.

    Raises:
      DataError: A line on disk is not a row.
      StorageError: The rows cannot be written.
    """
    done = {row.id for name in entries for row in read_rows(directory / f"{name}.jsonl")}
    questions = [
        _Question(entry, answerer.prepare(entry.conversation))
        for entry in sorted(itertools.chain(*entries.values()), key=lambda entry: entry.id)
    ]
    # An entry is as much work as the tokens that it may have, and the longest are asked first.
    work = {question.entry.id: len(question.prompt.ids) + settings.max_new_tokens for question in questions}
    total = sum(work.values())

    def report(ids: Set[str]) -> None:
        advance(len(ids), sum(work[name] for name in ids & work.keys()) / max(total, 1))

    report(done)
    prompts = [question.prompt.ids for question in questions]
    for numbers in batches(prompts, rows=settings.batch_size, tokens=settings.batch_tokens):
        batch = [questions[number] for number in numbers]
        missing = {question.entry.id for question in batch} - done
        if not missing:
            continue
        if should_stop():
            return False
        began = time.perf_counter()
        answers = answerer.answer([question.prompt for question in batch], max_new_tokens=settings.max_new_tokens)
        seconds = (time.perf_counter() - began) / len(batch)
        rows: dict[str, list[dict[str, Any]]] = {}
        for question, answer in zip(batch, answers, strict=True):
            if question.entry.id in missing:
                rows.setdefault(question.entry.category, []).append(_row(question, answer, seconds).as_json())
        for name, new in rows.items():
            with JsonLines(directory / f"{name}.jsonl") as file:
                file.append(*new)
        report(missing)
    return True


def question_text(conversation: Conversation) -> str:
    """The contents of the messages, one after another; one that only calls has none."""
    return "\n".join(str(message.content) for message in conversation.messages if message.content is not None)


def _row(question: _Question, answer: ModelAnswer, seconds: float) -> EvaluationRow:
    entry = question.entry
    verdict = wrong(NO_ANSWER, answer.failure) if answer.failure else entry.score(answer.calls)
    return EvaluationRow(
        id=entry.id,
        category=entry.category,
        question=question_text(entry.conversation),
        expected=recorded(entry.expected),
        prompt=question.prompt.text,
        prompt_ids=question.prompt.ids,
        token_ids=answer.token_ids,
        raw=answer.text,
        finish_reason=answer.finish_reason,
        calls=None if answer.calls is None else recorded(answer.calls),
        complete=answer.complete,
        parse_errors=answer.issues,
        valid=verdict.valid,
        error_type=verdict.error_type,
        error_detail=verdict.detail,
        seconds=round(seconds, 3),
        tool=entry.tool,
    )
