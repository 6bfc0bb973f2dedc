"""`callwright bakeoff compare`: from a bake-off's directory to its verdict, in the terminal, as JSON and as a page."""

import json
from pathlib import Path

from callwright.bakeoff.directory import BakeoffDirectory
from callwright.bakeoff.verdict.compare import compare_traces
from callwright.bakeoff.verdict.page import write_page
from callwright.bakeoff.verdict.teacher_forcing import ForcedArms, ForcedModel
from callwright.bakeoff.verdict.terminal import print_verdict
from callwright.bakeoff.verdict.traces_on_disk import read_all_traces
from callwright.export.trained import read_trained
from callwright.export.verify.reference import TrainedModel
from callwright.models.tokenizer import load_tokenizer

VERDICT, PAGE = "verdict.json", "verdict.html"


def compare_bakeoff(directory: Path, *, reference: str, html: Path | None, as_json: bool) -> int:
    """Prints the verdict of a bake-off, and writes it as verdict.json and as a page.

    Args:
      directory: The bake-off's.
      reference: The arm that the others are compared with.
      html: The page; verdict.html in the directory by default.
      as_json: Whether to print JSON.

    Returns:
      The exit code.

    Raises:
      CallwrightError: There are no traces, none of the reference, or the run's model cannot be read.
    """
    found = read_all_traces(directory)
    verdict = compare_traces(found, directory, reference, _forced(directory))
    verdict.write(directory / VERDICT)
    page = html or directory / PAGE
    write_page(verdict, found.arms, page)
    if as_json:
        print(json.dumps(verdict.as_json(), indent=2))
    else:
        print_verdict(verdict)
        print(f"\nthe conversations side by side: {page}")
    return 0


def _forced(directory: Path) -> ForcedArms | None:
    """The weights of the arms that have the trained ones as they are, if the bake-off is in its run's directory."""
    record = BakeoffDirectory(directory).record()
    if record is None or record.run is None:
        return None
    run, stage = directory.resolve().parent.parent, record.run.rpartition("/")[2]
    if record.run != f"{run.name}/{stage}":
        return None
    trained = read_trained(run / stage)
    model = ForcedModel(TrainedModel(trained))
    arms = {name: model for name, arm in record.arms.items() if arm.kind == "jax"}
    return ForcedArms(arms, trained.format, load_tokenizer(trained.base.directory))
