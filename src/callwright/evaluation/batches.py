"""Which prompts are asked together: those that begin alike, and those of similar length."""

from collections.abc import Iterator, Sequence
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


def batches(prompts: Sequence[Sequence[int]], *, rows: int, tokens: int) -> Iterator[tuple[int, ...]]:
    """The numbers of the prompts of each batch. They follow from the prompts and their order alone.

    Args:
      prompts: Token ids; all of them empty where a server makes them.
      rows: Prompts in a batch, at most.
      tokens: Tokens of a batch's prompts, at most, as `_Batch.tokens` counts; a longer prompt is asked alone.
    """
    batch: _Batch | None = None
    for number in _in_order(prompts):
        longer = batch and batch.with_prompt(number, prompts[number])
        if batch and longer and (len(longer.numbers) > rows or longer.tokens() > tokens):
            yield batch.numbers
            longer = None
        batch = longer or _Batch.of(number, prompts[number])
    if batch:
        yield batch.numbers


def computed_tokens(prompts: Sequence[Sequence[int]]) -> int:
    """What an engine computes of the prompts of one batch: padding counts, and what all begin with counts once."""
    batch = _Batch.of(0, prompts[0])
    for number, prompt in enumerate(prompts[1:], 1):
        batch = batch.with_prompt(number, prompt)
    return batch.tokens()


def _in_order(prompts: Sequence[Sequence[int]]) -> list[int]:
    """The numbers of the prompts: the longest first, so that what will not fit into memory fails at once.

    Prompts that begin alike stay together, in the place of the longest: neighbors in the order of their token ids that
    have more than half of both in common.
    """
    by_ids = sorted(range(len(prompts)), key=lambda number: (prompts[number], number))
    kin: list[list[int]] = []
    for number in by_ids:
        last = prompts[kin[-1][-1]] if kin else ()
        if 2 * common_beginning(last, prompts[number]) > max(len(last), len(prompts[number])):
            kin[-1].append(number)
        else:
            kin.append([number])
    for group in kin:
        group.sort(key=lambda number: (-len(prompts[number]), number))
    kin.sort(key=lambda group: (-len(prompts[group[0]]), group[0]))
    return [number for group in kin for number in group]
