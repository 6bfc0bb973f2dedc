"""Formats: how a conversation with tools becomes text, and text becomes calls. One file a format, one registry.

To add a format: write one file with a class that satisfies `base.Format`, add one line to `FORMATS`, and a test.
"""

from collections.abc import Callable, Sequence
from functools import partial

from callwright.conversation import Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats.base import Format
from callwright.formats.xml import XmlFormat

FORMATS: dict[str, dict[str, Callable[[], Format]]] = {
    "xml": {variant: partial(XmlFormat, variant) for variant in ("args", "arguments")},
}


def get_format(name: str, variant: str | None = None, model: str | None = None) -> Format:
    """The format of that name; the first variant when none is named.

    Args:
      name: A name in the registry.
      variant: One of its variants.
      model: The model that speaks; it decides only where a name stands for several formats.

    Raises:
      FormatError: no such format or variant.
    """
    if name not in FORMATS:
        raise FormatError(f"a format ({', '.join(FORMATS)})", repr(name), "name one of these")
    variants = FORMATS[name]
    if variant is not None and variant not in variants:
        raise FormatError(f"a variant of {name} ({', '.join(variants)})", repr(variant), "name one of these")
    return variants[variant or next(iter(variants))]()


def read_calls(name: str, text: str, tools: Sequence[Tool]) -> tuple[ToolCall, ...] | None:
    """The calls in a model's words; None when a call was attempted and none can be read.

    Args:
      name: A format, or `format/variant`.
      text: What the model said.
      tools: What it was offered.
    """
    form, _, variant = name.partition("/")
    parsed = get_format(form, variant or None).parse(text, tools=tools)
    return None if parsed.errors and not parsed.tool_calls else parsed.tool_calls
