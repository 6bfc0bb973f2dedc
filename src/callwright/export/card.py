"""The model card of an export: README.md beside the weights, as the Hugging Face hub shows it.

Everything in it comes from the run (its log and results), from the files as they were written, and from the checks of
them. It claims no more than these do: scores have their intervals and say what they were measured on, the base is
called what it is, and what two roundings or a fallback of types did is said.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import callwright
from callwright.engines.chat import ChatRequest
from callwright.export.base_notes import describe_base, quantized_twice
from callwright.export.run_facts import RunFacts
from callwright.export.snippets import ExportKind, snippets
from callwright.export.target import SUMS
from callwright.export.terms import NOTICE
from callwright.export.tokenizer_json import DIFFERENCES
from callwright.export.trained import Trained
from callwright.export.types_written import types_text
from callwright.export.verify.check import Check
from callwright.html.numbers import count, duration, interval, percent, size, value
from callwright.invisible import printable
from callwright.report.schema import Results, Score, Stage, SuiteResults
from callwright.report.sentences import suite_title
from callwright.report.stage_list import STAGES
from callwright.report.text import fact, fact_name

CARD = "README.md"
_LIBRARIES: Mapping[ExportKind, str] = {"hf": "transformers", "gguf": "gguf", "ollama": "gguf", "lora": "peft"}
_LIMITS = (
    "A model of this size follows the tools that it was trained on, and little else: the tables say how well. Check "
    "every call before it has an effect; a call that is well-formed can still be the wrong one.",
    "It was trained and measured in the languages and phrasings of its training data, with greedy decoding.",
    "It was trained for calls, not for conversation, facts or safety: whatever it says besides is that of the base.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFiles:
    """What was written.

    Attributes:
      kind: What the export is.
      name: What to call the model, such as `quickstart-q8_0`.
      numbers: What most numbers are stored as: `q8_0`, `bfloat16`.
      main: The file that has the weights, or the first of them.
      bytes: Of all files with weights together.
      tensor_types: Of a GGUF, the type of each tensor as it was written.
    """

    kind: ExportKind
    name: str
    numbers: str
    main: str
    bytes: int
    tensor_types: Mapping[str, str] = field(default_factory=dict)


def model_card(
    trained: Trained, files: ExportedFiles, facts: RunFacts, checks: Sequence[Check], request: ChatRequest
) -> str:
    """The card.

    Args:
      trained: The model.
      files: What was written.
      facts: What is known of the run.
      checks: What was checked of the files; empty where nothing was.
      request: What the snippets ask.
    """
    sections = {
        "": _front(trained, files),
        "What it is": _what(trained, files),
        "How well it calls": _scores(trained, facts.results),
        "What the export changed": [
            *types_text(files.numbers, files.tensor_types),
            *_tokenizer(trained, files),
            *_checks(checks),
        ],
        "How to call it": _calls(trained, files, request),
        "How it was trained": _training(trained, facts),
        "Limits": [f"- {limit}" for limit in _LIMITS],
        "License": _license(trained),
        "Hashes": _hashes(trained, facts),
    }
    parts = ("\n".join([*([f"## {title}", ""] if title else []), *lines]) for title, lines in sections.items())
    return "\n\n".join(parts) + "\n"


def _front(trained: Trained, files: ExportedFiles) -> list[str]:
    base = describe_base(trained.base)
    return [
        "---",
        f"license: {trained.license.name}",
        *([f"base_model: {base.hub_id}"] if base.hub_id else []),
        f"library_name: {_LIBRARIES[files.kind]}",
        "pipeline_tag: text-generation",
        "tags: [function-calling, tool-use, callwright]",
        "---",
        "",
        f"# {cell(files.name)}",
    ]


def _what(trained: Trained, files: ExportedFiles) -> list[str]:
    base = describe_base(trained.base)
    speaks = f"It writes and reads calls in the format `{trained.format.id}`."
    adapter = f"with LoRA of rank {trained.lora.rank}, alpha {trained.lora.alpha:g}"
    stage = f"stage {trained.stage} ({STAGES[trained.stage].title}) of the run `{cell(trained.run.resolve().name)}`"
    held = {
        "hf": "the base with the adapter merged into it",
        "lora": "the adapter alone, to be loaded on the base",
    }.get(files.kind, "the base with the adapter merged into it, as one GGUF")
    warning = quantized_twice(trained.base, files.numbers)
    return [
        f"{base.text} Its weights have the sha256 `{trained.base.sha256}`.",
        "",
        f"On it was trained, {adapter}, in {stage}. {speaks}",
        "",
        f"These files hold {held}, stored as {files.numbers} ({size(files.bytes)}).",
        *(["", f"**{warning}**"] if warning else []),
    ]


def _scores(trained: Trained, results: Results) -> list[str]:
    lines = [
        "Measured in the run by Callwright's own engine, greedily, before the export; the next section says what the "
        "export changed. Brackets are 95% intervals (Wilson).",
    ]
    for suite in results.suites:
        keys = [key for key in suite.evaluated if _number(key) <= trained.stage]
        if keys:
            lines += ["", f"### {suite_title(suite.name)}", "", *_suite_table(suite, keys)]
    return lines if len(lines) > 1 else ["No evaluation of this model is recorded in its run."]


def _suite_table(suite: SuiteResults, keys: Sequence[str]) -> Iterator[str]:
    yield from _header("", *(suite.title(key) for key in keys))
    for name in suite.categories:
        yield _row(name, *(_score(suite.evaluations[key].categories.get(name)) for key in keys))
    pooled = "call categories" if suite.name == "bfcl" else "calls"
    yield _row(f"**{pooled} together**", *(_score(suite.evaluations[key].pooled) for key in keys))


def _score(score: Score | None) -> str:
    if score is None or not score.total:
        return "–"
    ends = interval(score.low, score.high)
    return f"{percent(score.accuracy)} [{ends}], {count(score.correct)} of {count(score.total)}"


def _tokenizer(trained: Trained, files: ExportedFiles) -> list[str]:
    """How a tokenizer.json that was written differs; nothing where the base brings its own, or none is written."""
    if files.kind not in ("hf", "lora") or (trained.base.directory / "tokenizer.json").is_file():
        return []
    notice = (
        "The base has no tokenizer.json: this one was written from its vocabulary. What differs, outside of templates:"
    )
    return ["", notice, "", *(f"- {cell(difference)}" for difference in DIFFERENCES)]


def _checks(checks: Sequence[Check]) -> list[str]:
    if not checks:
        return ["", "**The files were not checked** against the model that they were made of."]
    lines = ["", *_header("Check", "Result", "Found")]
    for check in checks:
        numbers = "; ".join(f"{name} {value(number)}" for name, number in check.numbers.items())
        lines.append(_row(check.name, "passed" if check.passed else "**failed**", f"{check.detail} {numbers}".strip()))
    return lines


def _calls(trained: Trained, files: ExportedFiles, request: ChatRequest) -> list[str]:
    lines = [
        "Each snippet runs in the directory of this file. All decode greedily, as the scores were measured; the tools "
        "are an example.",
    ]
    for snippet in snippets(files.kind, files.main, files.name, trained.format, request):
        lines += ["", f"### {snippet.runtime}", ""]
        lines += [snippet.note, ""] if snippet.note else []
        lines += [f"```{snippet.language}", *snippet.text.rstrip("\n").splitlines(), "```"]
    return lines


def _training(trained: Trained, facts: RunFacts) -> list[str]:
    results = facts.results
    stages = [
        stage for stage in results.stages if stage.kind in ("sft", "grpo") and _number(stage.key) <= trained.stage
    ]
    lines = [*_header("Stage", "Took", "Of it"), *map(_stage, (one for one in stages if one.status == "done"))]
    for section, data in facts.data.items():
        sources = "; ".join(f"{fact_name(name)}: {fact(of)}" for name, of in data.items() if of)
        lines += ["", f"Data of {section}: {cell(sources) or 'none'}."]
    if facts.data_files:
        lines += ["", *_header("File that was trained on", "sha256")]
        lines += [_row(Path(path).name, f"`{sha256}`") for path, sha256 in facts.data_files.items()]
    lines += ["", f"Seed {results.run.seed}; `{cell(results.run.command)}`.", *_note(results.run.note)]
    return lines


def _stage(stage: Stage) -> str:
    took = duration(stage.cost.seconds) if stage.cost else "–"
    of_it = "; ".join(f"{fact_name(name)}: {fact(one)}" for name, one in stage.summary.items())
    return _row(f"{stage.title} ({stage.kind})", took, of_it)


def _note(note: str) -> list[str]:
    return ["", f"{cell(note)}."] if note else []


def _license(trained: Trained) -> list[str]:
    text = f", the terms are in `{trained.license.text.name}`" if trained.license.text else ""
    return [
        *(cell(line) for line in trained.license.notice.splitlines()),
        "",
        f"`{NOTICE}` must be passed on with these files{text}. The weights were modified: trained further, converted.",
    ]


def _hashes(trained: Trained, facts: RunFacts) -> list[str]:
    versions = facts.results.versions
    rows = {
        "weights of the base": trained.base.sha256,
        "adapter": facts.adapter_sha256,
        "configuration of the run": facts.results.run.config_sha256,
        "data of BFCL": versions.bfcl_data_sha256 or "",
    }
    return [
        *_header("Of", "sha256"),
        *(_row(what, f"`{sha256}`") for what, sha256 in rows.items() if sha256),
        "",
        f"`{SUMS}` has those of all files here. Trained with Callwright {cell(versions.callwright)}, written with "
        f"{callwright.__version__}.",
    ]


def _number(key: str) -> int:
    """The number of a stage such as `stage3`."""
    return int(key.removeprefix("stage")) if key.removeprefix("stage").isdigit() else 0


def _header(*cells: str) -> list[str]:
    return [_row(*cells), "|" + " --- |" * len(cells)]


def _row(*cells: str) -> str:
    return f"| {' | '.join(map(cell, cells))} |"


def cell(text: str) -> str:
    """Text as it may stand in a line or a cell of Markdown: no line breaks, no HTML, no end of a cell."""
    return " ".join(printable(" ".join(text.split())).replace("|", "\\|").replace("<", "&lt;").split())
