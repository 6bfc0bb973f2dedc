"""A report survives its JSON, and only what changed since a baseline is told; a new fault decides the exit code."""

import io
import json

import pytest
from docs.runtime_differences import write_compact
from rich.console import Console
from tests.support.fake_run import HOSTILE
from tests.support.probe_reports import FINDINGS, FORMAT_NAMES, answer, outcome, report

from callwright.errors import DataError
from callwright.probe.outcome import ProbeSettings, Report
from callwright.probe.report.baseline import changes, print_changes, read_report

FLOAT = outcome("rendering.float", "qwen3", "fault", "number-rewritten", answer("1.0"), answer("1"))
PLAIN = outcome("parsing.plain", "qwen3", "faithful", "", answer("x"), answer("x"))


def of(*cases, version="1"):
    return Report(target="llama.cpp", version=version, cases=cases)


def turned(case, result="fault", cause="null-as-text"):
    return case.model_copy(update={"result": result, "cause": cause})


def printed(found):
    file = io.StringIO()
    print_changes(found, Console(file=file))
    return file.getvalue().splitlines()


def test_what_was_printed_is_read_back(tmp_path):
    whole = report(("qwen3", "gemma4/31b"), faithful=5)
    path = tmp_path / "report.json"
    path.write_text(json.dumps(whole.as_json()))
    assert read_report(path) == whole


def test_the_compact_form_is_small_and_keeps_every_case_and_an_example_of_each_cause(tmp_path):
    whole = report(FORMAT_NAMES, faithful=140)
    write_compact(whole, tmp_path / "small.json")
    small = read_report(tmp_path / "small.json")
    key = {(case.id, case.format): (case.result, case.cause, case.fault_class) for case in whole.cases}
    assert {(case.id, case.format): (case.result, case.cause, case.fault_class) for case in small.cases} == key
    assert changes(whole, small) == changes(whole, whole)
    shown = {cause for case in small.cases if case.seen is not None for cause in case.cause.split(" + ")}
    assert shown == {name for _, cause in FINDINGS for name in cause.split(" + ")} - {
        "unexplained",
        "oldest-messages-dropped",
    }
    assert (tmp_path / "small.json").stat().st_size < 150_000  # of 2,448 cases


