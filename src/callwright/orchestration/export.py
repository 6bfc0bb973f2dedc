"""`callwright export`: the model of a run's stage as files that runtimes load, checked, with a card that says how well.

What is written gets its name only once every check has passed: a failed check ends the export, and nothing is left.
"""

import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callwright.engines.ollama_api import Ollama, ollama_address
from callwright.errors import ConfigError
from callwright.export.card import CARD, ExportedFiles, model_card
from callwright.export.gguf import GgufKind, gguf_bytes, gguf_kind, tensor_types, write_gguf
from callwright.export.hf import write_hf
from callwright.export.ollama import OllamaServing, OllamaWay, create, serving, write_ollama
from callwright.export.peft import write_lora
from callwright.export.record import ExportRecord
from callwright.export.run_facts import RunFacts
from callwright.export.serve import find_program
from callwright.export.snippets import ExportKind
from callwright.export.target import default_target, prepared
from callwright.export.trained import Trained, read_trained
from callwright.export.verify.check import Check, refuse_failed
from callwright.export.verify.held_out import held_out
from callwright.export.verify.reference import TrainedModel
from callwright.export.verify.verify import verify_chat_template, verify_gguf, verify_hf, verify_merge
from callwright.html.numbers import duration, size
from callwright.invisible import printable
from callwright.models.safetensors_files import NUMPY_DTYPES, Dtype
from callwright.models.tokenizer import load_tokenizer
from callwright.orchestration.config import PipelineConfig
from callwright.orchestration.project import request_of, training_texts
from callwright.orchestration.rundir import RunDirectory
from callwright.report.stage_list import STAGES
from callwright.storage import write_text

