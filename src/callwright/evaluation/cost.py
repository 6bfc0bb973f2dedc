"""How much a model will compute for a suite, measured on some of its entries before anything is asked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from callwright.conversation import Conversation, Message, ToolCall
from callwright.errors import FormatError
from callwright.evaluation.batches import batches, computed_tokens
from callwright.evaluation.own_tools import labelled_entries
from callwright.evaluation.settings import BASELINE, SuiteSettings
from callwright.evaluation.suites import SuiteEntries
from callwright.formats.base import Format
from callwright.tokens import Tokenizer, encode_segments

MEASURED = 64
"""Entries that are tokenized, at most."""
WORDS_TOKENS = 32
"""Of an answer without a call."""
BASELINE_TOKENS = 64
"""Of an answer of the base model, which seldom ends with its call, at least."""


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
    chosen = every[:: -(-len(every) // MEASURED)] if every else []
    prompts, tokens = list[Sequence[int]](), 0
    for conversation, expected in chosen:
        prompts.append(_ids(fmt, tokenizer, conversation))
        tokens += _answer_tokens(fmt, tokenizer, conversation, expected, len(prompts[-1]))
    of_batches = (
        computed_tokens([prompts[number] for number in numbers])
        for numbers in batches(prompts, rows=settings.batch_size, tokens=settings.batch_tokens)
    )
    count = max(len(chosen), 1)
    least = BASELINE_TOKENS if stage == BASELINE else 0
    return SuiteCost(len(every), sum(of_batches) / count, min(max(tokens / count, least), settings.max_new_tokens))


def _questions(asked: SuiteEntries) -> Iterator[tuple[Conversation, tuple[ToolCall, ...]]]:
    for members in asked.entries.values():
        for entry in members:
            yield entry.conversation, entry.expected
    for flow in asked.flows:
        begin = len(flow.conversation.messages)
        for turn in labelled_entries(flow.id, flow.name, flow.gold(), "all"):
            if len(turn.conversation.messages) >= begin:
                yield turn.conversation, turn.expected


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
