"""docs/runtime-differences.md is made of the saved probes, and a hostile report cannot break out of its tables."""

import json
import re
from pathlib import Path

import pytest
from docs.runtime_differences import document, save
from tests.support.fake_run import HOSTILE
from tests.support.probe_reports import DOCUMENTATION, FINDINGS, FORMAT_NAMES, answer, outcome, report

from callwright.errors import DataError
from callwright.probe.causes.registry import CAUSES
from callwright.probe.outcome import NO_WORDS, Report
from callwright.probe.report.baseline import read_report

ROOT = Path(__file__).parents[1]


def put(directory, made, name="full.json"):
    (directory / name).write_text(json.dumps(made.as_json()))
    return save(directory / name, directory / "probes")


def cells(line):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def test_the_page_is_in_step_with_the_saved_probes():
    page = (ROOT / "docs" / "runtime-differences.md").read_text(encoding="utf-8")
    assert page == document(ROOT / "docs" / "probes")


def test_saved_probes_are_small_and_read_as_reports():
    paths = sorted((ROOT / "docs" / "probes").glob("*.json"))
    for path in paths:
        assert read_report(path).cases
        assert path.stat().st_size < 500_000


def test_the_first_table_has_a_row_for_each_format_and_a_column_for_each_runtime(tmp_path):
    assert put(tmp_path, report(FORMAT_NAMES, faithful=4)).name == "llama.cpp-b11434.json"
    assert put(tmp_path, report(("qwen3", "gemma4/31b"), "0.33.1", "Ollama")).name == "ollama-0.33.1.json"
    rows = [cells(line) for line in document(tmp_path / "probes").splitlines() if line.startswith("| ")]
    assert rows[0] == ["Format", "llama.cpp b11434", "Ollama 0.33.1"]
    assert [row[0] for row in rows[2 : 2 + len(FORMAT_NAMES)]] == [f"`{name}`" for name in FORMAT_NAMES]
    by_name = {row[0]: row[1:] for row in rows[2 : 2 + len(FORMAT_NAMES)]}
    assert by_name["`qwen3`"] == ["5/17, 11 faults, 1 choice", "1/13, 11 faults, 1 choice"]
    assert by_name["`llama31`"] == ["5/17, 11 faults, 1 choice", "–"]


def test_a_report_of_other_formats_is_added_and_one_of_the_same_replaces_it(tmp_path):
    put(tmp_path, report(("qwen3", "hermes3")))
    path = put(tmp_path, report(("hermes3", "llama31"), faithful=4))
    found = read_report(path).cases
    assert {case.format for case in found} == {"qwen3", "hermes3", "llama31"}
    assert sum(case.format == "hermes3" for case in found) == sum(case.format == "llama31" for case in found)


def test_every_cause_has_a_row_with_its_formats_and_an_example(tmp_path):
    put(tmp_path, report(("qwen3", "hermes3")))
    page = document(tmp_path / "probes")
    rows = {found[0]: found for found in map(cells, (line for line in page.splitlines() if line.startswith("|")))}
    for case, cause in FINDINGS:
        for name in cause.split(" + "):
            row = rows[CAUSES[name].sentence.replace("<", r"\<").replace(">", r"\>").replace("&", r"\&")]
            assert row[1].startswith(f"`{name}`")
            assert row[2:4] == ["1", "`qwen3`, `hermes3`"]
            assert row[4].startswith(f"`{case}` in `qwen3`")
    float_ = rows[CAUSES["number-rewritten"].sentence][4]
    assert float_.endswith('expected `… "default": 1.0}}}}}⏎</tool…`, seen `… "default": 1}}}}}⏎</tool…`')
    assert rows[CAUSES["sampler-default"].sentence][1] == DOCUMENTATION
    assert "- nothing came in 30 s: 1 case in `qwen3`, `hermes3`" in page


def test_what_formats_cannot_express_is_one_line(tmp_path):
    cases = [
        outcome(f"a.{number}", fmt, "not_tested", f"{NO_WORDS}: {number}, not a marker", fault_class="call-altered")
        for number in range(9)
        for fmt in ("qwen3", "hermes3")
    ]
    made = report(("qwen3",))
    put(tmp_path, made.model_copy(update={"cases": (*made.cases, *cases)}))
    page = document(tmp_path / "probes")
    [line] = [line for line in page.splitlines() if NO_WORDS in line]
    assert line.startswith(
        f"- {NO_WORDS}: 9 cases in `qwen3`, `hermes3`; [how many each has words for](fidelity-set.md#"
    )
    saved = read_report(tmp_path / "probes" / "llama.cpp-b11434.json").cases
    assert {case.cause for case in saved} >= {case.cause for case in cases}


def test_what_a_server_says_stays_in_its_cell(tmp_path):
    evil = "| `` ` </td><script>\n# h\n" + "".join(HOSTILE)[:400]
    cases = [
        outcome(f"a{evil}", "qwen3", "fault", "unexplained", answer(evil), answer("x")),
        outcome(f"b{evil}", f"f{evil}", "choice", f"bos-doubled: {evil}", answer(evil), answer("x")),
        outcome("c", "qwen3", "not_tested", evil, fault_class="content-lost"),
    ]
    put(tmp_path, Report(target=f"t{evil}", version=evil, cases=tuple(cases)))
    page = document(tmp_path / "probes")
    tables = re.findall(r"(?:^\|.*\n)+", page, flags=re.MULTILINE)
    assert len(tables) == 3
    for table in tables:
        assert len({len(cells(line)) for line in table.splitlines()}) == 1
    plain = re.sub(r"\\[^\w\s]|(`+)(?!`).*?(?<!`)\1(?!`)", "", page.split("In short")[1])
    assert "<" not in plain
    assert [line for line in page.splitlines() if line.startswith("# ")] == ["# What runtimes do to formats"]


def test_without_probes_the_page_says_how_to_save_one(tmp_path):
    assert "--add-probe" in document(tmp_path)


def test_a_file_that_is_no_report_is_named(tmp_path):
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(DataError, match=r"x\.json"):
        document(tmp_path)
