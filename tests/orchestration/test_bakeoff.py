"""The command: what is refused first, what is printed, which server is started and ended, and how it goes on."""

import json
import os

import pytest
from tests.support.fake_llama import fake_llama, is_running
from tests.support.movie_flow import FLOW, TOOLS
from tests.support.tiny import write_tiny_model

from callwright.cli import main
from callwright.orchestration import bakeoff_estimate
from callwright.yaml_files import format_yaml


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    monkeypatch.setattr(bakeoff_estimate, "measure_speed", lambda: 1e11)
    monkeypatch.setenv("CALLWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def config(tmp_path, base):
    tasks = tmp_path / "tasks.yaml"
    tasks.write_text(format_yaml({"version": 1, "tools": TOOLS, "flows": [FLOW, FLOW | {"name": "again"}]}))

    def write(arms=("mock",), **changes):
        settings = {"tasks": "tasks.yaml", "base": str(base), "wordings": 1, "context": 32768, "max_new_tokens": 2000}
        path = tmp_path / "bakeoff.yaml"
        settings["arms"] = arms if isinstance(arms, dict) else dict.fromkeys(arms)
        path.write_text(format_yaml(settings | changes))
        return str(path)

    return write


def command(*words, name="run"):
    with pytest.raises(SystemExit) as ended:
        main(["bakeoff", name, *words])
    return ended.value.code


def halts(directory, arm):
    rows = [json.loads(line) for path in directory.glob(f"traces/{arm}/*.jsonl") for line in path.open()]
    return [row for row in rows if row["kind"] == "halt"]


def test_the_tasks_run_through_the_arms_and_success_is_printed(config, tmp_path, capsys):
    assert command(config(("mock", "gemma-jax")), "--output", "out") == 0
    output = capsys.readouterr().out
    assert "bake-off of tiny (xml/args) in out" in output
    assert "mock: 2 tasks, about 6 answers" in output
    assert [line.split()[:2] for line in output.splitlines() if line.startswith("all ")] == [["all", "2/2"]]
    assert "gemma-jax ended by env_missing 2" in output
    record = json.loads((tmp_path / "out" / "bakeoff.json").read_text())
    assert (record["model"], record["run"], record["temperature"], record["thinking"]) == ("tiny", None, 0.0, False)
    assert len(record["tools"]) == 2 and "tasks.yaml" in record["tasks_sha256"]


def test_a_second_command_asks_only_what_is_new(config, tmp_path, capsys):
    path = config()
    assert command(path, "--output", "out") == 0
    before = halts(tmp_path / "out", "mock")
    assert command(path, "--output", "out") == 0
    assert "mock: 0 tasks" in capsys.readouterr().out and halts(tmp_path / "out", "mock") == before
    assert command(path, "--output", "out", "--wordings", "2") == 0
    assert len(halts(tmp_path / "out", "mock")) == 4


def test_a_llama_cpp_server_is_started_on_the_model_and_ended(config, tmp_path, monkeypatch, capsys):
    program = fake_llama(tmp_path / "bin")
    monkeypatch.setenv("LLAMA_SERVER", str(program))
    assert command(config(("llamacpp-raw",)), "--output", "out") == 0
    about = json.loads((tmp_path / "bin" / "about.json").read_text())
    assert not is_running(about["id"])
    [model] = [one for one in about["words"] if one.endswith(".gguf")]
    assert os.path.exists(model) and about["words"][about["words"].index("-c") + 1] == "32768"
    assert {halt["halt_reason"] for halt in halts(tmp_path / "out", "llamacpp-raw")} == {"http_error"}
    assert "llamacpp-raw: 2 tasks, about 6 answers, about" in capsys.readouterr().out


def test_a_server_that_does_not_become_ready_is_a_trace(config, tmp_path, monkeypatch, capsys):
    program = fake_llama(tmp_path / "bin", bad="print('error: no such tensor', file=sys.stderr); sys.exit(1)")
    monkeypatch.setenv("LLAMA_SERVER", str(program))
    assert command(config(("llamacpp-chat", "mock")), "--output", "out") == 0
    assert "no llama.cpp server" in capsys.readouterr().out
    assert {halt["steps_used"] for halt in halts(tmp_path / "out", "llamacpp-chat")} == {0}
    assert all(halt["goal_reached"] for halt in halts(tmp_path / "out", "mock"))


def test_a_run_of_the_configuration_that_is_not_there_is_told_and_one_of_the_command_line_is_refused(config, capsys):
    path = config(run="runs/none")
    assert command(path, "--output", "out") == 0
    assert "note: there is no run runs/none: the base model is compared" in capsys.readouterr().out
    assert command(path, "--output", "other", "--run", "runs/none") == 2
    assert "expected a run in runs/none" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "words", "said"),
    [
        ({"context": 100}, (), "raise context"),
        ({"thinking": True}, (), "thinking off or unset"),
        ({"tasks": "none.yaml"}, (), "none.yaml"),
        ({}, ("--wordings", "99"), "99 requests of movie_pick"),
        ({}, ("--arms", "mok"), "did you mean mock"),
        ({}, ("--history", "none.yaml"), "none.yaml"),
        ({"format": "xlm"}, (), "did you mean xml"),
    ],
)
def test_what_is_wrong_is_refused_in_one_line_before_anything_is_written(
    config, tmp_path, capsys, changes, words, said
):
    assert command(config(**changes), "--output", "out", *words) == 2
    error = capsys.readouterr().err
    assert said in error and len(error.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_directory_of_another_bake_off_is_refused(config, capsys):
    assert command(config(), "--output", "out") == 0
    assert command(config(max_steps=3), "--output", "out") == 2
    assert "max_steps" in capsys.readouterr().err


def test_a_bakeoff_is_compared_and_its_verdict_written_as_json_and_as_a_page(config, tmp_path, capsys):
    arms = {"mock": None, "again": {"kind": "mock"}, "gemma-jax": None}
    assert command(config(arms), "--output", "out") == 0
    capsys.readouterr()
    assert command("out", "--reference", "mock", name="compare") == 0
    output = capsys.readouterr().out
    assert "again" in output and "verdict.html" in output
    verdict = json.loads((tmp_path / "out" / "verdict.json").read_text())
    judged = {arm["arm"]: arm["judgment"] for arm in verdict["arms"]}
    assert (judged["mock"], judged["again"]) == ("reference", "faithful")
    assert verdict["findings"] == []
    assert "<html" in (tmp_path / "out" / "verdict.html").read_text()


def test_a_reference_that_did_not_run_is_refused_with_the_arms_that_did(config, capsys):
    assert command(config(), "--output", "out") == 0
    capsys.readouterr()
    assert command("out", name="compare") == 2
    assert "arm jax" in (error := capsys.readouterr().err) and "mock" in error
