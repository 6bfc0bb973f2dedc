"""What a user can get wrong and what a machine can run out of: one line each, and nothing computed is lost."""

import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import jax
import pytest
from tests.support.fake_run import CREATED
from tests.support.own_tools import home
from tests.support.processes import ProcessOutput
from tests.support.runs import conversation, events, refusal, rows
from tests.support.tiny import write_tiny_model

from callwright.errors import DataError
from callwright.evaluation import bfcl
from callwright.formats import get_format
from callwright.openai import write_tool
from callwright.orchestration.config import load_config
from callwright.orchestration.data_checks import check_data, refuse_other_data
from callwright.orchestration.rundir import RunDirectory
from callwright.orchestration.stages import check_stage
from callwright.orchestration.start import find_directory
from callwright.scoring.entry import to_tools
from callwright.storage import sha256_file
from callwright.training.checkpoints import FILE
from callwright.yaml_files import format_yaml

STAGE3 = Path("runs", "tiny", "checkpoints", "stage3")


@pytest.fixture
def refused(inside):
    """Runs the command line in this process, and gives the line with which it refuses and the exit code."""

    def run(directory, *arguments):
        code, out, err = inside(directory, "run", "c.yaml", *arguments)
        return code, refusal(ProcessOutput(out, err))

    return run


@pytest.fixture
def beside(desk, finished):
    """A desk with a copy of the finished run's stage 3 and nothing else of it."""
    shutil.copytree(finished.directory / STAGE3, desk.directory / STAGE3)
    return desk


def starts_that_fail():
    """Kinds of runs that cannot begin: what the line says, and overrides, or what is done to the machine."""
    stages = ("sft_small", "sft_full", "grpo")
    yield "8 devices for the mesh (mesh.fsdp 8 x mesh.tp 1); got 1 of cpu", ["mesh.fsdp=8"], {}
    yield "12 devices for the mesh", ["mesh={fsdp: 3, tp: 4}"], {}
    yield "a multiple of mesh.fsdp 2 as sft_small.training.batch_size; got 1", ["mesh.fsdp=2"], {"device_count": 2}
    yield (
        "a multiple of mesh.fsdp 4 as grpo.training.prompts_per_step; got 2",
        ["mesh.fsdp=4", "training.batch_size=4"],
        {"device_count": 4},
    )
    yield "GB of memory for sft_small; got 0.0 GB in all; lower batch_size", [], {"total_memory": 1e6}
    yield "GB of memory for grpo", ["grpo.training.group_size=1000000"], {}
    yield "GB of memory for sft_full", ["sft_full.training.batch_size=1000000"], {}
    for stage in stages:
        yield "a readable file at ", [f"{stage}.data={{openai_jsonl: {{path: nowhere.jsonl}}}}"], {}
        yield "nowhere.yaml", [f"{stage}.data={{synthetic: {{tools: nowhere.yaml}}}}"], {}
    yield "nowhere", ["model.source=nowhere"], {}
    yield "nowhere.gguf", ["model.source=nowhere.gguf"], {}


@pytest.mark.parametrize(("says", "overrides", "machine"), starts_that_fail(), ids=lambda part: str(part)[:30])
def test_a_run_that_fails_at_its_start_leaves_nothing_and_the_dry_run_says_the_same(
    desk, inside, monkeypatch, says, overrides, machine
):
    monkeypatch.setattr("callwright.orchestration.estimate.measure_speed", lambda _="float32": 1e9)
    if count := machine.get("device_count"):
        monkeypatch.setattr(jax, "device_count", lambda: count)
    if memory := machine.get("total_memory"):
        monkeypatch.setattr("callwright.orchestration.machine.total_memory", lambda: memory)
    words = ["run", "c.yaml", *(word for override in overrides for word in ("--set", override))]
    lines = []
    for arguments in (words, [*words, "--dry-run"]):
        code, out, err = inside(desk.directory, *arguments)
        assert code == 2
        lines.append(refusal(ProcessOutput(out, err)))
        assert not (desk.directory / "runs").exists()
    assert says in lines[0]
    assert len(set(lines)) == 1


