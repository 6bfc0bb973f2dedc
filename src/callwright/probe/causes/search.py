"""The search for what explains that another prompt reached the model than our renderer gives.

Every explanation is a hypothesis that is put to the test. Changes and edits do on purpose what a runtime would have
done: if exactly the prompt seen comes out, that is the cause. A normalization explains a difference that is gone once
both prompts are normalized. The fewest causes win. Where nothing fits, even two or three together, the difference is
unexplained, and said to be.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import combinations

from callwright.errors import CallwrightError
from callwright.probe.causes.normalize import NORMALIZATIONS, Normalization
from callwright.probe.causes.prompt import EDITS, Edit
from callwright.probe.causes.prompt_tools import TOOL_EDITS
from callwright.probe.causes.registry import Cause
from callwright.probe.causes.request import CHANGES, Change
from callwright.probe.causes.request_tools import TOOL_CHANGES
from callwright.probe.prompt import PromptPieces, RenderedRequest, marked, text_of_pieces
from callwright.probe.targets import ollama_quirks

_CHANGES: Sequence[tuple[Cause, Change]] = (*TOOL_CHANGES, *CHANGES)
_EDITS: Sequence[tuple[Cause, Edit]] = (*EDITS, *TOOL_EDITS)
"""Of two that make the same prompt the first counts."""
Quirks = tuple[Iterable[tuple[Cause, Change]], Iterable[tuple[Cause, Edit]]]
QUIRKS: Mapping[str, Quirks] = {"Ollama": (ollama_quirks.CHANGES, ollama_quirks.EDITS)}
"""What only one runtime does, by `Target.name`: tried for it alone, in this order."""

DEPTH = 2
"""How many changes and edits are tried together."""
_BEAM = 6
"""How many of the prompts that one change or edit leads to are tried with a second."""
_LEAVE_A_HOLE = frozenset({Cause.TOOLS_DROPPED, Cause.SYSTEM_LOST, Cause.SYSTEM_DROPPED})
"""What leaves a hole that any text would fill: an added system prompt is not looked for in it."""
_OF_CALLS = frozenset(
    {Cause.ARGUMENTS_DOUBLE_ENCODED, Cause.ARGUMENTS_RESORTED, Cause.NUMBER_REWRITTEN, Cause.NULL_AS_TEXT}
)
"""Normalizations whose cause is another one where only results differ."""
_HOLE = "\ue000hole\ue000"
"""A result that has nothing in common with others."""
_SHINGLE = 6


@dataclass(frozen=True, slots=True)
class _Hypothesis:
    """Causes, the request that they make of the original one, and the prompt that they and the edits lead to."""

    causes: tuple[Cause, ...]
    request: RenderedRequest
    pieces: PromptPieces
    edits: tuple[Edit, ...] = ()

    def edited(self, cause: Cause, edit: Edit, seen: PromptPieces) -> "_Hypothesis | None":
        """The hypothesis with an edit of its prompt; None where that changes nothing."""
        pieces = edit(self.request, self.pieces, seen)
        if pieces is None or pieces == self.pieces:
            return None
        return _Hypothesis(_with(self.causes, cause), self.request, pieces, (*self.edits, edit))

    def changed(self, cause: Cause, change: Change, seen: PromptPieces) -> "Iterator[_Hypothesis]":
        """The hypothesis with a change of its request; edits that were made before are made again."""
        for request in change(self.request, text_of_pieces(seen)):
            try:
                pieces = request.pieces()
            except CallwrightError:  # the format cannot say it: no runtime has rendered that either
                continue
            for edit in self.edits:
                pieces = edit(request, pieces, seen) or pieces
            yield _Hypothesis(_with(self.causes, cause), request, pieces, self.edits)


def explain_prompt(
    request: RenderedRequest, seen: PromptPieces, *, target: str = "", in_context: bool = False
) -> tuple[Cause, ...]:
    """The causes, none when the prompt seen is the one expected.

    Args:
      request: What the prompt is of.
      seen: The prompt that reached the model.
      target: The name of the runtime, whose quirks are tried.
      in_context: Whether the prompt is longer than the context, so that parts of it may have been cut.
    """
    start = _Hypothesis((), request, request.pieces())
    if start.pieces == seen:
        return ()
    wanted = _shingles(seen)
    frontier = tried = [start]
    if target in QUIRKS:
        frontier = _unique([_with_quirks(start, seen, wanted, QUIRKS[target]), start])
    best: tuple[Cause, ...] | None = None
    for depth in range(1, DEPTH + 1):
        grown = _unique(more for hypothesis in frontier for more in _grown(hypothesis, seen))
        tried = tried if depth > 1 else [*frontier, *grown]
        exact = [one.causes for one in grown if one.pieces == seen]
        best = _first([*exact, best, *(_normalized(hypothesis, seen) for hypothesis in frontier)])
        if best is not None and len(best) <= depth:
            return best
        frontier = grown if len(grown) < _BEAM else sorted(grown, key=lambda one: _distance(one, wanted))[:_BEAM]
    best = _first([best, *(_normalized(hypothesis, seen) for hypothesis in frontier)])
    if best is None and in_context:
        best = _first(_cut(hypothesis, seen) for hypothesis in tried)
    return best or (Cause.UNEXPLAINED,)


def _with(causes: tuple[Cause, ...], cause: Cause) -> tuple[Cause, ...]:
    return tuple(dict.fromkeys((*causes, cause)))


def _first(found: Iterable[tuple[Cause, ...] | None]) -> tuple[Cause, ...] | None:
    return min((causes for causes in found if causes is not None), key=_rank, default=None)


def _rank(causes: tuple[Cause, ...]) -> tuple[int, bool]:
    """The fewest causes come first; of as many, those without an added text, which could be any."""
    return len(causes), Cause.SYSTEM_INJECTED in causes


def _unique(hypotheses: Iterable[_Hypothesis]) -> list[_Hypothesis]:
    """One for each prompt: that whose causes rank first, the first of several."""
    kept: dict[PromptPieces, _Hypothesis] = {}
    for one in hypotheses:
        if one.pieces not in kept or _rank(one.causes) < _rank(kept[one.pieces].causes):
            kept[one.pieces] = one
    return list(kept.values())


def _with_quirks(hypothesis: _Hypothesis, seen: PromptPieces, wanted: Counter[str], quirks: Quirks) -> _Hypothesis:
    """The hypothesis with every quirk of a runtime that leads nearer to the prompt seen."""

    def nearer(one: _Hypothesis, other: _Hypothesis) -> _Hypothesis:
        return other if other.pieces != one.pieces and _distance(other, wanted) < _distance(one, wanted) else one

    changes, edits = quirks
    for cause, change in changes:
        for changed in hypothesis.changed(cause, change, seen):
            hypothesis = nearer(hypothesis, changed)
    for cause, edit in edits:
        hypothesis = nearer(hypothesis, hypothesis.edited(cause, edit, seen) or hypothesis)
    return hypothesis


def _grown(hypothesis: _Hypothesis, seen: PromptPieces) -> Iterator[_Hypothesis]:
    """The hypothesis with one more cause."""
    has_hole = not _LEAVE_A_HOLE.isdisjoint(hypothesis.causes)
    for cause, edit in _EDITS:
        edited = hypothesis.edited(cause, edit, seen)
        if edited is not None and not (has_hole and cause == Cause.SYSTEM_INJECTED):
            yield edited
    for cause, change in _CHANGES:
        for changed in hypothesis.changed(cause, change, seen):
            if changed.pieces != hypothesis.pieces:
                yield changed


def _normalized(hypothesis: _Hypothesis, seen: PromptPieces) -> tuple[Cause, ...] | None:
    """The causes, and those of the fewest normalizations after which both prompts are the same; None without any."""
    every = tuple(NORMALIZATIONS)
    same = _normalize(hypothesis.pieces, every) == _normalize(seen, every)
    for count in range(len(every) + 1) if same else (1,):  # one may do where, after others, it finds nothing to change
        for chosen in combinations(every, count):
            if _normalize(hypothesis.pieces, chosen) == _normalize(seen, chosen):
                causes = (_cause_of_normalization(cause, hypothesis, seen) for cause, _ in chosen)
                return reduce(_with, causes, hypothesis.causes)
    return None


def _normalize(pieces: PromptPieces, chosen: Iterable[tuple[Cause, Normalization]]) -> PromptPieces:
    for _, normalization in chosen:
        pieces = normalization(pieces)
    return pieces


def _cause_of_normalization(cause: Cause, hypothesis: _Hypothesis, seen: PromptPieces) -> Cause:
    """The cause, or the one that it is where only results differ, or where special tokens are fewer, not more."""
    request, pieces = hypothesis.request, hypothesis.pieces
    if cause == Cause.CONTROL_TOKEN_INJECTION:
        ours, theirs = (sum(special for _, special in one) for one in (pieces, seen))
        return cause if theirs > ours else Cause.CONTROL_TOKEN_AS_TEXT
    if cause in _OF_CALLS and pieces == request.pieces() and _only_results_differ(request, pieces, seen):
        return Cause.RESULT_REWRITTEN
    return cause


def _distance(hypothesis: _Hypothesis, wanted: Counter[str]) -> int:
    """What its prompt has that is not wanted, less what is wanted of it."""
    had = _shingles(hypothesis.pieces)
    return (had - wanted).total() - (had & wanted).total()


def _shingles(pieces: PromptPieces) -> Counter[str]:
    text = text_of_pieces(pieces)
    return Counter(text[place : place + _SHINGLE] for place in range(max(1, len(text) - _SHINGLE + 1)))


def _only_results_differ(request: RenderedRequest, pieces: PromptPieces, seen: PromptPieces) -> bool:
    """Whether all of a prompt but its results stands in the prompt seen, in the same order."""
    whole, messages = marked(pieces), request.conversation.messages
    done, kept = 0, []
    for number, message in enumerate(messages):
        if message.role == "tool":
            hollow = replace(message, content=_HOLE)
            try:
                other = marked(request.with_messages((*messages[:number], hollow, *messages[number + 1 :])).pieces())
            except CallwrightError:
                return False
            kept.append(whole[done : max(_shared_start(whole, other), done)])
            done = max(len(whole) - _shared_start(whole[::-1], other[::-1]), done)
    pattern = ".*".join(map(re.escape, [*kept, whole[done:]]))
    return bool(kept) and re.fullmatch(pattern, marked(seen), re.DOTALL) is not None


def _cut(hypothesis: _Hypothesis, seen: PromptPieces) -> tuple[Cause, ...] | None:
    """The causes with that of a prompt cut; None where it is not the hypothesis's prompt that was cut."""
    if Cause.SYSTEM_INJECTED in hypothesis.causes or not _is_cut(hypothesis.pieces, seen):
        return None
    return _with(hypothesis.causes, Cause.PROMPT_CUT)


def _is_cut(pieces: PromptPieces, seen: PromptPieces) -> bool:
    """Whether the prompt seen is the one expected with one part taken out."""
    whole, got = text_of_pieces(pieces), text_of_pieces(seen)
    return len(got) < len(whole) and _shared_start(whole, got) + _shared_start(whole[::-1], got[::-1]) >= len(got)


def _shared_start(one: str, other: str) -> int:
    """How many first characters are the same."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
