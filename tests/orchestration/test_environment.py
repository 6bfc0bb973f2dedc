"""A run with work left is continued where its bits would be the same, and refused elsewhere; what is done is read."""

import json
import shutil

import jax
import pytest
from tests.support.fake_run import CREATED
from tests.support.processes import ProcessOutput
from tests.support.runs import events, refusal

import callwright
from callwright.errors import ConfigError
from callwright.orchestration import environment
from callwright.orchestration.environment import check_environment, describe_environment
from callwright.report.events import RunCreated
from callwright.report.schema import Versions
from callwright.storage import sha256_json
from callwright.yaml_files import read_yaml, write_yaml

FLAG = "--xla_cpu_enable_fast_math=false"
"""One that changes nothing here; XLA ends the process where it knows no such flag."""
VERSIONS = Versions(
    callwright=callwright.__version__, python="3.11.7", platform="Linux x86_64", packages={"jax": "0.10.2"}
)


@pytest.fixture(autouse=True)
def _started():
    """JAX reads the flags when it starts; it has started with the session's own before a test sets others."""
    jax.devices()


def event(versions=(), **changes):
    """The first event of a run that began here, but for these changes."""
    environment = describe_environment().model_dump() | changes
    versions = VERSIONS.model_dump() | dict(versions)
    now = "2026-03-01T00:00:00+00:00"
    return RunCreated(time=now, event="run_created", **CREATED | {"versions": versions, "environment": environment})


def test_an_environment_says_what_decides_the_bits(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", f" {FLAG}   {FLAG} ")
    found = describe_environment()
    assert found.xla_flags == f"{FLAG} {FLAG}"
    assert found.jax_platform == f"cpu, {jax.device_count()} x cpu"
    assert found.cpu
    assert found.packing >= 1


@pytest.mark.parametrize(
    ("text", "cpu"),
    [
        ("processor: 0\nmodel name\t: AMD EPYC\nflags\t: sse2 avx2\n", "AMD EPYC"),
        ("processor: 0\nFeatures\t: asimd sve\nCPU part: 0xd40\n", None),
        ("", None),
        (None, None),
    ],
    ids=["x86", "ARM", "empty", "no such file"],
)
def test_a_processor_is_described_on_every_system(monkeypatch, tmp_path, text, cpu):
    if text is not None:
        (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(environment, "CPU_INFO", tmp_path / "cpuinfo")
    found = describe_environment()
    assert found.cpu == cpu if cpu else found.cpu
    assert bool(found.cpu_features) is bool(text)


def test_the_order_of_a_processors_features_is_no_difference(monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "CPU_INFO", tmp_path / "cpuinfo")
    digests = []
    for flags in ("sse2 avx2", "avx2 sse2", "avx2 sse2 avx512f"):
        (tmp_path / "cpuinfo").write_text(f"flags: {flags}\n")
        digests.append(describe_environment().cpu_features)
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"xla_flags": "--x"}, r"XLA_FLAGS '.*' instead of '--x'; restore it, or start a new run"),
        ({"jax_platform": "gpu, 1 x H200"}, "JAX platform 'cpu, 1 x cpu' instead of 'gpu, 1 x H200'"),
        ({"cpu_features": "0"}, "CPU features '.*' instead of '0'"),
        ({"packing": 0}, "packing 2 instead of 0"),
        ({"synthetic_data": 1}, "synthetic data 2 instead of 1"),
        ({"own_tools": 0}, "own tools 1 instead of 0"),
        ({"versions": {"packages": {"jax": "0.9"}}}, "jax '0.10.2' instead of '0.9'"),
        ({"versions": {"packages": {}}}, "jax '0.10.2' instead of None"),
        ({"versions": {"callwright": "0.1.0"}}, "one of callwright 0.1.0; finish it with callwright 0.1.0"),
    ],
)
def test_what_differs_is_named(tmp_path, changes, says):
    check_environment(tmp_path, event(), describe_environment(), VERSIONS)
    with pytest.raises(ConfigError, match=says):
        check_environment(tmp_path, event(**changes), describe_environment(), VERSIONS)


def test_a_run_of_before_environments_were_recorded_is_another_versions(tmp_path):
    created = event(versions={"callwright": "0.1.0"}).model_copy(update={"environment": None})
    with pytest.raises(ConfigError, match=r"callwright 0\.1\.0"):
        check_environment(tmp_path, created, describe_environment(), VERSIONS)


@pytest.fixture
def copied(finished, desk):
    """A copy of the finished run; functions that make it one of version 0.1.0, and unfinished."""
    shutil.copytree(finished.path, desk.path)

    def grow_old():
        config = read_yaml(desk.path / "config.yaml")
        reward = config["grpo"]["training"]["reward"]
        reward["needless_call"] = reward.pop("unnecessary_call")
        for section in ("sft_small", "sft_full"):
            training = config[section]["training"]
            training["weigh"] = training.pop("weight_by")
        write_yaml(desk.path / "config.yaml", config)
        log = events(desk.path)
        del log[0]["environment"]
        log[0]["versions"]["callwright"] = "0.1.0"
        log[0]["config_sha256"] = sha256_json(config)
        (desk.path / "events.jsonl").write_text("".join(json.dumps(one) + "\n" for one in log))

    def unfinish():
        (desk.path / "evaluations" / "stage5" / "parallel.jsonl").unlink()

    return desk, grow_old, unfinish


def test_a_finished_run_of_an_earlier_version_is_reported_resumed_from_and_given_again(copied, inside):
    desk, grow_old, _ = copied
    grow_old()
    assert inside(desk.directory, "report", "runs/tiny")[0] == 0
    assert inside(desk.directory, "run", "c.yaml")[0] == 0
    code, out, _ = inside(
        desk.directory, "run", "c.yaml", "--stages", "4", "--resume", "runs/tiny/checkpoints/stage3", "--dry-run"
    )
    assert code == 0
    assert "starting from runs/tiny/checkpoints/stage3" in out


def test_an_unfinished_run_with_other_synthetic_examples_of_the_same_settings_is_refused(copied, inside):
    desk, _, unfinish = copied
    unfinish()
    log = events(desk.path)
    del log[0]["environment"]["synthetic_data"]
    (desk.path / "events.jsonl").write_text("".join(json.dumps(one) + "\n" for one in log))
    code, out, err = inside(desk.directory, "run", "c.yaml")
    assert code == 2
    assert "got synthetic data 2 instead of 1; restore it, or start a new run" in refusal(ProcessOutput(out, err))


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_an_unfinished_run_of_an_earlier_version_is_refused(copied, inside, dry):
    desk, grow_old, unfinish = copied
    grow_old()
    unfinish()
    log = (desk.path / "events.jsonl").read_bytes()
    code, out, err = inside(desk.directory, "run", "c.yaml", *dry)
    assert code == 2
    assert "that callwright 0.2.0 began in runs/tiny; got one of callwright 0.1.0" in refusal(ProcessOutput(out, err))
    assert (desk.path / "events.jsonl").read_bytes() == log
    assert inside(desk.directory, "report", "runs/tiny")[0] == 0


def test_an_unfinished_run_is_refused_under_other_flags(copied, inside, monkeypatch):
    desk, _, unfinish = copied
    monkeypatch.setenv("XLA_FLAGS", FLAG)
    assert inside(desk.directory, "run", "c.yaml")[0] == 0, "nothing is left to compute"
    unfinish()
    code, out, err = inside(desk.directory, "run", "c.yaml")
    assert code == 2
    assert f"runs/tiny began in; got XLA_FLAGS '{FLAG}' instead of '" in refusal(ProcessOutput(out, err))
