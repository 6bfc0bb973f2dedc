"""A budget lowers steps and samples together when a run begins, and never again; nothing is given up in silence."""

import shlex

import pytest
from tests.support.processes import ProcessOutput
from tests.support.runs import events, refusal

from callwright.evaluation.settings import BfclSettings
from callwright.orchestration.budget import scale, smaller_sample
from callwright.orchestration.config import PipelineConfig
from callwright.orchestration.estimate import UPDATES, Work
from callwright.report.schema import Results
from callwright.yaml_files import parse_yaml, read_yaml

SAMPLE = {"simple_python": 32, "multiple": 16, "parallel": 16, "parallel_multiple": 16, "irrelevance": 40}
STEPS = {"sft_small": (8, 3), "sft_full": (150, 5), "grpo": (4, 1)}
FLOPS = {3: 0.48e12, 4: 0.48e12, 5: 2.1e12, "bfcl": 0.13e12}
"""Of an update of each stage and of an entry, with a model of 270 M parameters."""
REACHED = 0.45
"""Of a matrix product's speed."""
WHOLE = "callwright run c.yaml --budget off"


def quickstart(**changes) -> PipelineConfig:
    """Steps and samples of a whole run that takes about half an hour at 200 GFLOP/s."""
    stages = {
        section: {"training": {"steps": steps, "warmup_steps": warmup}} for section, (steps, warmup) in STEPS.items()
    }
    return PipelineConfig.model_validate({"budget": "45m", "evaluation": {"sample": SAMPLE}} | stages | changes)


def works(config: PipelineConfig, speed: float) -> list[Work]:
    """What the configuration's stages cost at a speed."""
    entries = sum(config.evaluation.bfcl.sample.values())
    found = [Work(stage, "bfcl", entries, FLOPS["bfcl"] / (speed * REACHED), 20) for stage in (2, 3, 4, 5)]
    for stage in (3, 4, 5):
        each = FLOPS[stage] / (speed * REACHED)
        found.append(Work(stage, UPDATES, config.stage(stage).training.steps, each, 60))
    return found


def fit(config: PipelineConfig, minutes: float, speed: float):
    return scale(config, works(config, speed), minutes * 60, speed)


def steps(config: PipelineConfig) -> list[int]:
    return [config.stage(stage).training.steps for stage in (3, 4, 5)]


def test_a_fast_machine_gives_nothing_up():
    config = quickstart()
    scaling = fit(config, 45, 200e9)
    assert scaling.config == config
    assert scaling.record.given == scaling.record.taken == {}
    assert scaling.record.whole_seconds == pytest.approx(sum(work.seconds for work in works(config, 200e9)), abs=0.1)
    assert scaling.describe(WHOLE) == "budget 45m: the whole takes about 31 min here, so nothing is given up"


def test_a_machine_of_a_quarter_of_the_speed_keeps_the_same_share_of_everything():
    scaling = fit(quickstart(), 45, 50e9)
    assert scaling.record.scaled_seconds <= 45 * 60 < scaling.record.whole_seconds
    assert scaling.record.scaled_seconds == pytest.approx(
        sum(work.seconds for work in works(scaling.config, 50e9)), abs=0.1
    )
    small, full, grpo = steps(scaling.config)
    share = full / 150
    assert 1 / 3 < share < 1 / 2, "the largest share that fits"
    assert small == max(3, int(8 * share))
    assert grpo == 2
    sample = scaling.config.evaluation.bfcl.sample
    assert sum(sample.values()) == pytest.approx(120 * share, abs=1)
    assert sample.keys() == SAMPLE.keys()
    assert sample["irrelevance"] == pytest.approx(40 * share, abs=1)
    assert scaling.record.given == {
        "sft_small.training.steps": 8,
        "sft_small.training.warmup_steps": 3,
        "sft_full.training.steps": 150,
        "sft_full.training.warmup_steps": 5,
        "grpo.training.steps": 4,
        "grpo.training.warmup_steps": 1,
        "evaluation.bfcl.sample": SAMPLE,
    }
    assert [scaling.config.stage(stage).training.warmup_steps for stage in (3, 4, 5)] == [2, 2, 1]


