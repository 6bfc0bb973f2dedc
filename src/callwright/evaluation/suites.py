"""What each suite asks after a stage, and how it is asked.

Rows of BFCL are in the evaluation's directory, those of `tools` in a directory of that name below it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from callwright.data.own_tools.flows import Flow
from callwright.evaluation.answerer import Answerer
from callwright.evaluation.entries import Entry, bfcl_questions
from callwright.evaluation.flows import FlowPlay
from callwright.evaluation.own_tools import tools_entries
from callwright.evaluation.plays import OneAnswer, Play
from callwright.evaluation.row import read_rows
from callwright.evaluation.run import evaluate
from callwright.evaluation.settings import BASELINE, BfclSettings, SuiteSettings, ToolsSuiteSettings
from callwright.evaluation.statistics import FLOW
from callwright.progress import track


@dataclass(frozen=True, slots=True)
class SuiteEntries:
    """What a suite asks after a stage.

    Attributes:
      entries: What is asked once, by category.
      flows: What is played until it ends.
    """

    entries: Mapping[str, Sequence[Entry]]
    flows: Sequence[Flow] = ()

    def __len__(self) -> int:
        return sum(map(len, self.entries.values())) + len(self.flows)

    @property
    def ids(self) -> dict[str, set[str]]:
        """The ids by category."""
        ids = {name: {entry.id for entry in members} for name, members in self.entries.items()}
        return ids | ({FLOW: {flow.id for flow in self.flows}} if self.flows else {})

    def have_rows(self, directory: Path) -> bool:
        """Whether each of them has its row in the directory.

        Raises:
          DataError: A line there is not a row.
        """
        return all(ids <= {row.id for row in read_rows(directory / f"{name}.jsonl")} for name, ids in self.ids.items())


def suite_entries(settings: SuiteSettings, stage: int) -> SuiteEntries:
    """What a suite asks after a stage.

    Raises:
      CallwrightError: The benchmark cannot be had, or the tools file is wrong.
    """
    if isinstance(settings, BfclSettings):
        return SuiteEntries(bfcl_questions(settings.entries(baseline=stage == BASELINE)))
    if isinstance(settings, ToolsSuiteSettings):
        return SuiteEntries(*tools_entries(settings, stage))
    raise TypeError(type(settings).__name__)


def ask_suite(
    answerer: Answerer,
    asked: SuiteEntries,
    settings: SuiteSettings,
    directory: Path,
    *,
    title: str,
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Asks what has no row yet in the directory, and shows progress.

    Args:
      answerer: An engine or a served chat.
      asked: What is asked.
      settings: Batching and limits.
      directory: Where the rows are appended.
      title: What the progress is shown under.
      should_stop: Asked before every batch.

    Returns:
      Whether everything has its row.

    Raises:
      DataError: A line on disk is not a row.
      StorageError: The rows cannot be written.
    """
    plays: list[Play] = [OneAnswer(entry) for members in asked.entries.values() for entry in members]
    if isinstance(settings, ToolsSuiteSettings):
        plays += [FlowPlay(flow, settings.max_steps) for flow in asked.flows]
    with _entry_bar(title, len(plays)) as advance:
        return evaluate(answerer, plays, settings, directory, advance=advance, should_stop=should_stop)


@contextmanager
def _entry_bar(title: str, total: int) -> Iterator[Callable[[int, float], None]]:
    """A progress bar whose first report is of what was found done, which says nothing about the rate."""
    with track(title, total, "entries", work=1.0) as bar:
        first = True

        def advance(count: int, share: float) -> None:
            nonlocal first
            bar.advance(count, work=share, free=first)
            first = False

        yield advance
