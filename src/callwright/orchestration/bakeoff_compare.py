"""`callwright bakeoff compare`: from a bake-off's directory to its verdict, in the terminal, as JSON and as a page."""

import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from callwright.bakeoff.directory import BakeoffDirectory
from callwright.bakeoff.verdict.compare import compare_traces
from callwright.bakeoff.verdict.page import write_page
from callwright.bakeoff.verdict.teacher_forcing import ForcedArms, ForcedModel
from callwright.bakeoff.verdict.terminal import print_verdict
from callwright.bakeoff.verdict.traces_on_disk import read_all_traces
from callwright.export.trained import Trained, read_trained
from callwright.export.verify.forced import ForcedOutput
from callwright.models.tokenizer import load_tokenizer

if TYPE_CHECKING:  # it imports JAX
    from callwright.export.verify.reference import LogitModel

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
    verdict = compare_traces(found, directory, reference, _forced(directory, reference))
    verdict.write(directory / VERDICT)
    page = html or directory / PAGE
    write_page(verdict, found.arms, page)
    if as_json:
        print(json.dumps(verdict.as_json(), indent=2))
    else:
        print_verdict(verdict)
        print(f"\nthe conversations side by side: {page}")
    return 0


def _forced(directory: Path, reference: str) -> ForcedArms | None:
    """The reference's weights, where the bake-off stands in its run's directory."""
    record = BakeoffDirectory(directory).record()
    name, _, stage = (record.run if record and record.run else "").partition("/")
    run = directory.resolve().parents[1]
    if not name or run.name != name:
        return None
    trained = read_trained(run / stage)
    model = ForcedModel(_LoadedWhenAsked(trained))
    return ForcedArms({reference: model}, trained.format, load_tokenizer(trained.base.directory))


class _LoadedWhenAsked:
    """The trained model, which takes seconds to load and is asked only where arms part."""

    def __init__(self, trained: Trained) -> None:
        self._trained = trained

    @cached_property
    def _model(self) -> "LogitModel":
        from callwright.export.verify.reference import TrainedModel

        return TrainedModel(self._trained)

    def logits(self, forced: ForcedOutput) -> np.ndarray:
        """See `LogitModel.logits`."""
        return self._model.logits(forced)
