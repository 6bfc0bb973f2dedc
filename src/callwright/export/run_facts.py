"""What a model card says of the run that a model comes from, read from the run's own files."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from callwright.export.trained import Trained
from callwright.report.events import StageProgress
from callwright.report.run_files import RunFiles
from callwright.report.schema import Results
from callwright.report.stage_list import SECTIONS
from callwright.storage import sha256_file
from callwright.training.checkpoints import FILE


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a card says of a run.

    Attributes:
      results: Its results.
      data: Section of a training stage to its `data`, as configured.
      data_files: The sha256 of each file of the user's that the stages trained on, by path.
      adapter_sha256: Of the adapter that is exported; "" of the base alone.
    """

    results: Results
    data: Mapping[str, Mapping[str, Any]]
    data_files: Mapping[str, str]
    adapter_sha256: str

    @classmethod
    def read(cls, trained: Trained) -> "RunFacts":
        """The facts of the run that a model comes from.

        Raises:
          DataError: The run's log or results are missing or damaged.
          ConfigError: Its configuration is not the one that it began with.
        """
        run = RunFiles(trained.run)
        config = run.config()
        sections = [SECTIONS[stage] for stage in SECTIONS if stage <= trained.stage]
        data = {name: config[name]["data"] for name in sections if isinstance(config.get(name), dict)}
        files: dict[str, str] = {}
        for event in run.events():
            if isinstance(event, StageProgress) and event.event == "stage_finished" and event.stage <= trained.stage:
                files |= event.data_files
        adapter = run.checkpoint(trained.stage) / FILE
        sha256 = sha256_file(adapter) if trained.adapter is not None else ""
        return cls(Results.read(run.results_path), data, files, sha256)
