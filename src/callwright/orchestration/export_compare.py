"""`callwright export compare`: the quantizations of one model side by side, and which one to ship.

Each is asked both suites through llama.cpp, entry by entry against the run's own rows; rows that are there are not
asked again. Distributions come from each export's own checks. Speeds are measured here, one file after another.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from callwright.engines.llama_completion import LlamaCompletion
from callwright.errors import DataError
from callwright.evaluation.settings import SuiteName
from callwright.evaluation.statistics import wilson
from callwright.export.choice import Candidate, which_to_ship
from callwright.export.record import FILE, ExportRecord
from callwright.export.serve import ServeOptions, find_program, served
from callwright.export.speed import Speed, measure_speed
from callwright.export.target import exports_of
from callwright.export.trained import read_trained
from callwright.export.verify.explained import OtherCalls, Reason, explain
from callwright.export.verify.reference import LogitModel, TrainedModel
from callwright.formats import get_format
from callwright.html.numbers import count, interval, percent, size
from callwright.invisible import printable
from callwright.models.sources import resolve_model
from callwright.models.tokenizer import load_tokenizer
from callwright.orchestration.eval_served import compare_served, suite_of
from callwright.orchestration.evaluated_run import EvaluatedRun, find_evaluated, print_stopped
from callwright.orchestration.project import request_of
from callwright.orchestration.served_model import ServedModel, ServedOptions
from callwright.report.compare import SuiteComparison
from callwright.report.evaluation_rows import directory_of
from callwright.report.run_files import find_stage
from callwright.report.schema import SUITES
from callwright.report.text import columns
from callwright.tokens import Tokenizer, encode_segments

_REGIONS = ("name", "keys", "values", "end")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One export of several.

    Attributes:
      record: What it says of itself.
      gguf: The file.
      speed: How fast it is here.
      suites: Its calls against the run's own rows, by suite.
      explained: Why the requests that are not flows have other calls than in these rows.
    """

    record: ExportRecord
    gguf: Path
    speed: Speed
    suites: tuple[SuiteComparison, ...]
    explained: tuple[OtherCalls, ...]

    @property
    def candidate(self) -> Candidate:
        """The same for the choice."""
        pooled = {one.suite: one.pooled for one in self.suites}
        return Candidate(
            name=self.record.files.name,
            bytes=self.record.files.bytes,
            mean_divergence=self.record.number("mean_kl"),
            compared={suite: paired for suite, paired in pooled.items() if paired is not None},
        )

    def cells(self) -> tuple[str, ...]:
        """A line of the table."""
        number, files = self.record.number, self.record.files
        same, every = number("same_top"), [number("mean_kl"), *(number(f"mean_kl.{one}") for one in _REGIONS)]
        calls = tuple(_right(one) for one in self.suites)
        speeds = (count(round(self.speed.prompt)), count(round(self.speed.generated)))
        divergences = tuple("–" if one is None else f"{one:.2g}" for one in every)
        return (files.numbers, size(files.bytes), *speeds, "–" if same is None else percent(same), *divergences, *calls)

    def as_json(self) -> dict[str, Any]:
        """For other programs."""
        return {
            "name": self.record.files.name,
            "gguf": str(self.gguf),
            "quantization": self.record.files.numbers,
            "bytes": self.record.files.bytes,
            "prompt_tokens_per_second": self.speed.prompt,
            "generated_tokens_per_second": self.speed.generated,
            "checks": {check.name: dict(check.numbers) for check in self.record.checks},
            "suites": {one.suite: one.as_json() for one in self.suites},
            "other_calls": [asdict(one) for one in self.explained],
        }


def compare_exports(path: Path, *, as_json: bool, yes: bool) -> int:
    """Prints the exports of a stage side by side.

    Args:
      path: RUN on the command line; without a stage the last finished one.
      as_json: Whether to print JSON.
      yes: Whether llama.cpp may be built without a question.

    Returns:
      The exit code.

    Raises:
      CallwrightError: There are fewer than two GGUFs of the stage, or the work failed.
    """
    stage = find_stage(path)[1]
    evaluated = find_evaluated(path)
    exports = _exports(evaluated, stage)
    program = find_program(None, yes=yes, ask=input)
    tokenizer = load_tokenizer(resolve_model(evaluated.created.model.spec).directory)
    reference = TrainedModel(read_trained(path, stage=stage))
    compared = []
    for gguf, record in exports:
        suites = _asked(evaluated, stage, gguf, yes=yes)
        if suites is None:
            return print_stopped(directory_of(evaluated.run, stage, "tools").parent)
        prompt = _prompt(evaluated, stage, record, tokenizer)
        with (
            served(gguf, program, ServeOptions(port=0)) as server,
            LlamaCompletion(server.url) as client,
        ):
            speed = measure_speed(client, prompt)
            explained = [
                found
                for suite, one in suites.items()
                for found in _explained(evaluated, stage, suite, one, reference, client, tokenizer)
                if evaluated.fmt.id == record.format
            ]
        rows = tuple(suites.values())
        compared.append(Compared(record=record, gguf=gguf, speed=speed, suites=rows, explained=tuple(explained)))
    _print(compared, evaluated.title(stage), as_json=as_json)
    return 0