def test_a_missing_checkpoint_is_refused(desk, refused):
    code, line = refused(desk.directory, "--stages", "4", "--resume", STAGE3)
    assert code == 2
    assert f"a finished stage with {FILE} in {STAGE3}; got none; name a directory such as runs/" in line
    assert not (desk.directory / "runs").exists()


def test_an_unfinished_checkpoint_is_refused(beside, refused):
    (beside.directory / STAGE3 / FILE).unlink()
    code, line = refused(beside.directory, "--stages", "4", "--resume", STAGE3)
    assert code == 2
    assert "got a stage that was interrupted; run that stage again to finish it" in line


def test_a_checkpoint_of_another_model_is_refused_before_a_run_begins(beside, refused, tmp_path):
    other = write_tiny_model(tmp_path / "other", seed=5)
    code, line = refused(
        beside.directory, "--stages", "4", "--resume", STAGE3, "--set", f"model.source={other}", "--set", "name=x"
    )
    assert code == 2
    assert f"{STAGE3}, trained on model" in line
    assert "use the model that it was trained on, or another checkpoint" in line
    assert not list((beside.directory / "runs").glob("x*"))


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize("change", ["lora.rank=3", "lora.alpha=2", "lora.modules=[q_einsum]"])
def test_a_checkpoint_of_another_lora_shape_is_refused_before_a_run_begins(beside, refused, change, dry):
    arguments = ("--stages", "4", "--resume", STAGE3, "--set", change, "--set", "name=x", *dry)
    code, line = refused(beside.directory, *arguments)
    assert code == 2
    assert "an adapter of rank" in line
    assert f"{STAGE3} of rank 2, alpha 4, modules" in line
    assert "set lora in the configuration to the checkpoint's" in line
    assert not list((beside.directory / "runs").glob("x*"))


def test_a_broken_checkpoint_is_refused(beside, refused):
    file = beside.directory / STAGE3 / FILE
    file.write_bytes(file.read_bytes()[:-10])
    code, line = refused(beside.directory, "--stages", "4", "--resume", STAGE3)
    assert code == 2
    assert "an adapter written by this program" in line


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("file", "named"),
    [
        (
            "adapter_config.json",
            "an adapter beside the weights, which would not be applied (adapter_config.json); merge",
        ),
        ("model.safetensors", "a Git LFS pointer in place of the file"),
    ],
)
def test_what_is_not_plain_weights_is_named_before_a_run_begins(desk, refused, tmp_path, file, named, dry):
    model = write_tiny_model(tmp_path / "model")
    (model / file).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 536223056\n")
    code, line = refused(desk.directory, "--set", f"model.source={model}", *dry)
    assert code == 2
    assert f"; got {named}" in line
    assert not (desk.directory / "runs").exists()


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_a_stage_without_the_one_before_is_refused(desk, refused, dry):
    code, line = refused(desk.directory, "--stages", "4", *dry)
    assert code == 2
    assert "a finished stage before stage 4" in line
    assert "add 3 to --stages, or name one with --resume" in line
    assert not (desk.directory / "runs").exists(), "the fix may change the configuration"


def test_a_line_of_data_that_is_not_json_is_named_and_mending_it_goes_on(desk, refused, inside):
    """Stage 1 reads every line before anything is trained on one."""
    data = desk.directory / "mine.jsonl"
    lines = [json.dumps(conversation(index)) for index in range(6)]
    data.write_text("\n".join([*lines[:4], '{"messages": [', *lines[4:]]) + "\n")
    change = ("--stages", "1", "3", "--set", "sft_small.data={openai_jsonl: {path: mine.jsonl}}")
    code, line = refused(desk.directory, *change)
    assert code == 2
    assert f"line 5 of {data}: JSON; got " in line
    assert "correct the line or take it out" in line
    assert [event["stage"] for event in events(desk.path, "stage_failed")] == [1]
    data.write_text("\n".join(lines) + "\n")
    code, _, _ = inside(desk.directory, "run", "c.yaml", "--stages", "1", *change[3:])
    assert code == 0, "the run that failed continues"
    assert len(events(desk.path, "run_created")) == 1
    assert events(desk.path, "stage_finished")[0]["stage"] == 1


