"""`callwright instrument`."""

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number

from callwright.cli.parameters import Positive, Switch

group = App(
    name="instrument",
    help="Build a tiny model with weights set by hand, which any runtime loads; see docs/instruments.md.",
)
Output = Annotated[Path, Parameter(name=["--output", "-o"])]
Architecture = Literal["llama", "gemma3"]


@group.command
def script(
    lines: Path, *, format: str, output: Output, architecture: Architecture = "llama", context: Positive = 8192
) -> None:
    """Build a script: it generates planned outputs token for token, each chosen by the last cue in the prompt.

    Args:
      lines: JSON lines: {"cue": "weather", "says": "..."}, or {"cue", "message": an assistant message in OpenAI's
        notation, "tools"?}. The prompt chooses a line by @@weather@@.
      format: The format whose special tokens, template and stops it has, e.g. qwen3 or xml/arguments.
      output: A path that ends in .gguf (llama.cpp, Ollama), or a directory (transformers, vLLM).
      architecture: Whose weights.
      context: How many tokens prompt and answer may have together.
    """
    from callwright.instruments.command import build_script

    build_script(lines, format, output, architecture=architecture, context=context)


@group.command
def xray(
    *,
    format: str | None = None,
    model: Path | None = None,
    prompt_tokens: Positive,
    output: Output,
    start: Annotated[int, Parameter(validator=Number(gte=0))] = 0,
    architecture: Architecture = "llama",
    context: Positive | None = None,
) -> None:
    """Build an x-ray: it repeats the very tokens that reached it, for prompts of one length.

    Args:
      format: The format whose special tokens, template and stops it has, e.g. qwen3 or xml/arguments.
      model: A GGUF whose own tokenizer it has instead, to see what that makes of a prompt; with a format, that format's
        template takes the place of the file's. It is written as a .gguf.
      prompt_tokens: The prompt's length as the server counts it; ask once with a limit of one token.
      output: A path that ends in .gguf (llama.cpp, Ollama), or a directory (transformers, vLLM).
      start: The first token to repeat, counted from 0, for a context too short for a prompt and its repetition.
      architecture: Whose weights.
      context: How many tokens prompt and answer may have together; what they need, if absent.
    """
    from callwright.instruments.command import build_xray

    build_xray(
        format,
        model,
        output,
        prompt_tokens=prompt_tokens,
        start=start,
        architecture=architecture,
        context=context,
    )


@group.command(usage="callwright instrument dice --format STR --output PATH [OPTIONS] FACES...")
def dice(
    *faces: str, format: str, output: Output, architecture: Architecture = "llama", context: Positive = 8192
) -> None:
    """Build dice: they draw every token from a known distribution.

    Args:
      faces: Text or special tokens and their probabilities, which add up to 1, e.g. red=0.5 green=0.3 blue=0.2.
      format: The format whose special tokens, template and stops they have, e.g. qwen3 or xml/arguments.
      output: A path that ends in .gguf (llama.cpp, Ollama), or a directory (transformers, vLLM).
      architecture: Whose weights.
      context: How many tokens prompt and answer may have together.
    """
    from callwright.instruments.command import build_dice

    build_dice(faces, format, output, architecture=architecture, context=context)


@group.command
def read(
    *,
    format: str | None = None,
    model: Path | None = None,
    part: Literal["both", "reader"] | None = None,
    cases: Annotated[list[Path] | None, Parameter(consume_multiple=True, negative="")] = None,
    text: Switch = False,
) -> None:
    """Read the output of an x-ray: text in, the prompt's parts out as JSON lines (a filter).

    In: the private-use characters that it generated; with --part also the JSON of a server's answer that holds them.
    Out: {"text", "control"} for each run of text and of special tokens; of a model's own vocabulary {"id", "piece"}
    for each token, spelled as its file spells it.

    Args:
      format: The format that the x-ray was built for.
      model: The GGUF that it was built for.
      part: It is the probe's own instrument, built with this --part.
      cases: The files of further cases that the probe's instrument was built with.
      text: Print the prompt as text instead, special tokens in ⟦ ⟧.
    """
    if part is not None:
        from callwright.probe.command import read_prompt

        read_prompt(sys.stdin.buffer, format, cases or [], part=part, as_text=text)
        return
    from callwright.instruments.command import print_xray

    print_xray(sys.stdin.buffer, format, model, as_text=text)


@group.command(name="probe")
def probe_instrument(
    *,
    format: str,
    output: Output,
    cases: Annotated[list[Path] | None, Parameter(consume_multiple=1, negative="")] = None,
    part: Literal["both", "speaker", "reader", "dice"] = "both",
    architecture: Architecture = "llama",
    context: Positive = 8192,
) -> None:
    """Build the probe's own instrument for a format, to load it into a server by hand.

    Args:
      format: The format whose special tokens, template and stops it has, e.g. qwen3 or xml/arguments.
      output: A path that ends in .gguf (llama.cpp, Ollama), or a directory (transformers, vLLM).
      cases: Files of further cases; see docs/fidelity-set.md.
      part: What generates the cases' outputs (speaker), what reads prompts (reader), both in one file for a server that
        is probed by its URL, or the dice of the sampling cases.
      architecture: Whose weights.
      context: How many tokens prompt and answer may have together.
    """
    from callwright.probe.command import write_instrument

    write_instrument(format, cases or [], output, part=part, architecture=architecture, context=context)
