"""How much a model will compute for a suite, measured on some of its entries before anything is asked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from callwright.conversation import Conversation, Message, ToolCall
from callwright.errors import FormatError
from callwright.evaluation.batches import Queue, computed_tokens
from callwright.evaluation.own_tools import labelled_entries
from callwright.evaluation.settings import BASELINE, SuiteSettings
from callwright.evaluation.suites import SuiteEntries
from callwright.formats.base import Format
from callwright.tokens import Tokenizer, encode_segments

MEASURED = 256
"""Prompts that are tokenized, about."""
WORDS_TOKENS = 32
"""Of an answer without a call."""
BASELINE_TOKENS = 64
"""Of an answer of the base model, which seldom ends with its call, at least."""

_Question = tuple[Conversation, tuple[ToolCall, ...]]
"""A conversation, and the calls that are expected after it."""


@dataclass(frozen=True, slots=True)
class SuiteCost:
    """What a suite takes after a stage.

    Attributes:
      answers: How many: one for each entry, and of a flow one for each step and one in the end.
      prompt_tokens: Tokens of a prompt that are computed for an answer; what a batch shares counts once.
      answer_tokens: Tokens of an answer.
    """

    answers: int
    prompt_tokens: float
    answer_tokens: float


def measure_suite(
    asked: SuiteEntries, settings: SuiteSettings, stage: int, fmt: Format, tokenizer: Tokenizer
) -> SuiteCost:
    """What the suite will take after a stage.

    Raises:
      FormatError: The format cannot say a prompt.
    """
    every = list(_questions(asked))
    answers = sum(map(len, every))
    chosen = every[:: -(-answers // MEASURED)] if every else []
    prompts = [[_ids(fmt, tokenizer, conversation) for conversation, _ in turns] for turns in chosen]
    tokens = sum(
        _answer_tokens(fmt, tokenizer, conversation, expected, len(ids))
        for turns, known in zip(chosen, prompts, strict=True)
        for (conversation, expected), ids in zip(turns, known, strict=True)
    )
    count = max(sum(map(len, chosen)), 1)
    least = BASELINE_TOKENS if stage == BASELINE else 0
    return SuiteCost(
        answers, _computed(prompts, settings) / count, min(max(tokens / count, least), settings.max_new_tokens)
    )


def _questions(asked: SuiteEntries) -> Iterator[list[_Question]]:
    """What each entry asks, one after another."""
    for members in asked.entries.values():
        for entry in members:
            yield [(entry.conversation, entry.expected)]
    for flow in asked.flows:
        begin = len(flow.conversation.messages)
        turns = labelled_entries(flow.id, flow.name, flow.gold(), "all")
        yield [(turn.conversation, turn.expected) for turn in turns if len(turn.conversation.messages) >= begin]


def _computed(prompts: Sequence[Sequence[Sequence[int]]], settings: SuiteSettings) -> int:
    """Tokens that are computed of the prompts, which are asked as an evaluation asks them.

    Args:
      prompts: Of each entry, one after another.
      settings: Batching.
    """
    growing = any(len(known) > 1 for known in prompts)
    first = [known[0] for known in prompts]
    queue = Queue(first, growing=growing, rows=settings.batch_size, tokens=settings.batch_tokens)
    steps, computed = [0] * len(prompts), 0
    while numbers := queue.take():
        computed += computed_tokens([prompts[number][steps[number]] for number in numbers])
        for number in numbers:
            steps[number] += 1
            if steps[number] < len(prompts[number]):
                queue.put(number, prompts[number][steps[number]])
    return computed


def _ids(fmt: Format, tokenizer: Tokenizer, conversation: Conversation) -> tuple[int, ...]:
    rendered = fmt.render(conversation, add_generation_prompt=True)
    return tuple(encode_segments(tokenizer, rendered.segments)[0])


def _answer_tokens(
    fmt: Format, tokenizer: Tokenizer, conversation: Conversation, expected: tuple[ToolCall, ...], prompt: int
) -> int:
    """Of the expected calls as the format writes them; the benchmark has calls that a format cannot say."""
    if not expected:
        return WORDS_TOKENS
    answered = Conversation((*conversation.messages, Message("assistant", tool_calls=expected)), conversation.tools)
    try:
        segments = fmt.render(answered).segments
    except FormatError:
        return BASELINE_TOKENS
    return max(1, len(encode_segments(tokenizer, segments)[0]) - prompt)
