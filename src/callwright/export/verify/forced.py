"""Outputs that models are forced along, a token at a time, and what part of a call each token belongs to.

An output comes with its prompt, both as ids, so no renderer and no tokenizer of a runtime stands between the models
that are compared. A token belongs to the part that most of its characters are in.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal, get_args

from callwright.conversation import Conversation
from callwright.evaluation.row import EvaluationRow
from callwright.formats.base import Format
from callwright.instruments.script_file import expected_output
from callwright.tokens import Tokenizer, encode_segments

CallRegion = Literal["name", "keys", "values", "end", "text"]
"""A part of an output: the names of tools, the keys of their arguments, what follows a key up to the next, what ends a
call or the turn, and all else."""
_KEY = r"(?<!\w){}(?=\W{{0,2}}[:=>])"
"""A key as formats write it: a word, and then a colon, an equals sign or the end of a tag."""
REGIONS: tuple[CallRegion, ...] = get_args(CallRegion)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForcedOutput:
    """A prompt and what is said to it.

    Attributes:
      id: What it is called in errors.
      prompt: Token ids, BOS included.
      output: Token ids, the stop token included where it is known.
      regions: Of each token of the output.
    """

    id: str
    prompt: tuple[int, ...]
    output: tuple[int, ...]
    regions: tuple[CallRegion, ...]


def forced_answer(conversation: Conversation, fmt: Format, tokenizer: Tokenizer, id: str) -> ForcedOutput:
    """The last message of a conversation, as an answer to what precedes it.

    Raises:
      FormatError: The format cannot say the conversation.
    """
    asked = Conversation(conversation.messages[:-1], conversation.tools)
    prompt, _ = encode_segments(tokenizer, fmt.render(asked, add_generation_prompt=True).segments)
    output, _ = encode_segments(tokenizer, expected_output(fmt, conversation))
    return forced_ids(prompt, output, fmt, tokenizer, id)


def forced_row(row: EvaluationRow, fmt: Format, tokenizer: Tokenizer) -> ForcedOutput | None:
    """What the run itself answered to an entry; None where it was cut, or a server kept the ids.

    A row does not say which token ended it, so the stop token is left out of a format that has several.
    """
    stops = [stop for stop in fmt.stops if stop != "<eos>"]
    output = (*row.token_ids, *map(tokenizer.token_id, stops if len(stops) == 1 else ()))
    if row.finish_reason != "stop" or not row.prompt_ids or not output:
        return None
    return forced_ids(row.prompt_ids, output, fmt, tokenizer, row.id)


def forced_ids(
    prompt: Sequence[int], output: Sequence[int], fmt: Format, tokenizer: Tokenizer, id: str
) -> ForcedOutput:
    """An output as ids, with the part of each token."""
    ends = [len(tokenizer.decode(output[: n + 1])) for n in range(len(output))]
    by_character = character_regions(tokenizer.decode(output), fmt)
    regions, start = list[CallRegion](), 0
    for end in ends:
        found = Counter(by_character[start:end])
        # A character of several tokens is whole with the last of them; the others are counted with it.
        regions.append(found.most_common(1)[0][0] if found else by_character[min(start, len(by_character) - 1)])
        start = max(start, end)
    return ForcedOutput(id=id, prompt=tuple(prompt), output=tuple(output), regions=tuple(regions))


def character_regions(text: str, fmt: Format) -> list[CallRegion]:
    """The part that each character of an output is in."""
    regions: list[CallRegion] = ["text"] * len(text)

    def put(region: CallRegion, start: int, end: int) -> None:
        regions[start:end] = [region] * (end - start)

    at, calls = 0, fmt.parse(text, finish_reason="stop").tool_calls
    for call, following in zip_longest(calls, calls[1:]):
        start = text.find(call.name, _opens(text, at, fmt))
        if start < 0:  # written with escapes
            break
        at = start + len(call.name)
        put("name", start, at)
        closed = _closes(text, at, fmt)
        for key in call.arguments:
            found = re.compile(_KEY.format(re.escape(key))).search(text, at, closed)
            if found is None:
                break
            if regions[at - 1] == "keys":
                put("values", at, found.start())
            put("keys", found.start(), found.end())
            at = found.end()
        if following is not None and _opens(text, at, fmt) == at:  # the next call stands in the same region
            begins = text.find(following.name, at)
            closed = begins if begins >= 0 else closed
        if regions[at - 1] == "keys":
            put("values", at, closed)
        at = closed
    for start, end in _ends(text, fmt):
        put("end", start, end)
    return regions


def _opens(text: str, start: int, fmt: Format) -> int:
    """Where the next call's region begins; `start` within a region of several calls."""
    places = [place for region in fmt.grammar.regions if (place := text.find(region.opener, start)) >= 0]
    return min(places, default=start)


def _closes(text: str, start: int, fmt: Format) -> int:
    """Where the region ends of the call that goes on at `start`."""
    ends = (*_closers(fmt), *fmt.stops)
    return min((place for end in ends if (place := text.find(end, start)) >= 0), default=len(text))


def _ends(text: str, fmt: Format) -> Iterator[tuple[int, int]]:
    """Where something stands that ends a call or the turn."""
    for end in (*_closers(fmt), *fmt.stops):
        at = text.find(end)
        while at >= 0:
            yield at, at + len(end)
            at = text.find(end, at + len(end))


def _closers(fmt: Format) -> tuple[str, ...]:
    """What closes a call; brackets alone, which values hold too, do not count."""
    return tuple({closer for region in fmt.grammar.regions for closer in region.closers if len(closer) > 1})
