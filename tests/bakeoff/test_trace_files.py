"""Steps and halts are read back as whole traces, after a kill as well."""

import json

import pytest
from tests.support.bakeoff import ToldArm, calling, mock_arm, played, search, shipped_tasks, words

from callwright.bakeoff.trace_files import TraceKey, read_traces
from callwright.conversation import ToolCall
from callwright.errors import DataError
from callwright.storage import JsonLines


def write(path, *records):
    with JsonLines(path) as file:
        file.append(*(record.as_json() for record in records))
    return path


def test_a_trace_reads_back_as_it_was_written(tmp_path):
    trace = played(mock_arm())
    assert read_traces(write(tmp_path / "t.jsonl", *trace.steps, trace.halt)) == [trace]


def test_arguments_that_are_nested_deeply_are_written_and_read(tmp_path):
    value = []
    for _ in range(400):
        value = [value]
    trace = played(ToldArm(calling(ToolCall("web_search", {"query": value})), words("x")))
    assert read_traces(write(tmp_path / "t.jsonl", *trace.steps, trace.halt)) == [trace]


def test_mixed_traces_are_told_apart_and_one_without_a_halt_is_left_out(tmp_path):
    one, other = (played(mock_arm(tasks=shipped_tasks(2)), task) for task in shipped_tasks(2)[:2])
    third = played(mock_arm(), shipped_tasks()[1])
    mixed = [record for pair in zip(one.steps, other.steps, strict=True) for record in pair]
    path = write(tmp_path / "t.jsonl", *mixed, other.halt, *third.steps, one.halt)
    assert read_traces(path) == [other, one]


def test_a_trace_that_was_interrupted_and_begun_anew_has_its_later_steps(tmp_path):
    cut = played(ToldArm(calling(search("old")), calling(search("old")), words("x")))
    again = played(ToldArm(calling(search("new")), words("y")))
    assert read_traces(write(tmp_path / "t.jsonl", *cut.steps[:2], *again.steps, again.halt)) == [again]


def test_a_torn_last_line_is_ignored(tmp_path):
    trace = played(ToldArm(words("x")))
    path = write(tmp_path / "t.jsonl", *trace.steps, trace.halt)
    path.write_bytes(path.read_bytes() + b'{"kind":"st')
    assert read_traces(path) == [trace]


def test_a_missing_file_has_no_traces(tmp_path):
    assert read_traces(tmp_path / "none.jsonl") == []


@pytest.mark.parametrize("change", [{"kind": "stop"}, {"wording": -1}, {"halt_reason": "bored"}])
def test_a_line_that_is_neither_is_named(tmp_path, change):
    trace = played(ToldArm(words("x")))
    record = (trace.steps[0] if "wording" in change else trace.halt).as_json() | change
    path = tmp_path / "t.jsonl"
    path.write_text(
        "\n".join([json.dumps(trace.steps[0].as_json(), default=dict), json.dumps(record, default=dict), ""])
    )
    with pytest.raises(DataError, match=f"line 2 of {path}"):
        read_traces(path)


def test_a_key_is_task_wording_and_seed():
    trace = played(ToldArm(words("x")), shipped_tasks(2)[1], seed=7)
    assert TraceKey.of(trace.halt) == TraceKey.of(trace.steps[0]) == ("movies", 1, 7)
