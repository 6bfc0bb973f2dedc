"""An export for Ollama: a Modelfile beside a GGUF, served in a way that keeps the calls.

Ollama serves a chat with tools in one of several ways, which it chooses by what Modelfile and GGUF hold, and in the
wrong one calls vanish without an error. So the way is chosen here, by format:

- `jinja`: no TEMPLATE, RENDERER or PARSER. Ollama sees that the template inside the GGUF offers tools, renders it as
  llama.cpp does, and llama.cpp reads the calls. Prompts are the bytes that the model was trained on.
- `renderer`: RENDERER and PARSER name what is built into Ollama for the format's family.
- `template`: a Go TEMPLATE (`go_templates`), on request only, because its prompts are other bytes.

What would lose calls is refused with the reason. There remains the raw way: prompts that `callwright render` makes,
sent to /api/generate with `raw`, and outputs that `callwright parse` reads; it needs nothing of a Modelfile.
"""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from callwright.conversation import Json
from callwright.engines.ollama_api import Ollama
from callwright.engines.ollama_modelfile import modelfile_lines, read_instructions
from callwright.engines.sampling import PURE
from callwright.errors import ConfigError, FormatError, WorkError
from callwright.export.go_templates import GO_TEMPLATES
from callwright.export.runtimes import OLLAMA_BUILT_IN, family_id, llama_cpp_reads
from callwright.export.terms import terms_text
from callwright.export.trained import Trained
from callwright.formats.base import Format
from callwright.invisible import printable
from callwright.models.gguf_header import chat_templates
from callwright.storage import write_text