def _exports(evaluated: EvaluatedRun, stage: int) -> list[tuple[Path, ExportRecord]]:
    """The GGUFs of a stage with their records, the largest first; one that was written twice comes once.

    Raises:
      DataError: There are fewer than two.
    """
    found: dict[str, tuple[Path, ExportRecord]] = {}
    for path in sorted(exports_of(evaluated.run.path, stage).glob(f"[!.]*/{FILE}")):
        record = ExportRecord.read(path.parent)
        if record.files.main.endswith(".gguf"):
            found.setdefault(record.files.numbers, (path.parent / record.files.main, record))
    if len(found) < 2:
        stage_path = evaluated.run.path / f"stage{stage}"
        fix = f"make them: callwright export {stage_path} --to gguf --quantize q8_0, and others"
        raise DataError(f"two GGUFs of {stage_path} to compare", ", ".join(found) or "none", fix)
    return sorted(found.values(), key=lambda one: -one[1].files.bytes)


def _asked(evaluated: EvaluatedRun, stage: int, gguf: Path, *, yes: bool) -> dict[SuiteName, SuiteComparison] | None:
    """Both suites, as far as the run asked them after the stage; None if it was stopped."""
    model = ServedModel.of(ServedOptions(engine="llamacpp", gguf=gguf), evaluated.run.path / f"stage{stage}")
    suites = dict[SuiteName, SuiteComparison]()
    for suite in SUITES:
        if suite in evaluated.config.evaluation.after(stage):
            compared = compare_served(evaluated, stage, suite, model, yes=yes)
            if compared is None:
                return None
            suites[suite] = compared
    return suites


def _explained(
    evaluated: EvaluatedRun,
    stage: int,
    suite: SuiteName,
    compared: SuiteComparison,
    reference: LogitModel,
    client: LlamaCompletion,
    tokenizer: Tokenizer,
) -> Iterator[OtherCalls]:
    """Why entries have other calls than in the run's own rows; flows, which are no single answer, are left out."""
    settings, asked = suite_of(evaluated, stage, suite)
    most = settings.max_new_tokens
    for entry in (entry for members in asked.entries.values() for entry in members):
        own, other = compared.pairs.get(entry.id, (None, None))
        if own is None or other is None or own.calls == other.calls:
            continue
        tools = entry.conversation.tools
        found = explain(reference, client, evaluated.fmt, tokenizer, own, other, tools, max_new_tokens=most)
        if found is not None:
            yield found


def _prompt(evaluated: EvaluatedRun, stage: int, record: ExportRecord, tokenizer: Tokenizer) -> list[int]:
    """The token ids of a request to the run's own tools."""
    conversation = request_of(evaluated.config, stage).conversation
    ids, _ = encode_segments(
        tokenizer, get_format(record.format).render(conversation, add_generation_prompt=True).segments
    )
    return ids


def _right(compared: SuiteComparison) -> str:
    """The share of entries that the export answers right, with its interval, and against the run's own rows."""
    paired = compared.pooled
    if paired is None:
        return "–"
    low, high = wilson(paired.after, paired.total)
    return f"{percent(paired.after / paired.total)} [{interval(low, high)}], {paired.verdict}"


def _print(compared: Sequence[Compared], title: str, *, as_json: bool) -> None:
    sentence = which_to_ship([one.candidate for one in compared])
    if as_json:
        print(json.dumps({"exports": [one.as_json() for one in compared], "sentence": sentence}, indent=2))
        return
    suites = tuple(one.suite for one in compared[0].suites)
    header = ("", "size", "read/s", "written/s", "same top", "KL", *_REGIONS, *suites)
    print(printable(f"Exports of {title}; the calls are compared with the run's own\n"))
    print(*map(printable, columns([header, *(one.cells() for one in compared)])), sep="\n")
    print(
        "\nread/s and written/s are tokens a second of the prompt and of the answer; KL is the mean divergence from "
        "the trained model in nats, over all tokens and by part of a call.\n"
    )
    for one in compared:
        if one.explained:
            print(printable(f"{one.record.files.name}: other calls than in the run's rows: {_listed(one.explained)}"))
    print(printable(sentence))


def _listed(explained: Sequence[OtherCalls]) -> str:
    """How many entries have other calls for each reason, and which."""
    return "; ".join(
        f"{len(some)} by the {reason}: {', '.join(map(str, some))}"
        for reason in get_args(Reason)
        if (some := [one for one in explained if one.reason == reason])
    )
