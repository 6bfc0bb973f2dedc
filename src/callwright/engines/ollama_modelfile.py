"""A Modelfile for `ollama create`: how Ollama serves the weights of a GGUF (docs.ollama.com/modelfile)."""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence

_INSTRUCTION = re.compile(r'^([A-Z]+)[ \t]+(?:"""(.*?)"""|"([^"]*)"|([^\n]*))$', re.MULTILINE | re.DOTALL)

_QUOTES = '"""'
"""What ends a text of several lines; Ollama has no way of writing it inside one."""


def read_instructions(modelfile: str) -> dict[str, str]:
    """The instructions of a Modelfile as Ollama shows it, the first of each name; a text may have several lines."""
    found: dict[str, str] = {}
    for name, long, quoted, plain in _INSTRUCTION.findall(modelfile):
        found.setdefault(name, long or quoted or plain)
    return found


def modelfile_lines(
    gguf: str,
    *,
    template: str | None = None,
    renderer: str | None = None,
    parser: str | None = None,
    parameters: Mapping[str, str | int | float | Sequence[str]] | None = None,
    license: str | None = None,
) -> list[str]:
    """The instructions of a Modelfile, in order; one of a template of several lines has line breaks in it.

    Args:
      gguf: The file's path, relative to the Modelfile.
      template: The chat template, in Go's language; None leaves it to the file or to Ollama.
      renderer: The name of a renderer that is built into Ollama.
      parser: The name of a parser that is built into Ollama.
      parameters: Values of options such as num_ctx by their names; of one that takes several, such as stop, all.
      license: The terms of the weights.
    """
    lines = [f"FROM {gguf}"]
    if template is not None:
        lines.append(f'TEMPLATE """{template}"""')
    if renderer is not None:
        lines.append(f"RENDERER {renderer}")
    if parser is not None:
        lines.append(f"PARSER {parser}")
    for name, value in (parameters or {}).items():
        several = (value,) if isinstance(value, str | int | float) else value
        lines += [f"PARAMETER {name} {one}" for one in several]
    if license is not None:
        lines.append(f'LICENSE """{license.replace(_QUOTES, "”")}"""')
    return lines


def write_command(lines: Iterable[str]) -> str:
    """The shell line that writes the instructions to a file `Modelfile`, for `ollama create NAME -f Modelfile`."""
    return f"printf '%s\\n' {' '.join(map(shlex.quote, lines))} > Modelfile"
