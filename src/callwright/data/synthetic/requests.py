"""Draws one or several calls of a tool and puts each into a clause.

Several calls of one tool are said in three ways: one ask whose parameter is enumerated ("in Oslo and Rome", which means
one call for each), a head with a list of items ("two cones: one with ...; one with ..."), or asks one after the other.
Every argument of a call is said in the query; nothing else is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from callwright.conversation import ToolCall
from callwright.data.synthetic.draw import Draw
from callwright.data.synthetic.naming import Offer
from callwright.data.synthetic.spec import Pattern
from callwright.data.synthetic.values import NUMBER_WORDS, Value, enumerated, options

NOUN, NOUNS, VERB, QUESTION = "noun", "nouns", "verb", "question"
_PREPOSITIONS = ("for ", "from ", "at ", "in ", "on ", "between ")

_TRIES = 60  # enough to find up to four different calls of any declared tool


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of a query: a noun phrase, an imperative, or a whole question."""

    form: str
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked and the calls that answer it.

    Attributes:
      clauses: The pieces of the query, in order.
      calls: The calls, in order.
      values: For each call, its arguments' values by the name they have in the call.
    """

    clauses: tuple[Clause, ...]
    calls: tuple[ToolCall, ...]
    values: tuple[Mapping[str, Value], ...]


def ask(offer: Offer, draw: Draw) -> Request:
    """One call."""
    return _asks(offer, 1, draw)


def ask_several(offer: Offer, count: int, draw: Draw) -> Request:
    """`count` different calls of one tool."""
    ways = [_asks]
    ways += [_fan_out, _fan_out] if offer.spec.fan else []
    ways += [_series, _series] if offer.spec.series else []
    return draw.pick(ways)(offer, count, draw)


def draw_values(
    offer: Offer, keys: Iterable[str], draw: Draw, known: Mapping[str, Value] | None = None
) -> dict[str, Value]:
    """A value for each key, no two of them said alike, so that an argument can be traced to its words."""
    values = dict(known or {})
    for key in keys:
        if key in values:
            continue
        said = {value.text for value in values.values()}
        for _ in range(20):
            values[key] = offer.kinds[key].draw(draw)
            if values[key].text not in said:
                break
    return values


def _request(offer: Offer, clauses: Sequence[Clause], calls: Sequence[Mapping[str, Value]]) -> Request:
    named = tuple({offer.names[key]: value for key, value in values.items()} for values in calls)
    return Request(tuple(clauses), tuple(offer.call(values) for values in calls), named)


def _patterns(offer: Offer, key: str | None = None) -> list[Pattern]:
    usable = [p for p in offer.spec.patterns if p.needs <= offer.names.keys()]
    return [p for p in usable if key is None or key in p.needs]


def _clause(pattern: str, texts: Mapping[str, str]) -> Clause:
    text = pattern.format_map(texts)
    if text.startswith("~"):
        return Clause(NOUNS, text[1:])
    return Clause(QUESTION if text.endswith("?") else NOUN if text.startswith("the ") else VERB, text)


def _asks(offer: Offer, count: int, draw: Draw) -> Request:
    """Asks one after the other, mostly in the same words."""
    patterns = _patterns(offer)
    source, alike = draw.pick(patterns), draw.chance(0.7)
    plain, keys = source.choose(offer.names, draw)
    clauses, calls = list[Clause](), list[dict[str, Value]]()
    for _ in range(_TRIES):
        if len(calls) == count:
            break
        if calls and not alike:
            plain, keys = draw.pick(patterns).choose(offer.names, draw)
        values = draw_values(offer, keys, draw)
        if _is_new(values, calls):
            calls.append(values)
            clauses.append(_clause(plain, _texts(values)))
    return _request(offer, clauses, calls)


def _fan_out(offer: Offer, count: int, draw: Draw) -> Request:
    """One ask in which a parameter, or a pair of them, takes several values."""
    fans = [key for key in options(offer.spec.fan) if _patterns(offer, key)]
    both = [p for p in _patterns(offer) if len(fans) == 2 and p.needs.issuperset(fans)]
    if not fans:
        return _asks(offer, count, draw)
    fans = fans if both and draw.chance(0.25) else [draw.pick(fans)]
    pattern = draw.pick(both if len(fans) == 2 else _patterns(offer, fans[0]))
    plain, keys = pattern.choose(offer.names, draw, 0.35)
    shared = draw_values(offer, [key for key in keys if key not in fans], draw)
    calls = [draw_values(offer, keys, draw, shared)]
    for _ in range(_TRIES):
        if len(calls) == count:
            break
        values = draw_values(offer, keys, draw, shared)
        if all(values[key].json != call[key].json for call in calls for key in fans):
            calls.append(values)
    texts = _texts(shared) | {key: enumerated([call[key] for call in calls]) for key in fans}
    clause = _clause(plain, texts)
    if len(fans) == 2:
        mark = "?" if clause.form == QUESTION else ""
        clause = Clause(clause.form, clause.text.removesuffix("?") + f", respectively{mark}")
    return _request(offer, [Clause(NOUNS if clause.form == NOUN else clause.form, clause.text)], calls)


def _series(offer: Offer, count: int, draw: Draw) -> Request:
    """A head, then what differs from call to call."""
    if offer.spec.series_patterns is None:
        return _asks(offer, count, draw)
    head, item = offer.spec.series_patterns
    plain_head, head_keys = head.choose(offer.names, draw, 0.35)
    plain_item, item_keys = item.choose(offer.names, draw)
    head_keys = [key for key in head_keys if key != "n"]
    shared = draw_values(offer, head_keys, draw)
    calls = list[dict[str, Value]]()
    for _ in range(_TRIES):
        if len(calls) == count:
            break
        values = draw_values(offer, item_keys, draw, shared)
        if _is_new(values, calls):
            calls.append(values)
    clause = _clause(plain_head, _texts(shared) | {"n": NUMBER_WORDS[count]})
    items = [plain_item.format_map(_texts(values)) for values in calls]
    return _request(
        offer, [Clause(NOUNS if clause.form == NOUN else clause.form, f"{clause.text}{_listed(items, draw)}")], calls
    )


def _is_new(values: Mapping[str, Value], calls: Sequence[Mapping[str, Value]]) -> bool:
    arguments = {key: value.json for key, value in values.items()}
    return all(arguments != {key: value.json for key, value in call.items()} for call in calls)


def _listed(items: Sequence[str], draw: Draw) -> str:
    *most, last = items
    if items[0].startswith(_PREPOSITIONS):
        return draw.pick(
            (f": {'; '.join(most)}; and {last}", f": {'; '.join(items)}", f": first {'; then '.join(items)}")
        )
    return draw.pick((
        f": one with {'; one with '.join(most)}; and one with {last}",
        f": {'; '.join(most)}; and {last}",
        f": first {'; then '.join(items)}",
        f". The first has {', the next has '.join(most)}, and the last has {last}",
    ))  # fmt: skip


def _texts(values: Mapping[str, Value]) -> dict[str, str]:
    return {key: value.text for key, value in values.items()}