def test_half_a_surrogate_pair_and_every_other_character_survive(tmp_path):
    case = outcome("a", "qwen3", "fault", "unexplained", answer("x"), answer("\ud800\x00\u202e"))
    write_compact(of(case), tmp_path / "r.json")
    assert read_report(tmp_path / "r.json").cases[0].seen == case.seen


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[]",
        '{"target": "x"}',
        '{"target": "x", "version": "1", "cases": [{"id": 7}]}',
        '{"target": "x", "version": "1", "cases": [{"id": "a", "format": "b", "fault_class": "c", "result": "fine"}]}',
        '{"target": "x", "version": "1", "cases": [], "faithful": 3}',
        "[" * 100_000,
        "\ud800",
    ],
)
def test_a_broken_file_is_one_line_that_names_it(tmp_path, text):
    path = tmp_path / "broken.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(DataError) as caught:
        read_report(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        read_report(tmp_path / "none.json")


def test_nothing_changed_is_a_line_and_no_error():
    found = changes(report(), report(version="b2"))
    assert found.exit_code == 0
    assert printed(found) == ["Since llama.cpp b2:", "  nothing changed"]


def test_without_a_baseline_every_fault_is_new():
    found = changes(report(), None)
    assert len(found.new_faults) == 22
    assert found.exit_code == 3
    assert printed(found)[0] == "No baseline: every fault is new."
    assert changes(of(PLAIN), None).exit_code == 0


@pytest.mark.parametrize("before", [[PLAIN], [turned(PLAIN, "choice")], [turned(PLAIN, "not_tested")], []])
def test_a_fault_is_new_where_the_baseline_has_none(before):
    found = changes(of(turned(PLAIN)), of(*before))
    assert [case.id for case in found.new_faults] == ["parsing.plain"]
    assert found.exit_code == 3
    assert "  new fault: parsing.plain in qwen3: null-as-text" in printed(found)


def test_the_same_fault_in_another_format_is_new():
    other = FLOAT.model_copy(update={"format": "hermes3"})
    assert changes(of(FLOAT, other), of(FLOAT)).new_faults == (other,)


def test_a_known_fault_with_another_cause_is_an_error():
    now = turned(FLOAT)
    found = changes(of(now), of(FLOAT))
    assert found.cause_changed == ((FLOAT, now),)
    assert found.exit_code == 3
    assert not found.new_faults
    assert printed(found)[1] == "  other cause: rendering.float in qwen3: number-rewritten → null-as-text"


def test_a_known_fault_is_no_error_even_if_something_else_was_seen():
    assert changes(of(FLOAT.model_copy(update={"seen": answer("2")})), of(FLOAT)).exit_code == 0


@pytest.mark.parametrize(
    ("before", "now", "field", "line"),
    [
        (
            FLOAT,
            turned(FLOAT, "faithful", ""),
            "gone_faults",
            "no longer a fault: rendering.float in qwen3: was number-rewritten",
        ),
        (
            FLOAT,
            turned(FLOAT, "not_tested", "no answer"),
            "no_longer_tested",
            "no longer tested: rendering.float in qwen3: no answer",
        ),
        (
            PLAIN,
            turned(PLAIN, "choice", "a: b"),
            "otherwise",
            "otherwise: parsing.plain in qwen3: faithful → choice (a: b)",
        ),
    ],
)
def test_other_changes_are_told_and_are_no_error(before, now, field, line):
    found = changes(of(now), of(before))
    assert getattr(found, field) == ((before, now),)
    assert printed(found) == ["Since llama.cpp 1:", f"  {line}"]
    assert found.exit_code == 0


def test_cases_that_come_and_go_are_told_apart_from_formats_that_were_not_asked():
    other = PLAIN.model_copy(update={"format": "hermes3"})
    fresh = PLAIN.model_copy(update={"id": "parsing.fresh"})
    found = changes(of(fresh), of(PLAIN, other))
    assert (found.new_cases, found.gone_cases, found.formats_left_out) == ((fresh,), (PLAIN,), ("hermes3",))
    assert found.exit_code == 0
    assert printed(found)[1:] == [
        "  1 case that the baseline does not have",
        "  case gone: parsing.plain in qwen3: was faithful",
        "  not compared, not in this report: hermes3",
    ]


def test_formats_that_only_the_report_has_are_remarked_on():
    other = PLAIN.model_copy(update={"format": "hermes3"})
    found = changes(of(PLAIN, other), of(PLAIN))
    assert found.remarks == ("formats that the baseline does not have: hermes3",)
    assert printed(found)[1:] == [
        "  formats that the baseline does not have: hermes3",
        "  1 case that the baseline does not have",
    ]
    assert changes(of(PLAIN), of(PLAIN, version="2")).remarks == ()


def test_how_a_report_was_made_survives_both_forms(tmp_path):
    made = {"date": "2026-11-30T06:40:12Z", "callwright": "0.2.0", "case_set": "0123456789"}
    whole = of(PLAIN).model_copy(update={**made, "settings": ProbeSettings(target="llamacpp", only=("parsing",))})
    write_compact(whole, tmp_path / "small.json")
    (tmp_path / "whole.json").write_text(json.dumps(whole.as_json()), encoding="utf-8")
    assert read_report(tmp_path / "whole.json") == whole
    small = read_report(tmp_path / "small.json")
    assert small.model_copy(update={"cases": ()}) == whole.model_copy(update={"cases": ()})


def test_hostile_words_stay_on_their_line():
    evil = "".join(HOSTILE)
    lines = printed(changes(of(outcome(f"a{evil}", "b\nc", "fault", evil)), of(version=evil)))
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)