def test_no_larger_share_would_fit():
    config = quickstart(sft_full={"training": {"steps": 100}})
    scaling = fit(config, 45, 50e9)
    percent = scaling.config.sft_full.training.steps + 1
    counts = {3: max(3, 8 * percent // 100), 4: percent, 5: max(2, 4 * percent // 100), "bfcl": 120 * percent // 100}
    more = [(work, counts["bfcl" if work.unit == "bfcl" else work.stage]) for work in works(config, 50e9)]
    assert sum(work.start + count * work.each for work, count in more) > 45 * 60


def test_what_was_given_up_is_one_line_with_the_command_for_the_whole():
    assert fit(quickstart(), 45, 50e9).describe(WHOLE) == (
        "budget 45m: the whole takes about 1 h 53 min here, so it is scaled to about 44 min: 3 of 8 updates of SFT "
        "small, 54 of 150 updates of SFT full, 2 of 4 updates of GRPO, 43 of 120 entries of BFCL; "
        "the whole: callwright run c.yaml --budget off"
    )


@pytest.mark.parametrize("speed", [1e9, 10e9])
def test_where_even_the_least_does_not_fit_the_run_goes_on_with_it_and_says_so(speed):
    scaling = fit(quickstart(), 25, speed)
    assert steps(scaling.config) == [3, 50, 2]
    assert sum(scaling.config.evaluation.bfcl.sample.values()) == 24
    assert scaling.record.scaled_seconds > 25 * 60
    line = scaling.describe(WHOLE)
    assert "even the least that its results need takes about" in line
    assert "it goes on with 3 of 8 updates of SFT small, 50 of 150 updates of SFT full" in line
    assert "\n" not in line


SUITES = {
    "bfcl": {"sample": SAMPLE, "baseline_sample": 30, "after": [2, 5]},
    "tools": {"path": "tools.yaml", "requests": 200, "baseline_requests": 50},
}


def works_of_suites(config: PipelineConfig, speed: float) -> list[Work]:
    """As `works`, with few entries of the base model, BFCL at the end alone, and requests to tools."""
    training = [work for work in works(config, speed) if work.unit == UPDATES]
    counts = [(2, "bfcl", 30), (5, "bfcl", 120), (2, "tools", 50), *((stage, "tools", 200) for stage in (3, 4, 5))]
    return [*training, *(Work(stage, unit, count, 0.06e12 / (speed * REACHED), 20) for stage, unit, count in counts)]


@pytest.mark.parametrize(("speed", "least"), [(50e9, False), (1e9, True)])
def test_requests_to_your_tools_are_lowered_too_and_a_small_baseline_is_kept_while_it_is_the_smaller(speed, least):
    config = quickstart(evaluation=SUITES)
    evaluation = scale(config, works_of_suites(config, speed), 45 * 60, speed).config.evaluation
    entries = sum(evaluation.bfcl.sample.values())
    assert evaluation.tools.baseline_requests == 50
    if least:
        assert (entries, evaluation.tools.requests, evaluation.bfcl.baseline_sample) == (24, 40, None)
    else:
        assert 40 < evaluation.tools.requests < 200
        assert entries == int(120 * evaluation.tools.requests / 200)
        assert evaluation.bfcl.baseline_sample == 30


def test_small_numbers_are_kept_as_they_are():
    tiny = quickstart(
        evaluation={"sample": {"simple_python": 3, "irrelevance": 2}},
        **{
            section: {"training": {"steps": steps, "warmup_steps": 0}}
            for section, steps in zip(STEPS, (1, 0, 2), strict=True)
        },
    )
    scaling = fit(tiny, 1, 1e9)
    assert steps(scaling.config) == [1, 0, 1]
    assert scaling.config.evaluation == tiny.evaluation


@pytest.mark.parametrize(
    ("counts", "size", "smaller"),
    [
        ((32, 16, 16, 40), 24, (7, 4, 4, 9)),
        ((32, 16, 16, 40), 104, (32, 16, 16, 40)),
        ((100, 1, 1, 50), 24, (14, 1, 1, 8)),
        ((1, 1, 1, 97), 24, (1, 1, 1, 21)),
        ((100, 100, 100, 1), 24, (8, 8, 7, 1)),
        ((0, 0, 0, 60), 24, (0, 0, 0, 24)),
        ((60, 0, 0, 0), 24, (24, 0, 0, 0)),
    ],
)
def test_a_smaller_sample_keeps_every_category_and_the_share_of_irrelevance(counts, size, smaller):
    names = ("simple_python", "multiple", "parallel", "irrelevance")
    asked, kept = ({name: n for name, n in zip(names, one, strict=True) if n} for one in (counts, smaller))
    assert smaller_sample(asked, size) == kept
    assert sum(kept.values()) == size


def test_a_sample_by_category_asks_what_the_number_would_have_asked():
    drawn = BfclSettings(sample=120).entries()
    counts = {name: len(members) for name, members in drawn.items()}
    assert BfclSettings(sample=counts).entries() == drawn
    smaller = BfclSettings(sample=smaller_sample(counts, 24)).entries()
    assert sum(map(len, smaller.values())) == 24
    assert all(members == [entry for entry in drawn[name] if entry in members] for name, members in smaller.items())


@pytest.fixture
def slow_machine(monkeypatch):
    """A machine on which the tiny pipeline takes about 7 minutes, or so many times as long."""

    def times(factor: float = 1) -> None:
        monkeypatch.setattr("callwright.orchestration.estimate.measure_speed", lambda _="float32": SPEED / factor)

    times()
    return times


SPEED = 1e6


def test_the_dry_run_prints_the_lowered_numbers_what_they_cost_and_what_was_given_up(desk, inside, slow_machine):
    code, out, _ = inside(desk.directory, "run", "c.yaml", "--budget", "1s", "--dry-run")
    assert code == 0
    resolved, _, plan = out.partition("\nbudget ")
    config = parse_yaml(resolved, "the plan")
    assert config["budget"] == "1s"
    assert config["sft_full"]["training"]["steps"] == 2
    line, *lines = plan.splitlines()
    assert line.startswith("1s: even the least that its results need takes about ")
    assert "it goes on with 2 of 5 updates of SFT small, 2 of 5 updates of SFT full, 1 of 3 updates of GRPO" in line
    assert line.endswith("; the whole: callwright run c.yaml --budget off --set name=tiny-whole")
    assert any(line.startswith("stage 4: 16 examples (all checked), 2 updates,") for line in lines)
    assert sorted(path.name for path in desk.directory.iterdir()) == ["c.yaml"]


def test_the_command_for_the_whole_repeats_what_was_typed(desk, inside, slow_machine):
    words = ["--stages", "3", "4", "--set", "seed=3", "--set", "name=my-run", "--set", "budget=2s"]
    _, out, _ = inside(desk.directory, "run", "c.yaml", *words, "--runs", "a b", "--dry-run")
    (line,) = [line for line in out.splitlines() if line.startswith("budget 2s:")]
    command = shlex.split(line.partition("; the whole: ")[2])
    assert command == [
        *("callwright", "run", "c.yaml", "--budget", "off", "--stages", "3", "4", "--runs", "a b"),
        *("--set", "seed=3", "--set", "name=my-run-whole"),
    ]
    code, out, _ = inside(desk.directory, *command[1:], "--dry-run")
    assert code == 0
    assert parse_yaml(out.partition("\nmodel ")[0], "the plan")["sft_full"]["training"]["steps"] == 5


def test_a_budget_that_suffices_says_so_and_off_says_nothing(desk, inside, slow_machine):
    _, out, _ = inside(desk.directory, "run", "c.yaml", "--budget", "100h", "--dry-run")
    assert ", so nothing is given up\n" in out
    _, out, _ = inside(desk.directory, "run", "c.yaml", "--set", "budget=1s", "--budget", "off", "--dry-run")
    assert "\nbudget " not in out.partition("\nmodel ")[2]
    assert parse_yaml(out.partition("\nmodel ")[0], "the plan")["budget"] is None


@pytest.fixture
def begun(desk, inside, slow_machine):
    """A run that a budget scaled, of which stage 1 is done; gives what a command that continues it leaves."""

    def run(*arguments, config="c.yaml"):
        code, out, err = inside(desk.directory, "run", config, "--stages", "1", *arguments)
        return code, ProcessOutput(out, err)

    code, said = run("--budget", "1s")
    assert code == 0
    assert "  budget 1s: even the least" in said.err
    return run


def test_the_lowered_numbers_are_the_runs_and_its_first_event_says_what_they_replaced(desk, begun):
    config = read_yaml(desk.path / "config.yaml")
    assert [config[section]["training"]["steps"] for section in STEPS] == [2, 2, 1]
    (created,) = events(desk.path, "run_created")
    assert created["budget"]["given"]["sft_full.training.steps"] == 5
    assert created["budget"]["taken"]["sft_full.training.steps"] == 2
    assert created["budget"]["seconds"] == 1
    assert created["budget"]["speed"] == SPEED


def test_the_table_and_the_report_say_what_a_budget_gave_up(desk, begun):
    _, said = begun("--budget", "1s")
    note = "For a budget of 1 s the run was scaled to 2 of 5 updates of SFT small, 2 of 5 updates of SFT full, 1 of 3"
    assert f"\n{note}" in said.out
    assert note in (desk.path / "report.html").read_text()
    assert Results.read(desk.path / "results.json").run.note.startswith(note)


@pytest.mark.parametrize("factor", [1e-6, 1, 1000])
def test_a_run_that_is_continued_has_its_numbers_whatever_the_machine_can_do_now(desk, begun, slow_machine, factor):
    before = (desk.path / "config.yaml").read_bytes()
    slow_machine(factor)
    (desk.path / "config.yaml").unlink()
    code, said = begun("--budget", "1s")
    assert code == 0, said.err
    assert "budget" not in said.err
    assert (desk.path / "config.yaml").read_bytes() == before
    code, said = begun(config="runs/tiny/config.yaml")
    assert code == 0, "its own configuration is the same one"


@pytest.mark.parametrize(
    ("arguments", "changed"),
    [
        (("--budget", "2s"), "budget"),
        (("--budget", "off"), "budget"),
        (("--budget", "1s", "--set", "sft_full.training.steps=6"), "sft_full.training.steps"),
        (("--budget", "1s", "--set", "sft_full.training.steps=2"), "sft_full.training.steps"),
        (("--budget", "1s", "--set", "lora.rank=3"), "lora.rank"),
    ],
)
def test_a_change_of_what_was_given_is_refused_and_named(begun, arguments, changed):
    code, said = begun(*arguments)
    assert code == 2
    assert f"got a change of {changed}; give the run another name" in refusal(said)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--budget", "25"), "a duration such as 25m, 1h30m or 90s after --budget; got '25'; write it so, or off"),
        (("--budget", "soon"), "after --budget; got 'soon'"),
        (("--set", "budget=25"), "a duration such as 25m, 1h30m or 90s as budget in --set budget=25; got 25"),
        (("--set", "budget=0m"), "as budget in --set budget=0m; got '0m'"),
    ],
)
def test_a_budget_that_says_no_duration_is_refused(desk, inside, arguments, says):
    code, out, err = inside(desk.directory, "run", "c.yaml", *arguments)
    assert code == 2
    assert says in refusal(ProcessOutput(out, err))
    assert not (desk.directory / "runs").exists()
