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

from pydantic import Field, field_validator

from callwright.conversation import Conversation, ToolCall
from callwright.errors import ConfigError
from callwright.evaluation.answerer import Answerer, ModelAnswer, Prompt
from callwright.evaluation.batches import batches
from callwright.evaluation.bfcl import load_category, sample
from callwright.evaluation.row import EvaluationRow, RowCall, read_rows
from callwright.scoring.categories import CATEGORIES, find_category
from callwright.scoring.checker import score_calls
from callwright.scoring.entry import BfclEntry, expected_calls, to_tools
from callwright.scoring.verdict import wrong
from callwright.settings import Settings, refused
from callwright.storage import JsonLines

DEFAULT_CATEGORIES = ("simple_python", "multiple", "parallel", "parallel_multiple", "irrelevance")
NO_ANSWER = "answerer:no_answer"
"""The type of error of an entry whose request failed."""


class EvaluationSettings(Settings):
    """Which entries are asked, and how."""

    sample: int | dict[str, int] | None = None
    """Entries in all, stratified over the categories; or entries of each category; or, if null, all of them."""
    categories: tuple[str, ...] = DEFAULT_CATEGORIES
    """Categories that `sample` is drawn from when it is a number or null."""
    seed: int = 0
    """Of the sample; a larger sample with the same seed contains the smaller one."""
    batch_size: int = Field(16, gt=0)
    """Prompts in a batch, at most."""
    batch_tokens: int = Field(8192, gt=0)
    """Prompt tokens in a batch, at most: padding counts, and what all its prompts begin with counts once."""
    max_new_tokens: int = Field(160, gt=0)
    """Outputs are cut there; a cut call is no call."""

    @field_validator("categories", "sample")
    @classmethod
    def _categories_exist(cls, value: Any) -> Any:
        if value == ():
            fix = f"name some of: {', '.join(CATEGORIES)}"
            raise refused(ConfigError("at least one BFCL category", "an empty list", fix))
        for name in value if isinstance(value, tuple | dict) else ():
            try:
                find_category(name)
            except ConfigError as error:
                raise refused(error) from error
        return value

    def entries(self) -> dict[str, list[BfclEntry]]:
        """The sampled entries by category, downloaded on first use."""
        if isinstance(self.sample, dict):
            return {name: sample({name: load_category(name)}, n, self.seed) for name, n in self.sample.items() if n}
        every = {name: load_category(name) for name in self.categories}
        size = sum(map(len, every.values())) if self.sample is None else self.sample
        chosen = sample(every, size, self.seed)
        return {name: [entry for entry in chosen if entry.category == name] for name in every}


@dataclass(frozen=True, slots=True)
class _Question:
    """An entry, and the prompt that asks it."""

    entry: BfclEntry
    prompt: Prompt


def evaluate(
    answerer: Answerer,
    entries: Mapping[str, Sequence[BfclEntry]],
    settings: EvaluationSettings,
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
        _Question(entry, answerer.prepare(Conversation(entry.question, to_tools(entry))))
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


def _row(question: _Question, answer: ModelAnswer, seconds: float) -> EvaluationRow:
    entry = question.entry
    verdict = wrong(NO_ANSWER, answer.failure) if answer.failure else score_calls(entry, answer.calls)
    return EvaluationRow(
        id=entry.id,
        category=entry.category,
        question="\n".join(str(message.content) for message in entry.question),
        expected=_recorded(expected_calls(entry)),
        prompt=question.prompt.text,
        prompt_ids=question.prompt.ids,
        token_ids=answer.token_ids,
        raw=answer.text,
        finish_reason=answer.finish_reason,
        calls=None if answer.calls is None else _recorded(answer.calls),
        complete=answer.complete,
        parse_errors=answer.issues,
        valid=verdict.valid,
        error_type=verdict.error_type,
        error_detail=verdict.detail,
        seconds=round(seconds, 3),
    )


def _recorded(calls: Sequence[ToolCall]) -> tuple[RowCall, ...]:
    return tuple(RowCall(name=call.name, arguments=dict(call.arguments)) for call in calls)
