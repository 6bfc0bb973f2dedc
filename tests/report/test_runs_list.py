"""`callwright runs` says of each run what its files say, and of a broken one what is wrong."""

import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.fake_run import CREATED
from tests.test_architecture import HEAVY

from callwright import cli
from callwright.orchestration.rundir import RunDirectory
from callwright.storage import JsonLines

EARLIER = Path(__file__).parents[1] / "fixtures" / "run-0.1"
START = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def listed(tmp_path, monkeypatch, capsys):
    """Runs the command in a directory that has runs/, and gives its exit code, lines and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            cli.main(["runs", *map(str, arguments)])
        out, err = capsys.readouterr()
        return left.value.code, out.splitlines(), err

    return run


def write_log(path, *log, day=0):
    """A run that began so many days after the first."""
    with JsonLines(path / "events.jsonl") as file:
        for number, (event, fields) in enumerate([("run_created", CREATED), *log]):
            time = START + timedelta(days=day, seconds=number)
            file.append({"time": time.isoformat(), "event": event, **fields})
    return path


def test_each_run_is_a_line_with_state_stages_best_and_date(listed, tmp_path):
    runs = tmp_path / "runs"
    begun = ("run_started", {"stages": [1, 2]})
    checked, asked = ("stage_finished", {"stage": 1}), ("evaluation_finished", {"stage": 2})
    write_log(runs / "whole", begun, checked, asked, ("run_finished", {"stages": [1, 2]}))
    shutil.copy(EARLIER / "results.json", runs / "whole")
    write_log(runs / "killed", begun, checked, ("evaluation_started", {"stage": 2}), day=1)
    write_log(runs / "full", begun, ("stage_failed", {"stage": 1, "message": "full"}), day=2)
    write_log(runs / "again", begun, ("run_finished", {}), begun, day=3)
    write_log(runs / "live", begun, checked, day=4)
    with RunDirectory(runs / "live"):
        code, lines, _ = listed()
    assert code == 0
    assert [line.split()[:2] for line in lines[1:]] == [
        ["whole", "finished"],
        ["killed", "stopped"],
        ["full", "failed"],
        ["again", "stopped"],
        ["live", "running"],
    ]
    said = "1 2 50.0% [9.5–90.5] SFT full 2026-03-01 09:30 UTC"
    assert lines[1].split("finished")[1].split() == said.split()
    assert lines[2].split("stopped")[1].split() == ["1", "–", "2026-03-02", "09:30", "UTC"]
    assert len({line.index("2026-03-0") for line in lines[1:]}) == 1, "columns are aligned"


def test_a_stage_is_done_when_all_suites_that_follow_it_are(listed, tmp_path):
    planned = {"stage2": {}, "stage3": {"tools": {}}, "stage4": {}, "stage5": {"bfcl": {}, "tools": {}}}
    done = [("stage_finished", {"stage": stage}) for stage in (1, 3, 4, 5)]
    asked = [("evaluation_finished", {"stage": stage, "suite": "tools"}) for stage in (3, 5)]
    with JsonLines(tmp_path / "runs" / "some" / "events.jsonl") as file:
        for kind, fields in [("run_created", CREATED | {"evaluations": planned}), *done, *asked]:
            file.append({"time": START.isoformat(), "event": kind, **fields})
    _, lines, _ = listed()
    assert lines[1].split("stopped")[1].split()[:4] == ["1", "3", "4", "–"]


def test_a_run_of_an_earlier_version_is_read(listed, tmp_path):
    shutil.copytree(EARLIER, tmp_path / "runs" / "old")
    for where in ((), ("runs/old",)):
        code, lines, _ = listed(*where)
        assert code == 0
        assert lines[1].startswith("old  finished  1 2 3 4 5    50.0% [9.5–90.5] SFT full  2026-11-30 ")


@pytest.mark.parametrize(
    ("name", "content", "state", "wrong"),
    [
        ("events.jsonl", b'{"event":\n', "broken", "expected a JSON object in line 1 of"),
        ("events.jsonl", b'{"event": "run_created"}\n', "broken", "in line 1 of runs/odd/events.jsonl"),
        ("events.jsonl", b"", "broken", "got no events.jsonl of one"),
        ("results.json", b"{", "finished", "expected JSON in runs/odd/results.json"),
        ("results.json", b"{}", "finished", "expected schema_version 2 in runs/odd/results.json"),
    ],
)
def test_what_is_broken_is_a_line_that_says_what_is_wrong(listed, tmp_path, name, content, state, wrong):
    shutil.copytree(EARLIER, tmp_path / "runs" / "odd")
    write_log(tmp_path / "runs" / "sound")
    (tmp_path / "runs" / "odd" / name).write_bytes(content)
    code, lines, err = listed()
    assert (code, err) == (0, "")
    (line,) = (line for line in lines if line.startswith("odd"))
    assert line.split()[1] == state
    assert wrong in line
    assert any(line.startswith("sound") for line in lines)


def test_a_directory_without_runs_says_so_and_one_that_is_not_there_is_an_error(listed, tmp_path):
    (tmp_path / "runs" / ".hidden").mkdir(parents=True)
    assert listed() == (0, ["No runs in runs."], "")
    code, _, err = listed("nowhere")
    assert code == 2
    assert "expected a directory of runs in nowhere; got No such file or directory; name the directory" in err
    assert err.count("\n") == 1


def test_before_the_first_run_there_are_no_runs_yet(listed):
    assert listed() == (0, ["No runs yet in runs."], "")
    assert listed("runs")[0] == 2, "a directory that is named has to be there"


@pytest.mark.slow
def test_nothing_heavy_is_imported(tmp_path):
    shutil.copytree(EARLIER, tmp_path / "runs" / "old")
    code = (
        "import sys; from callwright.cli import app; app(['runs'], result_action='return_value');"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "50.0% [9.5–90.5] SFT full" in said
    assert not HEAVY & set(said.splitlines()[-1].split())
