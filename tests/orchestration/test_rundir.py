"""A run's directory keeps its log whole, its lock exclusive, and says what changed."""

import pytest
from tests.support.fake_run import CREATED

from callwright.errors import ConfigError, StorageError
from callwright.orchestration.config import PipelineConfig, load_config
from callwright.orchestration.rundir import RunDirectory, changed_keys
from callwright.storage import sha256_json
from callwright.yaml_files import write_yaml


def test_events_are_appended_in_order_with_their_time(tmp_path):
    with RunDirectory(tmp_path / "run") as run:
        run.event("run_created", **CREATED)
        run.event("stage_finished", stage=1)
    with RunDirectory(tmp_path / "run") as run:
        run.event("run_finished")
    kinds = [event.event for event in RunDirectory(tmp_path / "run").events()]
    assert kinds == ["run_created", "stage_finished", "run_finished"]
    times = [event.time for event in run.events()]
    assert times == sorted(times)
    assert run.created().config_sha256 == "ab"
    assert run.finished
    assert run.stage_finished(1)
    assert not run.stage_finished(3)


def test_a_torn_event_is_dropped_and_the_log_goes_on(tmp_path):
    with RunDirectory(tmp_path) as run:
        run.event("run_created", **CREATED)
        run.event("step", stage=3, step=1)
    log = tmp_path / "events.jsonl"
    log.write_bytes(log.read_bytes()[:-9])
    assert [event.event for event in RunDirectory(tmp_path).events()] == ["run_created"]
    with RunDirectory(tmp_path) as run:
        run.event("run_started")
    assert [event.event for event in run.events()] == ["run_created", "run_started"]


@pytest.mark.parametrize("where", ["file/run", "file", "y" * 300])
def test_a_directory_that_cannot_be_made_is_a_storage_error(tmp_path, where):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=f"to write {tmp_path / where}; got .*; check the path"):
        RunDirectory(tmp_path / where).__enter__()


def test_a_lock_that_cannot_be_made_is_a_storage_error(tmp_path):
    (tmp_path / ".lock").mkdir()
    with pytest.raises(StorageError, match="check the path and its rights"), RunDirectory(tmp_path):
        pass


def test_a_fresh_directory_created_nothing(tmp_path):
    run = RunDirectory(tmp_path / "run")
    assert run.created() is None
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


@pytest.mark.parametrize(
    "text",
    ["", "a: [", "[]", "foo: 1", "lora: {rank: 0}", "lora: {rank: 3}", "seed: 2024-13-45", "\xff", "[" * 3000],
    ids=lambda text: repr(text[:20]),
)
def test_a_configuration_that_is_not_the_runs_own_is_refused(tmp_path, text):
    config = load_config(None)
    with RunDirectory(tmp_path) as run:
        run.write_config(config)
        run.event("run_created", **CREATED | {"config_sha256": config.sha256})
    assert run.read_config() == config
    run.config_path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"config\.yaml.*; remove the file and give the run's command again"):
        run.read_config()


def test_a_configuration_that_lacks_keys_of_a_later_version_is_the_runs_own(tmp_path):
    config = load_config(None, ["seed=3"])
    older = config.model_dump(mode="json")
    del older["tensorboard"]
    with RunDirectory(tmp_path) as run:
        write_yaml(run.config_path, older)
        run.event("run_created", **CREATED | {"config_sha256": sha256_json(older)})
    assert run.read_config() == config


def test_a_configuration_with_keys_of_older_names_is_the_runs_own(tmp_path, recwarn):
    config = load_config(None, ["seed=3"])
    older = config.model_dump(mode="json")
    reward = older["grpo"]["training"]["reward"]
    reward["needless_call"] = reward.pop("unnecessary_call")
    with RunDirectory(tmp_path) as run:
        write_yaml(run.config_path, older)
        run.event("run_created", **CREATED | {"config_sha256": sha256_json(older)})
    assert run.read_config() == config
    assert not recwarn.list, "the user has nothing to rename"


def test_the_keys_that_changed_are_named_in_full():
    old, new = (
        load_config(None, overrides).model_dump(mode="json")
        for overrides in (
            [],
            ["lora.rank=3", "sft_full.data={synthetic: {seed: 4}}", "evaluation.sample={parallel: 1}"],
        )
    )
    assert changed_keys(old, new) == ["evaluation.bfcl.sample", "lora.rank", "sft_full.data.synthetic.seed"]
    assert changed_keys(old, PipelineConfig().model_dump(mode="json")) == []
    assert changed_keys({"a": {"b": 1}}, {"a": {}, "c": {"d": 2}}) == ["a.b", "c"]
