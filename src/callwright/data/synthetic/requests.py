"""Draws one or several calls of a tool and puts them into phrases.

Several calls of one tool are worded in three ways: one phrasing whose parameter is enumerated ("in Oslo and Rome",
which means one call for each), a head with a list of items ("two cones: one with ...; one with ..."), or phrasings one
after the other. Every argument of a call stands in the query, and no other value does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from callwright.conversation import ToolCall
from callwright.data.rng import Rng
from callwright.data.synthetic.naming import OfferedTool
from callwright.data.tools_file.slots import Phrasing
from callwright.data.tools_file.values import NUMBER_WORDS, Value, enumerated

NOUN, NOUNS, VERB, SENTENCE = "noun", "nouns", "verb", "sentence"
_PREPOSITIONS = ("for ", "from ", "at ", "in ", "on ", "between ")

_TRIES = 60  # enough to find up to four different calls of any declared tool


@dataclass(frozen=True, slots=True)
class Phrase:
    """A piece of a query: a noun phrase, an imperative, or a whole sentence.

    Attributes:
      syntax: `NOUN`, `NOUNS` (a plural one), `VERB` or `SENTENCE`.
      text: Its words.
    """

    syntax: str
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked and the calls that answer it.

    Attributes:
      phrases: The pieces of the query, in order.
      calls: The calls, in order.
      values: For each call, its arguments' values by the name they have in the call.
    """

    phrases: tuple[Phrase, ...]
    calls: tuple[ToolCall, ...]
    values: tuple[Mapping[str, Value], ...]


def request_call(offered: OfferedTool, rng: Rng) -> Request:
    """One call."""
    return _one_after_another(offered, 1, rng)


def request_calls(offered: OfferedTool, count: int, rng: Rng) -> Request:
    """`count` different calls of one tool."""
    ways = [_one_after_another]
    ways += [_fan_out, _fan_out] if offered.declared.fan_out else []
    ways += [_series, _series] if offered.declared.series else []
    return rng.pick(ways)(offered, count, rng)


def draw_values(
    offered: OfferedTool, keys: Iterable[str], rng: Rng, known: Mapping[str, Value] | None = None
) -> dict[str, Value]:
    """A value for each key, no two of them worded alike, so that an argument can be traced to its words."""
    values = dict(known or {})
    for key in keys:
        if key in values:
            continue
        wordings = {value.text for value in values.values()}
        for _ in range(20):
            values[key] = offered.types[key].draw(rng)
            if values[key].text not in wordings:
                break
    return values


def _request(offered: OfferedTool, phrases: Sequence[Phrase], calls: Sequence[Mapping[str, Value]]) -> Request:
    named = tuple({offered.names[key]: value for key, value in values.items()} for values in calls)
    return Request(tuple(phrases), tuple(offered.call(values) for values in calls), named)


def _phrasings(offered: OfferedTool, key: str | None = None) -> list[Phrasing]:
    usable = [p for p in offered.declared.phrasings if p.required <= offered.names.keys()]
    return [p for p in usable if key is None or key in p.required]


def as_phrase(phrasing: str, texts: Mapping[str, str]) -> Phrase:
    """A phrasing, without its optional parts, with these texts in its slots."""
    text = phrasing.format_map(texts)
    if text.startswith("~"):
        return Phrase(NOUNS, text[1:])
    whole = phrasing[-1:] in (".", "!") or text.endswith("?") or phrasing[:1].isupper()
    return Phrase(SENTENCE if whole else NOUN if text.startswith("the ") else VERB, text)


def _one_after_another(offered: OfferedTool, count: int, rng: Rng) -> Request:
    """Phrasings one after the other, mostly in the same words."""
    phrasings = _phrasings(offered)
    source, alike = rng.pick(phrasings), rng.chance(0.7)
    plain, keys = source.choose(offered.names, rng)
    phrases, calls = list[Phrase](), list[dict[str, Value]]()
    for _ in range(_TRIES):
        if len(calls) == count:
            break
        if calls and not alike:
            plain, keys = rng.pick(phrasings).choose(offered.names, rng)
        values = draw_values(offered, keys, rng)
        if _is_new(values, calls):
            calls.append(values)
            phrases.append(as_phrase(plain, texts(values)))
    return _request(offered, phrases, calls)