@pytest.mark.parametrize(
    ("section", "arguments"), [("sft_small", ["1"]), ("sft_full", ["1", "2"]), ("grpo", ["1", "--dry-run"])]
)
def test_stage_1_checks_the_data_of_every_enabled_stage_where_none_is_trained(desk, refused, section, arguments):
    (desk.directory / "mine.jsonl").write_text(json.dumps(conversation(1)) + "\nnonsense\n")
    change = ("--set", f"{section}.data={{openai_jsonl: {{path: mine.jsonl}}}}")
    code, line = refused(desk.directory, "--stages", *arguments, *change)
    assert code == 2
    assert f"line 2 of {desk.directory / 'mine.jsonl'}: JSON; got " in line
    assert not events(desk.path, "evaluation_started")


def test_stage_1_does_not_check_the_data_of_a_stage_that_is_left_out(desk, inside):
    change = ("--set", "grpo.data.openai_jsonl.path=nowhere.jsonl", "--set", "grpo.enabled=false")
    assert inside(desk.directory, "run", "c.yaml", "--stages", "1", *change)[0] == 0


def test_stage_1_checks_what_it_has_not_checked_yet(desk, inside):
    def checked():
        assert inside(desk.directory, "run", "c.yaml", "--stages", "1")[0] == 0
        return [event.keys() & {"stage3", "stage4", "stage5"} for event in events(desk.path, "stage_finished")]

    assert checked() == [{"stage3", "stage4", "stage5"}]
    assert checked() == [{"stage3", "stage4", "stage5"}], "nothing is left"
    log = [{key: value for key, value in event.items() if key != "stage4"} for event in events(desk.path)]
    (desk.path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in log))
    assert checked() == [{"stage3", "stage5"}, {"stage3", "stage4", "stage5"}]


@pytest.fixture
def stopped(desk, finished, tiny):
    """A desk whose run was stopped in stage 3, after a checkpoint; and the file that it trains on."""
    data = desk.directory / "mine.jsonl"
    shutil.copy(tiny["sft_small"]["data"]["openai_jsonl"]["path"], data)
    config = load_config(desk.directory / "c.yaml", [f"sft_small.data.openai_jsonl.path={data}"])
    (created,) = events(finished.path, "run_created")
    with RunDirectory(desk.path) as run:
        run.write_config(config)
        began = created | {"config_sha256": config.sha256}
        run.event(**{key: value for key, value in began.items() if key != "time"})
        run.event("stage_started", stage=3, starts_from="base model", data_files={str(data): sha256_file(data)})
    (desk.path / "checkpoints" / "stage3" / "steps" / "2").mkdir(parents=True)
    return desk, data


@pytest.mark.parametrize("arguments", [("--stages", "3"), ("--stages", "3", "--dry-run")])
def test_a_stopped_stage_does_not_go_on_with_other_data(stopped, refused, arguments):
    desk, data = stopped
    old, log = sha256_file(data), (desk.path / "events.jsonl").read_bytes()
    data.write_text(data.read_text().replace("weather", "wether"))
    change = ("--set", "sft_small.data.openai_jsonl.path=mine.jsonl")
    code, line = refused(desk.directory, *arguments, *change)
    assert code == 2
    assert f"expected {data} as stage 3 of runs/tiny began with it (sha256 {old})" in line
    assert f"; got a file that has changed (sha256 {sha256_file(data)}); put the old file back, " in line
    assert "or remove runs/tiny/checkpoints/stage3 to train" in line
    assert (desk.path / "events.jsonl").read_bytes() == log


def test_a_stopped_stage_goes_on_with_the_same_data_or_starts_anew_on_other(stopped):
    desk, data = stopped
    run = RunDirectory(desk.path)
    refuse_other_data(run, 3, {str(data): sha256_file(data)})
    with pytest.raises(DataError, match=r"mine\.jsonl as stage 3"):
        refuse_other_data(run, 3, {str(data): "another"})
    shutil.rmtree(run.checkpoint(3))
    refuse_other_data(run, 3, {str(data): "another"})


