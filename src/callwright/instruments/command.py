"""`callwright instrument`: builds an instrument from the arguments of a command line, and reads an x-ray's output."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from callwright.errors import ConfigError
from callwright.formats import get_format
from callwright.instruments.dice import make_dice, read_faces
from callwright.instruments.files import write
from callwright.instruments.instrument import Instrument
from callwright.instruments.own_vocabulary import make_own_xray, read_own_xray, read_vocabulary
from callwright.instruments.script import write_script
from callwright.instruments.script_file import read_script_file
from callwright.instruments.vocabulary import Vocabulary
from callwright.instruments.xray import make_xray, read_xray
from callwright.invisible import visible
from callwright.models.weights import Architecture
from callwright.tokens import decode_segments

_SPARE = 64
"""Tokens of an x-ray's context beyond those that it needs."""


def write_and_print(made: Instrument, output: Path, *, architecture: Architecture, context: int) -> None:
    """Writes an instrument and prints what it is, how large, and where."""
    size = write(made, output, architecture=architecture, context=context)
    _print_summary(made.name, made.vocabulary.vocab_size, size, output)


def build_script(lines: Path, format_name: str, output: Path, *, architecture: Architecture, context: int) -> None:
    """Builds a script from a file of lines.

    Raises:
      InputError: The format does not exist, a line cannot be expressed in it, or the context is too short.
    """
    fmt = get_format(format_name)
    write_and_print(write_script(fmt, read_script_file(lines, fmt)), output, architecture=architecture, context=context)


def build_xray(
    format_name: str | None,
    model: Path | None,
    output: Path,
    *,
    prompt_tokens: int,
    start: int,
    architecture: Architecture,
    context: int | None,
) -> None:
    """Builds an x-ray over a format's vocabulary, or over a model's own.

    Args:
      format_name: The format; with a model, the one whose template takes the place of the model's.
      model: A GGUF.
      output: Where the x-ray goes.
      prompt_tokens: The length of the prompts.
      start: The first token to repeat, counted from 0.
      architecture: The architecture of the weights.
      context: Tokens of prompt and answer together; what they need if None.

    Raises:
      InputError: Neither format nor model is named, or or one of them or a number is wrong.
    """
    context = 2 * prompt_tokens - start + _SPARE if context is None else context
    if model is None:
        fmt = get_format(_required(format_name))
        made = make_xray(fmt, prompt_tokens, start)
        write_and_print(made, output, architecture=architecture, context=context)
        return
    vocabulary = read_vocabulary(model)
    template = None if format_name is None else get_format(format_name).chat_template()
    own = make_own_xray(vocabulary, prompt_tokens, start)
    size = own.write(output, architecture=architecture, context=context, template=template)
    _print_summary(f"x-ray over {vocabulary.name}", vocabulary.vocab_size, size, output)


def build_dice(
    faces: Sequence[str], format_name: str, output: Path, *, architecture: Architecture, context: int
) -> None:
    """Builds dice from `FACE=PROBABILITY` words.

    Raises:
      InputError: The format does not exist, or a probability is wrong.
    """
    made = make_dice(get_format(format_name), read_faces(faces))
    write_and_print(made, output, architecture=architecture, context=context)


def print_xray(stdin: BinaryIO, format_name: str | None, model: Path | None, *, as_text: bool = False) -> None:
    """Prints the tokens that an x-ray's output stands for, as JSON lines.

    Args:
      stdin: What it said.
      format_name: The format that it was built for.
      model: The GGUF that it was built for.
      as_text: See `print_segments`.

    Raises:
      InputError: Neither format nor model is named, or the output is not an x-ray's.
    """
    if model is not None:
        pieces = read_vocabulary(model).pieces
        for id_ in read_own_xray(len(pieces), _text(stdin)):
            print(json.dumps({"id": id_, "piece": pieces[id_]}))
        return
    vocabulary = Vocabulary(get_format(_required(format_name)))
    print_tokens(vocabulary, read_xray(vocabulary, _text(stdin)), as_text=as_text)


def print_tokens(vocabulary: Vocabulary, ids: Sequence[int], *, as_text: bool) -> None:
    """Prints a prompt: JSON lines, or its text with special tokens in ⟦ ⟧ and the names of invisible characters."""
    prompt = decode_segments(vocabulary, ids)
    if as_text:
        parts = (
            piece for part in prompt for piece in (vocabulary.cut(part.text) if part.control else [(part.text, False)])
        )
        print("".join(f"⟦{visible(text)}⟧" if special else visible(text) for text, special in parts))
        return
    for segment in prompt:
        print(json.dumps({"text": segment.text, "control": segment.control}))


def _text(stdin: BinaryIO) -> str:
    return stdin.read().decode("utf-8", "replace").rstrip("\n")


def _required(format_name: str | None) -> str:
    if format_name is None:
        raise ConfigError("--format NAME or --model FILE.gguf", "neither", "name the one whose tokens it has")
    return format_name


def _print_summary(name: str, tokens: int, size: int, output: Path) -> None:
    print(f"{name}: {tokens} tokens, {size / 1e6:.1f} MB, {output}")
