"""One command runs all five stages, and every later command builds on what is there."""

import json
import shutil

import pytest
from safetensors.numpy import load_file
from tests.support.runs import EVALUATED, TRAINED, adapter_bits, events, rows

from callwright.evaluation.settings import BfclSettings
from callwright.evaluation.suites import suite_entries
from callwright.export.merged import merged_weights
from callwright.export.trained import read_trained
from callwright.orchestration import run_pipeline
from callwright.orchestration.config import load_config
from callwright.orchestration.rundir import RunDirectory
from callwright.orchestration.solve_rates import solve_rates
from callwright.orchestration.starting_point import StartingPoint
from callwright.report.schema import POOLED, Results
from callwright.storage import sha256_file
from callwright.training.checkpoints import FILE, read_card
from callwright.training.prompt_weights import prompt_weights
from callwright.yaml_files import parse_yaml, read_yaml

SEEDS_COMMAND = ("callwright.orchestration.run_pipeline:main", "run_pipeline.py", "--config", "c.yaml")
PAIRS = [("stage2", "stage3"), ("stage3", "stage4"), ("stage4", "stage5"), ("stage2", "stage5")]
WORK = {"stage_started", "stage_left", "evaluation_started", "evaluation_left", "step"}


@pytest.fixture(scope="module")
def results(finished):
    return Results.read(finished.path / "results.json")


def contents(directory):
    return {path: sha256_file(path) for path in sorted(directory.rglob("*")) if path.is_file()}


def test_every_stage_is_done_and_the_report_is_there(finished, results):
    assert [(stage.key, stage.status) for stage in results.stages] == [(f"stage{n}", "done") for n in range(1, 6)]
    assert results.run.finished > results.run.created
    assert results.run.name == "tiny"
    report = (finished.path / "report.html").read_text()
    assert all(stage.title in report for stage in results.stages if stage.key != "stage1")
    assert events(finished.path)[-1]["event"] == "run_finished"


def test_the_results_say_what_they_were_computed_from(finished, results):
    config = read_yaml(finished.path / "config.yaml")
    assert config["lora"]["rank"] == finished.configuration["lora"]["rank"]
    assert config["grpo"]["training"]["kl_weight"], "defaults are resolved"
    assert results.model.spec == finished.configuration["model"]["source"]
    assert results.model.sha256 == read_card(finished.path / "checkpoints" / "stage5").model_sha256
    assert {"jax", "flax", "google-tunix", "qwix", "optax"} <= results.versions.packages.keys()
    assert results.run.command.endswith("run c.yaml")


@pytest.mark.parametrize("stage", TRAINED)
def test_every_trained_stage_can_be_exported(finished, results, stage):
    trained = read_trained(finished.path, stage=stage)
    assert (trained.base.sha256, trained.format.id) == (results.model.sha256, "xml/args")
    saved = load_file(finished.path / "checkpoints" / f"stage{stage}" / FILE)
    assert {name: factor.tobytes() for name, factor in saved.items()} == {
        name: factor.tobytes() for name, factor in trained.adapter.items()
    }
    assert merged_weights(trained).tensors.keys() == trained.base.config.tensor_shapes().keys()


def test_every_sampled_entry_has_exactly_one_row_after_every_stage(finished, results):
    config = load_config(finished.directory / "c.yaml").evaluation
    for stage in EVALUATED:
        found, suites = rows(finished.path, stage), config.after(stage)
        planned = {name: suite_entries(suites[name], stage).ids for name in suites}
        assert planned.keys() == {"bfcl", "tools"} and "flow" in planned["tools"]
        assert found.keys() == set.union(*(ids for suite in planned.values() for ids in suite.values()))
        for suite, categories in planned.items():
            scores = results.evaluations[f"stage{stage}"][suite].categories
            assert {name: (score.total, score.planned) for name, score in scores.items()} == {
                name: (len(ids), len(ids)) for name, ids in categories.items()
            }
            for name, score in scores.items():
                assert score.correct == sum(row["valid"] for row in found.values() if row["category"] == name)
    assert len(rows(finished.path, 2)) == 6 + 4, "the base model is asked fewer"


