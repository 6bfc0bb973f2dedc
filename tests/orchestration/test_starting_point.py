"""What each training stage starts from, whichever stages are enabled, named, finished or resumed from."""

import itertools
import json
import re
import shutil
from pathlib import Path

import pytest
from safetensors.numpy import load_file
from tests.support.fake_run import CREATED
from tests.support.runs import Desk, conversation, events, rows

from callwright.errors import CheckpointError
from callwright.orchestration.config import load_config
from callwright.orchestration.rundir import RunDirectory
from callwright.orchestration.starting_point import starting_points
from callwright.report.schema import Results
from callwright.report.stage_list import SECTIONS
from callwright.storage import write_bytes
from callwright.training.checkpoints import FILE

OTHER = Path("runs", "other", "checkpoints", "stage3")
TITLES = {3: "stage 3 (SFT small)", 4: "stage 4 (SFT full)", 5: "stage 5 (GRPO)"}


def subsets(items):
    return [chosen for size in range(len(items) + 1) for chosen in itertools.combinations(items, size)]


def disabled(enabled):
    """Overrides that leave only these training stages enabled."""
    return [f"{section}.enabled={str(number in enabled).lower()}" for number, section in SECTIONS.items()]


def finish(run, stage):
    """Puts down what a finished stage leaves."""
    write_bytes(run.checkpoint(stage) / FILE, b"")
    with run:
        run.event("stage_finished", stage=stage)


def expected(stage, *, enabled, numbers, finished, resume):
    """The name of what a stage starts from; None where it is refused."""
    before = [s for s in (3, 4) if s < stage]
    ready = [s for s in before if s in numbers or s in finished]
    if ready:
        return f"stage{max(ready)}"
    if resume:
        return str(OTHER)
    return None if set(before) & set(enabled) else "base model"


@pytest.mark.parametrize("enabled", subsets((3, 4, 5)), ids=str)
@pytest.mark.parametrize("finished", subsets((3, 4)), ids=str)
def test_every_combination_of_stages_starts_where_it_should(tmp_path, enabled, finished):
    config, run = load_config(None, disabled(enabled)), RunDirectory(tmp_path / "run")
    for stage in finished:
        finish(run, stage)
    for numbers, resume in itertools.product(subsets((1, 2, 3, 4, 5)), (None, OTHER)):
        training = [stage for stage in numbers if stage > 2 and stage not in finished]
        facts = {"enabled": enabled, "numbers": numbers, "finished": finished, "resume": resume}
        wanted = {stage: expected(stage, **facts) for stage in training}
        if None in wanted.values():
            with pytest.raises(
                CheckpointError, match=r"before stage [45] in .*; add [34] to --stages, .* the base model"
            ):
                starting_points(config, run, resume, numbers)
            continue
        found = starting_points(config, run, resume, numbers)
        assert {stage: start.name for stage, start in found.items()} == wanted, facts
        places = {"base model": None, str(OTHER): OTHER, **{f"stage{n}": run.checkpoint(n) for n in (3, 4)}}
        assert all(start.checkpoint == places[start.name] for start in found.values())


def test_a_refusal_names_the_stage_to_add_and_the_sections_to_leave_out(tmp_path):
    run = RunDirectory(tmp_path)
    for overrides, stage, fix in (
        ([], 4, "add 3 to --stages, or name one with --resume, or start from the base model with "
         "--set sft_small.enabled=false"),
        ([], 5, "add 4 to --stages, or name one with --resume, or start from the base model with "
         "--set sft_small.enabled=false --set sft_full.enabled=false"),
        (["sft_full.enabled=false"], 5, "add 3 to --stages, or name one with --resume, or start from the base model "
         "with --set sft_small.enabled=false"),
    ):  # fmt: skip
        with pytest.raises(CheckpointError) as raised:
            starting_points(load_config(None, overrides), run, None, [1, 2, stage])
        assert raised.value.fix == fix


@pytest.mark.parametrize(
    ("began", "resume", "name", "place"),
    [
        ("base model", None, "base model", None),
        ("stage3", None, "stage3", "checkpoints/stage3"),
        (str(OTHER), OTHER, str(OTHER), OTHER),
        ("elsewhere/stage3", OTHER, "elsewhere/stage3", OTHER),
    ],
)
def test_a_stage_that_was_stopped_goes_on_from_what_it_began_with(tmp_path, began, resume, name, place):
    run, config = RunDirectory(tmp_path / "run"), load_config(None, ["sft_small.enabled=false"])
    with run:
        run.event("stage_started", stage=4, starts_from=began)
    finish(run, 3)
    (run.checkpoint(4) / "steps" / "2").mkdir(parents=True)
    (start,) = starting_points(config, run, resume, [1, 2, 4]).values()
    assert start.name == name
    assert start.checkpoint == (run.path / place if isinstance(place, str) else place)
    shutil.rmtree(run.checkpoint(4) / "steps")
    (start,) = starting_points(config, run, resume, [1, 2, 4]).values()
    assert start.name == "stage3", "it left nothing to go on from"


@pytest.mark.parametrize("enabled", subsets((3, 4, 5)), ids=str)
@pytest.mark.parametrize("baseline", [True, False], ids=["baseline", "no baseline"])
def test_the_plan_says_what_every_stage_starts_from(desk, inside, enabled, baseline):
    words = [word for override in disabled(enabled) for word in ("--set", override)]
    if not baseline:
        words += ["--stages", "1", *map(str, enabled)]
    code, out, _ = inside(desk.directory, "run", "c.yaml", "--dry-run", *words)
    assert code == 0
    plan = re.findall(r"^stage (\d): (.*)$", out, re.MULTILINE)
    assert [int(number) for number, _ in plan] == [*([2] if baseline else []), *enabled]
    before = "the base model"
    for number, line in plan:
        if number == "2":
            assert "starts from" not in line
            continue
        assert line.endswith(f"; it starts from {before}")
        before = TITLES[int(number)]


