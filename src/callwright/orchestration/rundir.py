"""A run's directory, to write in: one process at a time holds its lock and appends to its log."""

import datetime
import warnings
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from callwright.errors import ConfigError, RenamedKeyWarning
from callwright.orchestration.config import PipelineConfig, load_config
from callwright.report.run_files import RunFiles
from callwright.storage import JsonLines, writing
from callwright.yaml_files import write_yaml

HEADER = "# The resolved configuration of this run: every key, defaults included.\n"


class RunDirectory(RunFiles):
    """One run on disk; open it with `with` to write in it, which also keeps a second process out."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._lock = FileLock(self.lock_path)
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

    def event(self, event: str, **fields: Any) -> None:
        """Appends to the log; it is on disk when this returns."""
        if self._events is None:
            raise RuntimeError("open the run directory with `with` before writing to it")
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        self._events.append({"time": now, "event": event, **fields})

    def read_config(self) -> PipelineConfig:
        """The configuration that the run began with.

        Raises:
          ConfigError: The file is missing or is not the one that the run wrote.
        """
        self.config()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RenamedKeyWarning)  # the file is as an earlier version wrote it
            return load_config(self.config_path)

    def write_config(self, config: PipelineConfig) -> None:
        """Writes the resolved configuration."""
        write_yaml(self.config_path, config.model_dump(mode="json"), header=HEADER)


def changed_keys(old: Any, new: Any, path: str = "") -> list[str]:
    """The dotted keys in which two resolved configurations differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            key
            for name in sorted(old.keys() | new.keys())
            for key in changed_keys(old.get(name), new.get(name), f"{path}.{name}" if path else name)
        ]
    return [] if old == new else [path]