def test_the_curves_have_every_step_of_every_training_stage(finished, results):
    wanted = {"stage3": {"loss", "grad_norm", "learning_rate"}, "stage5": {"reward", "reward/exact", "kl", "entropy"}}
    wanted["stage4"] = wanted["stage3"]
    sections = {"stage3": "sft_small", "stage4": "sft_full", "stage5": "grpo"}
    for stage, section in sections.items():
        steps = list(range(1, finished.configuration[section]["training"]["steps"] + 1))
        for name in wanted[stage]:
            curve = results.curves[stage][name]
            assert [step for step, _ in curve] == steps, (stage, name)
            assert None not in {value for _, value in curve}


def test_stages_are_compared_with_the_one_before_and_the_last_with_the_first(results):
    for before, after in PAIRS:
        tests = [c for c in results.comparisons if (c.before, c.after) == (before, after)]
        for suite, categories, paired in (
            ("bfcl", {"simple_python", "parallel", "irrelevance"}, 4),
            ("tools", {"single", "no_tool", "unanswered", "flow"}, 2 if before == "stage2" else 3),
        ):
            mine = {c.category: c for c in tests if c.suite == suite}
            assert mine.keys() == {POOLED, *categories}
            assert sum((mine[POOLED].gained, mine[POOLED].lost, mine[POOLED].both, mine[POOLED].neither)) == paired
    assert len(results.comparisons) == (4 + 5) * len(PAIRS)


def test_every_stage_has_a_cost(results):
    for stage in results.stages:
        if stage.kind != "evaluation":
            assert stage.cost.seconds > 0
            assert stage.cost.peak_memory_bytes > 50e6
    costs = [stage.cost for stage in results.stages if stage.kind in ("sft", "grpo")]
    costs += [suite.cost for stage in EVALUATED for suite in results.evaluations[f"stage{stage}"].values()]
    assert all(cost.tokens > 0 and cost.seconds > 0 for cost in costs)


def test_each_training_stage_goes_on_from_the_one_before(finished):
    """The stages share data, seed and schedule, so a stage that began anew would repeat the first losses exactly."""
    bits = {stage: adapter_bits(finished.path, stage) for stage in TRAINED}
    assert len(set(bits.values())) == len(bits)
    small, full = ([e for e in events(finished.path, "step") if e["stage"] == stage] for stage in (3, 4))
    assert [e["examples"] for e in small] == [e["examples"] for e in full]
    assert full[0]["loss"] < small[0]["loss"] - 0.2
    # GRPO measures its distance from the model that it began with.
    rollouts = [event for event in events(finished.path, "step") if event["stage"] == 5]
    assert rollouts[0]["kl"] == pytest.approx(0, abs=1e-6)
    assert rollouts[-1]["kl"] > 1e-5
    assert any(event["zero_variance_groups"] < 2 for event in rollouts), "this model's rewards vary"


def test_grpo_draws_by_what_the_stage_before_solved_and_its_log_and_results_say_how(finished, results):
    run = RunDirectory(finished.path)
    rates = solve_rates(run, StartingPoint("stage4", run.checkpoint(4)))
    assert rates.keys() >= {"simple", "parallel", "irrelevance"}
    (began,) = [event for event in events(finished.path, "stage_started") if event["stage"] == 5]
    assert began["prompt_weights"] == results.stages[4].summary["prompt_weights"] == prompt_weights(rates)
    assert results.stages[4].summary["groups"] == 2 * finished.configuration["grpo"]["training"]["steps"]


def test_an_example_longer_than_a_row_is_counted_reported_and_never_cut(finished, results):
    long = {"openai_jsonl-data.jsonl-6", "openai_jsonl-data.jsonl-12"}
    for stage in (3, 4):
        (summary,) = [event for event in events(finished.path, "stage_finished") if event["stage"] == stage]
        assert summary["too_long"] == len(long)
    used = {name for event in events(finished.path, "step") for name in event["examples"]}
    assert used
    assert not used & long
    assert [s.summary.get("too_long") for s in results.stages if s.kind == "sft"] == [2, 2]
    assert max(event["too_long"] for event in events(finished.path, "step") if event["stage"] == 5) >= 0


def test_a_finished_run_given_again_prints_its_table_and_computes_nothing(finished, inside):
    before = contents(finished.path / "checkpoints") | contents(finished.path / "evaluations")
    log = events(finished.path)
    code, out, err = inside(finished.directory, "run", "c.yaml")
    assert code == 0
    assert "call categories" in out
    assert "Report: runs/tiny/report.html" in out
    assert "Traceback" not in err
    assert contents(finished.path / "checkpoints") | contents(finished.path / "evaluations") == before
    assert not [event for event in events(finished.path)[len(log) :] if event["event"] in WORK]