def test_the_plan_of_a_resumed_run_says_so(finished, inside):
    words = ("--stages", "4", "5", "--resume", "runs/tiny/stage3", "--dry-run")
    code, out, _ = inside(finished.directory, "run", "c.yaml", *words)
    assert code == 0
    assert "starting from runs/tiny/checkpoints/stage3\n" in out
    four, five = re.findall(r"^stage [45]: .*; it starts from (.*)$", out, re.MULTILINE)
    assert (four, five) == ("runs/tiny/checkpoints/stage3", "stage 4 (SFT full)")


@pytest.fixture(scope="module")
def without_small(tmp_path_factory, shared_cache, tiny):
    """A whole run whose configuration leaves out stage 3, and whose GRPO has nothing to tell apart."""
    directory = tmp_path_factory.mktemp("without")
    calls = [conversation(index) for index in range(16) if index % 3]
    (directory / "calls.jsonl").write_text("".join(json.dumps(row) + "\n" for row in calls), encoding="utf-8")
    desk = Desk(directory, shared_cache, tiny | {"sft_small": tiny["sft_small"] | {"enabled": False}})
    equal = ("grpo.training.reward={well_formed: 0, partial: 0}", "grpo.data={openai_jsonl: {path: calls.jsonl}}")
    said = desk.run(*(word for override in equal for word in ("--set", override)))
    return desk, said


@pytest.mark.slow
def test_without_stage_3_stage_4_starts_from_the_base_model(without_small, finished):
    """The SFT stages are configured alike, so stage 4 must come to what stage 3 of the whole pipeline came to."""
    desk, said = without_small
    arrays, others = (
        load_file(run / "checkpoints" / stage / FILE)
        for run, stage in ((desk.path, "stage4"), (finished.path, "stage3"))
    )
    assert arrays.keys() == others.keys()
    assert all((arrays[name] == others[name]).all() for name in arrays)
    assert list(rows(desk.path, 4).values()) == list(rows(finished.path, 3).values())
    assert "it starts from the base model" in said.err
    assert "it starts from stage 4 (SFT full)" in said.err
    assert not (desk.path / "checkpoints" / "stage3").exists()


@pytest.mark.slow
def test_the_log_the_results_and_the_report_say_what_a_stage_started_from(without_small, finished):
    for run, starts in (
        (without_small[0].path, {4: "base model", 5: "stage4"}),
        (finished.path, {3: "base model", 4: "stage3", 5: "stage4"}),
    ):
        for kind in ("stage_started", "stage_finished"):
            assert {e["stage"]: e["starts_from"] for e in events(run, kind) if e["stage"] > 1} == starts
        results = Results.read(run / "results.json")
        found = {int(stage.key[-1]): stage.summary.get("starts_from") for stage in results.stages}
        assert {stage: start for stage, start in found.items() if start} == starts
        assert "<dt>starts from</dt><dd>base model</dd>" in (run / "report.html").read_text()


@pytest.mark.slow
def test_a_stage_that_the_configuration_leaves_out_is_skipped_and_the_report_says_why(without_small):
    path = without_small[0].path
    results = Results.read(path / "results.json")
    small = results.stages[2]
    assert (small.status, small.message) == (
        "skipped",
        "the configuration leaves it out (sft_small.enabled is false)",
    )
    assert "SFT small (stage3) is skipped: the configuration leaves it out" in (path / "report.html").read_text()
    assert results.run.finished


@pytest.mark.slow
def test_grpo_that_never_updated_says_so_at_the_end_of_its_stage_and_of_the_run(without_small):
    desk, said = without_small
    note = (
        "GRPO never updated: all rewards of every group were equal; no completion was right, and none earned anything; "
        "train SFT first, or longer"
    )
    assert said.err.rstrip().endswith(f"  {note}"), said.err
    assert f"\n{note}\n\nReport: " in said.out
    (finished_event,) = [event for event in events(desk.path, "stage_finished") if event["stage"] == 5]
    assert finished_event["note"] == note
    results = Results.read(desk.path / "results.json")
    assert results.stages[4].message == note
    summary = results.stages[4].summary
    assert (summary["updates"], summary["steps_without_update"], summary["zero_variance_groups"]) == (0, 3, 6)
    assert f"{note}." in (desk.path / "report.html").read_text()
    before, after = (load_file(desk.path / "checkpoints" / stage / FILE) for stage in ("stage4", "stage5"))
    assert all((before[name] == after[name]).all() for name in before)


def test_grpo_that_did_update_says_how_often(finished):
    results = Results.read(finished.path / "results.json")
    summary = results.stages[4].summary
    steps = [event for event in events(finished.path, "step") if event["stage"] == 5]
    assert summary["updates"] == sum("loss" in event for event in steps) > 0
    assert summary["updates"] + summary["steps_without_update"] == len(steps)
    assert ("made no update in" in results.stages[4].message) == (summary["steps_without_update"] > 0)


def test_a_run_of_an_earlier_version_does_not_say_and_is_read(tmp_path):
    run = RunDirectory(tmp_path)
    with run:
        run.event("run_created", **CREATED)
        run.event("stage_started", stage=4)
        (run.checkpoint(4) / "steps" / "2").mkdir(parents=True)
    finish(run, 3)
    (start,) = starting_points(load_config(None), run, None, [4]).values()
    assert start.name == "stage3"
