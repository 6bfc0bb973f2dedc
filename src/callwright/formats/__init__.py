"""Formats: how a conversation with tools becomes text, and text becomes calls. One file a format, one registry.

To add a format: write one file with a class that satisfies `base.Format`, add one line to `FORMATS`, and a test. Beside
the registry, `template:PATH` is any Hugging Face chat template (see `template_file`).
"""

import re
from collections.abc import Callable, Sequence
from functools import partial

from callwright.conversation import Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats.base import Format
from callwright.formats.bfcl import BfclFormat
from callwright.formats.functiongemma import FunctionGemmaFormat
from callwright.formats.gemma4 import Gemma4Format
from callwright.formats.hermes3 import Hermes3Format
from callwright.formats.llama4 import Llama4Format
from callwright.formats.llama31 import Llama31Format
from callwright.formats.mistral import MistralFormat
from callwright.formats.qwen3 import Qwen3Format
from callwright.formats.qwen3_xml import Qwen3XmlFormat
from callwright.formats.qwen25 import Qwen25Format
from callwright.formats.template_file import PREFIX, TemplateFormat, locate
from callwright.formats.tool_code import ToolCodeFormat
from callwright.formats.xml import XmlFormat

FORMATS: dict[str, dict[str, Callable[[], Format]]] = {
    "xml": {variant: partial(XmlFormat, variant) for variant in ("args", "arguments")},
    "tool_code": {"": ToolCodeFormat},
    "llama31": {"": Llama31Format},
    "llama4": {"": Llama4Format},
    "bfcl": {"": BfclFormat},
    "qwen25": {"": Qwen25Format},
    "qwen3": {"": Qwen3Format},
    "qwen3-xml": {"": Qwen3XmlFormat},
    "hermes3": {"": Hermes3Format},
    "gemma4": {variant: partial(Gemma4Format, variant) for variant in ("31b", "e2b")},
    "functiongemma": {"": FunctionGemmaFormat},
    "mistral": {variant: partial(MistralFormat, variant) for variant in ("v3", "v11", "v13")},
}

BY_MODEL: dict[str, tuple[tuple[str, str, str | None], ...]] = {
    "llama": ((r"llama[-_. ]?4", "llama4", None), (r"llama[-_. ]?3", "llama31", None)),
    "mistral": (
        (r"nemo|7b-instruct-v0\.3", "mistral", "v3"),
        (r"ministral-3|devstral.*(2507|2512)|magistral.*250[7-9]|magistral.*251", "mistral", "v13"),
        (r"small-3\.2|2506", "mistral", "v11"),
    ),
}
"""Names that leave format or variant to the model: the first pattern found in its name, in lower case, decides."""


def get_format(name: str, variant: str | None = None, model: str | None = None) -> Format:
    """The format of that name; the first variant when none is named.

    Args:
      name: A name in the registry.
      variant: One of its variants; for `template:PATH` the declared format, `NAME` or `NAME/VARIANT`.
      model: The model that speaks; it decides only where a name stands for several formats.

    Raises:
      FormatError: no such format or variant.
    """
    name, variant = resolve(name, variant, model)
    if name.startswith(PREFIX):
        path, declared = locate(name.removeprefix(PREFIX), variant)
        return TemplateFormat(path, get_format(*declared))
    if name not in FORMATS:
        raise FormatError(f"a format ({', '.join(FORMATS)})", repr(name), "name one of these")
    variants = FORMATS[name]
    if variant is not None and variant not in variants:
        raise FormatError(f"a variant of {name} ({', '.join(variants)})", repr(variant), "name one of these")
    return variants[variant or next(iter(variants))]()


def resolve(name: str, variant: str | None, model: str | None) -> tuple[str, str | None]:
    """Format and variant, where the name leaves them to the model.

    Raises:
      FormatError: the name stands for several formats, and the model is none that tells which.
    """
    choices = BY_MODEL.get(name, ())
    for pattern, chosen, its_variant in choices:
        if re.search(pattern, (model or "").lower()):
            return chosen, variant or its_variant
    if choices and name not in FORMATS:
        came = f"model {model!r}" if model else "no model"
        raise FormatError(
            f"a model that tells what {name} stands for", came, f"name {' or '.join(c[1] for c in choices)} instead"
        )
    return name, variant


def read_calls(name: str, text: str, tools: Sequence[Tool]) -> tuple[ToolCall, ...] | None:
    """The calls in a model's words; None when a call was attempted and none can be read.

    Args:
      name: A format, or `format/variant`; for a template `template:PATH/format` or `template:PATH/format/variant`.
      text: What the model said.
      tools: What it was offered.
    """
    form, _, variant = (name, "", "") if name.startswith(PREFIX) else name.partition("/")
    parsed = get_format(form, variant or None).parse(text, tools=tools)
    return None if parsed.errors and not parsed.tool_calls else parsed.tool_calls
