"""Formats: how a conversation with tools becomes text, and text becomes calls. One file a format, one registry.

To add a format: write one file with a class that satisfies `base.Format`, add one line to `FORMATS`, and a test.
"""

from collections.abc import Callable

from callwright.errors import FormatError
from callwright.formats.base import Format
from callwright.formats.xml import XmlFormat

FORMATS: dict[str, dict[str, Callable[[], Format]]] = {
    "xml": {"args": XmlFormat, "arguments": lambda: XmlFormat(key="arguments")},
}


def get_format(name: str, variant: str | None = None) -> Format:
    """The format of that name; the first variant when none is named.

    Raises:
      FormatError: no such format or variant.
    """
    if name not in FORMATS:
        raise FormatError(f"a format ({', '.join(FORMATS)})", repr(name), "name one of these")
    variants = FORMATS[name]
    if variant is not None and variant not in variants:
        raise FormatError(f"a variant of {name} ({', '.join(variants)})", repr(variant), "name one of these")
    return variants[variant or next(iter(variants))]()
