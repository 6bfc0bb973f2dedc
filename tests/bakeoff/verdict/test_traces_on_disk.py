"""Finished traces are read as they were written; what a kill left is ignored and counted, the rest refused."""

import json

import pytest
from tests.support.bakeoff_traces import ended, trace, write

from callwright.bakeoff.trace_files import TraceKey
from callwright.bakeoff.verdict.traces_on_disk import read_all_traces
from callwright.errors import DataError


def test_traces_are_read_as_they_were_written(tmp_path):
    traces = [trace(arm, wording=wording) for arm in ("jax", "mock") for wording in (0, 1)]
    found = read_all_traces(write(tmp_path, *traces))
    assert list(found.arms) == ["jax", "mock"]
    assert [whole for arm in found.arms.values() for whole in arm.values()] == traces
    assert not any(found.unfinished.values())


def append(path, *records, torn=""):
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(record.model_dump(mode="json")) + "\n" for record in records)
        file.write(torn)


def test_an_interrupted_trace_is_counted_and_left_out(tmp_path):
    write(tmp_path, trace("jax"))
    append(tmp_path / "traces/jax/movies.jsonl", *trace("jax", wording=1).steps[:2], torn='{"kind": "halt", "ar')
    found = read_all_traces(tmp_path)
    assert list(found.arms["jax"]) == [TraceKey("movies", 0, 1)]
    assert found.unfinished == {"jax": 1}


def test_a_trace_that_was_run_again_counts_once_and_whole(tmp_path):
    path = tmp_path / "traces/jax/movies.jsonl"
    whole = trace("jax")
    write(tmp_path, trace("jax", wording=5))
    append(path, *whole.steps[:2])
    append(path, *whole.steps, whole.halt)
    found = read_all_traces(tmp_path)
    assert found.arms["jax"][TraceKey("movies", 0, 1)] == whole
    assert not any(found.unfinished.values())


def test_a_trace_without_a_step_is_one(tmp_path):
    missing = ended(trace("gemma-jax"), 0, "env_missing")
    assert list(read_all_traces(write(tmp_path, missing)).arms["gemma-jax"].values()) == [missing]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"kind": "answer"}, "kind in line 5"),
        ({"arm": "mock"}, "the arm jax of movies, wording 1, seed 1, in .*jsonl; got mock"),
        ({"step": 2}, "steps 0 to 0 of movies, wording 1, seed 1, in .*jsonl; got 2"),
        ({"seconds": "long"}, "seconds in line 5"),
    ],
)
def test_a_line_that_does_not_belong_is_refused_with_its_place(tmp_path, fields, says):
    write(tmp_path, trace("jax"))
    other = trace("jax", wording=1)
    with (tmp_path / "traces/jax/movies.jsonl").open("a") as file:
        file.write(json.dumps(other.steps[0].model_dump(mode="json") | fields) + "\n")
        file.write(json.dumps(other.halt.model_dump(mode="json")) + "\n")
    with pytest.raises(DataError, match=says):
        read_all_traces(tmp_path)


def test_no_traces_is_one_clear_line(tmp_path):
    with pytest.raises(DataError, match=r"finished traces in .*; got none; run the bake-off first"):
        read_all_traces(tmp_path)
