"""All checks of an export, in order: what can be read from the file first, then what a server makes of it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from callwright.conversation import Conversation, ToolCall
from callwright.engines.llama_server import serve
from callwright.engines.openai_chat import OpenAIChat
from callwright.export.gguf import GgufKind
from callwright.export.merged import merged_weights
from callwright.export.runtimes import llama_cpp_reads
from callwright.export.trained import Trained
from callwright.export.verify.calls import check_calls
from callwright.export.verify.check import Check
from callwright.export.verify.header import check_header
from callwright.export.verify.held_out import HeldOut
from callwright.export.verify.instruments import check_arrival, check_reading
from callwright.export.verify.merged import check_merged
from callwright.export.verify.prompts import check_prompts, check_tokens, served_renderer, template_renderer
from callwright.export.verify.reference import LogitModel, MergedModel
from callwright.export.verify.served import ForcedCompletion, check_served
from callwright.export.verify.tensors import check_tensors
from callwright.formats.example import EXAMPLE, ONE_CALL, WORDLESS
from callwright.models.gemma3 import read_config
from callwright.models.safetensors_files import Dtype, find_weights, read_tensors
from callwright.models.tokenizer import load_tokenizer

_NEW_TOKENS = 256
_ROOM = 64
_READY_SECONDS = 180.0
_PLANNED: Mapping[str, Sequence[ToolCall]] = {"one": ONE_CALL.tool_calls, "two": WORDLESS.tool_calls}
_SHORT = Conversation(EXAMPLE.messages[1:2], EXAMPLE.tools)
TEXTS = (
    "What's the weather in Zürich, and in 東京? \U0001f6b2",
    '{"name": "get_weather", "args": {"city": "Paris", "days": 3, "exact": 12.50}}',
    "def f(x):\n\treturn  x\n\n\n# ünïcödé\r\n<b>&amp;</b>",
)
"""Texts of several scripts, white space, numbers and code, whose tokens are compared."""


def verify_gguf(
    trained: Trained,
    path: Path,
    kind: GgufKind,
    held: HeldOut,
    reference: LogitModel,
    *,
    program: Path | None = None,
    threads: int | None = None,
) -> Iterator[Check]:
    """Checks a GGUF, by itself and in a llama.cpp server; calls too, where llama.cpp reads those of the format.

    Each check comes once it is done. Of a file that does not hold what it should, none is served.

    Args:
      trained: What it was made of.
      path: The file.
      kind: What most of its numbers are stored as.
      held: What it is tried on.
      reference: Base and adapter.
      program: The llama-server; see `find_program`.
      threads: How many cores it may use; all when None.

    Raises:
      ConfigError: What is named is not a program.
      FetchError: llama.cpp cannot be built.
      WeightsError: The file is no GGUF.
      WorkError: The server does not become ready, or goes away.
    """
    fmt, tokenizer = trained.format, load_tokenizer(trained.base.directory)
    read = [check_header(trained, path), check_tensors(trained, path)]
    yield from read
    if not all(check.passed for check in read):
        return
    conversations = held.conversations
    context = held.longest + _NEW_TOKENS + _ROOM
    # All that was read stays in the cache, so that a prompt that begins like the one before is not read again.
    options = ("--swa-full",)
    threads = threads or os.cpu_count() or 1
    with (
        serve(
            path, program=program, context=context, threads=threads, options=options, ready_seconds=_READY_SECONDS
        ) as server,
        ForcedCompletion(server.url, tokenizer) as client,
        OpenAIChat(server.url) as chat,
    ):
        yield check_prompts(fmt, served_renderer(client), conversations)
        yield check_tokens(client, tokenizer, fmt, conversations, TEXTS)
        yield check_served(reference, client, held.outputs, kind)
        if llama_cpp_reads(fmt):
            of, most = held.requests, _NEW_TOKENS
            yield check_calls(chat, client, fmt, tokenizer, of, reference=reference, max_new_tokens=most)
    yield check_arrival(path, fmt, tokenizer, _SHORT, program=program)
    if llama_cpp_reads(fmt):
        yield check_reading(fmt, _PLANNED, _SHORT, program=program)


def verify_merge(trained: Trained, held: HeldOut, reference: LogitModel) -> Check:
    """Checks merged weights in float32, before they are written in any other type, against base and adapter."""
    weights = merged_weights(trained).tensors
    merged = MergedModel({name: one.make(np.dtype(np.float32)) for name, one in weights.items()}, trained.base.config)
    return check_merged(reference, merged, held.outputs)


def verify_hf(trained: Trained, directory: Path, dtype: Dtype, held: HeldOut, reference: LogitModel) -> Iterator[Check]:
    """Checks a Hugging Face directory: its weights, its tokenizer, and its chat template.

    Args:
      trained: What it was made of.
      directory: The export.
      dtype: What its numbers are stored as.
      held: What it is tried on.
      reference: Base and adapter.

    Raises:
      WeightsError: Weights or tokenizer cannot be loaded.
    """
    yield verify_chat_template(trained, directory, held)
    config = read_config(directory / "config.json")
    merged = MergedModel(read_tensors(find_weights(directory), config, "float32"), config)
    yield check_merged(reference, merged, held.outputs, dtype=dtype)


def verify_chat_template(trained: Trained, directory: Path, held: HeldOut) -> Check:
    """Checks the chat template that stands beside weights or an adapter."""
    source = (directory / "chat_template.jinja").read_text(encoding="utf-8")
    return check_prompts(trained.format, template_renderer(source, trained.format), held.conversations)
