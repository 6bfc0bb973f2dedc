"""A bake-off's directory: what was held constant, and the traces.

| file | what it is | written |
| --- | --- | --- |
| `bakeoff.json` | a `BakeoffRecord` | at the start, and once an arm is open; atomically |
| `traces/ARM/TASK.jsonl` | steps and halts, see `trace` | appended, synced after each line |

A bake-off that was stopped goes on where it was: what has its halt is not asked again, but for tasks of an arm that
could not even be opened. More wordings and more arms may join later; all that is held constant may not change.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict

from callwright.bakeoff.trace import Halt, Step, Trace
from callwright.bakeoff.trace_files import TraceKey, read_traces
from callwright.errors import ConfigError, DataError
from callwright.openai import read_json
from callwright.settings import validated
from callwright.storage import JsonLines, write_json, writing

RECORD = "bakeoff.json"
_FREE = ("wordings", "seeds", "tasks_file", "callwright", "arms")
"""What of a record may be another when a bake-off goes on; of arms those that were asked may not."""


class ArmRecord(BaseModel):
    """What was held constant in one arm."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    kind: str
    """Which arm it is."""
    options: dict[str, Any]
    """As the configuration has them, defaults included."""
    runtime: dict[str, Any] = {}
    """What the runtime says of itself: its version, its model, the sha256 of its chat template."""


class BakeoffRecord(BaseModel):
    """What was held constant."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    schema_version: Literal[1] = 1
    callwright: str
    """The version that wrote it last."""
    model: str
    """The base model's name."""
    model_sha256: str
    """Of the base weights."""
    run: str | None
    """The run and stage that were trained, runs/NAME/stageN; None of the base model."""
    adapter_sha256: str | None
    """Of what was trained; None of the base model."""
    gguf_sha256: str | None
    """Of the file that the llama.cpp server got; None where none was started."""
    format: str
    """How conversations are written."""
    chat_template_sha256: str
    """Of the template that the format emits."""
    tasks_file: str
    """Where the tasks are from."""
    tasks_sha256: dict[str, str]
    """Of it and of each file that it includes, by name."""
    tasks: tuple[str, ...]
    """Their names."""
    wordings: int
    """How many of each were asked last."""
    history_sha256: str | None
    """Of the chat that preceded every request; None for the tasks file's own."""
    context_share: float
    """As in the settings, and so are the following."""
    seeds: tuple[int, ...]
    temperature: float
    thinking: bool
    context: int
    max_new_tokens: int
    max_steps: int
    step_seconds: float
    task_seconds: float
    tools: tuple[dict[str, Any], ...]
    """What was offered, in OpenAI's notation."""
    arms: dict[str, ArmRecord]
    """By name."""


class BakeoffDirectory:
    """A bake-off on disk.

    Args:
      path: The directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._files: dict[Path, JsonLines] = {}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """A block in which no other process writes there.

        Raises:
          ConfigError: One does.
        """
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path / ".lock")
            try:
                lock.acquire(timeout=0)
            except Timeout as error:
                fix = "wait for it, or name another directory with --output"
                raise ConfigError(f"{self.path} to be free", "another process working in it", fix) from error
        try:
            yield
        finally:
            for file in self._files.values():
                file.close()
            self._files.clear()
            lock.release()

    def record(self) -> BakeoffRecord | None:
        """What was held constant so far; None where nothing was begun.

        Raises:
          DataError: The file is damaged.
        """
        path = self.path / RECORD
        if not path.is_file():
            return None
        fix = "name another directory with --output"
        try:
            data = read_json(path.read_bytes())
        except (ValueError, RecursionError) as error:
            raise DataError(f"JSON in {path}", str(error), fix) from error
        return validated(BakeoffRecord, data, where=str(path), error=DataError, fix=fix)

    def begin(self, record: BakeoffRecord) -> None:
        """Writes down what is held constant, and keeps what is known of arms that are not asked now.

        Raises:
          ConfigError: The traces that are there were made with something else; the message names it.
        """
        known = self.record()
        if known is not None:
            self._refuse_changes(known, record)
            kept = {name: arm for name, arm in known.arms.items() if name not in record.arms or self._asked(name)}
            record = record.model_copy(update={"arms": record.arms | kept})
        write_json(self.path / RECORD, record.model_dump(mode="json"))

    def opened(self, arm: str, runtime: Mapping[str, Any]) -> None:
        """Writes down what a runtime says of itself.

        Raises:
          ConfigError: The arm's traces were made with another one.
        """
        record = self.record()
        if record is None or arm not in record.arms:
            raise DataError(f"{arm} in {self.path / RECORD}", "nothing", "begin first")
        before = record.arms[arm]
        if self._asked(arm) and before.runtime != runtime:
            raise self._changed(f"the runtime of {arm}", before.runtime, dict(runtime))
        arms = record.arms | {arm: before.model_copy(update={"runtime": dict(runtime)})}
        write_json(self.path / RECORD, record.model_copy(update={"arms": arms}).model_dump(mode="json"))

    def traces(self, arm: str, tasks: Iterable[str]) -> list[Trace]:
        """The whole traces of an arm, task after task.

        Raises:
          DataError: A file of them is damaged.
        """
        return [trace for task in dict.fromkeys(tasks) for trace in read_traces(self._place(arm, task))]

    def ended(self, arm: str, tasks: Iterable[str]) -> set[TraceKey]:
        """What is not asked again.

        Raises:
          DataError: As `traces`.
        """
        return {TraceKey.of(trace.halt) for trace in self.traces(arm, tasks) if trace.halt.steps_used}

    def keep(self, record: Step | Halt) -> None:
        """Appends a step or a halt; it is on disk when this returns.

        Raises:
          StorageError: The disk is full.
        """
        path = self._place(record.arm, record.task)
        if path not in self._files:
            self._files[path] = JsonLines(path)
        self._files[path].append(record.as_json())

    def _place(self, arm: str, task: str) -> Path:
        return self.path / "traces" / arm / f"{task}.jsonl"

    def _asked(self, arm: str) -> bool:
        """Whether the arm has a trace with a step."""
        return any(b'"kind":"step"' in path.read_bytes() for path in (self.path / "traces" / arm).glob("*.jsonl"))

    def _refuse_changes(self, known: BakeoffRecord, record: BakeoffRecord) -> None:
        for key in BakeoffRecord.model_fields:
            before, now = getattr(known, key), getattr(record, key)
            # A server that is not started now changes nothing of the traces that one gave.
            if key not in _FREE and before != now and not (key == "gguf_sha256" and None in (before, now)):
                raise self._changed(key, before, now)
        for name, arm in record.arms.items():
            before = known.arms.get(name)
            if before is not None and (before.kind, before.options) != (arm.kind, arm.options) and self._asked(name):
                raise self._changed(f"the options of {name}", before.options, arm.options)

    def _changed(self, what: str, before: object, now: object) -> ConfigError:
        fix = f"name another directory with --output, or remove {self.path / 'traces'}"
        return ConfigError(f"{what} as in {self.path / RECORD}, {_short(before)}", _short(now), fix)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:119]}…"
