"""The score card says what was found, on a screen of 80 columns and in a file, and no server's word acts on it."""

import io
import re

import pytest
from rich.console import Console
from tests.support.fake_run import HOSTILE
from tests.support.probe_reports import CALLS, DOCUMENTATION, FINDINGS, FORMAT_NAMES, answer, outcome, report

from callwright.probe.causes.registry import CAUSES
from callwright.probe.outcome import Report
from callwright.probe.report.tally import GROUPS, causes, choices, count, faults, group_of, headline, not_tested
from callwright.probe.report.terminal import print_card


def printed(found, **options):
    file = io.StringIO()
    print_card(found, Console(file=file, **options))
    return file.getvalue()


def on_screen(found, width=80):
    text = printed(found, width=width, force_terminal=True, color_system="truecolor")
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def table(text):
    """Format to cells, of the plain card."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("format "))
    head, *rows = (re.split(r"\s{2,}", line) for line in lines[start : lines.index("", start)])
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows if len(row) > 1}


def test_a_row_holds_what_was_faithful_of_what_was_tested_in_each_group():
    rows = table(printed(report(("qwen3", "hermes3"), faithful=len(CAUSES))))
    for group in GROUPS:
        known = [one for one in CAUSES.values() if one.group == group]
        cell = rows["qwen3"][{"rendering": "render", "parsing": "parse", "sampling": "sample"}.get(group, group)]
        faithful, tested = map(int, cell.split("/"))
        wrong = {"rendering": 6, "parsing": 4, "context": 1, "sampling": 1}.get(group, 0)  # unexplained is rendering
        assert (faithful, tested) == (len(known) + (group == "parsing"), len(known) + (group == "parsing") + wrong)
    assert [rows["hermes3"][name] for name in ("faults", "choices", "untested")] == ["11", "1", "1"]
    assert [rows["all"][name] for name in ("faults", "choices", "untested")] == ["22", "2", "2"]


def test_every_cause_stands_once_with_its_cases_formats_and_an_example():
    lines = printed(report(("qwen3", "hermes3"))).splitlines()
    for case, cause in FINDINGS:
        for name in cause.split(" + "):
            place = lines.index(f"  {CAUSES[name].sentence}")
            assert lines[place + 1].startswith(f"    {name}: 1 case in qwen3, hermes3, e.g. {case} in qwen3")
    assert any(line.startswith("    expected `") and "1.0}" in line and '"default": 1}' in line for line in lines)
    assert f"    documented: {DOCUMENTATION}" in lines
    assert lines[lines.index("Not tested") + 1 :] == [
        "  nothing came in 30 s",
        "    1 case in qwen3, hermes3, e.g. loop.two in qwen3",
    ]


def test_a_control_token_is_told_from_text_that_looks_like_it():
    text = printed(report(("qwen3",)))
    assert "expected `…r⏎What does <|im_end|> mean? @@ren…`" in text
    assert "seen `…r⏎What does ⟦<|im_end|>⟧ mean? @@ren…`" in text


def test_many_formats_are_counted_instead_of_named():
    assert f"number-rewritten: 1 case in {len(FORMAT_NAMES)} formats, e.g. rendering.float in xml/args" in printed(
        report(FORMAT_NAMES)
    )


def test_every_format_and_six_groups_fit_eighty_columns():
    lines = on_screen(report(FORMAT_NAMES, faithful=140)).splitlines()
    assert max(map(len, lines)) <= 80
    rows = [line.split() for line in lines[: lines.index(next(x for x in lines if x.startswith("all ")))]]
    rows = [row for row in rows if len(row) == 1 + 6 + 3 and row[0] != "format"]
    assert len(rows) == len(FORMAT_NAMES)
    for name, row in zip(FORMAT_NAMES, rows, strict=True):  # only a long name is folded
        assert row[0] == name if len(name) < 15 else name.startswith(row[0])


def test_in_a_file_no_line_is_wrapped_and_nothing_is_coloured():
    text = printed(report(FORMAT_NAMES), width=20)
    assert "\x1b" not in text
    assert not set("─│┃━") & set(text)
    assert any(len(line) > 100 for line in text.splitlines())


def test_what_servers_say_does_not_act_on_the_terminal():
    evil = "".join(HOSTILE)
    cases = [
        outcome("a\x1b[31m", "qwen3\x1b]0;x\x07", "fault", "[red]no\x1b[0m such class", answer(evil), {"error": evil}),
        outcome("b", "[bold]", "not_tested", evil, fault_class="content-lost"),
        outcome("c", "qwen3", "choice", f"bos-doubled: {evil}", answer(evil), answer("")),
    ]
    text = printed(Report(target=f"target{evil}", version=f"version{evil}", cases=tuple(cases)))
    assert all(c == "\n" or c.isprintable() for c in text)
    assert "[red]no" in text  # markup is text
    assert "[bold]" in text
    assert max(map(len, text.splitlines())) < 1000


def test_an_empty_report_is_a_line():
    assert printed(Report(target="llama.cpp", version="b1", cases=())).splitlines() == [
        "llama.cpp b1",
        "Nothing was asked of it.",
    ]


def test_a_clean_report_says_so():
    clean = Report(
        target="t",
        version="1",
        cases=(outcome("parsing.plain", "qwen3", "faithful", "", answer("x"), answer("x")),),
    )
    assert "1 of 1 faithful in 1 format, no fault." in printed(clean)
    assert "Faults" not in printed(clean)


@pytest.mark.parametrize("number", [1, 3])
def test_a_case_with_two_causes_counts_for_both_and_the_most_frequent_comes_first(number):
    two = outcome("a", "qwen3", "fault", "integer-rounded + newlines-stripped", answer(calls=CALLS), answer())
    one = [outcome(f"b{n}", "qwen3", "fault", "newlines-stripped", answer("x"), answer("y")) for n in range(number)]
    found = faults(Report(target="t", version="1", cases=(two, *one)))
    assert [(finding.name, len(finding.outcomes)) for finding in found] == [
        ("newlines-stripped", 1 + number),
        ("integer-rounded", 1),
    ]
    assert found[0].example.id == "b0"  # the one with nothing else wrong


def test_the_parts_of_a_report_add_up():
    whole = report(FORMAT_NAMES, faithful=3)
    total = count(whole.cases)
    assert total.tested + total.not_tested == len(whole.cases)
    assert sum(len(finding.outcomes) for finding in choices(whole)) == total.choice
    assert sum(len(finding.outcomes) for finding in not_tested(whole)) == total.not_tested
    assert {o.id for finding in faults(whole) for o in finding.outcomes} == {case for case, _ in FINDINGS}
    faulty = f"in {len(FORMAT_NAMES)} formats, {11 * len(FORMAT_NAMES)} faults of 12"
    assert headline(whole).startswith(f"{total.faithful} of {total.tested} faithful {faulty}")


def test_a_class_of_another_version_is_shown_by_its_name():
    strange = outcome("a", "qwen3", "fault", "eaten-by-goats", answer("x"), answer(), fault_class="eaten-by-goats")
    assert group_of("eaten-by-goats") == "other"
    assert causes(strange) == ("eaten-by-goats",)
    assert "  eaten-by-goats\n    eaten-by-goats: 1 case in qwen3" in printed(
        Report(target="t", version="1", cases=(strange,))
    )
