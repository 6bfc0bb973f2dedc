"""Answers that are nearly right: seeded mutations of calls."""

import copy
import random
from collections.abc import Callable
from typing import Any

Call = dict[str, Any]
"""{"name", "arguments"}, as a line of `callwright score` has it; values may be tuples."""


def mutated(calls: list[Call], rng: random.Random, *, tuples: bool) -> list[Call]:
    """The calls with one to three things changed.

    Args:
      calls: What to change a copy of.
      rng: Chooses what.
      tuples: Whether a list may become a tuple, which only text can say.
    """
    calls = copy.deepcopy(calls)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        change = rng.choices((_change_value, _change_parameters, _change_name, _change_calls), (7, 2, 1, 1))[0]
        change(calls, rng, tuples)
    return calls


def _change_calls(calls: list[Call], rng: random.Random, tuples: bool) -> None:
    if not calls or rng.random() < 0.1:
        calls.append({"name": "unheard_of", "arguments": {"a": 1}})
        return
    index = rng.randrange(len(calls))
    match rng.randrange(4):
        case 0:
            del calls[index]
        case 1:
            calls.insert(index, copy.deepcopy(calls[index]))
        case 2:
            rng.shuffle(calls)
        case 3:
            calls[index] = copy.deepcopy(rng.choice(calls))


def _change_name(calls: list[Call], rng: random.Random, tuples: bool) -> None:
    if calls:
        call = rng.choice(calls)
        name = call["name"]
        changes = (name.upper(), name.replace(".", "_"), name.replace("_", "."), name + "s", name.split(".")[-1], "")
        call["name"] = rng.choice(changes)


def _change_parameters(calls: list[Call], rng: random.Random, tuples: bool) -> None:
    if not calls:
        return
    arguments = rng.choice(calls)["arguments"]
    names = list(arguments)
    match rng.randrange(4):
        case 0 if names:
            del arguments[rng.choice(names)]
        case 1 if names:
            old = rng.choice(names)
            arguments[rng.choice((old.upper(), old + "_", "x"))] = arguments.pop(old)
        case 2 if names:
            pairs = list(arguments.items())
            rng.shuffle(pairs)
            arguments.clear()
            arguments.update(pairs)
        case _:
            arguments[rng.choice(("extra", "unit", "type", "country", "limit"))] = _anything(rng)


def _change_value(calls: list[Call], rng: random.Random, tuples: bool) -> None:
    calls = [call for call in calls if call["arguments"]]
    if calls:
        arguments = rng.choice(calls)["arguments"]
        name = rng.choice(list(arguments))
        arguments[name] = _changed(arguments[name], rng, tuples)


def _changed(value: Any, rng: random.Random, tuples: bool) -> Any:
    if rng.random() < 0.1:
        return _anything(rng)
    changes: tuple[Callable[[], Any], ...]
    match value:
        case bool():
            changes = (lambda: not value, lambda: int(value), lambda: str(value), lambda: str(value).lower())
        case int() | float() if abs(value) < 1e300:
            changes = (
                lambda: float(value),
                lambda: int(value),
                lambda: str(value),
                lambda: -value,
                lambda: value + 1,
                lambda: value * 1.0000001,
                lambda: [value],
                lambda: bool(value),
            )
        case str():
            changes = (
                value.upper,
                value.title,
                lambda: value.replace(" ", ""),
                lambda: " ".join(value),
                lambda: value.replace(",", "").replace("-", "/") + ".",
                lambda: "_^*" + value + "'",
                lambda: value.replace("'", '"'),
                lambda: value[:-1],
                lambda: value + "!",
                lambda: [value],
                lambda: {value: value},
                lambda: value.replace("e", "é"),
                lambda: "",
            )
        case list() | tuple():
            changes = (
                lambda: list(reversed(value)),
                lambda: value[:-1],
                lambda: [*value, *value[:1]],
                lambda: [*value, _anything(rng)],
                list,
                lambda: str(value),
                lambda: [value],
                lambda: tuple(value) if tuples else list(value),
                lambda: tuple(value) if tuples else list(value),
                lambda: _with_item_changed(list(value), rng, tuples),
                lambda: _with_item_changed(list(value), rng, tuples),
                lambda: {"items": value},
            )
        case dict():
            changes = (
                lambda: dict(list(value.items())[:-1]),
                lambda: {**value, "extra": 1},
                lambda: {key.upper(): inner for key, inner in value.items()},
                lambda: dict(reversed(value.items())),
                lambda: _with_key_changed(value, rng, tuples),
                lambda: _with_key_changed(value, rng, tuples),
                dict,
                lambda: [value],
                lambda: list(value.values()),
                lambda: str(value),
            )
        case _:
            return _anything(rng)
    return rng.choice(changes)()


def _with_item_changed(value: list[Any], rng: random.Random, tuples: bool) -> list[Any]:
    if value:
        index = rng.randrange(len(value))
        value[index] = _changed(value[index], rng, tuples)
    return value


def _with_key_changed(value: dict[str, Any], rng: random.Random, tuples: bool) -> dict[str, Any]:
    if not value:
        return value
    key = rng.choice(list(value))
    return {**value, key: _changed(value[key], rng, tuples)}


def _anything(rng: random.Random) -> Any:
    return rng.choice((None, "", "x", 0, 1, -1.5, True, False, [], {}, 10**400, [[]], [{}], [1, "a"], {"a": {"b": 1}}))


def as_text(calls: list[Call]) -> str:
    """The calls in BFCL's prompting format."""
    return "[" + ", ".join(_spelled(call) for call in calls) + "]"


def _spelled(call: Call) -> str:
    return f"{call['name']}({', '.join(f'{name}={value!r}' for name, value in call['arguments'].items())})"
