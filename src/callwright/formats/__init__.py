"""Formats: how a conversation with tools becomes text, and text becomes calls. One file a format, one registry.

To add a format: write one file with a class that satisfies `base.Format`, add one line each to `FORMATS` and to
`MODELS`, and a test; where its id names a variant, `ALIASES` says what the bare name stands for. Beside the registry,
`template:PATH/FORMAT` is any Hugging Face chat template (see `template_file`).
"""

import re
from collections.abc import Sequence

from callwright.conversation import Tool, ToolCall
from callwright.errors import FormatError, suggest
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
from callwright.formats.qwen35 import VARIANTS, Qwen35Format
from callwright.formats.template_file import PREFIX, TemplateFormat, locate
from callwright.formats.tool_code import ToolCodeFormat
from callwright.formats.xml import XmlFormat

FORMATS: dict[str, Format] = {
    fmt.id: fmt
    for fmt in (
        *map(XmlFormat, ("args", "arguments")),
        ToolCodeFormat(),
        Llama31Format(),
        Llama4Format(),
        BfclFormat(),
        Qwen25Format(),
        Qwen3Format(),
        Qwen3XmlFormat(),
        *map(Qwen35Format, VARIANTS),
        Hermes3Format(),
        *map(Gemma4Format, ("31b", "e2b")),
        FunctionGemmaFormat(),
        *map(MistralFormat, ("v3", "v11", "v13")),
    )
}
"""Every format by its id, `NAME` or `NAME/VARIANT`; the variants of a name stand together, the default first."""

MODELS: dict[str, tuple[str, ...]] = {
    "xml/args": ("Gemma-3 trained on it",),
    "xml/arguments": ("Gemma-3 trained on it",),
    "tool_code": ("Gemma-3",),
    "llama31": ("Llama-3.1", "Llama-3.3"),
    "llama4": ("Llama-4",),
    "bfcl": ("Gemma-3 prompted as the leaderboard does",),
    "qwen25": ("Qwen2.5",),
    "qwen3": ("Qwen3",),
    "qwen3-xml": ("Qwen3-Coder",),
    "qwen3-xml/qwen35": ("Qwen3.5-4B and larger",),
    "qwen3-xml/qwen35-small": ("Qwen3.5-0.8B", "Qwen3.5-2B"),
    "qwen3-xml/qwen36": ("Qwen3.6",),
    "qwen3-xml/qwen38": ("Qwen3.8",),
    "hermes3": ("Hermes-3",),
    "gemma4/31b": ("Gemma-4-31B",),
    "gemma4/e2b": ("Gemma-4-E2B",),
    "functiongemma": ("FunctionGemma",),
    "mistral/v3": ("Mistral-Nemo", "Mistral-7B-Instruct-v0.3"),
    "mistral/v11": ("Mistral-Small-3.2",),
    "mistral/v13": ("Devstral-2507", "Ministral-3"),
}
"""The models that speak each format, by its id."""

ALIASES: dict[str, tuple[tuple[str, str], ...]] = {
    "xml": (("", "xml/args"),),
    "gemma4": (("", "gemma4/31b"),),
    "qwen3-xml": (
        (r"qwen[-_. ]?3[._][89]", "qwen3-xml/qwen38"),
        (r"qwen[-_. ]?3[._][67]", "qwen3-xml/qwen36"),
        (r"qwen[-_. ]?3[._]5.*(?<![0-9.])(0[._]8|2)b", "qwen3-xml/qwen35-small"),
        (r"qwen[-_. ]?3[._]5", "qwen3-xml/qwen35"),
    ),
    "qwen3-xml/coder": (("", "qwen3-xml"),),
    "llama": ((r"llama[-_. ]?4", "llama4"), (r"llama[-_. ]?3", "llama31")),
    "mistral": (
        (r"nemo|7b-instruct-v0\.3", "mistral/v3"),
        (r"ministral-3|devstral.*(2507|2512)|magistral.*250[7-9]|magistral.*251", "mistral/v13"),
        (r"small-3\.2|2506", "mistral/v11"),
        ("", "mistral/v3"),
    ),
}
"""What else a name stands for: (pattern, id) pairs, of which the first whose pattern is found in the model's name, in
lower case, decides. An empty pattern is found in every name, and where no model is named. Where none is found, a name
that is an id stands for itself."""


def get_format(name: str, variant: str | None = None, model: str | None = None) -> Format:
    """The format of that name.

    Args:
      name: `NAME`, `NAME/VARIANT`, or `template:PATH/FORMAT`, where FORMAT is one of the former.
      variant: The variant, where `name` does not say it; of `template:PATH` the declared format.
      model: The model; it decides only where a name stands for several formats.

    Raises:
      FormatError: There is no such format or variant, or the name leaves the choice to the model and this one does not
        tell.
    """
    if name.startswith(PREFIX):
        path, declared = locate(name.removeprefix(PREFIX), variant)
        return TemplateFormat(path, get_format(declared))
    id = f"{name}/{variant}" if variant else name
    choices = ALIASES.get(id, ())
    for pattern, chosen in choices:
        if re.search(pattern, (model or "").lower()):
            return FORMATS[chosen]
    if id in FORMATS:
        return FORMATS[id]
    if choices:
        got = f"model {model!r}" if model else "no model"
        fix = f"name {' or '.join(chosen for _, chosen in choices)} instead"
        raise FormatError(f"a model that tells what {name} stands for", got, fix)
    family = id.partition("/")[0]
    variants = [fmt.variant for fmt in FORMATS.values() if fmt.name == family and fmt.variant]
    if variants:
        names = [f"{family}/{variant}" for variant in variants]
        raise FormatError(f"a variant of {family}", repr(id), suggest(id, names))
    raise FormatError("a format", repr(id), suggest(id, (*ALIASES, *FORMATS), "`callwright formats` lists all"))


def read_calls(
    name: str, variant: str | None, model: str | None, text: str, tools: Sequence[Tool]
) -> tuple[ToolCall, ...] | None:
    """The calls in a model's output; None when a call was attempted and none can be read.

    Args:
      name: As for `get_format`, and so are the next two.
      variant: The variant.
      model: The model.
      text: The model's output.
      tools: The tools it was offered.

    Raises:
      FormatError: As `get_format`.
    """
    parsed = get_format(name, variant, model).parse(text, tools=tools)
    return None if parsed.errors and not parsed.tool_calls else parsed.tool_calls
