"""The log of a run is read as typed events, whatever version wrote it, and a damaged line is named."""

import json

import pytest
from tests.support.fake_run import CREATED

from callwright.errors import DataError
from callwright.report.events import OtherEvent, RunCreated, StageProgress, UpdateStep, read_events

NOW = "2026-03-01T00:00:00+00:00"


@pytest.fixture
def log(tmp_path):
    """Writes events to a log, and gives its path."""

    def write(*events):
        path = tmp_path / "events.jsonl"
        path.write_text("".join(json.dumps(event) + "\n" for event in events))
        return path

    return write


def test_a_step_keeps_its_metrics_and_a_stage_its_summary(log):
    step = {"time": NOW, "event": "step", "stage": 3, "step": 1, "loss": 0.5, "tokens": 7, "examples": ["a"]}
    finished = {"time": NOW, "event": "stage_finished", "stage": 3, "done": True, "too_long": 2, "peak_memory_bytes": 9}
    first, second = read_events(log(step, finished))
    assert isinstance(first, UpdateStep) and isinstance(second, StageProgress)
    assert first.metrics == {"loss": 0.5, "tokens": 7}
    assert (second.peak_memory_bytes, second.model_extra) == (9, {"done": True, "too_long": 2})


def test_a_step_without_tokens_has_no_metric_of_them(log):
    (step,) = read_events(log({"time": NOW, "event": "step", "stage": 3, "step": 1, "loss": 0.5}))
    assert isinstance(step, UpdateStep)
    assert step.metrics == {"loss": 0.5}


def test_events_of_other_versions_are_read(log):
    first, second = read_events(
        log(
            {"time": NOW, "event": "run_paused", "why": "noise"},
            {"time": NOW, "event": "run_created", **CREATED, "model": CREATED["model"] | {"sha256": "x"}, "host": "h"},
        )
    )
    assert isinstance(first, OtherEvent) and isinstance(second, RunCreated)
    assert (first.event, first.model_extra) == ("run_paused", {"why": "noise"})
    assert (second.planned, second.model_extra) == (None, {"host": "h"})


def test_a_license_as_earlier_versions_spell_it_is_read(log):
    model = {name: value for name, value in CREATED["model"].items() if name != "license"} | {"licence": "gemma"}
    (created,) = read_events(log({"time": NOW, "event": "run_created", **CREATED | {"model": model}}))
    assert isinstance(created, RunCreated)
    assert created.model.license == "gemma"


@pytest.mark.parametrize(
    ("event", "where", "got"),
    [
        ({"time": NOW}, "event", "nothing"),
        ({"time": NOW, "event": ["step"]}, "event", r"\['step'\]"),
        ({"event": "run_started"}, "time", "nothing"),
        ({"event": "run_started", "time": 1}, "time", "1"),
        ({"event": "run_started", "time": "2026-03-01T00:00:00"}, "time", "'2026-03-01T00:00:00'"),
        ({"event": "stage_finished", "time": NOW}, "stage", "nothing"),
        ({"event": "stage_failed", "time": NOW, "stage": 3}, "message", "nothing"),
        ({"event": "step", "time": NOW, "stage": 3}, "step", "nothing"),
        ({"event": "step", "time": NOW, "stage": "3", "step": 1}, "stage", "'3'"),
        ({"event": "step", "time": NOW, "stage": 3, "step": 1, "tokens": None}, "tokens", "None"),
        ({"event": "run_created", "time": NOW, "config_sha256": "ab"}, "command", "nothing"),
        ({"event": "run_created", "time": NOW, **CREATED, "model": None}, "model", "None"),
    ],
    ids=str,
)
def test_a_line_that_is_no_event_is_named(log, event, where, got):
    path = log({"time": NOW, "event": "run_created", **CREATED}, event)
    with pytest.raises(DataError, match=f"{where} in line 2 of {path}.*; got {got}; correct the line or take it out"):
        read_events(path)