def test_the_log_and_the_results_have_the_digest_of_the_data(finished, tiny):
    path = tiny["sft_small"]["data"]["openai_jsonl"]["path"]
    files = {path: sha256_file(Path(path))}
    for kind in ("stage_started", "stage_finished"):
        assert [e.get("data_files") for e in events(finished.path, kind)] == [None, files, files, files]
    check, _, *trained = json.loads((finished.path / "results.json").read_text())["stages"]
    assert [stage["summary"]["data_files"] for stage in trained] == [files] * 3
    assert check["summary"]["stage3"]["data_files"] == files
    assert files[path] in (finished.path / "report.html").read_text()


def test_data_that_changed_since_stage_1_is_checked_again(desk, refused, inside):
    data = desk.directory / "mine.jsonl"
    data.write_text(json.dumps(conversation(1)) + "\n")
    arguments = ("--stages", "1", "--set", "grpo.data.openai_jsonl.path=mine.jsonl")
    assert inside(desk.directory, "run", "c.yaml", *arguments)[0] == 0
    data.write_text("{}\n")
    code, line = refused(desk.directory, *arguments)
    assert code == 2
    assert f"line 1 of {data}" in line


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ({"messages": []}, "/mine.jsonl: the last message to be the assistant's"),
        ({"messages": [{"role": "user", "content": "x"}]}, "/mine.jsonl: the last message"),
        (
            {"messages": conversation(1)["messages"], "tools": []},
            "/mine.jsonl: messages[1].tool_calls[0] to call one of tools; got get; add the tool",
        ),
        (
            {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "a <tool_call> b"}]},
            "messages[1].content without <tool_call>",
        ),
    ],
    ids=["empty", "no answer", "unknown tool", "a tag in words"],
)
def test_a_conversation_that_cannot_be_learned_is_named(desk, refused, record, says):
    (desk.directory / "mine.jsonl").write_text(json.dumps(record) + "\n")
    code, line = refused(desk.directory, "--stages", "1", "3", "--set", "sft_small.data.openai_jsonl.path=mine.jsonl")
    assert code == 2
    assert says in line


def copied_from_bfcl(index=0):
    """A line of data that is an entry of BFCL, its numbers changed."""
    entry = bfcl.load_category("parallel")[index]
    tools = [write_tool(tool) for tool in to_tools(entry)]
    asked = {"role": "user", "content": f"{entry.question[-1].content.upper()} ..."}
    return {"messages": [asked, {"role": "assistant", "content": "No tool fits."}], "tools": tools}


@pytest.mark.parametrize("stages", [("1", "3"), ("3",)])
def test_a_copy_of_a_benchmark_entry_is_refused_before_anything_is_trained(desk, refused, stages):
    data = [conversation(0), copied_from_bfcl(), conversation(1)]
    (desk.directory / "mine.jsonl").write_text("".join(json.dumps(record) + "\n" for record in data))
    change = ("--set", "sft_small.data={openai_jsonl: {path: mine.jsonl}}")
    code, line = refused(desk.directory, "--stages", *stages, *change)
    assert code == 2
    assert "sft_small.data" in line
    assert "got 1: openai_jsonl-mine.jsonl-2 (parallel_0); " in line
    assert "set sft_small.decontaminate to warn or off" in line


def test_tools_that_do_not_fit_a_prompt_are_refused_with_how_many_fit(desk, refused):
    (desk.directory / "home.yaml").write_text(format_yaml(home()))
    change = ("--set", "sft_small.data={tools: {path: home.yaml}}", "--set", "sft_small.training.sequence_length=400")
    code, line = refused(desk.directory, "--stages", "1", "3", *change)
    assert code == 2
    assert f"expected the 4 tools of {desk.directory / 'home.yaml'} in a prompt of at most 400 tokens; got " in line
    assert re.search(r"the first [123] of them fit; raise training\.sequence_length", line)


@pytest.mark.parametrize(("mode", "says"), [("warn", 1), ("off", 0)])
def test_a_copy_of_a_benchmark_entry_may_be_allowed(tmp_path, capsys, mode, says):
    (tmp_path / "mine.jsonl").write_text(json.dumps(copied_from_bfcl()) + "\n")
    data = f"sft_small.data={{openai_jsonl: {{path: {tmp_path / 'mine.jsonl'}}}}}"
    config = load_config(None, [data, f"sft_small.decontaminate={mode}", "evaluation.sample={parallel: 1}"])
    check = check_data(config, 3, get_format("xml"), tokenizer=None)
    counts = {"copied": 1, "shared_queries": 1, "shared_signatures": 1} if says else {}
    assert check.summary() == {"examples": 1, "read_back": 1} | counts
    line = "1 examples share a tool's signature with the benchmark, 1 a query, 1 both: openai_jsonl-mine.jsonl-1"
    check.print("SFT small")
    assert capsys.readouterr().err.count(line) == says


