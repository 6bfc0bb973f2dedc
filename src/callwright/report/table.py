"""The same scores as a table in the terminal; plain aligned text where the output is not a terminal."""

from collections.abc import Sequence
from typing import IO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from callwright.evaluation.statistics import FLOW
from callwright.html.numbers import count, duration, interval, percent, size
from callwright.invisible import printable
from callwright.report.schema import Results, Score, SuiteResults
from callwright.report.sentences import headline, loops, relevance_categories, suite_title

_WIDE = 400
"""Columns of a file or a pipe: no line is cut there."""


def print_table(results: Results, file: IO[str] | None = None) -> None:
    """Prints categories by stages, the call categories together, and what each stage cost; to stdout by default."""
    console = Console(file=file, highlight=False)
    if not console.is_terminal:
        console = Console(file=file, highlight=False, width=_WIDE, no_color=True, markup=False, emoji=False)
    table = build(results, plain=not console.is_terminal)
    _keep_words_whole(table, console)
    console.print(table, crop=False)
    console.print(Text(printable(headline(results))), soft_wrap=True)


def _keep_words_whole(table: Table, console: Console) -> None:
    """A number that is cut is wrong: where a terminal is too narrow for the table, its lines go on below."""
    wide = console.options.update(width=_WIDE)
    for column in table.columns:
        cells = (column.header, *column.cells)
        column.min_width = max(Measurement.get(console, wide, cell).minimum for cell in cells)
    console.width = max(console.width, console.measure(table, options=wide).minimum)


def build(results: Results, *, plain: bool = False) -> Table:
    """The table alone, without lines and colors if `plain`: a column for each stage, suites one below the other."""
    suites = results.suites
    keys = [stage.key for stage in results.stages if any(stage.key in suite.evaluated for suite in suites)]
    table = Table(box=None if plain else SIMPLE_HEAD, pad_edge=False, show_edge=False)
    several = len(suites) > 1
    table.add_column(
        "95% interval" if several else f"{suite_title(suites[0].name if suites else 'bfcl')}, 95% interval",
        no_wrap=True,
    )
    for key in keys:
        table.add_column(Text(printable(results.title(key))), justify="right")
    for suite in suites:
        if several:
            table.add_row(Text(suite_title(suite.name), style="" if plain else "bold"))
        _add_suite(table, suite, keys, plain)
    if suites:
        table.add_row("stage took", *(_cost(results, key) for key in keys))
    return table


def _add_suite(table: Table, suite: SuiteResults, keys: Sequence[str], plain: bool) -> None:
    """Adds a row for each category, with the call categories together between those that are and those that are not."""
    found = [suite.evaluations.get(key) for key in keys]

    def scores(category: str) -> list[Text]:
        return [_cell(one.categories.get(category) if one else None) for one in found]

    relevance = relevance_categories(suite)
    for name in (name for name in suite.categories if name not in relevance):
        table.add_row(name, *scores(name))
    table.add_row(
        Text("call categories" if suite.name == "bfcl" else "calls", style="" if plain else "bold"),
        *(_cell(one.pooled if one else None, strong=not plain) for one in found),
        end_section=True,
    )
    for name in relevance:
        table.add_row(name, *scores(name))
        if name != FLOW:
            called = [one.categories.get(name) if one else None for one in found]
            table.add_row("  made a call", *(percent(s.called / s.total) if s and s.total else "–" for s in called))
    table.add_section()
    if loops(suite):
        counts = (sum(score.loops for score in one.categories.values()) if one else None for one in found)
        table.add_row("cut in a loop", *("–" if number is None else count(number) for number in counts))


def _cell(score: Score | None, *, strong: bool = False) -> Text:
    if score is None or not score.total:
        return Text("–")
    ends = interval(score.low, score.high)
    unfinished = f" {score.total}/{score.planned}" if score.total < score.planned else ""
    return Text.assemble((percent(score.accuracy), "bold" if strong else ""), (f" [{ends}]{unfinished}", "dim"))


def _cost(results: Results, key: str) -> str:
    """Training and its evaluation together, with the larger of the two peaks."""
    stage = next((s for s in results.stages if s.key == key), None)
    training = stage.cost if stage and stage.kind != "evaluation" else None
    costs = [cost for cost in (training, results.evaluation_cost(key)) if cost]
    if not costs:
        return "–"
    peaks = [c.peak_memory_bytes for c in costs if c.peak_memory_bytes is not None]
    return duration(sum(c.seconds for c in costs)) + (f", {size(max(peaks))}" if peaks else "")
