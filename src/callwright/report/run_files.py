"""The files of a run's directory, for whoever reads them; `orchestration.rundir` locks and writes them.

`events.jsonl` is appended to and never rewritten; everything else that describes the run (`results.json`,
`report.html`) is derived from it, from the configuration and from the evaluations' rows.
"""

import fcntl
import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from callwright.errors import CheckpointError, ConfigError, DataError
from callwright.evaluation.settings import EvaluationSettings, SuiteName
from callwright.report.events import Event, RunCreated, StageProgress, read_events
from callwright.report.stage_list import SECTIONS, PipelineStage
from callwright.settings import validated
from callwright.storage import sha256_json
from callwright.yaml_files import read_yaml


class _Section(BaseModel):
    """What the results need of a training stage's section."""

    enabled: bool = True


class RunConfig(BaseModel):
    """What the results of a run need of its configuration; `orchestration.config` has all of it."""

    model_config = ConfigDict(frozen=True)

    seed: int = 0
    evaluation: EvaluationSettings = EvaluationSettings()
    sft_small: _Section = _Section()
    sft_full: _Section = _Section()
    grpo: _Section = _Section()

    def left_out(self, stage: PipelineStage) -> bool:
        """Whether the stage is one that the configuration leaves out."""
        return bool(stage.section) and not getattr(self, stage.section).enabled


class RunFiles:
    """One run on disk; nothing is written."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.log_path = self.path / "events.jsonl"
        """The log."""
        self.lock_path = self.path / ".lock"
        """What a process that works on the run holds the lock of."""
        self.config_path = self.path / "config.yaml"
        """The resolved configuration."""
        self.results_path = self.path / "results.json"
        """The results, schema in `report.schema`."""
        self.report_path = self.path / "report.html"
        """The report, one HTML file."""

    def checkpoint(self, stage: int) -> Path:
        """Where a training stage keeps its checkpoints and leaves its adapter."""
        return self.path / "checkpoints" / f"stage{stage}"

    def evaluation(self, stage: int, suite: SuiteName = "bfcl") -> Path:
        """Where the rows of a suite that was asked after a stage are, a file for each category."""
        directory = self.path / "evaluations" / f"stage{stage}"
        return directory if suite == "bfcl" else directory / suite

    def events(self) -> list[Event]:
        """The log so far.

        Raises:
          DataError: A line is not an event.
        """
        return read_events(self.log_path)

    def created(self) -> RunCreated | None:
        """The event with which the run began; None for a fresh directory."""
        return next((event for event in self.events() if isinstance(event, RunCreated)), None)

    @property
    def in_use(self) -> bool:
        """Whether a process works on the run, as far as its lock can be seen from this machine."""
        try:
            with open(self.lock_path, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # nobody has made the file, or it cannot be looked at
            return False
        return False

    @property
    def finished(self) -> bool:
        """Whether a command ran to its end here."""
        return any(event.event == "run_finished" for event in self.events())

    def stage_finished(self, stage: int) -> bool:
        """Whether the stage itself, without the evaluation after it, is done."""
        return any(mark.event == "stage_finished" for mark in self._progress(stage))

    def evaluation_finished(self, stage: int, suite: SuiteName | None = None) -> bool:
        """Whether a suite, or every suite that follows the stage, has been asked after it."""
        done = {mark.suite for mark in self._progress(stage) if mark.event == "evaluation_finished"}
        if suite is not None:
            return suite in done
        created = self.created()
        planned = created.suites(stage) if created else None
        return bool(done) and done >= (planned or {}).keys()

    def _progress(self, stage: int) -> list[StageProgress]:
        return [event for event in self.events() if isinstance(event, StageProgress) and event.stage == stage]

    def config(self) -> dict[str, Any]:
        """The keys and values of `config.yaml`, as the run began with them.

        Raises:
          ConfigError: The file is missing, or is not the one that the run wrote.
        """
        expected, got = f"the configuration that {self.path} began with in {self.config_path}", "one that was changed"
        try:
            config, created = read_yaml(self.config_path, error=ConfigError), self.created()
            # The hash is of what the file holds: a later version may know more keys and still read it.
            if isinstance(config, dict) and (created is None or sha256_json(config) == created.config_sha256):
                return config
        except ConfigError as error:
            expected, got = error.expected, error.got
        raise ConfigError(expected, got, "remove the file and give the run's command again, which writes it anew")

    def run_config(self) -> RunConfig:
        """The part of the configuration that the results need.

        Raises:
          ConfigError: As `config`, or a value in it is not what this version reads.
        """
        return validated(RunConfig, self.config(), where=str(self.config_path))


def split_run(path: Path) -> tuple[RunFiles, int | None]:
    """The run that RUN on a command line names, and the stage, where RUN names one.

    Args:
      path: `runs/NAME`, `runs/NAME/stageN` or `runs/NAME/checkpoints/stageN`.
    """
    path = Path(path)
    stage = re.fullmatch(r"stage(\d+)", path.name)
    if stage is None or RunFiles(path).log_path.is_file():  # a run may have such a name too
        return RunFiles(path), None
    parent = path.resolve().parent if path.parent == Path() else path.parent
    return RunFiles(parent.parent if parent.name == "checkpoints" else parent), int(stage[1])


def check_run(run: RunFiles) -> RunCreated:
    """The event with which a run began.

    Raises:
      DataError: There is no run in the directory, or its log is damaged.
    """
    created = run.created()
    if created is None:
        fix = "name a directory under runs/, such as runs/quickstart, or a stage of one, runs/quickstart/stage3"
        raise DataError(f"a run in {run.path}", f"no {run.log_path.name} of one", fix)
    return created


def find_stage(path: Path) -> tuple[RunFiles, int]:
    """The run and the finished training stage that a path names; without a stage it names the last finished one.

    Args:
      path: As for `split_run`.

    Raises:
      DataError: There is no run, or its log is damaged.
      CheckpointError: The stage, or every stage, is unfinished.
    """
    run, named = split_run(path)
    check_run(run)
    finished = [stage for stage in SECTIONS if run.stage_finished(stage)]
    if not finished or named not in (None, *finished):
        wanted = "a finished training stage" if named is None else f"a finished stage {named}"
        got = f"stages {', '.join(map(str, finished))}" if finished else "none"
        raise CheckpointError(f"{wanted} of {run.path}", got, "name another stage, or give the run's command again")
    return run, named or finished[-1]