def test_a_report_can_be_made_again_from_the_log_and_the_rows(finished, inside, tmp_path, results):
    copy = tmp_path / "runs" / "tiny"
    shutil.copytree(finished.path, copy)
    (copy / "results.json").unlink()
    (copy / "report.html").unlink()
    code, out, _ = inside(tmp_path, "report", "runs/tiny")
    assert code == 0
    assert "call categories" in out
    again = Results.read(copy / "results.json")
    assert again.evaluations == results.evaluations
    assert again.curves == results.curves
    assert "<html" in (copy / "report.html").read_text()


def test_a_report_needs_no_benchmark(finished, inside, tmp_path, monkeypatch):
    shutil.copytree(finished.path, tmp_path / "runs" / "tiny")
    monkeypatch.setattr(BfclSettings, "entries", lambda self: pytest.fail("it asked the benchmark"))
    code, out, _ = inside(tmp_path, "report", "runs/tiny")
    assert code == 0
    assert "call categories" in out


def test_a_configuration_that_was_removed_is_written_again(finished, desk, inside):
    shutil.copytree(finished.path, desk.path)
    (desk.path / "config.yaml").unlink()
    code, _, err = inside(desk.directory, "run", "c.yaml", "--set", "seed=7")
    assert code == 2
    assert "the configuration that runs/tiny began with; got another one; give the run another name" in err
    code, _, err = inside(desk.directory, "report", "runs/tiny")
    assert code == 2
    assert "expected a run in runs/tiny; got no config.yaml" in err
    code, _, _ = inside(desk.directory, "run", "c.yaml", "--stages", "1")
    assert code == 0
    assert (desk.path / "config.yaml").read_bytes() == (finished.path / "config.yaml").read_bytes()


@pytest.mark.parametrize("place", ["[old]", "a[/b]", ":smile:"])
def test_a_path_is_printed_as_it_is(desk, inside, place):
    code, _, err = inside(desk.directory, "run", "c.yaml", "--stages", "1", "--runs", place)
    assert code == 0
    assert f"{place}/tiny: model, stages 1" in err
    assert f"configuration {place}/tiny/config.yaml" in err


def test_a_changed_configuration_is_refused_and_the_changed_keys_are_named(finished, inside):
    before = contents(finished.path)
    changes = ("lora.rank=3", "sft_full.training.steps=9", "seed=1")
    arguments = [word for change in changes for word in ("--set", change)]
    code, _, err = inside(finished.directory, "run", "c.yaml", *arguments)
    assert code == 2
    assert err.splitlines()[-1] == (
        "callwright: expected the configuration that runs/tiny began with; got a change of lora.rank, seed, "
        "sft_full.training.steps; give the run another name (--set name=...), or remove runs/tiny to start it again"
    )
    assert contents(finished.path) == before


@pytest.mark.slow
def test_resume_starts_a_new_run_that_goes_on_when_killed(finished):
    """The second command is the seed's own; both name the same stage, so it continues the same new run."""
    before = contents(finished.path)
    arguments = ("--stages", "4", "--resume", "runs/tiny/checkpoints/stage3")
    new = finished.directory / "runs" / "tiny-2"
    process = finished.start(*arguments)
    process.wait_for(lambda: bool(events(new, "step")))
    process.kill()
    assert not (new / "checkpoints" / "stage4" / "adapter.safetensors").exists() or not rows(new, 4)
    said = finished.start(*arguments, command=SEEDS_COMMAND).finish()
    assert "Report: runs/tiny-2/report.html" in said.out
    assert [path.name for path in sorted(new.parent.iterdir())] == ["tiny", "tiny-2"]
    assert adapter_bits(new, 4) == adapter_bits(finished.path, 4)
    assert rows(new, 4) == rows(finished.path, 4)
    assert contents(finished.path) == before
    (created,) = events(new, "run_created")
    assert created["resume"]["sha256"] == sha256_file(finished.path / "checkpoints" / "stage3" / "adapter.safetensors")


@pytest.mark.parametrize(
    ("named", "stage"),
    [("", "stage5"), ("stage3", "stage3"), ("checkpoints/stage4", "stage4"), ("checkpoints/stage4/", "stage4")],
)
def test_a_run_and_its_stages_are_named_alike_in_every_command(finished, inside, named, stage):
    run = f"runs/tiny/{named}"
    code, out, _ = inside(finished.directory, "run", "c.yaml", "--stages", "5", "--resume", run, "--dry-run")
    assert code == 0
    assert f"starting from runs/tiny/checkpoints/{stage}\n" in out
    code, out, _ = inside(finished.directory, "report", run)
    assert code == 0
    assert "Report: runs/tiny/report.html" in out


