"""Which prompts are asked together: those that begin alike, and of these the ones of similar length.

An engine computes once what all prompts of a batch begin with, and pads what is left of each to the longest rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from callwright.engines.prefixes import common_beginning
from callwright.engines.shapes import rounded_rows, rounded_width


@dataclass(frozen=True, slots=True)
class _Batch:
    """The numbers of its prompts, the longest and the shortest of their lengths, and what all of them begin with."""

    numbers: tuple[int, ...]
    longest: int
    shortest: int
    beginning: Sequence[int]

    @classmethod
    def of(cls, number: int, prompt: Sequence[int]) -> "_Batch":
        return cls((number,), len(prompt), len(prompt), prompt)

    def with_prompt(self, number: int, prompt: Sequence[int]) -> "_Batch":
        return replace(
            self,
            numbers=(*self.numbers, number),
            longest=max(self.longest, len(prompt)),
            shortest=min(self.shortest, len(prompt)),
            beginning=self.beginning[: common_beginning(self.beginning, prompt)],
        )

    def tokens(self) -> int:
        """What an engine computes of the prompts: padding counts, and what all begin with counts once."""
        rows, prefix = rounded_rows(len(self.numbers)), min(len(self.beginning), self.shortest - 1)
        shared = rounded_width(max(prefix, 0)) + rows * rounded_width(self.longest - max(prefix, 0))
        return min(shared, rows * rounded_width(self.longest))


class Queue:
    """The prompts that can be asked now, by number; batches follow from the prompts and their order alone.

    Prompts that begin alike are neighbors. Where each is asked once, the longest are first, so that what will not fit
    into memory fails at once. Where some of them grow, with every answer and what came back for it, the shortest are
    first: a prompt that has grown then finds others of its new length, and few rows are padded.

    Args:
      prompts: Token ids, of which each has its place as number; all of them empty where a server makes them.
      growing: Whether any of them may be put back.
      rows: Prompts in a batch, at most.
      tokens: Tokens of a batch's prompts, at most, as `computed_tokens` counts; a longer prompt is asked alone.
    """

    def __init__(self, prompts: Sequence[Sequence[int]], *, growing: bool, rows: int, tokens: int) -> None:
        self._waiting = dict(enumerate(prompts))
        self._growing, self._rows, self._tokens = growing, rows, tokens
        self._group = {number: group for group in _groups(prompts) for number in group}
        self._first = {number: min(map(self._place, group)) for number, group in self._group.items()}

    def take(self) -> tuple[int, ...]:
        """The numbers of the next batch, which wait no longer; none where nothing waits."""
        batch: _Batch | None = None
        for number in sorted(self._waiting, key=lambda number: (self._first[number], self._place(number))):
            prompt = self._waiting[number]
            longer = batch.with_prompt(number, prompt) if batch else _Batch.of(number, prompt)
            if batch and (len(longer.numbers) > self._rows or longer.tokens() > self._tokens):
                break
            batch = longer
        numbers = batch.numbers if batch else ()
        for number in numbers:
            del self._waiting[number]
        return numbers

    def put(self, number: int, prompt: Sequence[int]) -> None:
        """Lets one that was taken wait again, with the prompt that it has grown to."""
        self._waiting[number] = prompt
        waiting = [member for member in self._group[number] if member in self._waiting]
        self._first |= dict.fromkeys(waiting, min(map(self._place, waiting)))

    def _place(self, number: int) -> tuple[int, int]:
        """Where it stands among those that begin as it does; a group stands where the first of it does."""
        length = len(self._waiting[number])
        return (length if self._growing else -length, number)


def computed_tokens(prompts: Sequence[Sequence[int]]) -> int:
    """What an engine computes of the prompts of one batch: padding counts, and what all begin with counts once."""
    batch = _Batch.of(0, prompts[0])
    for number, prompt in enumerate(prompts[1:], 1):
        batch = batch.with_prompt(number, prompt)
    return batch.tokens()


def _groups(prompts: Sequence[Sequence[int]]) -> list[list[int]]:
    """The numbers of the prompts that begin alike: neighbors in the order of their ids that have more than half of both
    in common.
    """
    groups: list[list[int]] = []
    for number in sorted(range(len(prompts)), key=lambda number: (prompts[number], number)):
        last = prompts[groups[-1][-1]] if groups else ()
        if 2 * common_beginning(last, prompts[number]) > max(len(last), len(prompts[number])):
            groups[-1].append(number)
        else:
            groups.append([number])
    return groups