OllamaWay = Literal["jinja", "renderer", "template"]
"""How Ollama serves a chat with tools; the module's text says what each is."""
CONTEXT = 8192
"""How many tokens prompt and answer may have together, if the model can; where memory is small, Ollama takes 4096."""
FILE = "Modelfile"
_NO_TEMPLATE = "{{ .Prompt }}"
"""What Ollama shows as the template of a model that has none."""
_SAMPLING = ("temperature", "top_k", "top_p", "min_p", "repeat_penalty")
_COMMENTS: Mapping[OllamaWay, str] = {
    "jinja": "There is no TEMPLATE here: Ollama uses the chat template inside the weights, by which calls are read.",
    "renderer": "The renderer and the parser are Ollama's own for this family of models.",
    "template": "Ollama prints tools and arguments in its own way: the prompts are other bytes than in training.",
}
_RAW = (
    "serve it raw: send /api/generate what `callwright render` prints, with raw: true, and read the output with "
    "`callwright parse`"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OllamaServing:
    """How Ollama is to serve a GGUF.

    Attributes:
      way: The way it takes.
      gguf: The file.
      chat_template: The template inside the file; None where it has none.
      parameters: Stops, context and sampling, by Ollama's names.
      license: The terms of the weights.
      template: A Go TEMPLATE; None where another way is taken.
      built_in: The name of Ollama's renderer and parser; None where another way is taken.
    """

    way: OllamaWay
    gguf: Path
    chat_template: str | None
    parameters: Mapping[str, int | float | tuple[str, ...]]
    license: str = field(repr=False)
    template: str | None = None
    built_in: str | None = None

    def modelfile(self, directory: Path) -> str:
        """The Modelfile as it stands in a directory."""
        lines = modelfile_lines(
            os.path.join(".", os.path.relpath(self.gguf, directory)),
            template=self.template,
            renderer=self.built_in,
            parser=self.built_in,
            parameters=self.parameters,
            license=self.license,
        )
        return "\n".join((f"# {_COMMENTS[self.way]}", *lines)) + "\n"


def choose_way(fmt: Format, wanted: OllamaWay | None = None) -> OllamaWay:
    """The way that keeps a format's calls.

    Args:
      fmt: The format.
      wanted: A way to take; the best one if None.

    Raises:
      FormatError: The way, or every way, would lose calls or change them in silence.
    """
    kept: dict[OllamaWay, bool] = {
        "renderer": family_id(fmt) in OLLAMA_BUILT_IN,
        "jinja": llama_cpp_reads(fmt),
        "template": fmt.id in GO_TEMPLATES,
    }
    best = [way for way, keeps in kept.items() if keeps]
    if wanted is None and best:
        return best[0]
    if wanted in best:
        return wanted
    fix = f"take the way {' or '.join(best)}" if best else _RAW
    raise FormatError(f"a way in which Ollama keeps the calls of {fmt.id}", _lost(fmt, wanted or "jinja"), fix)


def serving(trained: Trained, gguf: Path, *, way: OllamaWay | None = None, context: int | None = None) -> OllamaServing:
    """How Ollama is to serve an exported GGUF.

    Args:
      trained: The model.
      gguf: The file.
      way: The way to take; the best one if None.
      context: How many tokens prompt and answer may have together; see `CONTEXT` if None.

    Raises:
      FormatError: No way keeps the calls, or the one that is wanted does not.
      ConfigError: The context is longer than the model's.
      WeightsError: It is no GGUF.
    """
    most = trained.base.config.max_positions
    context = min(CONTEXT, most) if context is None else context
    if not 0 < context <= most:
        raise ConfigError(f"a context of 1 to {most} tokens, the model's own", str(context), "name a shorter one")
    chosen = choose_way(trained.format, way)
    inside = chat_templates(gguf).get("default")
    if chosen == "jinja" and not _shows_tools(inside or ""):
        got = "one that shows none" if inside else "none"
        expected = f"a chat template in {gguf} that shows calls and their results, for Ollama to choose it"
        raise FormatError(expected, got, "export the GGUF again, with the format that the model was trained in")
    sampling = {name: getattr(PURE, name) for name in _SAMPLING}
    return OllamaServing(
        way=chosen,
        gguf=gguf,
        chat_template=inside,
        parameters={"stop": trained.format.stops, "num_ctx": context, **sampling},
        license=terms_text(trained.license),
        template=GO_TEMPLATES[trained.format.id] if chosen == "template" else None,
        built_in=OLLAMA_BUILT_IN[family_id(trained.format)] if chosen == "renderer" else None,
    )


def write_ollama(
    trained: Trained, gguf: Path, target: Path, *, way: OllamaWay | None = None, context: int | None = None
) -> OllamaServing:
    """Writes the Modelfile of a GGUF into the directory `target`, and returns what it says.

    Raises:
      CallwrightError: As `serving`; nothing is written then.
    """
    found = serving(trained, gguf, way=way, context=context)
    write_text(target / FILE, found.modelfile(target))
    return found


def create(found: OllamaServing, name: str, server: Ollama, *, force: bool = False) -> None:
    """Makes the model in a running Ollama, once it is seen that the server serves it so.

    The file is uploaded once; a model under a temporary name shows how it is served, and only then has `name` it.

    Args:
      found: How it is to be served.
      name: What Ollama calls the model.
      server: The server.
      force: Whether a model of that name is replaced.

    Raises:
      ConfigError: There is such a model.
      WorkError: No Ollama answers, it refuses, or it would serve the model in another way.
    """
    version = server.version()
    if not force and _full(name) in server.models():
        fix = "name another model, or replace it with --force"
        raise ConfigError(f"a new name for a model of {server.address}", f"{name}, which is there", fix)
    digest = server.upload(found.gguf)
    trial = f"callwright-export-{secrets.token_hex(4)}"
    fields = _fields(found)
    server.create(trial, digest, **fields)
    try:
        _check_served(found, server.show(trial), f"version {version}")
        server.create(name, digest, **fields)
    finally:
        server.delete(trial)


def _fields(found: OllamaServing) -> dict[str, Json]:
    parameters: dict[str, Json] = {
        key: list(value) if isinstance(value, tuple) else value for key, value in found.parameters.items()
    }
    return {
        "template": found.template,
        "renderer": found.built_in,
        "parser": found.built_in,
        "parameters": parameters,
        "license": [found.license],
    }


def _check_served(found: OllamaServing, shown: Mapping[str, Json], server: str) -> None:
    """Checks that a model is served as it should be, by what Ollama shows of it.

    Raises:
      WorkError: It is not.
    """
    template, wanted = shown.get("template"), found.template
    instructions = read_instructions(str(shown.get("modelfile")))
    if found.way == "renderer" and instructions.get("RENDERER") != found.built_in:
        raise WorkError(f"an Ollama that has the renderer {found.built_in}", f"{server}, without it", "update Ollama")
    if found.way == "template" and template != wanted:
        got = f"{server}, which uses the chat template inside the weights in its place"
        raise WorkError("an Ollama that serves the TEMPLATE", got, "take the way jinja")
    if found.way == "jinja" and template not in (None, _NO_TEMPLATE, found.chat_template):
        got = f"{server}, which puts a template of its own in its place"
        raise WorkError("an Ollama that uses the chat template inside the weights", got, "update Ollama")
    abilities = shown.get("capabilities")
    if isinstance(abilities, list) and "tools" not in abilities:
        listed = printable(", ".join(map(str, abilities))) or "nothing"
        got = f"{server}, which finds {listed} in the model"
        raise WorkError("an Ollama that offers tools to the model", got, "update Ollama, and create the model again")


def _lost(fmt: Format, way: OllamaWay) -> str:
    """What would become of a format's calls."""
    if way == "renderer":
        return "the way renderer: Ollama has no renderer and no parser for it"
    if way == "jinja":
        return "the way jinja: llama.cpp, which reads the calls there, answers them with an error"
    if family_id(fmt) == "xml/args":
        return (
            "the way template: Ollama's parser knows arguments by the key `arguments` or `parameters`, and with `args` "
            "every call vanishes without an error"
        )
    if '"arguments": ' not in fmt.chat_template():
        return "the way template: Ollama's parser reads only calls that are JSON objects with a name and `arguments`"
    return "the way template: its chat template is written in Jinja only, not in Go"


def _shows_tools(template: str) -> bool:
    """Whether a Jinja template shows Ollama that it offers tools and takes results; it looks for these words."""
    results = "tool_calls" in template and "tool_response" in template
    return "tools" in template and (results or bool(re.search(r"""== ?['"]tool['"]""", template)))


def _full(name: str) -> str:
    """A model's name with its tag."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"
