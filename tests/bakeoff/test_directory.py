"""A bake-off's directory says what was held constant, refuses to mix, and knows what has still to be asked."""

import json

import pytest
from tests.support.bakeoff import RECORD, ToldArm, mock_arm, played, shipped_tasks, words

from callwright.bakeoff.arms.base import ArmError
from callwright.bakeoff.directory import ArmRecord, BakeoffDirectory
from callwright.bakeoff.harness import not_opened
from callwright.bakeoff.trace_files import TraceKey
from callwright.errors import ConfigError, DataError

TASK = shipped_tasks()[0]


@pytest.fixture
def directory(tmp_path):
    return BakeoffDirectory(tmp_path / "bakeoff")


def begin(directory, **changes):
    directory.begin(RECORD.model_copy(update=changes))


def asked(directory):
    with directory.locked():
        trace = played(mock_arm(), TASK)
        for record in (*trace.steps, trace.halt):
            directory.keep(record)
    return trace


def test_what_was_held_constant_reads_back(directory):
    begin(directory)
    assert directory.record() == RECORD and directory.path.joinpath("bakeoff.json").is_file()


def test_what_ended_is_known_and_a_trace_without_a_halt_is_not_among_it(directory):
    begin(directory)
    trace = asked(directory)
    with directory.locked():
        directory.keep(played(mock_arm(tasks=shipped_tasks(2)), shipped_tasks(2)[1]).steps[0])
    assert directory.ended("mock", ["movies"]) == {TraceKey("movies", 0, 1)}
    assert directory.traces("mock", ["movies", "movies", "research"]) == [trace]


def test_tasks_of_an_arm_that_could_not_be_opened_are_asked_again(directory):
    error = ArmError("http_error", "a server", "none", "start it")
    with directory.locked():
        not_opened(TASK, ToldArm(name="mock"), error, seed=1, load_seconds=0.0, keep=directory.keep)
    assert directory.ended("mock", ["movies"]) == set()
    trace = asked(directory)
    assert directory.traces("mock", ["movies"]) == [trace]


@pytest.mark.parametrize(
    "change", [{"temperature": 1.0}, {"model_sha256": "z"}, {"thinking": True}, {"tasks_sha256": {}}, {"max_steps": 3}]
)
def test_another_setting_is_refused_by_name(directory, change):
    begin(directory)
    with pytest.raises(ConfigError, match=next(iter(change))) as caught:
        begin(directory, **change)
    assert "\n" not in str(caught.value) and directory.record() == RECORD


def test_more_wordings_and_more_arms_may_join(directory):
    begin(directory)
    asked(directory)
    other = {"jax": ArmRecord(kind="jax", options={"batch_size": 16})}
    begin(directory, wordings=16, arms=other, gguf_sha256=None)
    assert directory.record().arms == RECORD.arms | other and directory.record().wordings == 16


def test_an_arm_that_was_asked_keeps_its_options_and_its_runtime(directory):
    begin(directory)
    changed = {"mock": ArmRecord(kind="mock", options={"kind": "mock", "slots": 2})}
    begin(directory, arms=changed)  # nothing was asked yet
    directory.opened("mock", {"version": "1"})
    asked(directory)
    begin(directory, arms=changed)
    directory.opened("mock", {"version": "1"})
    with pytest.raises(ConfigError, match=r"the runtime of mock .*'1'.*'2'"):
        directory.opened("mock", {"version": "2"})
    with pytest.raises(ConfigError, match="the options of mock"):
        begin(directory)


def test_a_second_process_is_kept_out(directory):
    with directory.locked(), pytest.raises(ConfigError, match="another process"), directory.locked():
        pass
    with directory.locked():
        pass


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"schema_version": 2})])
def test_a_damaged_record_is_named(directory, text):
    begin(directory)
    (directory.path / "bakeoff.json").write_text(text)
    with pytest.raises(DataError, match=r"bakeoff\.json"):
        directory.record()


def test_a_torn_step_is_dropped_before_the_next_is_written(directory):
    with directory.locked():
        directory.keep(played(ToldArm(words("x"), name="mock"), TASK).steps[0])
    path = directory.path / "traces" / "mock" / "movies.jsonl"
    path.write_bytes(path.read_bytes() + b'{"kind":"st')
    trace = asked(directory)
    assert directory.traces("mock", ["movies"]) == [trace]
