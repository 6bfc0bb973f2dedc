"""The score card in the terminal: formats by groups of fault classes, then what was found, each cause once.

It fits 80 columns with the 16 formats of the registry. Where no terminal is, the same in plain aligned lines. Servers
and models write parts of it, so no character of theirs acts on the terminal.
"""

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from callwright.html.numbers import plural
from callwright.invisible import printable
from callwright.probe.outcome import Report
from callwright.probe.report.diff import first_difference
from callwright.probe.report.tally import (
    Count,
    Finding,
    by_format,
    choices,
    command_of,
    count,
    faults,
    groups,
    headline,
    not_tested,
    origin,
)

_HEADINGS = {"rendering": "render", "parsing": "parse", "sampling": "sample"}
"""Shorter than the groups' names, so that six of them fit."""
_MOST_LINE = 600
_FEW = 4
"""So many formats are named, more are counted."""


def print_card(report: Report, console: Console) -> None:
    """Prints the score card.

    Args:
      report: What the probe found.
      console: Where to; in a terminal with colors and rules, elsewhere plain lines that are never wrapped.
    """
    print_line(console, f"{report.target} {report.version}", style="bold")
    print_line(console, headline(report))
    if origin(report):
        print_line(console, origin(report), style="dim")
    if report.cases:
        print_line(console, "")
        _print_table(report, console)
    for title, findings, style in (
        ("Faults (⟦ ⟧ a control token, ⏎ a line break)", faults(report), "red"),
        ("Documented choices", choices(report), "yellow"),
        ("Not tested", not_tested(report), "dim"),
    ):
        if findings:
            print_line(console, "")
            print_line(console, title, style="bold")
        for finding in findings:
            print_line(console, finding.title, style=style, indent=2)
            for line in _details(report, finding):
                print_line(console, line, indent=4)
            _print_command(command_of(report, finding.example), finding, console)


def print_line(console: Console, words: str, *, style: str = "", indent: int = 0) -> None:
    """One line of anybody's words; wrapped with its indent in a terminal, whole elsewhere."""
    line = " ".join(words.split()) if indent else words
    line = line if len(line) <= _MOST_LINE else f"{line[:_MOST_LINE]}…"
    if console.is_terminal:
        console.print(Padding(Text(printable(line), style=style), (0, 0, 0, indent)))
    else:
        console.print(Text(" " * indent + printable(line)), soft_wrap=True)


def _print_command(command: str, finding: Finding, console: Console) -> None:
    """The command line that shows an example, on a line of its own that nothing wraps, so that it can be pasted."""
    if command and finding.name and command.isprintable():
        print_line(console, "to see it:", indent=4)
        console.print(Text(command), soft_wrap=True)


def _details(report: Report, finding: Finding) -> Iterator[str]:
    formats = finding.formats
    where = ", ".join(formats) if len(formats) <= _FEW else plural(len(formats), "format")
    what = f"{finding.name}: " if finding.name else ""
    yield f"{what}{plural(finding.cases, 'case')} in {where}, e.g. {finding.example.id} in {finding.example.format}"
    if finding.name and finding.example.result == "fault":
        excerpt = first_difference(finding.example.expected, finding.example.seen)
        if excerpt:
            yield "expected {}, seen {}".format(*(text if text == "nothing" else _quoted(text) for text in excerpt))
    elif finding.source:
        yield f"documented: {finding.source}"
    if finding.example.id in report.why:
        yield f"why it matters: {report.why[finding.example.id]}"
    if finding.workaround:
        yield f"workaround: {finding.workaround}"


def _quoted(words: str) -> str:
    return f"`{words}`".replace("\n", "⏎").replace("\t", "→")


def _rows(report: Report) -> Iterator[list[Text]]:
    """A row of cells for each format, and one for all together if there are several."""
    table = by_format(report)
    for name, cells in table.items():
        total = count(outcome for cell in cells.values() for outcome in cell)
        yield [Text(printable(name)), *(_cell(count(cell)) for cell in cells.values()), *_totals(total)]
    if len(table) > 1:
        sums = [count(outcome for cells in table.values() for outcome in cells[group]) for group in groups(report)]
        yield [Text("all"), *map(_share, sums), *_totals(count(report.cases))]


def _print_table(report: Report, console: Console) -> None:
    headings = ["format", *(_HEADINGS.get(name, name) for name in groups(report)), "faults", "choices", "untested"]
    rows = list(_rows(report))
    if console.is_terminal:
        _print_rich(headings, rows, console)
    else:
        _print_plain([[Text(heading) for heading in headings], *rows], console)
    print_line(console, "faithful/tested, by what the cases test for", style="dim")


def _print_rich(headings: list[str], rows: list[list[Text]], console: Console) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=0)
    table.add_column(headings[0], overflow="fold")
    for heading in headings[1:]:
        table.add_column(heading, justify="right", no_wrap=True, min_width=len(heading))
    for number, row in enumerate(rows):
        table.add_row(*row, end_section=number == len(rows) - 2)
    console.print(table)


def _print_plain(rows: Sequence[Sequence[Text]], console: Console) -> None:
    widths = [max(len(cell.plain) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        first, *rest = (cell.plain for cell in row)
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
        console.print(Text("  ".join(cells)), soft_wrap=True)


def _cell(found: Count) -> Text:
    return Text(f"{found.faithful}/{found.tested}", style=_style(found)) if found.tested else Text("–", style="dim")


def _share(found: Count) -> Text:
    """In whole percent, rounded down, so that only all are 100%; the numbers of 16 formats would not fit."""
    if not found.tested:
        return Text("–", style="dim")
    return Text(f"{100 * found.faithful // found.tested}%", style=_style(found))


def _style(found: Count) -> str:
    return "red" if found.fault else "yellow" if found.choice else "green"


def _totals(found: Count) -> list[Text]:
    numbers = ((found.fault, "bold red"), (found.choice, "yellow"), (found.not_tested, "dim"))
    return [Text(f"{number:,}", style=style) if number else Text("–", style="dim") for number, style in numbers]
