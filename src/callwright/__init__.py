"""Callwright: from base weights to a model whose tool calls can be trusted.

What `__all__` names is the library's interface: conversations with tools, the formats that write and read them, and the
scoring of calls. It is loaded when it is used, and needs neither JAX nor NumPy. Everything else in this package is
internal: it serves the command line and may change with any version.

    from callwright import get_format, read_conversation

    fmt, conversation = get_format("qwen3"), read_conversation(record)
    prompt = fmt.render(conversation, add_generation_prompt=True).text
    parsed = fmt.parse("It is 21 degrees.", tools=conversation.tools)
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from callwright.conversation import Conversation, Message, Tool, ToolCall
    from callwright.errors import CallwrightError
    from callwright.evaluation.bfcl import load_category
    from callwright.formats import get_format
    from callwright.formats.base import Format, Parsed, Rendered
    from callwright.openai import read_conversation, write_conversation
    from callwright.scoring.checker import score_calls
    from callwright.scoring.entry import BfclEntry
    from callwright.scoring.verdict import Verdict
    from callwright.tokens import Segment, Tokenizer, decode_segments, encode_segments

__version__ = "0.2.0"
__all__ = [
    "BfclEntry",
    "CallwrightError",
    "Conversation",
    "Format",
    "Message",
    "Parsed",
    "Rendered",
    "Segment",
    "Tokenizer",
    "Tool",
    "ToolCall",
    "Verdict",
    "decode_segments",
    "encode_segments",
    "get_format",
    "load_category",
    "read_conversation",
    "score_calls",
    "write_conversation",
]
_MODULES = {
    "callwright.conversation": ("Conversation", "Message", "Tool", "ToolCall"),
    "callwright.errors": ("CallwrightError",),
    "callwright.evaluation.bfcl": ("load_category",),
    "callwright.formats": ("get_format",),
    "callwright.formats.base": ("Format", "Parsed", "Rendered"),
    "callwright.openai": ("read_conversation", "write_conversation"),
    "callwright.scoring.checker": ("score_calls",),
    "callwright.scoring.entry": ("BfclEntry",),
    "callwright.scoring.verdict": ("Verdict",),
    "callwright.tokens": ("Segment", "Tokenizer", "decode_segments", "encode_segments"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Loads a name of the interface from the module that defines it."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
