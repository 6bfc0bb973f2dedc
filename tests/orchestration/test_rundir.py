"""A run's directory keeps its log whole, its lock exclusive, and says what changed."""

import pytest

from callwright.errors import ConfigError
from callwright.orchestration.config import PipelineConfig, load_config
from callwright.orchestration.rundir import RunDirectory, changed_keys


def test_events_are_appended_in_order_with_their_time(tmp_path):
    with RunDirectory(tmp_path / "run") as run:
        run.event("run_created", config_sha256="ab")
        run.event("stage_finished", stage=1)
    with RunDirectory(tmp_path / "run") as run:
        run.event("run_finished")
    kinds = [event["event"] for event in RunDirectory(tmp_path / "run").events()]
    assert kinds == ["run_created", "stage_finished", "run_finished"]
    times = [event["time"] for event in run.events()]
    assert times == sorted(times)
    assert run.began_with()["config_sha256"] == "ab"
    assert run.finished
    assert run.stage_finished(1)
    assert not run.stage_finished(3)


def test_a_torn_event_is_dropped_and_the_log_goes_on(tmp_path):
    with RunDirectory(tmp_path) as run:
        run.event("run_created")
        run.event("step", stage=3, step=1)
    log = tmp_path / "events.jsonl"
    log.write_bytes(log.read_bytes()[:-9])
    assert [event["event"] for event in RunDirectory(tmp_path).events()] == ["run_created"]
    with RunDirectory(tmp_path) as run:
        run.event("run_started")
    assert [event["event"] for event in run.events()] == ["run_created", "run_started"]


def test_a_fresh_directory_began_with_nothing(tmp_path):
    run = RunDirectory(tmp_path / "run")
    assert run.began_with() is None
    assert not run.finished
    assert not run.path.exists(), "asking makes nothing"


def test_a_second_process_is_kept_out_until_the_first_one_leaves(tmp_path):
    with (
        RunDirectory(tmp_path),
        pytest.raises(ConfigError, match="to be free; got another process working in it"),
        RunDirectory(tmp_path),
    ):
        pass
    with RunDirectory(tmp_path) as run:
        run.event("run_started")


def test_an_event_outside_of_the_block_is_a_mistake_of_the_program(tmp_path):
    with pytest.raises(RuntimeError, match="open the run directory"):
        RunDirectory(tmp_path).event("step")


def test_the_resolved_configuration_is_readable_as_a_configuration(tmp_path):
    config = load_config(None, ["lora.rank=3", "sft_full.data={synthetic: {examples: 5}}"])
    with RunDirectory(tmp_path) as run:
        run.write_config(config)
    assert load_config(run.config_path) == config


def test_the_keys_that_changed_are_named_in_full():
    old, new = (
        load_config(None, overrides).model_dump(mode="json")
        for overrides in (
            [],
            ["lora.rank=3", "sft_full.data={synthetic: {seed: 4}}", "evaluation.sample={parallel: 1}"],
        )
    )
    assert changed_keys(old, new) == ["evaluation.sample", "lora.rank", "sft_full.data.synthetic.seed"]
    assert changed_keys(old, PipelineConfig().model_dump(mode="json")) == []
    assert changed_keys({"a": {"b": 1}}, {"a": {}, "c": {"d": 2}}) == ["a.b", "c"]
