"""The terminal's table says what the report says, in plain text where no terminal is."""

import io
import re

import pytest
from tests.support.fake_run import results, with_tools

from callwright.evaluation.statistics import wilson
from callwright.report.table import print_table


class Terminal(io.StringIO):
    """A file that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def printed(*stages: str) -> str:
    file = io.StringIO()
    print_table(results(stages) if stages else results(), file)
    return file.getvalue()


def test_categories_the_pool_the_calls_and_the_cost_each_have_a_row() -> None:
    rows = [line.split("  ")[0] for line in printed().splitlines()]
    assert rows[0].startswith("BFCL")
    assert rows[1:6] == ["simple_python", "multiple", "parallel", "parallel_multiple", "call categories"]
    assert "irrelevance" in rows
    assert "stage took" in rows


def test_own_tools_stand_above_the_benchmark_and_a_stage_without_them_has_a_dash() -> None:
    file = io.StringIO()
    print_table(with_tools(results()), file)
    lines = file.getvalue().splitlines()
    names = [line.split("  ")[0] for line in lines]
    rows = [name for name in names if name]
    assert rows[:7] == ["95% interval", "your tools", "single", "several", "calls", "no_tool", "flow"]
    calls = lines[names.index("calls")]
    assert calls.split()[1:] == ["–", "90.0%", "[74.4–96.5]", "–", "90.0%", "[74.4–96.5]"]
    assert rows[7:9] == ["BFCL", "simple_python"] and {"call categories", "stage took"} <= set(rows)
    assert "of the requests to your tools that ask for a call" in lines[-1] and "of the entries of BFCL" in lines[-1]


def test_a_cell_holds_the_accuracy_and_its_interval() -> None:
    pool = results().evaluations["stage5"]["bfcl"].pooled
    ends = wilson(pool.correct, pool.total)
    expected = f"{100 * pool.correct / pool.total:.1f}% [{100 * ends.low:.1f}–{100 * ends.high:.1f}]"
    line = next(line for line in printed().splitlines() if line.startswith("call categories"))
    assert line.rstrip().endswith(expected)


def test_a_file_gets_plain_lines_of_any_width() -> None:
    text = printed()
    assert "\x1b" not in text
    assert not set("─│┃━") & set(text)
    assert "…" not in text


def test_a_terminal_gets_a_table_with_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.delenv("NO_COLOR", raising=False)
    file = Terminal()
    print_table(results(), file)
    assert "\x1b[" in file.getvalue()
    assert "─" in file.getvalue()


@pytest.mark.parametrize("columns", [1, 40, 76, 80, 100])
def test_no_number_and_no_name_is_cut_however_narrow_the_terminal(
    monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(columns))
    file = Terminal()
    print_table(results(), file)
    narrow, wide = re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue()), printed()
    assert "…" not in narrow
    words = {word for line in wide.splitlines() for word in line.split()}
    assert words <= set(narrow.split())
    assert max(map(len, narrow.splitlines()[:-1])) <= max(columns, 80)


def test_titles_cannot_act_on_a_terminal() -> None:
    made = results(("stage2",))
    stage = made.stages[1].model_copy(update={"title": "[red]a\x1b[31mb"})
    file = io.StringIO()
    print_table(made.model_copy(update={"stages": [made.stages[0], stage, *made.stages[2:]]}), file)
    assert "[red]a�[31mb" in file.getvalue()


def test_a_run_without_evaluations_prints_a_sentence() -> None:
    made = results(())
    file = io.StringIO()
    print_table(made, file)
    assert "No evaluation of Gemma 3 270M has scored an entry" in file.getvalue()