QUANTIZATION: GgufKind = "q8_0"
"""What a GGUF's numbers are stored as where nobody says."""
DTYPE: Dtype = "bfloat16"
"""The same of a directory for transformers."""
_ONLY: Mapping[str, Sequence[ExportKind]] = {
    "quantize": ("gguf", "ollama"),
    "importance_matrix": ("gguf", "ollama"),
    "dtype": ("hf",),
    "way": ("ollama",),
    "context": ("ollama",),
    "create": ("ollama",),
    "url": ("ollama",),
}
"""What only some kinds of export have."""
_BESIDE = 64 << 20
"""Bytes of what an export holds beside weights: tokenizer, terms, card."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """What is to be exported, and how.

    Attributes:
      to: The kind of export.
      quantization: Of a GGUF.
      dtype: Of a directory for transformers.
      format: Another format than the one the model was trained in.
      output: Where it goes; a directory of the run if None.
      force: Whether an export that is there is replaced.
      verify: Whether it is checked.
      importance_matrix: Whether a K-quant is weighted by the training data.
      way: How Ollama serves it; the best way if None.
      context: How many tokens prompt and answer may have together in Ollama; None leaves it to the export.
      create: What a running Ollama is to call the model; None makes none there.
      url: Where that Ollama is.
      yes: Whether llama.cpp may be built without a question.
    """

    to: ExportKind
    quantization: GgufKind = QUANTIZATION
    dtype: Dtype = DTYPE
    format: str | None = None
    output: Path | None = None
    force: bool = False
    verify: bool = True
    importance_matrix: bool = False
    way: OllamaWay | None = None
    context: int | None = None
    create: str | None = None
    url: str | None = None
    yes: bool = False

    @classmethod
    def chosen(
        cls, *, to: ExportKind, quantization: str | None, dtype: Dtype | None, **further: Any
    ) -> "ExportOptions":
        """What a user named, None where she named nothing.

        Raises:
          ConfigError: There is no such quantization, or something is named that this kind of export does not have.
        """
        given = {"quantize": quantization, "dtype": dtype, **further}
        for name, kinds in _ONLY.items():
            if given[name] and to not in kinds:
                kind = " or ".join(f"--to {kind}" for kind in kinds)
                raise ConfigError(f"--{name.replace('_', '-')} with {kind}", f"--to {to}", "leave it out")
        if further["url"] and further["create"] is None:
            raise ConfigError("--url with --create NAME", "no name", "name the model, or leave --url out")
        kind = gguf_kind(quantization or QUANTIZATION)
        return cls(to=to, quantization=kind, dtype=dtype or DTYPE, **further)

    @property
    def is_gguf(self) -> bool:
        """Whether the weights are one GGUF."""
        return self.to in ("gguf", "ollama")

    @property
    def name(self) -> str:
        """The name of the directory."""
        if self.is_gguf:
            return f"{self.to}-{self.quantization}"
        return self.to if self.to == "lora" else f"{self.to}-{self.dtype}"


def export(path: Path, options: ExportOptions) -> None:
    """Exports the model of a stage, prints what was checked and where it is.

    Args:
      path: `runs/NAME`, `runs/NAME/stageN` or `runs/NAME/checkpoints/stageN`.
      options: What is exported.

    Raises:
      CallwrightError: Something cannot be used, or a check failed.
    """
    began = time.monotonic()
    trained = read_trained(path, fmt=options.format)
    target = options.output or default_target(trained.run, trained.stage, options.name)
    program = find_program(None, yes=options.yes, ask=input) if options.is_gguf and options.verify else None
    server = None
    if options.create is not None:
        server = Ollama(ollama_address(options.url or os.environ.get("OLLAMA_HOST", "")))
        server.version()  # before anything is computed
    config = RunDirectory(trained.run).read_config()
    print(f"{trained.run}/stage{trained.stage} ({STAGES[trained.stage].title}), {trained.format.id}: {target}")
    found: OllamaServing | None = None
    with prepared(target, _needed_bytes(trained, options), trained.license, force=options.force) as scratch:
        main = _write(trained, options, config, scratch)
        if options.to == "ollama":
            found = write_ollama(trained, main, scratch, way=options.way, context=options.context)
        checks = list(_shown(_checks(trained, options, main, program))) if options.verify else []
        refuse_failed(checks)
        files = _files(trained, options, main, scratch)
        run, fmt = trained.run.resolve().name, trained.format.id
        ExportRecord(run=run, stage=trained.stage, format=fmt, files=files, checks=tuple(checks)).write(scratch)
        request = request_of(config, trained.stage)
        write_text(scratch / CARD, model_card(trained, files, RunFacts.read(trained), checks, request))
    took = f"in {duration(time.monotonic() - began)}"
    print(f"{target}: {files.main}, {size(files.bytes)}, {took}; {CARD} says what it is and how to call it")
    print(f"The weights are under the terms of {trained.license.name}, which are passed on with them (NOTICE).")
    if found is not None and server is not None and options.create is not None:
        found = serving(trained, target / files.main, way=options.way, context=options.context)
        create(found, options.create, server, force=options.force)
        print(f"Ollama has it as {options.create}: ollama run {options.create}")


def _write(trained: Trained, options: ExportOptions, config: PipelineConfig, scratch: Path) -> Path:
    """Writes weights and tokenizer; returns the file, or the directory, that a runtime is given."""
    if options.to == "lora":
        write_lora(trained, scratch)
        return scratch
    if options.to == "hf":
        write_hf(trained, scratch, dtype=options.dtype)
        return scratch
    path = scratch / f"{_model_name(trained, options)}.gguf"
    texts = list(training_texts(config, trained.stage, trained.format)) if options.importance_matrix else ()
    write_gguf(trained, path, options.quantization, calibration=texts)
    return path


def _checks(trained: Trained, options: ExportOptions, main: Path, program: Path | None) -> Iterator[Check]:
    """The checks of an export, each once it is done."""
    held, reference = held_out(trained, load_tokenizer(trained.base.directory)), TrainedModel(trained)
    yield verify_merge(trained, held, reference)
    if options.is_gguf:
        yield from verify_gguf(trained, main, options.quantization, held, reference, program=program)
    elif options.to == "hf":
        yield from verify_hf(trained, main, options.dtype, held, reference)
    else:
        yield verify_chat_template(trained, main, held)


def _shown(checks: Iterable[Check]) -> Iterator[Check]:
    for check in checks:
        print(printable(f"  {'ok' if check.passed else 'FAILED'}: {check.name}: {check.detail}"), flush=True)
        yield check


def _files(trained: Trained, options: ExportOptions, main: Path, scratch: Path) -> ExportedFiles:
    weights = sorted(file for pattern in ("*.gguf", "*.safetensors") for file in scratch.glob(pattern))
    numbers = {"hf": options.dtype, "lora": "float32"}.get(options.to, options.quantization)
    return ExportedFiles(
        kind=options.to,
        name=_model_name(trained, options),
        numbers=numbers,
        main=weights[0].name,
        bytes=sum(file.stat().st_size for file in weights),
        tensor_types=tensor_types(main) if options.is_gguf else {},
    )


def _model_name(trained: Trained, options: ExportOptions) -> str:
    """What the model is called: by its run, and by what its numbers are."""
    what = options.quantization if options.is_gguf else options.name
    return f"{trained.run.resolve().name}-{what}"


def _needed_bytes(trained: Trained, options: ExportOptions) -> int:
    if options.is_gguf:
        return gguf_bytes(trained, options.quantization) + _BESIDE
    if options.to == "lora":
        return sum(factor.nbytes for factor in (trained.adapter or {}).values()) + _BESIDE
    numbers = sum(math.prod(shape) for shape in trained.base.config.tensor_shapes().values())
    return numbers * NUMPY_DTYPES[options.dtype].itemsize + _BESIDE
