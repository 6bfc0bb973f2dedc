"""Are the examples what they should be? Each is read, rendered, and what a model learns to generate is parsed again.

The round trip: every turn that is learned, parsed, must be the message that it was rendered from. All examples of a
user's file are checked, and of a source that makes its examples a sample, evenly spread. What is wrong, what is not
read and what the format's template leaves out is collected, so that one look shows all of it.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import groupby

from callwright.conversation import Message
from callwright.data.source import Example, Source
from callwright.errors import DataError
from callwright.formats.base import Format, Parsed
from callwright.formats.omissions import without_names
from callwright.notices import Notice
from callwright.tokens import Segment, last_supervised

SAMPLE = 1000
"""Examples that are checked of a source that makes its own."""
_SHOWN = 5


@dataclass(slots=True)
class SourceCheck:
    """What the check of a source found.

    Attributes:
      name: The source.
      examples: How many it has.
      checked: How many of them were checked.
      findings: In how many examples something is not read, or left out by the format's template, by what it is.
      refused: How many examples are wrong.
      errors: What is wrong with the first of them.
    """

    name: str
    examples: int
    checked: int = 0
    findings: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    errors: list[DataError] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The findings, the most frequent first."""
        return [f"{self.name}: in {count} examples {finding}" for finding, count in self.findings.most_common()]

    def refuse(self) -> None:
        """Refuses examples that are wrong.

        Raises:
          DataError: There are some; it names what is wrong with the first ones.
        """
        if not self.errors:
            return
        first, *others = self.errors
        if self.refused == 1:
            raise first
        more = "; also ".join(f"{error.expected}; got {error.got}" for error in others)
        left = self.refused - len(self.errors)
        got = f"{first.got}; also {more}" + (f"; and {left} more" if left else "")
        raise DataError(first.expected, got, first.fix)


def check_source(
    source: Source,
    fmt: Format,
    *,
    limit: int | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    advance: Callable[[], None] = lambda: None,
    visit: Callable[[Example], None] = lambda example: None,
) -> SourceCheck | None:
    """Checks examples of a source.

    Args:
      source: The source.
      fmt: The format in which they will be learned.
      limit: How many to check at most, evenly spread; all when None.
      should_stop: Asked before each example.
      advance: Called after each.
      visit: Is given each example that is right.

    Returns:
      What was found; None when it was asked to stop.
    """
    examples = len(source)
    count = examples if limit is None else min(limit, examples)
    check = SourceCheck(source.name, examples)
    for n in range(count):
        if should_stop():
            return None
        notices: list[Notice] = []
        try:
            example = source.read(n * examples // count, notices.append)
            warnings = check_round_trip(example, fmt)
        except DataError as error:
            check.refused += 1
            if len(check.errors) < _SHOWN:
                check.errors.append(error)
        else:
            if notices or warnings:
                check.findings.update({notice.kind for notice in notices} | set(map(_kind, warnings)))
            visit(example)
        check.checked += 1
        advance()
    return check


def _kind(warning: str) -> str:
    """What warnings that count as one finding have in common."""
    return re.sub(r"\[\d+\]", "[]", without_names(warning))


def check_round_trip(example: Example, fmt: Format) -> tuple[str, ...]:
    """Renders the conversation and parses what the model generates in each turn that is to be learned.

    Returns:
      What the format's template leaves out of the conversation, see `Rendered.warnings`.

    Raises:
      DataError: What is parsed is not the message, which is a mistake of the format or of the example; or the format
        cannot represent it at all.
    """
    rendered = example.render(fmt)
    messages = example.conversation.messages
    learned = [i for i, message in enumerate(messages) if message.role == "assistant" and message.supervised]
    outputs = [tuple(run) for supervised, run in groupby(rendered.segments, _is_supervised) if supervised]
    # Some templates move or drop parts of what was said before, and then only the beginning of the conversation shows
    # what the model generates in a turn.
    whole = len(outputs) == len(learned)
    for n, index in enumerate(learned):
        if whole and _equal(_parsed(outputs[n], example, index, fmt), messages[index]):
            continue
        parsed = _parsed(last_supervised(example.render(fmt, index + 1).segments), example, index, fmt)
        if not _equal(parsed, messages[index]):
            raise DataError(
                f"{example.id}, messages[{index}], to read back as it was written",
                f"content {parsed.content!r} and calls {parsed.tool_calls!r}",
                "correct the example; if it is right, the format and its parser disagree",
            )
    return rendered.warnings


def _is_supervised(segment: Segment) -> bool:
    return segment.supervised


def _parsed(output: Iterable[Segment], example: Example, index: int, fmt: Format) -> Parsed:
    opened = example.generation_prompt(fmt, index) if fmt.opens_thoughts else ""
    return fmt.parse(output, tools=example.conversation.tools, generation_prompt=opened)


def _equal(parsed: Parsed, message: Message) -> bool:
    if parsed.errors or parsed.content != (message.content or None):
        return False
    calls = [(call.name, list(call.arguments.items())) for call in parsed.tool_calls]
    return calls == [(call.name, list(call.arguments.items())) for call in message.tool_calls]
