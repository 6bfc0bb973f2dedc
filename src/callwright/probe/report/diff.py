"""The difference between what was expected and what was seen: by field, by word, inside a changed word by character.

A prompt is one field of runs of text and control tokens. An answer has a field for each of its parts and for each call.
A control token is one word and differs from the same characters as text.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby, takewhile
from typing import Any, Literal

from callwright.conversation import Json

SpanKind = Literal["same", "word", "character"]
_WORDS = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\w+|\s|[^\w\s]")
_MOST_WORDS = 3000
"""Words of each side that are compared; where there are more between the first difference and the last, all differ."""
_MOST_CHARACTERS = 200
"""Characters of a changed stretch that are compared one by one."""
_LEAST_ALIKE = 0.4
"""Below this share of common characters two stretches have nothing to do with each other."""
_MOST_FIELDS = 3
"""Fields of an answer of which excerpts are shown."""
MODEL_OUTPUT = "words"
"""What the model generated, which stands beside the answer that is expected, and beside none that was seen."""
_BESIDE = (MODEL_OUTPUT, "status")
"""What only one side has beside its answer or error."""
_PLAIN = ("prompt", "content", "value")
"""Fields that need no name where they alone differ."""
_NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text, or a control token."""

    text: str
    control: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A piece and how it compares: the `same` on both sides; a changed `word` of which this part is found on the other
    side too; a `character` that is not, or "" where the other side has more.
    """

    text: str
    control: bool
    kind: SpanKind


@dataclass(frozen=True, slots=True)
class Field:
    """One part of what was expected and of what was seen; None where a side does not have it."""

    name: str
    expected: tuple[Span, ...] | None
    seen: tuple[Span, ...] | None

    @property
    def differs(self) -> bool:
        """Whether the sides are not the same."""
        sides = (self.expected, self.seen)
        return None in sides or any(span.kind != "same" for side in sides for span in side or ())


def is_prompt(value: Json) -> bool:
    """Whether it is a list of [text, is_control] pairs."""
    return isinstance(value, list) and bool(value) and all(map(_is_pair, value))


def _is_pair(value: Json) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], bool)


def compare(expected: Json, seen: Json) -> list[Field]:
    """Both sides field by field, in the order of what was expected."""
    left, right = _fields(expected), _fields(seen)
    names = [*left, *(name for name in right if name not in left)]
    return [Field(name, *_sides(left.get(name), right.get(name))) for name in names]


def first_difference(expected: Json, seen: Json, around: int = 12, most: int = 60) -> tuple[str, str] | None:
    """What differs, on each side: of each field the first stretch, with up to `around` characters beside it and `most`
    in all.

    Control tokens stand in ⟦⟧. None where nothing differs. Each field has its name, so that what is lost in one and
    found in another is told; a prompt, and a text that alone differs, have none. A side without these fields is
    "nothing", and an error stands for all that was seen. What the model generated is no field of an answer, and whether
    it ended as "stop" or "tool_calls" follows from its calls where they differ.
    """
    output = seen if isinstance(seen, dict) else {}
    if output.get("explanation"):  # of draws, of which a first difference says nothing
        return "another distribution", str(output["explanation"])[: 2 * most]
    fields = [field for field in compare(expected, seen) if field.differs and field.name not in _BESIDE]
    excerpts = {field.name: _excerpts(field, around, most) for field in fields}
    differing = {name: sides for name, sides in excerpts.items() if sides[0] != sides[1]}
    ends = differing.get("finish_reason")
    if ends and len(differing) > 1 and "length" not in ends:
        del differing["finish_reason"]
    if output.get("error") and "error" in differing:
        answer = {name: sides for name, sides in differing.items() if name not in ("error", "finish_reason")}
        return _named(answer, 0), f"error: {output['error']}"[: 2 * most]
    return (_named(differing, 0), _named(differing, 1)) if differing else None


def _excerpts(field: Field, around: int, most: int) -> tuple[str, str]:
    start = min(_length(side, "same") for side in (field.expected, field.seen) if side is not None)
    return _excerpt(field.expected, start, around, most), _excerpt(field.seen, start, around, most)


def _named(excerpts: Mapping[str, tuple[str, str]], side: int) -> str:
    """The excerpts of one side, with the names of their fields."""
    shown = [(name, sides[side]) for name, sides in excerpts.items() if sides[side] != _NOTHING]
    if len(excerpts) == 1 and shown and shown[0][0] in _PLAIN:
        return shown[0][1]
    parts = [f"{name}: {excerpt}" for name, excerpt in shown[:_MOST_FIELDS]]
    return "; ".join([*parts, "…"] if len(shown) > _MOST_FIELDS else parts) or _NOTHING


def cut(side: Sequence[Span], begin: int, end: int | None = None) -> list[Span]:
    """What lies between two places, counted in characters; a control token is never cut."""
    kept, place = [], 0
    for span in side:
        first, last = max(begin - place, 0), len(span.text) if end is None else end - place
        place += len(span.text)
        if (first < len(span.text) and last > 0) or (not span.text and first == 0 and last >= 0):
            kept.append(span if span.control else Span(span.text[first:last], False, span.kind))
    return kept


def _length(side: Sequence[Span], *kinds: SpanKind) -> int:
    """Of the spans that lead, as long as they are of these kinds, in characters."""
    return sum(len(span.text) for span in takewhile(lambda span: span.kind in kinds, side))


def _excerpt(side: tuple[Span, ...] | None, start: int, around: int, most: int) -> str:
    if not side:
        return _NOTHING
    begin = max(0, start - around)
    changed = _length(cut(side, start), "word", "character")
    end = min(start + changed + around, begin + most)
    length = sum(len(span.text) for span in side)
    shown = "".join(f"⟦{span.text}⟧" if span.control else span.text for span in cut(side, begin, end))
    return f"{'…' if begin else ''}{shown}{'…' if end < length else ''}" or _NOTHING


def _fields(value: Json) -> dict[str, tuple[Piece, ...]]:
    if value is None:
        return {}
    if is_prompt(value):
        return {"prompt": _pieces(value)}
    if not isinstance(value, dict):
        return {"value": _pieces(value)}
    found: dict[str, tuple[Piece, ...]] = {}
    for name, part in value.items():
        if name == "tool_calls" and isinstance(part, list):
            found |= {f"call {number}": _call(call) for number, call in enumerate(part, 1)} or {"calls": ()}
        else:
            found[name] = _pieces(part)
    return found


def _call(call: Json) -> tuple[Piece, ...]:
    if not isinstance(call, dict) or not isinstance(call.get("name"), str):
        return _pieces(call)
    arguments = call.get("arguments")
    output = arguments if isinstance(arguments, str) else _dumps(arguments)
    rest = {key: part for key, part in call.items() if key not in ("name", "arguments")}
    return (Piece(f"{call['name']} {output}{f' {_dumps(rest)}' if rest else ''}"),)


def _pieces(value: Any) -> tuple[Piece, ...]:
    if is_prompt(value):
        return tuple(Piece(text, control) for text, control in value)
    return (Piece(value if isinstance(value, str) else _dumps(value)),)


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _sides(
    expected: tuple[Piece, ...] | None, seen: tuple[Piece, ...] | None
) -> tuple[tuple[Span, ...] | None, tuple[Span, ...] | None]:
    if expected is None or seen is None:
        return _whole(expected), _whole(seen)
    left, right = _words(expected), _words(seen)
    spans: tuple[list[Span], list[Span]] = ([], [])
    for (a, b), (c, d) in _stretches(left, right):
        for side, added in zip(spans, _stretch(left[a:b], right[c:d]), strict=True):
            side += added
    return _joined(spans[0]), _joined(spans[1])


def _whole(side: tuple[Piece, ...] | None) -> tuple[Span, ...] | None:
    return None if side is None else tuple(Span(piece.text, piece.control, "word") for piece in side if piece.text)


def _words(side: Sequence[Piece]) -> list[Piece]:
    words: list[Piece] = []
    for piece in side:
        words += [piece] if piece.control else [Piece(word) for word in _WORDS.findall(piece.text)]
    return words


def _common(left: list[int], right: list[int]) -> int:
    """How many first elements are the same."""
    for place, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return place
    return min(len(left), len(right))


def _stretches(left: list[Piece], right: list[Piece]) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Places of both sides in step, from and to: equal stretches and changed ones."""
    numbers: dict[Piece, int] = {}  # which compare faster than pieces
    one, other = ([numbers.setdefault(piece, len(numbers)) for piece in side] for side in (left, right))
    head = _common(one, other)
    tail = _common(one[head:][::-1], other[head:][::-1])
    middle = one[head : len(one) - tail], other[head : len(other) - tail]
    yield (0, head), (0, head)
    if max(map(len, middle)) > _MOST_WORDS:
        yield (head, len(one) - tail), (head, len(other) - tail)
    else:
        for _, a, b, c, d in SequenceMatcher(None, *middle).get_opcodes():
            yield (head + a, head + b), (head + c, head + d)
    yield (len(one) - tail, len(one)), (len(other) - tail, len(other))


