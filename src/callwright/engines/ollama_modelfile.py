"""A Modelfile for `ollama create`: how Ollama serves the weights of a GGUF (docs.ollama.com/modelfile)."""

import re
import shlex
from collections.abc import Iterable, Mapping

_INSTRUCTION = re.compile(r'^([A-Z]+)[ \t]+(?:"""(.*?)"""|"([^"]*)"|([^\n]*))$', re.MULTILINE | re.DOTALL)


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
    parameters: Mapping[str, str | int | float] | None = None,
) -> list[str]:
    """The instructions of a Modelfile, in order; one of a template of several lines has line breaks in it.

    Args:
      gguf: The file's path, relative to the Modelfile.
      template: The chat template, in Go's language; None leaves it to the file or to Ollama.
      renderer: The name of a renderer that is built into Ollama.
      parser: The name of a parser that is built into Ollama.
      parameters: Values of options such as num_ctx by their names.
    """
    lines = [f"FROM {gguf}"]
    if template is not None:
        lines.append(f'TEMPLATE """{template}"""')
    if renderer is not None:
        lines.append(f"RENDERER {renderer}")
    if parser is not None:
        lines.append(f"PARSER {parser}")
    return lines + [f"PARAMETER {name} {value}" for name, value in (parameters or {}).items()]


def write_command(lines: Iterable[str]) -> str:
    """The shell line that writes the instructions to a file `Modelfile`, for `ollama create NAME -f Modelfile`."""
    return f"printf '%s\\n' {' '.join(map(shlex.quote, lines))} > Modelfile"
