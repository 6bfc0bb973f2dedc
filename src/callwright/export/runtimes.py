"""Which runtimes read the calls of which format: what probes of them found, in docs/runtime-differences.md."""

from callwright.formats.base import Format
from callwright.formats.template_file import TemplateFormat

_UNREAD_BY_LLAMA_CPP = frozenset(("tool_code", "bfcl", "functiongemma", "llama4", "mistral/v11"))
"""The formats of which llama.cpp answers even a single call with an error."""
OLLAMA_BUILT_IN = {"functiongemma": "functiongemma", "gemma4/31b": "gemma4", "gemma4/e2b": "gemma4"}
"""Ollama's own renderer and parser, which have one name, by the format's id."""


def family_id(fmt: Format) -> str:
    """The id of the format that reads the calls: of a template in a file, the declared one."""
    return fmt.declared.id if isinstance(fmt, TemplateFormat) else fmt.id


def llama_cpp_reads(fmt: Format) -> bool:
    """Whether llama.cpp reads the calls by the format's chat template."""
    return family_id(fmt) not in _UNREAD_BY_LLAMA_CPP
