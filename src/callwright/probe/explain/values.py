"""Why two values are not the same to the letter: arguments as a model said them, and as they came."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from callwright.conversation import Conversation, Json, Message, ToolCall
from callwright.errors import CallwrightError
from callwright.formats.base import Format
from callwright.formats.casting import allowed, fits
from callwright.probe.explain.said import Said, loads


def explain_arguments(said: Said, ours: ToolCall, theirs: dict[str, Json]) -> Iterator[str]:
    """The causes for which the arguments of a call are not those that the model said."""
    yield from _value(said.form, dict(ours.arguments), _as_meant(said, ours, theirs))


def _as_meant(said: Said, ours: ToolCall, theirs: dict[str, Json]) -> dict[str, Json]:
    """Their arguments, with our value where it and theirs are the same in the words, and the schema allows both.

    A format that writes values without their types leaves it open whether `1` is a number where no schema says it.
    """
    meant = dict(theirs)
    for key, value in theirs.items():
        mine, kinds = ours.arguments.get(key), allowed(said.tools, ours.name, key)
        if key not in ours.arguments or not isinstance(value, str) or isinstance(mine, str):
            continue
        if fits(value, kinds) and fits(mine, kinds) and not _differ_in_words(said.form, ours, key, value):
            meant[key] = mine
    return meant


def _differ_in_words(form: Format, call: ToolCall, key: str, text: str) -> bool:
    """Whether the format can write this text as an argument, and writes it otherwise than the call's value."""
    try:
        ours, theirs = (
            form.render(Conversation((Message("user", "Go."), Message("assistant", tool_calls=(one,)))))
            for one in (call, replace(call, arguments={**call.arguments, key: text}))
        )
    except CallwrightError:
        return False
    return ours != theirs


def _value(form: Format, ours: Json, theirs: Any) -> Iterator[str]:
    """Why two values are not the same to the letter."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if ours.keys() != theirs.keys():
            yield _cause_of_keys(form, ours, theirs)
            return
        if list(ours) != list(theirs):
            yield "argument-order-lost"
        for key, value in ours.items():
            yield from _value(form, value, theirs[key])
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for one, other in zip(ours, theirs, strict=True):
            yield from _value(form, one, other)
    elif json.dumps(ours) != json.dumps(theirs):
        yield _cause_of_value(form, ours, theirs)


def _cause_of_keys(form: Format, ours: dict[str, Json], theirs: dict[str, Json]) -> str:
    for key, value in theirs.items():  # a string that ended too early leaves the rest of the arguments out
        mine = ours.get(key)
        if isinstance(mine, str) and isinstance(value, str) and mine != value and mine.startswith(value.rstrip()):
            return "string-cut-at-delimiter"
    return "call-altered"


def _cause_of_value(form: Format, ours: Json, theirs: Json) -> str:
    if _is_number(ours) and _is_number(theirs):
        if ours == theirs:
            return "number-retyped"
        return "integer-rounded" if isinstance(ours, int) and close(ours, theirs) else _number(ours, theirs)
    if isinstance(ours, str) and isinstance(theirs, str):
        if ours.strip() == theirs.strip():
            return "newlines-stripped"
        if theirs and ours.startswith(theirs):
            return "string-cut-at-delimiter"
        return "call-altered"
    if (isinstance(theirs, str) and loads(theirs) == ours) or (isinstance(ours, str) and _spells(ours, theirs)):
        return "value-as-string"
    if isinstance(theirs, str) and (theirs in (str(ours), json.dumps(ours)) or ours is None):
        return "value-as-string"
    if isinstance(ours, str) and theirs is None:
        return "value-as-string"
    return "call-altered"


def _number(ours: Any, theirs: Any) -> str:
    return "number-retyped" if close(ours, theirs) else "call-altered"


def close(ours: Any, theirs: Any) -> bool:
    """Whether two numbers are the same but for rounding."""
    try:
        return abs(float(ours) - float(theirs)) <= 1e-6 * max(1.0, abs(float(ours)))
    except OverflowError:
        return False


def _spells(text: str, value: Json) -> bool:
    return not isinstance(value, str) and loads(text) == value


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
