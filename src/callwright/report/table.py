"""The same scores as a table in the terminal; plain aligned text where the output is not a terminal."""

from typing import IO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from callwright.html.numbers import count, duration, interval, percent, size
from callwright.invisible import printable
from callwright.report.schema import Results, Score
from callwright.report.sentences import headline, loops, relevance_categories

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
    """The table alone, without lines and colors if `plain`."""
    table = Table(box=None if plain else SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("BFCL, 95% interval", no_wrap=True)
    for key in results.evaluated:
        table.add_column(Text(printable(results.title(key))), justify="right")
    if not results.evaluated:
        return table
    relevance = relevance_categories(results)
    for name in (name for name in results.categories if name not in relevance):
        table.add_row(name, *_scores(results, name))
    table.add_row(
        Text("call categories", style="" if plain else "bold"),
        *(_cell(results.evaluations[key].pooled, strong=not plain) for key in results.evaluated),
        end_section=True,
    )
    for name in relevance:
        table.add_row(name, *_scores(results, name))
        called = [results.evaluations[key].categories.get(name) for key in results.evaluated]
        table.add_row("  made a call", *(percent(s.called / s.total) if s and s.total else "–" for s in called))
    table.add_section()
    if loops(results):
        evaluations = (results.evaluations[key].categories.values() for key in results.evaluated)
        table.add_row("cut in a loop", *(count(sum(score.loops for score in scores)) for scores in evaluations))
    table.add_row("stage took", *(_cost(results, key) for key in results.evaluated))
    return table


def _scores(results: Results, category: str) -> list[Text | str]:
    scores = [results.evaluations[key].categories.get(category) for key in results.evaluated]
    return [_cell(score) if score else "–" for score in scores]


def _cell(score: Score, *, strong: bool = False) -> Text:
    if not score.total:
        return Text("–")
    ends = interval(score.low, score.high)
    unfinished = f" {score.total}/{score.planned}" if score.total < score.planned else ""
    return Text.assemble((percent(score.accuracy), "bold" if strong else ""), (f" [{ends}]{unfinished}", "dim"))


def _cost(results: Results, key: str) -> str:
    """Training and its evaluation together, with the larger of the two peaks."""
    stage = next((s for s in results.stages if s.key == key), None)
    training = stage.cost if stage and stage.kind != "evaluation" else None
    costs = [cost for cost in (training, results.evaluations[key].cost) if cost]
    if not costs:
        return "–"
    peaks = [c.peak_memory_bytes for c in costs if c.peak_memory_bytes is not None]
    return duration(sum(c.seconds for c in costs)) + (f", {size(max(peaks))}" if peaks else "")