def _fan_out(offered: OfferedTool, count: int, rng: Rng) -> Request:
    """One phrasing in which a parameter, or a pair of them, takes several values."""
    varied = [key for key in offered.declared.fan_out if _phrasings(offered, key)]
    both = [p for p in _phrasings(offered) if len(varied) == 2 and p.required.issuperset(varied)]
    if not varied:
        return _one_after_another(offered, count, rng)
    varied = varied if both and rng.chance(0.25) else [rng.pick(varied)]
    phrasing = rng.pick(both if len(varied) == 2 else _phrasings(offered, varied[0]))
    plain, keys = phrasing.choose(offered.names, rng, 0.35)
    shared = draw_values(offered, [key for key in keys if key not in varied], rng)
    calls = [draw_values(offered, keys, rng, shared)]
    for _ in range(_TRIES):
        if len(calls) == count:
            break
        values = draw_values(offered, keys, rng, shared)
        if all(values[key].json != call[key].json for call in calls for key in varied):
            calls.append(values)
    worded = texts(shared) | {key: enumerated([call[key] for call in calls]) for key in varied}
    phrase = as_phrase(plain, worded)
    if len(varied) == 2:
        mark = "?" if phrase.syntax == SENTENCE else ""
        phrase = Phrase(phrase.syntax, phrase.text.removesuffix("?") + f", respectively{mark}")
    return _request(offered, [Phrase(NOUNS if phrase.syntax == NOUN else phrase.syntax, phrase.text)], calls)


def _series(offered: OfferedTool, count: int, rng: Rng) -> Request:
    """A head, then what differs from call to call."""
    if offered.declared.series is None:
        return _one_after_another(offered, count, rng)
    plain_head, head_keys = offered.declared.series.head.choose(offered.names, rng, 0.35)
    plain_item, item_keys = offered.declared.series.item.choose(offered.names, rng)
    head_keys = [key for key in head_keys if key != "n"]
    shared = draw_values(offered, head_keys, rng)
    calls = list[dict[str, Value]]()
    for _ in range(_TRIES):
        if len(calls) == count:
            break
        values = draw_values(offered, item_keys, rng, shared)
        if _is_new(values, calls):
            calls.append(values)
    phrase = as_phrase(plain_head, texts(shared) | {"n": NUMBER_WORDS[len(calls)]})
    items = [plain_item.format_map(texts(values)) for values in calls]
    return _request(
        offered,
        [Phrase(NOUNS if phrase.syntax == NOUN else phrase.syntax, f"{phrase.text}{_listed(items, rng)}")],
        calls,
    )


def _is_new(values: Mapping[str, Value], calls: Sequence[Mapping[str, Value]]) -> bool:
    arguments = {key: value.json for key, value in values.items()}
    return all(arguments != {key: value.json for key, value in call.items()} for call in calls)


def _listed(items: Sequence[str], rng: Rng) -> str:
    *most, last = items
    if items[0].startswith(_PREPOSITIONS):
        return rng.pick(
            (f": {'; '.join(most)}; and {last}", f": {'; '.join(items)}", f": first {'; then '.join(items)}")
        )
    return rng.pick((
        f": one with {'; one with '.join(most)}; and one with {last}",
        f": {'; '.join(most)}; and {last}",
        f": first {'; then '.join(items)}",
        f". The first has {', the next has '.join(most)}, and the last has {last}",
    ))  # fmt: skip


def texts(values: Mapping[str, Value]) -> dict[str, str]:
    """The wordings of values."""
    return {key: value.text for key, value in values.items()}
