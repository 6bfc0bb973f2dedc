"""`callwright eval compare`: only what both were asked is compared, and the sentence claims what the numbers say."""

import json
from pathlib import Path

import pytest
from tests.support.evaluated_runs import evaluated_run, row

from callwright import cli

BEFORE, AFTER = "runs/a/stage3", "runs/b/stage3"


@pytest.fixture
def compare(tmp_path, monkeypatch, capsys):
    """Runs the command on two runs with these rows, and gives what it prints."""

    def run(before, after, *arguments, code=0):
        monkeypatch.chdir(tmp_path)
        for name, files in (("a", before), ("b", after)):
            evaluated_run(Path("runs", name), {3: files})
        with pytest.raises(SystemExit) as left:
            cli.main(["eval", "compare", "runs/a", "runs/b", *arguments])
        out, err = capsys.readouterr()
        assert left.value.code == code, err
        return out if code == 0 else err

    return run


def rows(verdicts, category="single"):
    """A row for each letter, solved where it is a 1."""
    return [row(f"{category}-{number}", category, letter == "1") for number, letter in enumerate(verdicts)]


def sentence(printed):
    return printed.splitlines()[-1].strip()


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (
            "0" * 20 + "1" * 20,
            "1" * 40,
            f"{AFTER} is better than {BEFORE}: 20 won and 0 lost of 40 entries, p < 0.001.",
        ),
        ("1" * 40, "1" * 34 + "0" * 6, f"{AFTER} is worse than {BEFORE}: 0 won and 6 lost of 40 entries, p = 0.031."),
        (
            "1" * 100,
            "1" * 100,
            "is no more than 3.7 points worse than runs/a/stage3: 0 won and 0 lost of 100 entries.",
        ),
        (
            "1" * 20 + "0" * 20,
            "1" * 19 + "0" * 18 + "111",
            "may be from 6.7 points worse to 17.9 points better than runs/a/stage3, 3 won and 1 lost of 40 entries; "
            "about 97 entries would decide.",
        ),
    ],
    ids=["better", "worse", "no worse", "undecided"],
)
def test_the_verdict_is_one_sentence(compare, before, after, says):
    said = sentence(compare({"tools/single": rows(before)}, {"tools/single": rows(after)}))
    assert says in said
    assert said.startswith("Undecided: ") == ("would decide" in says)


def test_won_and_lost_entries_are_named_ten_of_each(compare):
    printed = compare({"tools/single": rows("0" * 12 + "1")}, {"tools/single": rows("1" * 12 + "0")})
    assert f"won: {', '.join(f'single-{n}' for n in range(10))}, … and 2 more\n" in printed
    assert "lost: single-12\n" in printed


def test_only_entries_that_both_were_asked_are_compared(compare):
    other = row("single-2", "single", True, question="another request under the same id")
    printed = compare(
        {"tools/single": rows("110")}, {"tools/single": [*rows("11"), other, row("single-9", "single", True)]}
    )
    assert "0 won and 0 lost of 2 entries" in printed
    assert "the other one was not asked the same: 1 of A, 2 of B" in printed


def test_every_kind_and_the_pool_have_a_line_and_a_kind_that_fell_is_named(compare):
    before = {"tools/single": rows("0" * 30), "tools/no_tool": rows("1" * 8, "no_tool")}
    after = {"tools/single": rows("1" * 30), "tools/no_tool": rows("0" * 8, "no_tool")}
    printed = compare(before, after)
    lines = {line.split("  ")[1]: line.split() for line in printed.splitlines() if line.startswith("  ")}
    assert lines["no_tool"][1:6] == ["8", "100.0%", "0.0%", "0", "8"]
    assert lines["single"][-1] == "better"
    assert lines["all kinds"][2:7] == ["38", "21.1%", "78.9%", "30", "8"]
    assert sentence(printed).endswith("Worse in no_tool.")


def test_bfcl_pools_the_categories_that_ask_for_calls(compare):
    before = {"simple_python": rows("01", "simple_python"), "irrelevance": rows("11", "irrelevance")}
    printed = compare(before, before)
    assert "0 won and 0 lost of 2 entries" in sentence(printed)
    assert "call categories" in printed


def test_both_suites_are_compared_and_one_can_be_chosen(compare):
    files = {"simple_python": rows("01", "simple_python"), "tools/single": rows("11")}
    both = json.loads(compare(files, files, "--json"))
    assert list(both) == ["tools", "bfcl"]
    assert list(json.loads(compare(files, files, "--suite", "tools", "--json"))) == ["tools"]


def test_a_file_that_was_scored_is_compared_by_its_name(compare):
    before, after = ({"tools/files/mine/call": rows(verdicts, "call")} for verdicts in ("0011", "1111"))
    found = json.loads(compare(before, after, "--file", "somewhere/mine.jsonl", "--json"))
    assert found["mine"]["won"] == ["call-0", "call-1"]


def test_json_holds_every_number(compare):
    found = json.loads(compare({"tools/single": rows("0011")}, {"tools/single": rows("1101")}, "--json"))["tools"]
    assert (found["a"], found["b"], found["only_a"], found["only_b"]) == (BEFORE, AFTER, 0, 0)
    assert (found["won"], found["lost"]) == (["single-0", "single-1"], ["single-2"])
    pool = found["calls"]
    assert found["categories"] == {"single": pool}
    assert {key: pool[key] for key in ("entries", "correct", "gained", "lost", "both", "neither", "p_value")} == {
        "entries": 4, "correct": [2, 3], "gained": 2, "lost": 1, "both": 1, "neither": 0, "p_value": 1.0
    }  # fmt: skip
    assert pool["verdict"] == "undecided"
    assert pool["low"] < pool["difference"] == 0.25 < pool["high"]


@pytest.mark.parametrize(
    ("before", "after", "arguments", "says"),
    [
        ({}, {}, "", "expected a suite that both were asked; got none; "),
        ({"tools/single": rows("1")}, {}, "--suite tools", "rows of tools in runs/b; got none; give callwright eval "),
        ({}, {"tools/single": rows("1")}, "--suite tools", "expected rows of tools in runs/a; got none; "),
        ({}, {}, "--suite bfcl", "rows of bfcl in runs/a; got none; give callwright eval bfcl runs/a first"),
        ({}, {}, "--file x/mine.jsonl", "rows of mine.jsonl in runs/a; got none; give callwright eval tools runs/a "),
        (
            {"tools/single": rows("1")},
            {"tools/single": [row("other", "single", True)]},
            "",
            "entries of tools that both were asked; got none of 1 and 1; compare runs of the same tools file, ",
        ),
        ({}, {}, "--suite bcfl", "one of bfcl, tools for --suite; got 'bcfl'; did you mean bfcl?"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused_in_one_line(compare, before, after, arguments, says):
    line = compare(before, after, *arguments.split(), code=2)
    assert line.count("\n") == 1
    assert says in line


def test_a_directory_that_is_no_run_is_refused(compare, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    line = compare({}, {}, code=2)
    assert "Traceback" not in line
    with pytest.raises(SystemExit) as left:
        cli.main(["eval", "compare", "elsewhere", "runs/b"])
    assert left.value.code == 2


def test_ids_cannot_drive_the_terminal(compare):
    evil = [row("\x1b[2J\u202e", "single", False)]
    printed = compare({"tools/single": evil}, {"tools/single": [row("\x1b[2J\u202e", "single", True)]})
    assert "\x1b" not in printed
    assert "\u202e" not in printed
