"""BFCL against an engine: every entry is asked once, scored once, and on disk before the next batch begins.

Prompts of similar length are asked together. The batches follow from the entries alone, so an evaluation that was
stopped asks the rest in the same company as one that never stopped, and ends with the same rows. A batch that was cut
while its rows were written is asked again, and only its missing rows are added.
"""

import reprlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field

from callwright.conversation import Conversation
from callwright.engines.base import Engine, Generation, Sampling
from callwright.errors import DataError
from callwright.evaluation.bfcl import load_category, sample
from callwright.formats.base import Format
from callwright.scoring.checker import score_calls
from callwright.scoring.entry import BfclEntry, expected_calls, to_tools
from callwright.settings import Settings
from callwright.storage import JsonLines, numbered_jsonl
from callwright.tokens import Segment, Tokenizer, decode_segments, encode_segments

CATEGORIES = ("simple_python", "multiple", "parallel", "parallel_multiple", "irrelevance")
SCHEMA_VERSION = 1
ASK_AGAIN = "take the line out and give the run's command again, which asks that entry again"
"""What to do about a damaged row."""
_KINDS: dict[str, tuple[type, ...]] = {
    "id": (str,),
    "valid": (bool,),
    "calls": (list, type(None)),
    "prompt_ids": (list,),
    "token_ids": (list,),
    "seconds": (int, float),
}
"""What is counted in a row, and its types."""


class EvaluationSettings(Settings):
    """Which entries are asked, and how."""

    sample: int | dict[str, int] | None = None
    """Entries in all, stratified over the categories; or entries of each category; or, if null, all of them."""
    categories: tuple[str, ...] = CATEGORIES
    """Categories that `sample` is drawn from when it is a number or null."""
    seed: int = 0
    """Of the sample; a larger sample with the same seed contains the smaller one."""
    batch_size: int = Field(16, gt=0)
    """Prompts in a batch, at most."""
    batch_tokens: int = Field(8192, gt=0)
    """Prompt tokens in a batch, padding included, at most: long prompts go in small batches."""
    max_new_tokens: int = Field(160, gt=0)
    """Answers are cut there; a cut call is no call."""

    def entries(self) -> dict[str, list[BfclEntry]]:
        """The sampled entries by category, downloaded on first use."""
        if isinstance(self.sample, dict):
            return {name: sample({name: load_category(name)}, n, self.seed) for name, n in self.sample.items() if n}
        every = {name: load_category(name) for name in self.categories}
        size = sum(map(len, every.values())) if self.sample is None else self.sample
        chosen = sample(every, size, self.seed)
        return {name: [entry for entry in chosen if entry.category == name] for name in every}


@dataclass(frozen=True, slots=True)
class _Asked:
    """An entry as the model sees it."""

    entry: BfclEntry
    conversation: Conversation
    segments: list[Segment]
    ids: list[int]