def test_a_stage_that_is_not_finished_is_nothing_to_start_from(desk, finished, inside):
    shutil.copytree(finished.path, desk.path, ignore=shutil.ignore_patterns("stage3"))
    for named, says in (
        ("stage2", "a finished stage 2"),
        ("checkpoints/stage3", "a finished stage with"),
        ("x", "a run"),
    ):
        code, _, err = inside(desk.directory, "run", "c.yaml", "--stages", "4", "--resume", f"runs/tiny/{named}")
        assert code == 2
        assert says in err


def test_a_dry_run_prints_the_configuration_the_data_and_an_estimate_and_leaves_nothing(desk, inside):
    code, out, _ = inside(desk.directory, "run", "c.yaml", "--dry-run")
    assert code == 0
    resolved, _, plan = out.partition("\nmodel ")
    assert parse_yaml(resolved, "the plan")["lora"]["rank"] == 2
    assert "stage 3: 16 examples (all checked), 5 updates" in plan
    assert "stage 5: 16 examples (all checked), 3 updates" in plan
    assert plan.count("BFCL on 6 entries") == len(EVALUATED)
    assert "stage 2: BFCL on 6 entries, about 20 s, 4 requests to your tools, about 20 s\n" in plan
    assert plan.count("6 requests to your tools") == len(TRAINED)
    assert "in all about" in plan
    assert sorted(path.name for path in desk.directory.iterdir()) == ["c.yaml"]


def test_a_run_says_what_is_left_and_how_long_it_takes_before_it_begins(finished, desk, inside):
    (desk.path / "checkpoints").mkdir(parents=True)
    for name in ("config.yaml", "events.jsonl", "evaluations", "checkpoints/stage3", "checkpoints/stage4"):
        place = finished.path / name
        (shutil.copytree if place.is_dir() else shutil.copy)(place, desk.path / name)
    (desk.path / "evaluations" / "stage4" / "parallel.jsonl").unlink()
    code, _, err = inside(desk.directory, "run", "c.yaml", "--stages", "1", "2", "3", "4")
    assert code == 0
    before, _, after = err.partition("stage 1: format\n")
    assert " in bfloat16\n  stage 4: BFCL on 6 entries, about" in before
    assert before.count("  stage ") == 1 and "in all about" in before
    assert "GFLOP/s" not in after
    _, _, again = inside(desk.directory, "run", "c.yaml", "--stages", "1", "2", "3", "4")
    assert "in all about" not in again, "nothing is left"


def test_the_seeds_command_takes_the_same_arguments_and_exit_codes(desk, capsys, monkeypatch, shared_cache):
    monkeypatch.chdir(desk.directory)
    monkeypatch.setenv("CALLWRIGHT_CACHE", str(shared_cache))
    assert run_pipeline.main(["--stages", "4", "5", "--resume", "checkpoints/stage3", "--config", "c.yaml"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "a finished stage with adapter.safetensors in checkpoints/stage3; got none" in err
    assert run_pipeline.main(["--config", "c.yaml", "--stages", "9"]) == 2
    assert "expected stages from 1 to 5 after --stages; got 9" in capsys.readouterr().err
    assert run_pipeline.main(["--config", "c.yaml", "--set", "lora.rang=9"]) == 2
    assert "got lora.rang" in capsys.readouterr().err
    assert run_pipeline.main([]) == 2
    assert "expected a configuration; got none; name one" in capsys.readouterr().err
    (desk.directory / "config").mkdir()
    (desk.directory / "config" / "pipeline.yaml").write_text("name: seeds\nlora: {rang: 1}\n")
    assert run_pipeline.main([]) == 2
    taken, refused = capsys.readouterr().err.splitlines()
    assert taken == "run_pipeline: taking the configuration config/pipeline.yaml"
    assert "a known key in config/pipeline.yaml; got lora.rang" in refused


def test_the_log_is_json_lines_that_name_their_event(finished):
    for line in (finished.path / "events.jsonl").read_text().splitlines():
        event = json.loads(line)
        assert {"time", "event"} <= event.keys()
