"""Which prompts of a batch share their beginning, so that it is computed and kept once.

Prompts are laid out in groups of as many rows each. A group has a prefix, the longest common beginning of its prompts'
token ids, and each of its rows holds the rest of one prompt: at least its last token, whose output the row begins with.
Completions of a few prompts are one group for each prompt; an evaluation with the same tools throughout is one group.

The groups are found among the sorted prompts, where those with a common beginning are neighbors. What a layout costs is
estimated on the rounded sizes of its arrays, so groups of uneven sizes are cut into smaller ones or not made at all.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from callwright.engines.shapes import rounded_rows, rounded_width

_KEY = 1 / 2048
"""What attending to one more position costs, against all else that a token costs; about right for Gemma 3 270M."""
_LEAST_SAVED, _LEAST_SHARE = 256, 0.15
"""What a layout with prefixes saves at least, in tokens and of all: it is a further shape to compile."""
_PREFIX_WEIGHTS = (1, 4)
"""What a token of a prefix may count against one of a row: more where a group is cut, and each part has its prefix."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the prompts of a batch are.

    Attributes:
      groups: The numbers of each group's prompts.
      prefixes: How many tokens each group's prefix has; 0 where none is shared.
      rows: Rows of each group; some stay empty where a group has fewer prompts.
    """

    groups: tuple[tuple[int, ...], ...]
    prefixes: tuple[int, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class _Run:
    """Neighbors among the sorted prompts, and their common beginning."""

    members: tuple[int, ...]
    prefix: int

    def parts(self, rows: int) -> Iterator["_Run"]:
        """The same in runs of at most so many."""
        for start in range(0, len(self.members), rows):
            yield _Run(self.members[start : start + rows], self.prefix)


def unshared(prompts: Sequence[Sequence[int]]) -> Layout:
    """Every prompt in a row of its own, as a whole."""
    return Layout((tuple(range(len(prompts))),), (0,), rounded_rows(len(prompts)))


def arrange(prompts: Sequence[Sequence[int]], max_new_tokens: int) -> Layout:
    """The layout with the least to compute for these prompts and as many new tokens each."""
    everything = tuple(range(len(prompts)))
    candidates = []
    for runs in ([_Run(everything, _common(prompts))], *(_runs(prompts, weight) for weight in _PREFIX_WEIGHTS)):
        for rows in sorted({rounded_rows(-(-len(run.members) // parts)) for run in runs for parts in (1, 2, 3)}):
            cut = [part for run in runs for part in run.parts(rows)]
            groups, prefixes = tuple(part.members for part in cut), tuple(part.prefix for part in cut)
            candidates.append(Layout(groups, prefixes, rows))
    alone = unshared(prompts)
    whole = _cost(alone, prompts, max_new_tokens)
    cost, best = min(
        ((_cost(layout, prompts, max_new_tokens), layout) for layout in candidates), key=lambda pair: pair[0]
    )
    return best if whole - cost >= max(_LEAST_SAVED, _LEAST_SHARE * whole) else alone


def common_beginning(one: Sequence[int], other: Sequence[int]) -> int:
    """With how many equal tokens the two begin."""
    return next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _common(prompts: Sequence[Sequence[int]]) -> int:
    """How many tokens all of the prompts have in common before their last."""
    least, most = min(map(tuple, prompts)), max(map(tuple, prompts))
    return min(common_beginning(least, most), min(map(len, prompts)) - 1)


def _cost(layout: Layout, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> float:
    groups, prefix = rounded_rows(len(layout.groups)), rounded_width(max(layout.prefixes))
    width = rounded_width(
        max(
            len(prompts[member]) - length
            for group, length in zip(layout.groups, layout.prefixes, strict=True)
            for member in group
        )
    )
    of_row = (width + max_new_tokens) * (1 + _KEY * (prefix + width))
    return groups * (prefix * (1 + _KEY * prefix) + layout.rows * of_row)


def _runs(prompts: Sequence[Sequence[int]], weight: int) -> list[_Run]:
    """The sorted prompts cut into runs, with the least sum of tokens in prefixes (weighted) and in rows."""
    numbers: dict[tuple[int, ...], list[int]] = {}
    for number, prompt in enumerate(prompts):
        numbers.setdefault(tuple(prompt), []).append(number)
    distinct = sorted(numbers)
    shared = [common_beginning(*pair) for pair in itertools.pairwise(distinct)]
    # The best way to cut the first n: its tokens, where its last run begins, and that run's prefix.
    best: list[tuple[int, int, int]] = [(0, 0, 0)]
    for end in range(1, len(distinct) + 1):
        best.append(min(_last_runs(distinct, numbers, shared, weight, best, end)))
    runs = []
    end = len(distinct)
    while end:
        _, start, prefix = best[end]
        runs.append(_Run(tuple(number for prompt in distinct[start:end] for number in numbers[prompt]), prefix))
        end = start
    return runs[::-1]


def _last_runs(
    distinct: Sequence[tuple[int, ...]],
    numbers: dict[tuple[int, ...], list[int]],
    shared: Sequence[int],
    weight: int,
    best: Sequence[tuple[int, int, int]],
    end: int,
) -> Iterable[tuple[int, int, int]]:
    """Every run that ends before `end`, with the best cut of what is before it."""
    prefix, count, tokens = len(distinct[end - 1]) - 1, 0, 0
    for start in range(end - 1, -1, -1):
        prompt = distinct[start]
        prefix = min(prefix, len(prompt) - 1, shared[start] if start < end - 1 else prefix)
        count += len(numbers[prompt])
        tokens += len(numbers[prompt]) * len(prompt)
        kept = prefix if count > 1 else 0
        yield best[start][0] + tokens - (count - weight) * kept, start, kept
        if prefix <= 0:
            return
