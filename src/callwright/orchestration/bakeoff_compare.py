"""`callwright bakeoff compare`: from a bake-off's directory to its verdict, in the terminal, as JSON and as a page."""

import json
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from callwright.bakeoff.arms import ARMS
from callwright.bakeoff.directory import ArmRecord, BakeoffDirectory, BakeoffRecord
from callwright.bakeoff.verdict.compare import compare_traces
from callwright.bakeoff.verdict.page import write_page
from callwright.bakeoff.verdict.probe_proof import with_proofs
from callwright.bakeoff.verdict.teacher_forcing import ForcedArms, ForcedModel, TeacherForcing
from callwright.bakeoff.verdict.terminal import print_verdict
from callwright.bakeoff.verdict.traces_on_disk import read_all_traces
from callwright.engines.llama_program import installed_program
from callwright.errors import CallwrightError, ConfigError, WorkError, suggest
from callwright.export.serve import ServeOptions, served
from callwright.export.target import EXPORTS
from callwright.export.trained import Trained, read_base, read_trained
from callwright.export.verify.reference import TrainedModel
from callwright.export.verify.served import ForcedCompletion
from callwright.models.tokenizer import load_tokenizer
from callwright.orchestration.bakeoff import base_ggufs
from callwright.probe.outcome import Report
from callwright.probe.report.baseline import read_report
from callwright.storage import sha256_file

VERDICT, PAGE = "verdict.json", "verdict.html"


def compare_bakeoff(directory: Path, *, reference: str, probes: Sequence[str], html: Path | None, as_json: bool) -> int:
    """Prints the verdict of a bake-off, and writes it as verdict.json and as a page.

    Args:
      directory: The bake-off's.
      reference: The arm that the others are compared with.
      probes: Reports of probes of the runtimes behind arms, each ARM=FILE.
      html: The page; verdict.html in the directory by default.
      as_json: Whether to print JSON.

    Returns:
      The exit code.

    Raises:
      CallwrightError: There are no traces, none of the reference, or the run's model or a report cannot be read.
    """
    found = read_all_traces(directory)
    reports = _reports(probes, found.arms)
    with _forced(directory) as forced:
        verdict = compare_traces(found, directory, reference, forced)
    record = BakeoffDirectory(directory).record()
    if record is not None:
        verdict = with_proofs(verdict, reports, record.format)
    verdict.write(directory / VERDICT)
    page = html or directory / PAGE
    write_page(verdict, found.arms, page)
    if as_json:
        print(json.dumps(verdict.as_json(), indent=2))
    else:
        print_verdict(verdict)
        print(f"\nthe conversations side by side: {page}")
    return 0


def _reports(probes: Sequence[str], arms: Collection[str]) -> dict[str, Report]:
    """The reports by arm.

    Raises:
      ConfigError: One is not ARM=FILE with an arm of the bake-off.
      DataError: A file is no report.
    """
    reports = {}
    for entry in probes:
        arm, _, file = entry.partition("=")
        if arm not in arms or not file:
            raise ConfigError("--probe ARM=FILE with an arm of this bake-off", entry, suggest(arm, arms))
        reports[arm] = read_report(Path(file))
    return reports


@contextmanager
def _forced(directory: Path) -> Iterator[ForcedArms | None]:
    """The weights behind the arms, as far as they are at hand: those of the run in whose directory the bake-off is, or
    the base model's, and the very GGUF that the llama.cpp server had, where there is a program to serve it.
    """
    record = BakeoffDirectory(directory).record()
    trained = None if record is None else _weights(directory, record)
    if record is None or trained is None:
        yield None
        return
    tokenizer = load_tokenizer(trained.base.directory)
    model = ForcedModel(TrainedModel(trained))
    arms: dict[str, TeacherForcing] = {name: model for name, arm in record.arms.items() if arm.kind == "jax"}
    served_arms = [name for name, arm in record.arms.items() if _has_our_server(arm)]
    gguf, program = _gguf(trained, record) if served_arms else None, installed_program()
    with ExitStack() as running:
        if gguf is not None and program is not None:
            try:
                url = running.enter_context(served(gguf, program, ServeOptions(port=0, context=record.context))).url
            except WorkError as error:
                print(f"note: no llama.cpp server, so its weights are not asked: {error}", file=sys.stderr)
            else:
                arms |= dict.fromkeys(served_arms, running.enter_context(ForcedCompletion(url, tokenizer)))
        yield ForcedArms(arms, trained.format, tokenizer)


def _weights(directory: Path, record: BakeoffRecord) -> Trained | None:
    """What was compared; None where it cannot be told to be the same."""
    if record.run is None:
        try:
            trained = read_base(record.model, record.format)
        except CallwrightError:  # the record has its name, which need not be where it is
            return None
        return trained if trained.base.sha256 == record.model_sha256 else None
    run, stage = directory.resolve().parent.parent, record.run.rpartition("/")[2]
    return read_trained(run / stage) if record.run == f"{run.name}/{stage}" else None


def _has_our_server(arm: ArmRecord) -> bool:
    return ARMS[arm.kind].needs_server and arm.options.get("url") is None


def _gguf(trained: Trained, record: BakeoffRecord) -> Path | None:
    """The file that the server had; None where it is gone."""
    places = base_ggufs() if trained.adapter is None else trained.run / EXPORTS
    return next((file for file in sorted(places.rglob("*.gguf")) if sha256_file(file) == record.gguf_sha256), None)
