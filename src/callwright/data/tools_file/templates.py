"""Texts and JSON with values in braces: `{x}` is the value x, and nothing else between braces is.

A value has two texts. Where a person speaks it is worded ("1,200", "the library"); where a program speaks, in arguments
and results, it is written as JSON has it (1200, sethflix).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from callwright.conversation import Json
from callwright.data.tools_file.values import Value
from callwright.errors import suggest

_SLOT = re.compile(r"{(\w+)}")


def slots(template: Json) -> frozenset[str]:
    """The names of the values in it, at any depth."""
    return frozenset(name for text in _texts(template) for name in _SLOT.findall(text))


def whole_slot(template: Json) -> str:
    """The name of the value that the template is, and nothing else; "" where it is more, or something else."""
    whole = _SLOT.fullmatch(template) if isinstance(template, str) else None
    return whole[1] if whole else ""


def template_problem(template: Json, known: Iterable[str]) -> str:
    """What keeps it from being a template over these values; "" where nothing does."""
    if any(re.search("[{}]", _SLOT.sub("", text)) for text in _texts(template)):
        return "braces stand around the name of a value and nowhere else"
    names = list(known)
    unknown = sorted(slots(template) - set(names))
    return f"{{{unknown[0]}}} is no value here ({suggest(unknown[0], names)})" if unknown else ""


def worded(template: str, values: Mapping[str, Value]) -> str:
    """The text with every value as a person words it."""
    return _SLOT.sub(lambda slot: values[slot[1]].text, template)


def written(template: Json, values: Mapping[str, Value]) -> Json:
    """The JSON with every value as JSON has it; a text that is one slot and nothing else becomes the value itself."""
    if isinstance(template, dict):
        return {key: written(value, values) for key, value in template.items()}
    if isinstance(template, list):
        return [written(value, values) for value in template]
    if not isinstance(template, str):
        return template
    name = whole_slot(template)
    return values[name].json if name else written_text(template, values)


def written_text(template: str, values: Mapping[str, Value]) -> str:
    """The text with every value as JSON has it, lists without their brackets."""
    return _SLOT.sub(lambda slot: plain_text(values[slot[1]].json), template)


def plain_text(value: Json) -> str:
    """A JSON value in a sentence."""
    if isinstance(value, list):
        return ", ".join(map(plain_text, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _texts(template: Json) -> Iterator[str]:
    """Every text at any depth; keys are none."""
    if isinstance(template, str):
        yield template
    elif isinstance(template, dict | list):
        for inner in template.values() if isinstance(template, dict) else template:
            yield from _texts(inner)
