"""What explains that another prompt reached the model than our renderer gives.

Every explanation is a hypothesis that is put to the test. A *change* does to the request what a runtime would have done
to it (drop the tools, sort the arguments); a *touch* does it to the finished prompt (take BOS away); and if the prompt
seen comes out, that is the cause. A *blur* levels what a runtime may do anywhere in a text (escape, print numbers
anew): it explains a difference that is gone once both prompts are blurred. The fewest causes win. Where none fits, even
two or three together, the difference is unexplained, and said to be.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations

from callwright.errors import CallwrightError
from callwright.probe.explain.blurs import BLURS, CONTROLS, OF_CALLS
from callwright.probe.explain.changes import CHANGES
from callwright.probe.explain.ollama_changes import CHANGES as OLLAMA_CHANGES
from callwright.probe.explain.ollama_changes import STROKES as OLLAMA_STROKES
from callwright.probe.explain.touches import TOUCHES, Asked
from callwright.probe.faults import UNEXPLAINED
from callwright.probe.prompt import Pairs, marked, text_of_pairs

DEPTH = 2
"""How many changes and touches are tried together."""
_BEAM = 6
_TAKEN = frozenset({"tools-dropped", "system-lost", "system-dropped"})
"""What leaves a hole that any text would fill: a system prompt is not looked for in it."""
_HOLE = "\ue000hole\ue000"
"""A result that has nothing in common with others."""
_SHINGLE = 6


@dataclass(frozen=True, slots=True)
class _Node:
    """A hypothesis: causes, and the prompt that they would lead to."""

    causes: tuple[str, ...]
    asked: Asked
    pairs: Pairs


def explain_prompt(asked: Asked, seen: Pairs, *, in_context: bool = False) -> tuple[str, ...]:
    """The causes, none when the prompt seen is the one expected.

    Args:
      asked: What the prompt is of.
      seen: The prompt that reached the model.
      in_context: Whether the prompt is longer than the context, so that parts of it may have been cut.
    """
    start = _Node((), asked, asked.pairs())
    if start.pairs == seen:
        return ()
    wanted = _shingles(seen)
    frontier = _unique([_as_ollama(start, seen, wanted), start])
    best: tuple[str, ...] | None = None
    for depth in range(1, DEPTH + 1):
        grown = _unique(node for parent in frontier for node in _grown(parent, seen))
        exact = min((node for node in grown if node.pairs == seen), key=lambda node: _rank(node.causes), default=None)
        best = _fewest([best, *map(partial(_leveled, seen=seen), frontier)])
        if exact is not None and (best is None or _rank(best) >= _rank(exact.causes)):
            return exact.causes
        if best is not None and len(best) <= depth:
            return best
        frontier = grown if len(grown) < _BEAM else _closest(grown, wanted, _BEAM)
    best = _fewest([best, *map(partial(_leveled, seen=seen), frontier)])
    if best is None and in_context and _is_cut(start.pairs, seen):
        return ("prompt-cut",)
    return best or (UNEXPLAINED,)


def _fewest(found: Iterable[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    return min((causes for causes in found if causes is not None), key=_rank, default=None)


def _rank(causes: tuple[str, ...]) -> tuple[int, bool]:
    """The fewest causes come first; of as many, those without an added text, which could be any."""
    return len(causes), "system-injected" in causes


def _unique(nodes: Iterable[_Node]) -> list[_Node]:
    """One node a prompt: that whose causes rank first, the first of several."""
    kept: dict[Pairs, _Node] = {}
    for node in nodes:
        if node.pairs not in kept or _rank(node.causes) < _rank(kept[node.pairs].causes):
            kept[node.pairs] = node
    return list(kept.values())


def _as_ollama(node: _Node, seen: Pairs, wanted: Counter[str]) -> _Node:
    """The node with whatever Ollama does to requests and prompts, each as far as it leads nearer to the prompt seen."""
    for cause, change in OLLAMA_CHANGES:
        for conversation, thinking in change(node.asked.conversation, node.asked.thinking, text_of_pairs(seen)):
            asked = replace(node.asked, conversation=conversation, thinking=thinking)
            try:
                node = _nearer(node, _Node((*node.causes, cause), asked, asked.pairs()), wanted)
            except CallwrightError:  # a format that cannot say it
                continue
    for cause, stroke in OLLAMA_STROKES:
        pairs = stroke(node.asked.form, node.pairs, seen)
        node = _nearer(node, _Node((*node.causes, cause), node.asked, pairs), wanted)
    return replace(node, causes=tuple(dict.fromkeys(node.causes)))


def _nearer(one: _Node, other: _Node, wanted: Counter[str]) -> _Node:
    """The other where it is nearer to what is wanted."""
    return other if other.pairs != one.pairs and _distance(other, wanted) < _distance(one, wanted) else one


def _grown(node: _Node, seen: Pairs) -> Iterator[_Node]:
    """The node with one more cause."""
    for cause, touch in TOUCHES:
        touched = touch(node.asked, node.pairs, seen)
        if (
            touched is not None
            and touched != node.pairs
            and not (cause == "system-injected" and _TAKEN & {*node.causes})
        ):
            yield _Node((*node.causes, cause), node.asked, touched)
    text = text_of_pairs(seen)
    for cause, change in CHANGES.items():
        for conversation, thinking in change(node.asked.conversation, node.asked.thinking, text):
            asked = replace(node.asked, conversation=conversation, thinking=thinking)
            try:
                pairs = asked.pairs()
            except CallwrightError:  # a format that cannot say it: no runtime has rendered that either
                continue
            if pairs != node.pairs:
                yield _Node(tuple(dict.fromkeys((*node.causes, cause))), asked, pairs)


def _leveled(node: _Node, seen: Pairs) -> tuple[str, ...] | None:
    """The node's causes and the fewest blurs after which both prompts are the same; None when there are none."""
    counts = range(len(BLURS) + 1) if _blurred(node.pairs, BLURS) == _blurred(seen, BLURS) else (1,)
    for count in counts:  # one alone is tried in any case: after another it may find nothing to level
        for chosen in combinations(BLURS, count):
            if _blurred(node.pairs, chosen) == _blurred(seen, chosen):
                return tuple(dict.fromkeys((*node.causes, *(_blur_cause(name, node, seen) for name in chosen))))
    return None


