"""The check of a training stage's data, before anything is trained on it: in stage 1, and in the dry run."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

from callwright.data.contamination import Benchmark, Contamination
from callwright.data.own_tools.fitting import check_length, check_names
from callwright.data.own_tools.source import ToolsSource
from callwright.data.registry import SOURCES
from callwright.data.source import Example
from callwright.data.validation import SAMPLE, SourceCheck, check_source
from callwright.errors import DataError
from callwright.evaluation.bfcl import load_category
from callwright.formats.base import Format
from callwright.orchestration.config import PipelineConfig
from callwright.progress import track
from callwright.report.events import StageProgress
from callwright.report.run_files import RunFiles
from callwright.report.stage_list import SECTIONS, STAGES
from callwright.tokens import Tokenizer
from callwright.training.checkpoints import has_steps
from callwright.training.settings import GrpoSettings, SftSettings


class DataCheck:
    """What the check of a training stage's data found.

    Attributes:
      sources: The checks of its sources.
      contamination: What the user's examples share with the benchmark; None where that was not looked for.
    """

    def __init__(self) -> None:
        self.sources: list[SourceCheck] = []
        self.contamination: Contamination | None = None

    def __str__(self) -> str:
        """How many examples were checked, as part of a sentence."""
        counts = self.summary()
        return "all checked" if counts["read_back"] == counts["examples"] else f"{counts['read_back']} checked"

    def lines(self) -> list[str]:
        """What was found, a line each."""
        found = [line for source in self.sources for line in source.lines()]
        shared = self.contamination
        return [*found, str(shared)] if shared and (shared.queries or shared.signatures) else found

    def summary(self) -> dict[str, Any]:
        """The same for the run's log."""
        examples, checked = (sum(getattr(source, key) for source in self.sources) for key in ("examples", "checked"))
        counts: dict[str, Any] = {"examples": examples, "read_back": checked}
        findings = {finding: count for source in self.sources for finding, count in source.findings.items()}
        if (shared := self.contamination) is not None:
            counts |= {
                "copied": len(shared.copies),
                "shared_queries": shared.queries,
                "shared_signatures": shared.signatures,
            }
        return counts | ({"warnings": findings} if findings else {})

    def print(self, title: str) -> None:
        """Prints what was found, on standard error."""
        for line in self.lines():
            print(f"  {title}: {line}", file=sys.stderr, flush=True)


def check_data(
    config: PipelineConfig,
    stage: int,
    fmt: Format,
    should_stop: Callable[[], bool] = lambda: False,
    *,
    tokenizer: Tokenizer,
) -> DataCheck | None:
    """Checks every example of the user's, and a sample of what a source makes itself; shows progress.

    Args:
      config: The run's configuration.
      stage: The number of a training stage.
      fmt: The format in which it trains.
      should_stop: Asked between examples.
      tokenizer: The model's.

    Returns:
      What was found; None when it was asked to stop.

    Raises:
      DataError: Some examples are wrong, or are copies of benchmark entries and the stage refuses these; or the format
        cannot write the tools of a tools file, or they do not fit into a prompt.
    """
    check = DataCheck()
    compare = config.stage(stage).decontaminate != "off"
    for name, source in config.sources(stage).items():
        if isinstance(source, ToolsSource):
            _check_tools(source, config.stage(stage).training, fmt, tokenizer)
        user_data = SOURCES[name].user_data
        visit: Callable[[Example], None] = lambda example: None  # noqa: E731
        if user_data and compare:
            visit = _comparing(config, check)
        limit = None if user_data else SAMPLE
        total = len(source) if limit is None else min(limit, len(source))
        with track(f"{STAGES[stage].title}: checking {name}", total, "examples") as bar:
            found = check_source(source, fmt, limit=limit, should_stop=should_stop, advance=bar.advance, visit=visit)
        if found is None:
            return None
        check.sources.append(found)
        found.refuse()
    if check.contamination and config.stage(stage).decontaminate == "refuse":
        check.contamination.refuse_copies(SECTIONS[stage])
    return check


def _check_tools(source: ToolsSource, training: SftSettings | GrpoSettings, fmt: Format, tokenizer: Tokenizer) -> None:
    file, path = source.file, source.settings.path
    check_names(file, path, fmt)
    key = "sequence_length" if isinstance(training, SftSettings) else "max_prompt_tokens"
    check_length(file, path, fmt, tokenizer, getattr(training, key), f"training.{key}")


def _comparing(config: PipelineConfig, check: DataCheck) -> Callable[[Example], None]:
    """Adds what an example shares with the benchmark's entries to the check."""
    benchmark = Benchmark(entry for name in config.evaluation.bfcl.entries() for entry in load_category(name))
    contamination = check.contamination = check.contamination or Contamination()
    return lambda example: contamination.add(benchmark.overlap(example))


def refuse_other_data(run: RunFiles, stage: int, digests: Mapping[str, str]) -> None:
    """Refuses to go on with a stage that was stopped, if a file that it was trained on is another one now.

    Args:
      run: The run's files.
      stage: The number of a training stage; one that left no checkpoint starts anew, on any data.
      digests: The sha256 of each file now, by path.

    Raises:
      DataError: A file has changed.
    """
    if not has_steps(run.checkpoint(stage)):
        return
    began = [e.data_files for e in run.events() if isinstance(e, StageProgress) and e.stage == stage and e.data_files]
    for path, sha256 in (began[-1] if began else {}).items():
        if digests.get(path, sha256) != sha256:
            raise DataError(
                f"{path} as stage {stage} of {run.path} began with it (sha256 {sha256})",
                f"a file that has changed (sha256 {digests[path]})",
                f"put the old file back, give the run another name (--set name=...), or remove "
                f"{run.checkpoint(stage)} to train the stage anew on the new one",
            )