def test_what_a_format_leaves_out_of_the_examples_is_counted_and_told(tmp_path, capsys):
    thought = {"role": "assistant", "content": "Paris.", "reasoning_content": "hm"}
    row = {"messages": [{"role": "user", "content": "hi"}, thought, {"role": "user", "content": "so?"}, thought]}
    (tmp_path / "mine.jsonl").write_text(f"{json.dumps(row)}\n" * 3)
    data = f"sft_small.data={{openai_jsonl: {{path: {tmp_path / 'mine.jsonl'}}}}}"
    config = load_config(None, [data, "sft_small.decontaminate=off"])
    with RunDirectory(tmp_path / "run") as run:
        given = {"config": config, "fmt": get_format("qwen25"), "tokenizer": None, "run": run}
        context = SimpleNamespace(stop=lambda: False, **given)
        assert check_stage(context, [3])
        [finished] = [event for event in run.events() if event.event == "stage_finished"]
    warning = "messages[].reasoning is left out: qwen25 has no place for thinking"
    assert finished.model_extra["stage3"]["warnings"] == {warning: 3}
    assert f"SFT small: openai_jsonl: in 3 examples {warning}\n" in capsys.readouterr().err


def test_a_missing_data_file_is_refused(desk, refused):
    code, line = refused(
        desk.directory, "--stages", "1", "3", "--set", "sft_small.data.openai_jsonl.path=nowhere.jsonl"
    )
    assert code == 2
    assert (
        f"a readable file at {desk.directory / 'nowhere.jsonl'}; got No such file or directory; correct the path"
        in line
    )


def test_data_that_is_all_too_long_is_refused(desk, refused):
    code, line = refused(desk.directory, "--stages", "3", "--set", "training.sequence_length=20")
    assert code == 2
    assert "expected examples of at most 20 tokens" in line
    assert "16 in openai_jsonl, all longer; raise these limits" in line


def test_a_model_that_is_none_is_refused(desk, refused):
    code, line = refused(desk.directory, "--set", "model.source=nowhere")
    assert code == 2
    assert "'nowhere': none of them, and no such path; check the spelling" in line
    assert not (desk.directory / "runs").exists()


def test_a_format_of_another_family_is_refused(desk, refused):
    code, line = refused(desk.directory, "--stages", "2", "--set", "format={name: qwen3}")
    assert code == 2
    assert "a tokenizer with the control tokens of qwen3; got one without <|im_start|>" in line


def test_more_devices_than_there_are_are_refused(desk, refused):
    code, line = refused(desk.directory, "--stages", "2", "--set", "mesh.fsdp=64")
    assert code == 2
    assert "64 devices for the mesh" in line


def test_other_weights_in_the_old_place_are_refused_before_anything_is_computed(desk, refused, inside, tmp_path):
    model = write_tiny_model(tmp_path / "model", seed=1)
    arguments = ("--stages", "1", "--set", f"model.source={model}")
    assert inside(desk.directory, "run", "c.yaml", *arguments)[0] == 0
    log = (desk.path / "events.jsonl").read_bytes()
    (created,) = events(desk.path, "run_created")
    shutil.rmtree(model)
    write_tiny_model(model, seed=2)
    for dry in ((), ("--dry-run",)):
        code, line = refused(desk.directory, *arguments, *dry)
        assert code == 2
        assert f"the weights that runs/tiny began with (sha256 {created['model']['sha256']}); got " in line
        assert f" from {model}; put the old weights back, give the run another name" in line
    assert (desk.path / "events.jsonl").read_bytes() == log