def _blurred(pairs: Pairs, names: Iterable[str]) -> Pairs:
    for name in names:
        pairs = BLURS[name](pairs)
    return pairs


def _blur_cause(name: str, node: _Node, seen: Pairs) -> str:
    if name == CONTROLS:
        return _control_cause(node.pairs, seen)
    untouched = name in OF_CALLS and node.pairs == node.asked.pairs()
    return "result-rewritten" if untouched and only_results_differ(node.asked, node.pairs, seen) else name


def _control_cause(pairs: Pairs, seen: Pairs) -> str:
    """Whether there are more control tokens than there should be, or fewer."""
    ours, theirs = (sum(control for _, control in one) for one in (pairs, seen))
    return "control-token-injection" if theirs > ours else "control-token-as-text"


def _closest(nodes: Iterable[_Node], wanted: Counter[str], count: int) -> list[_Node]:
    return sorted(nodes, key=lambda node: _distance(node, wanted))[:count]


def _distance(node: _Node, wanted: Counter[str]) -> int:
    """What the node has that is not wanted, less what is wanted of it."""
    had = _shingles(node.pairs)
    return (had - wanted).total() - (had & wanted).total()


def _shingles(pairs: Pairs) -> Counter[str]:
    text = text_of_pairs(pairs)
    return Counter(text[place : place + _SHINGLE] for place in range(max(1, len(text) - _SHINGLE + 1)))


def only_results_differ(asked: Asked, pairs: Pairs, seen: Pairs) -> bool:
    """Whether all of a prompt but its results stands in the other one, in the same order."""
    whole, rest = marked(pairs), marked(seen)
    done, literals = 0, []
    for number, message in enumerate(asked.conversation.messages):
        if message.role != "tool":
            continue
        messages = list(asked.conversation.messages)
        messages[number] = replace(message, content=_HOLE)
        try:
            other = marked(replace(asked, conversation=replace(asked.conversation, messages=tuple(messages))).pairs())
        except CallwrightError:
            return False
        start, end = shared_start(whole, other), len(whole) - shared_start(whole[::-1], other[::-1])
        literals.append(whole[done : max(start, done)])
        done = max(end, done)
    last = whole[done:]
    if not literals or not rest.startswith(literals[0]) or not rest.endswith(last):
        return False
    place = 0
    for literal in literals:
        place = rest.find(literal, place) + len(literal)
        if place < len(literal):
            return False
    return place + len(last) <= len(rest)


def shared_start(one: str, other: str) -> int:
    """How many first characters are the same."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _is_cut(pairs: Pairs, seen: Pairs) -> bool:
    """Whether the prompt seen is the one expected with one part taken out."""
    whole, came = text_of_pairs(pairs), text_of_pairs(seen)
    if len(came) >= len(whole):
        return False
    front, back = shared_start(whole, came), shared_start(whole[::-1], came[::-1])
    return front + back >= len(came)