def _stretch(left: list[Piece], right: list[Piece]) -> tuple[list[Span], list[Span]]:
    if left == right:
        return _marked(left, "same"), _marked(right, "same")
    one, other = ("".join(piece.text for piece in side) for side in (left, right))
    if any(piece.control for piece in (*left, *right)) or max(len(one), len(other)) > _MOST_CHARACTERS:
        return _marked(left, "character"), _marked(right, "character")
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    if matcher.ratio() < _LEAST_ALIKE:
        return _marked(left, "character"), _marked(right, "character")
    spans: tuple[list[Span], list[Span]] = ([], [])
    for tag, a, b, c, d in matcher.get_opcodes():
        kind: SpanKind = "word" if tag == "equal" else "character"
        spans[0].append(Span(one[a:b], False, kind))
        spans[1].append(Span(other[c:d], False, kind))
    return spans


def _marked(side: list[Piece], kind: SpanKind) -> list[Span]:
    if not side and kind != "same":
        return [Span("", False, kind)]
    return [Span(piece.text, piece.control, kind) for piece in side]


def _joined(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Neighbors of one kind as one span; a control token stays one of its own."""
    joined: list[Span] = []
    for (control, kind), group in groupby(spans, key=lambda span: (span.control, span.kind)):
        run = list(group)
        joined += run if control else [Span("".join(span.text for span in run), False, kind)]
    return tuple(span for span in joined if span.text or span.kind == "character")
