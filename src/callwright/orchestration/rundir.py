"""A run's directory: what is where, whose it is, and the log that is its truth.

`events.jsonl` is appended to and never rewritten; everything else that describes the run (`results.json`,
`report.html`) is derived from it and from the evaluations' rows, and can be made again at any time.
"""

import datetime
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from callwright.errors import ConfigError
from callwright.orchestration.config import PipelineConfig
from callwright.storage import JsonLines, read_jsonl, write_text

HEADER = "# The resolved configuration of this run: every key, defaults included.\n"


class RunDirectory:
    """One run on disk; open it with `with`, which also keeps a second process out."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._lock = FileLock(self.path / ".lock")
        self._events: JsonLines | None = None

    def __enter__(self) -> "RunDirectory":
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise ConfigError(
                f"{self.path} to be free", "another process working in it", "wait for it, or give the run another name"
            ) from error
        self._events = JsonLines(self.path / "events.jsonl")
        return self

    def __exit__(self, *_: object) -> None:
        if self._events is not None:
            self._events.close()
        self._lock.release()

    @property
    def config_path(self) -> Path:
        """The resolved configuration."""
        return self.path / "config.yaml"

    @property
    def results_path(self) -> Path:
        """The results, schema in `report.schema`."""
        return self.path / "results.json"

    @property
    def report_path(self) -> Path:
        """The report, one HTML file."""
        return self.path / "report.html"

    def checkpoint(self, stage: int) -> Path:
        """Where a training stage keeps its checkpoints and leaves its adapter."""
        return self.path / "checkpoints" / f"stage{stage}"

    def evaluation(self, stage: int) -> Path:
        """Where the rows of the evaluation after a stage are appended, a file for each category."""
        return self.path / "evaluations" / f"stage{stage}"

    def event(self, event: str, **fields: Any) -> None:
        """Appends to the log; it is on disk when this returns."""
        if self._events is None:
            raise RuntimeError("open the run directory with `with` before writing to it")
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        self._events.append({"time": now, "event": event, **fields})

    def events(self) -> list[dict[str, Any]]:
        """The log so far."""
        return read_jsonl(self.path / "events.jsonl")

    def began_with(self) -> dict[str, Any] | None:
        """The first event: configuration hash and what was resumed from; None for a fresh directory."""
        return next((event for event in self.events() if event["event"] == "run_created"), None)

    @property
    def finished(self) -> bool:
        """Whether a command ran to its end here."""
        return any(event["event"] == "run_finished" for event in self.events())

    def stage_finished(self, stage: int) -> bool:
        """Whether the stage itself, without the evaluation after it, is done."""
        return any(event["event"] == "stage_finished" and event["stage"] == stage for event in self.events())

    def evaluation_finished(self, stage: int) -> bool:
        """Whether the evaluation after the stage is done."""
        return any(event["event"] == "evaluation_finished" and event["stage"] == stage for event in self.events())

    def write_config(self, config: PipelineConfig) -> None:
        """Writes the resolved configuration."""
        write_text(self.config_path, HEADER + yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))


def changed_keys(old: Any, new: Any, path: str = "") -> list[str]:
    """The dotted keys in which two resolved configurations differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            key
            for name in sorted(old.keys() | new.keys())
            for key in changed_keys(old.get(name), new.get(name), f"{path}.{name}" if path else name)
        ]
    return [] if old == new else [path]