def test_a_resumed_run_that_began_with_other_weights_is_not_gone_on_with(tmp_path):
    config = load_config(None, ["name=x"])
    origin = {"path": "c", "sha256": "ef"}
    began = {"config_sha256": config.sha256, "resume": origin}
    with RunDirectory(tmp_path / "x-2") as run:
        run.event("run_created", **CREATED | began | {"model": CREATED["model"] | {"sha256": "old"}})
    assert find_directory(tmp_path, config, origin, "old").name == "x-2"
    assert find_directory(tmp_path, config, origin, "new").name == "x"
    with RunDirectory(tmp_path / "x") as run:
        run.event("run_created", **CREATED)
    assert find_directory(tmp_path, config, origin, "old").name == "x-2"
    assert find_directory(tmp_path, config, origin, "new").name == "x-3"


def test_a_resumed_run_is_numbered_only_where_its_name_is_taken(tmp_path):
    config, origin = load_config(None, ["name=x"]), {"path": "c", "sha256": "ef"}
    for name in ("x", "x-2", "x-3"):
        assert find_directory(tmp_path, config, origin, "w").name == name
        with RunDirectory(tmp_path / name) as run:
            began = {"config_sha256": config.sha256, "resume": origin, "model": CREATED["model"] | {"sha256": "w"}}
            run.event("run_created", **CREATED | began)
            assert find_directory(tmp_path, config, origin, "w").name == name, "it is continued"
            run.event("run_finished")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("events.jsonl", b'{"event":\n'),
        ("evaluations/stage2/parallel.jsonl", b"[]\n"),
        ("config.yaml", b"foo: 1\n"),
    ],
)
def test_a_damaged_run_is_refused_before_anything_is_computed(desk, finished, refused, inside, name, line):
    shutil.copytree(finished.path, desk.path, ignore=shutil.ignore_patterns("checkpoints"))
    with open(desk.path / name, "ab") as file:
        file.write(line)
    code, said = refused(desk.directory, "--stages", "3")
    assert code == 2
    assert f"runs/tiny/{name}" in said
    assert not (desk.path / "checkpoints").exists()
    code, _, err = inside(desk.directory, "report", "runs/tiny")
    assert code == 2
    assert f"runs/tiny/{name}" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("place", ["c.yaml", "/dev/null", "/proc/nope", "y" * 300])
def test_runs_that_cannot_be_kept_there_are_one_line(desk, refused, place):
    code, line = refused(desk.directory, "--stages", "1", "--runs", place)
    assert code == 1
    assert f"{place}/tiny" in line
    assert "check the path and its rights" in line


def test_a_run_that_another_process_works_in_is_refused(desk, refused):
    with RunDirectory(desk.path):
        code, line = refused(desk.directory, "--stages", "1")
    assert code == 2
    assert "to be free; got another process working in it; wait for it" in line


def test_no_network_and_nothing_cached_is_one_line(desk, refused, monkeypatch, tmp_path):
    neutral = {"PIP_NO_INDEX": "0", "PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": "", "PIP_CONFIG_FILE": "/dev/null"}
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "UV_OFFLINE": "1"}
    for name, value in (neutral | nowhere).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CALLWRIGHT_CACHE", str(tmp_path / "empty"))
    bfcl.load_category.cache_clear()
    code, line = refused(desk.directory)
    assert code == 1
    assert f"to download {bfcl.REQUIREMENT}; got " in line
    assert "connect to a package registry and run the command again" in line
    assert not (desk.directory / "runs").exists()
    assert not list((tmp_path / "empty").glob("bfcl-*.json"))


def test_a_full_disk_is_one_line_and_the_rows_before_it_are_kept(desk, finished):
    """The system refuses the end of the largest file of rows, and everything beyond that size."""
    wanted = rows(finished.path, 2)
    limit = max(path.stat().st_size for path in finished.path.glob("evaluations/stage2/*.jsonl")) - 200
    line = refusal(desk.run("--stages", "2", code=1, largest_file=limit))
    assert "expected to write " in line
    assert "File too large" in line
    kept = rows(desk.path, 2)
    assert 0 < len(kept) < len(wanted)
    assert all(wanted[name] == row for name, row in kept.items())
    assert [event["event"] for event in events(desk.path)][:2] == ["run_created", "run_started"]
    assert events(desk.path, "stage_failed")[0]["stage"] == 2
    assert not events(desk.path, "run_finished")
