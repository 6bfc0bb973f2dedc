"""Runs that were evaluated, as far as their log and rows say: made of verdicts by hand."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.support.fake_run import CREATED

from callwright import storage
from callwright.evaluation.row import EvaluationRow, RowCall

TIME = "2026-03-01T09:30:00+00:00"


def row(key: str, category: str, valid: bool, **fields: Any) -> EvaluationRow:
    """A row of a request to turn on a light in a room."""
    call = RowCall(name="light", arguments={"room": "kitchen", "level": 3})
    wrong = RowCall(name="light", arguments={"room": "cellar", "level": 3})
    return EvaluationRow(
        **{
            "id": key,
            "category": category,
            "question": f"turn on the light, please ({key})",
            "expected": (call,),
            "prompt": "<bos>user: turn on the light",
            "prompt_ids": (1, 2, 3),
            "token_ids": (4, 5),
            "raw": "light(room=...)",
            "finish_reason": "stop",
            "calls": (call if valid else wrong,),
            "complete": True,
            "parse_errors": (),
            "valid": valid,
            "error_type": None if valid else "tools:wrong_value",
            "error_detail": "" if valid else "room: expected 'kitchen', got 'cellar'",
            "seconds": 0.1,
        }
        | fields
    )


def evaluated_run(directory: Path, stages: Mapping[int, Mapping[str, Iterable[EvaluationRow]]]) -> Path:
    """A run whose evaluations after these stages are finished.

    Args:
      directory: The run's.
      stages: Of each stage the rows by their place under `evaluations/stageN`, such as `simple_python` or `tools/flow`.
    """
    events: list[dict[str, Any]] = [{"time": TIME, "event": "run_created", **CREATED}]
    for stage, files in stages.items():
        for place, rows in files.items():
            path = directory / "evaluations" / f"stage{stage}" / f"{place}.jsonl"
            storage.write_text(path, "".join(json.dumps(one.as_json()) + "\n" for one in rows))
        events.append({"time": TIME, "event": "evaluation_finished", "stage": stage})
    storage.write_text(directory / "events.jsonl", "".join(json.dumps(event) + "\n" for event in events))
    return directory
