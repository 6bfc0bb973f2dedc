"""A run that an earlier version wrote is read as that version read it."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from callwright import cli
from callwright.evaluation.row import read_rows
from callwright.evaluation.settings import BfclSettings
from callwright.orchestration.rundir import RunDirectory
from callwright.report.events import RunCreated, UpdateStep
from callwright.report.results import build_results
from callwright.report.run_files import RunFiles, find_stage
from callwright.report.schema import Results
from callwright.training.checkpoints import read_card

RUN = Path(__file__).parents[1] / "fixtures" / "run-0.1"


def as_data(results):
    """All that results say, whatever the order of their keys."""
    return json.loads(results.model_dump_json())


def test_its_results_are_read():
    results = Results.read(RUN / "results.json")
    assert results.model.license == "gemma"
    assert results.evaluations["stage5"]["bfcl"].pooled.correct == 1


def test_the_log_and_the_rows_give_the_same_results_without_the_benchmark(monkeypatch):
    monkeypatch.setattr(BfclSettings, "entries", lambda self: pytest.fail("it asked the benchmark"))
    assert as_data(build_results(RunFiles(RUN))) == as_data(Results.read(RUN / "results.json"))


def test_every_event_is_one_that_is_known():
    events = RunFiles(RUN).events()
    lines = [json.loads(line) for line in (RUN / "events.jsonl").read_text().splitlines()]
    assert [event.event for event in events] == [line["event"] for line in lines]
    assert Counter(type(event) for event in events)[UpdateStep] == 13
    assert isinstance(events[0], RunCreated) and events[0].planned == {"simple_python": 2, "irrelevance": 1}
    finished = (event for event in events if event.event == "stage_finished" and event.stage == 3)
    summaries = [event.model_extra for event in finished]
    assert [summary["too_long"] for summary in summaries if summary] == [2]
    for event, line in zip(events, lines, strict=True):
        assert event.model_extra.items() <= line.items()


@pytest.mark.parametrize("path", sorted(RUN.glob("evaluations/*/*.jsonl")), ids=lambda path: str(path.relative_to(RUN)))
def test_a_row_is_read_and_written_again_to_the_byte(path):
    lines = path.read_text().splitlines()
    written = [json.dumps(row.as_json(), ensure_ascii=False, separators=(",", ":")) for row in read_rows(path)]
    assert written == lines


def test_its_configuration_is_read_under_the_keys_of_today():
    reward = RunDirectory(RUN).read_config().grpo.training.reward
    assert reward.unnecessary_call == -1.0


def test_its_last_finished_stage_and_its_checkpoint_are_found():
    run, stage = find_stage(RUN)
    assert stage == 5
    assert read_card(run.checkpoint(stage)).model_sha256 == run.created().model.sha256


def test_its_report_is_made_again(tmp_path, monkeypatch, capsys):
    shutil.copytree(RUN, tmp_path / "runs" / "run-0.1")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        cli.main(["report", "runs/run-0.1"])
    assert left.value.code == 0
    out = capsys.readouterr().out
    assert "50.0% [9.5–90.5]" in out and "Entry by entry, 1 were gained and 0 lost" in out
    page = (tmp_path / "runs" / "run-0.1" / "report.html").read_text()
    assert 'detailed_weather_forecast(location="New York", duration=72, include_precipitation=true)' in page.replace(
        "&#34;", '"'
    )
    assert "Cut by the token limit." in page, "all of its models ran on, and none began a call there"
    assert "inside a call" not in page
    facts = "".join(re.findall(r'<tr class="facts">.*?</tr>', page))
    assert "<dt>stage3</dt><dd>examples: 16, read back: 16</dd>" in facts
    assert not re.search(r'[{}\[\]"]|&#34;', facts.replace(' class="facts"', "").replace(' colspan="8"', ""))


def test_the_report_of_a_run_that_died_does_not_say_that_it_runs(tmp_path, monkeypatch, capsys):
    """Killed in stage 4: the log ends with an update, and nobody holds the lock."""
    run = tmp_path / "runs" / "run-0.1"
    shutil.copytree(RUN, run)
    log = (run / "events.jsonl").read_text().splitlines(keepends=True)
    last = max(n for n, line in enumerate(log) if '"event":"step","stage":4' in line)
    (run / "events.jsonl").write_text("".join(log[: last + 1]))
    shutil.rmtree(run / "evaluations" / "stage4")
    shutil.rmtree(run / "evaluations" / "stage5")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        cli.main(["report", "runs/run-0.1"])
    assert left.value.code == 0
    page = (run / "report.html").read_text()
    assert 'class="status running"' not in page and "is running" not in page
    began = next(line for line in log if '"event":"stage_started","stage":4' in line)
    first, end = (json.loads(line)["time"][:16].replace("T", " ") for line in (began, log[last]))
    assert f"SFT full (stage4) is stopped: started at {first} UTC, no sign of life since {end} UTC" in page
    with RunDirectory(run):
        with pytest.raises(SystemExit):
            cli.main(["report", "runs/run-0.1"])
        assert "SFT full (stage4) is running." in (run / "report.html").read_text()
