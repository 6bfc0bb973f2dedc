"""A run's directory: what is where, whose it is, and the log that is its truth.

`events.jsonl` is appended to and never rewritten; everything else that describes the run (`results.json`,
`report.html`) is derived from it and from the evaluations' rows, and can be made again at any time.
"""

import datetime
import reprlib
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from callwright.errors import ConfigError, DataError
from callwright.orchestration.config import PipelineConfig, load_config
from callwright.storage import JsonLines, numbered_jsonl, sha256_json, write_text, writing

_KINDS: dict[str, type] = {
    "stage": int,
    "step": int,
    "tokens": int,
    "peak_memory_bytes": int,
    "message": str,
    "config_sha256": str,
    "command": str,
    "model": dict,
    "versions": dict,
    "planned": dict,
}
"""What an event's fields are, wherever they stand."""
_ALWAYS = {
    "run_created": ("config_sha256", "command", "model", "versions"),
    "stage_started": ("stage",),
    "stage_left": ("stage",),
    "stage_finished": ("stage",),
    "stage_failed": ("stage", "message"),
    "evaluation_started": ("stage",),
    "evaluation_left": ("stage",),
    "evaluation_finished": ("stage",),
    "step": ("stage", "step"),
}
"""The fields without which an event says nothing."""
HEADER = "# The resolved configuration of this run: every key, defaults included.\n"


class RunDirectory:
    """One run on disk; open it with `with`, which also keeps a second process out."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._lock = FileLock(self.path / ".lock")
        self._events: JsonLines | None = None

    def __enter__(self) -> "RunDirectory":
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            try:
                self._lock.acquire(timeout=0)
            except Timeout as error:
                raise ConfigError(
                    f"{self.path} to be free",
                    "another process working in it",
                    "wait for it, or give the run another name",
                ) from error
        self._events = JsonLines(self.log_path)
        return self

    def __exit__(self, *_: object) -> None:
        if self._events is not None:
            self._events.close()
        self._lock.release()

    @property
    def log_path(self) -> Path:
        """The log."""
        return self.path / "events.jsonl"

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
        """The log so far.

        Raises:
          DataError: a line is no event.
        """
        return [_checked(event, f"line {number} of {self.log_path}") for number, event in numbered_jsonl(self.log_path)]

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

    def read_config(self) -> PipelineConfig:
        """The configuration that the run began with.

        Raises:
          ConfigError: the file is missing or is not the one that the run wrote.
        """
        expected, came = f"the configuration that {self.path} began with in {self.config_path}", "one that was changed"
        try:
            config = load_config(self.config_path)
            began, own = self.began_with(), yaml.safe_load(self.config_path.read_text(encoding="utf-8"))
            # The hash is of what the file holds: a later version may know more keys and still read it.
            if began is None or sha256_json(own) == began["config_sha256"]:
                return config
        except ConfigError as error:
            expected, came = error.expected, error.came
        except (ValueError, RecursionError) as error:  # dates that do not exist, values nested too deeply
            came = str(error)
        raise ConfigError(expected, came, "remove the file and give the run's command again, which writes it anew")

    def write_config(self, config: PipelineConfig) -> None:
        """Writes the resolved configuration."""
        write_text(self.config_path, HEADER + yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))


def _checked(event: dict[str, Any], where: str) -> dict[str, Any]:
    """The event, if it can be counted on.

    Raises:
      DataError: it lacks a field, or holds one that is something else.
    """
    kind = event.get("event")
    wrong = next((name for name in _KINDS if name in event and type(event[name]) is not _KINDS[name]), None)
    if not isinstance(kind, str):
        wrong = "event"
    elif not _is_time(event.get("time")):
        wrong = "time"
    else:
        wrong = next((name for name in _ALWAYS.get(kind, ()) if name not in event), wrong)
    if wrong is not None:
        came = f"{wrong} {reprlib.repr(event[wrong])}" if wrong in event else f"one without {wrong}"
        raise DataError(f"an event in {where}", came, "correct the line or take it out")
    return event


def _is_time(value: Any) -> bool:
    try:
        return datetime.datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def changed_keys(old: Any, new: Any, path: str = "") -> list[str]:
    """The dotted keys in which two resolved configurations differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            key
            for name in sorted(old.keys() | new.keys())
            for key in changed_keys(old.get(name), new.get(name), f"{path}.{name}" if path else name)
        ]
    return [] if old == new else [path]