def evaluate(
    engine: Engine,
    entries: Mapping[str, Sequence[BfclEntry]],
    form: Format,
    tokenizer: Tokenizer,
    settings: EvaluationSettings,
    directory: Path,
    *,
    advance: Callable[[int, float], None] = lambda count, share: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Asks and scores the entries that have no row yet in `directory`/CATEGORY.jsonl.

    Args:
      engine: Who answers; greedily.
      entries: By category.
      form: The format of prompts and answers.
      tokenizer: Its tokenizer.
      settings: Batching and limits.
      directory: Where the rows are appended.
      advance: Told how many entries are done, and which share of all the work they are; the ones found on disk first.
      should_stop: Asked before every batch.

    Returns:
      Whether every entry has its row.
    """
    done = {row["id"] for name in entries for _, row in read_rows(directory / f"{name}.jsonl")}
    asked = [_ask(entry, form, tokenizer) for members in entries.values() for entry in members]
    # An entry is as much work as the tokens that it may have, and the longest are asked first.
    work = {one.entry.id: len(one.ids) + settings.max_new_tokens for one in asked}
    total = sum(work.values())

    def report(ids: Set[str]) -> None:
        advance(len(ids), sum(work[name] for name in ids & work.keys()) / max(total, 1))

    report(done)
    for batch in _batches(asked, settings):
        missing = [one for one in batch if one.entry.id not in done]
        if not missing:
            continue
        if should_stop():
            return False
        began = time.perf_counter()
        said = engine.generate([one.ids for one in batch], max_new_tokens=settings.max_new_tokens, sampling=Sampling())
        seconds = (time.perf_counter() - began) / len(batch)
        rows: dict[str, list[dict[str, Any]]] = {}
        for one, generation in zip(batch, said, strict=True):
            if one in missing:
                rows.setdefault(one.entry.category, []).append(_row(one, generation, form, tokenizer, seconds))
        for name, new in rows.items():
            with JsonLines(directory / f"{name}.jsonl") as file:
                file.append(*new)
        report({one.entry.id for one in missing})
    return True


def _ask(entry: BfclEntry, form: Format, tokenizer: Tokenizer) -> _Asked:
    conversation = Conversation(entry.question, to_tools(entry))
    segments = form.render(conversation, add_generation_prompt=True)
    return _Asked(entry, conversation, segments, encode_segments(tokenizer, segments)[0])


def _batches(asked: Sequence[_Asked], settings: EvaluationSettings) -> Iterator[list[_Asked]]:
    """Longest first, so that what will not fit into memory fails at once; neighbours have similar lengths."""
    batch: list[_Asked] = []
    for one in sorted(asked, key=lambda one: (-len(one.ids), one.entry.id)):
        longest = len(batch[0].ids) if batch else len(one.ids)
        if batch and (len(batch) == settings.batch_size or (len(batch) + 1) * longest > settings.batch_tokens):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch


def _row(one: _Asked, generation: Generation, form: Format, tokenizer: Tokenizer, seconds: float) -> dict[str, Any]:
    entry, said = one.entry, decode_segments(tokenizer, generation.token_ids)
    parsed = form.parse(said, tools=one.conversation.tools, finish_reason=generation.finish_reason)
    # Words without any call are an empty list of calls; a call that was attempted and cannot be read is no list at all.
    unreadable = not parsed.tool_calls and bool(parsed.errors)
    verdict = score_calls(entry, None if unreadable else parsed.tool_calls)
    calls = [{"name": call.name, "arguments": dict(call.arguments)} for call in parsed.tool_calls]
    return {
        "schema_version": SCHEMA_VERSION,
        "id": entry.id,
        "category": entry.category,
        "question": "\n".join(str(message.content) for message in entry.question),
        "expected": [{"name": call.name, "arguments": dict(call.arguments)} for call in expected_calls(entry)],
        "prompt": "".join(segment.text for segment in one.segments),
        "prompt_ids": one.ids,
        "token_ids": list(generation.token_ids),
        "raw": "".join(segment.text for segment in said),
        "finish_reason": generation.finish_reason,
        "calls": None if unreadable else calls,
        "complete": parsed.complete,
        "parse_errors": [{"message": issue.message, "position": issue.position} for issue in parsed.errors],
        "valid": verdict.valid,
        "error_type": verdict.error_type,
        "error_detail": verdict.detail,
        "seconds": round(seconds, 3),
    }


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of one category that are on disk, each with its line number; an entry's second row is left out.

    Raises:
      DataError: A line is no row.
    """
    seen = set[str]()
    for number, row in numbered_jsonl(path):
        if wrong := _wrong_field(row):
            raise DataError(
                f"a scored entry in line {number} of {path}",
                f"{wrong} {reprlib.repr(row[wrong])}" if wrong in row else f"one without {wrong}",
                ASK_AGAIN,
            )
        if row["id"] not in seen:
            seen.add(row["id"])
            yield number, row


def _wrong_field(row: Mapping[str, Any]) -> str | None:
    """The first field that is missing, or not what it adds up from."""
    for name, kind in _KINDS.items():
        if name not in row or type(row[name]) not in kind:
            return name
    if not row["valid"] and type(row.get("error_type")) is not str:
        return "error_type"
    return None if 0 <= row["seconds"] < 1e9 else "seconds"


@dataclass(slots=True)
class Tally:
    """What the rows of one category add up to.

    Attributes:
      verdicts: Whether each entry was solved, by id.
      called: Entries with at least one well-formed call.
      errors: Error types of the rest, and how often.
      tokens: Prompt and answer tokens.
      seconds: Time spent.
    """

    verdicts: dict[str, bool] = field(default_factory=dict)
    called: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    tokens: int = 0
    seconds: float = 0.0


def tally(directory: Path, category: str) -> Tally:
    """Adds up the rows of a category that are on disk.

    Raises:
      DataError: A line is no row.
    """
    result = Tally()
    for _, row in read_rows(directory / f"{category}.jsonl"):
        result.verdicts[row["id"]] = row["valid"]
        result.called += bool(row["calls"])
        if not row["valid"]:
            result.errors[row["error_type"]] += 1
        result.tokens += len(row["prompt_ids"]) + len(row["token_ids"])
        result.seconds += row["seconds"]
    return result
