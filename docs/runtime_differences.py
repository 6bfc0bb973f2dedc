"""docs/runtime-differences.md, from saved probes: what each runtime, by version, does to each format.

A saved probe is a report of `callwright probe --json` as `write_compact` writes it: without what the page does
not say. It serves as a baseline too.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from callwright import storage
from callwright.formats import FORMATS
from callwright.html.numbers import plural
from callwright.invisible import visible
from callwright.probe.outcome import NO_WORDS, Report
from callwright.probe.report.baseline import read_report
from callwright.probe.report.diff import first_difference
from callwright.probe.report.tally import (
    Count,
    Finding,
    by_format,
    choices,
    count,
    faults,
    headline,
    not_tested,
    origin,
)

INTRODUCTION = """\
<!-- Written by `make docs` from docs/probes; a test compares the two. -->
# What runtimes do to formats

Each runtime was probed with instruments: tiny models with weights set by hand, which generate planned outputs, repeat
the very tokens that reached them, or draw from a known distribution (see [instruments.md](instruments.md)). What is
expected comes from our renderer and our strict parser, never from a runtime. A case ends as *faithful*; as a *fault*;
as a *choice*, where the runtime's documentation states what it does; or it could not be tested.

In examples ⟦ ⟧ encloses a control token and ⏎ is a line break.
"""
NONE_YET = "No probe is saved yet; `python docs/generate.py --add-probe REPORT.json` saves one.\n"
_EXPRESSED = (
    "[how many each has words for](fidelity-set.md#where-they-apply); the reason for each case is in"
    " [the saved report](probes/README.md)"
)
_FEW = 6
_ALWAYS = ("id", "format", "fault_class", "result", "cause")
_MOST_EXAMPLE = 20_000
_ORDER = list(FORMATS)


def save(source: Path, directory: Path) -> Path:
    """Puts a report among the saved ones, as `TARGET-VERSION.json`, and returns its path.

    A report that is there already keeps the formats that the new one does not have: a server that was started by
    somebody else holds one format's instrument at a time.

    Raises:
      DataError: `source` is no report.
      StorageError: The file cannot be written.
    """
    report = read_report(source)
    name = re.sub(r"[^a-z0-9.]+", "-", f"{report.target}-{report.version}".lower()).strip("-.")
    path = directory / f"{name[:80]}.json"
    if path.exists():
        probed = {case.format for case in report.cases}
        others = [case for case in read_report(path).cases if case.format not in probed]
        report = report.model_copy(update={"cases": (*others, *report.cases), "settings": None})
    write_compact(report, path)
    return path


def write_compact(report: Report, path: Path) -> None:
    """Writes what a later comparison and the documentation need, atomically; `read_report` reads it again.

    Of what was faithful that is the case alone. What was expected, what was seen and the command that shows it are kept
    in one example of each cause, unless they are long.

    Raises:
      StorageError: The file cannot be written.
    """
    kept = {id(finding.example) for finding in faults(report)}
    faithful: dict[str, dict[str, list[str]]] = {}
    rows = []
    for outcome in report.cases:
        if outcome.result == "faithful":
            faithful.setdefault(outcome.format, {}).setdefault(outcome.fault_class, []).append(outcome.id)
            continue
        whole = {key: value for key, value in outcome if value not in ("", None)}
        text = _json(whole)
        if id(outcome) not in kept or len(text) > _MOST_EXAMPLE:
            text = _json({key: value for key, value in whole.items() if key in _ALWAYS})
        rows.append(f"  {text}")
    head = _json(report.model_dump(mode="json", exclude={"cases", "baseline", "why"}, exclude_defaults=True))
    lines = ",\n".join(f"  {_json(fmt)}: {_json(classes)}" for fmt, classes in faithful.items())
    cases = ",\n".join(rows)
    storage.write_text(path, f'{head[:-1]}, "cases": [\n{cases}\n], "faithful": {{\n{lines}\n}}}}\n')


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def document(directory: Path) -> str:
    """The page, from all reports of a directory in the order of their names.

    Raises:
      DataError: A file is no report.
    """
    reports = [read_report(path) for path in sorted(directory.glob("*.json"))]
    parts = [INTRODUCTION, *(_overview(reports) if reports else [NONE_YET])]
    return "\n".join([*parts, *(line for report in reports for line in _section(report))])


def _overview(reports: list[Report]) -> Iterator[str]:
    tables = [by_format(report) for report in reports]
    present = {name for table in tables for name in table}
    names = [name for name in _ORDER if name in present]
    names += [name for name in dict.fromkeys(name for table in tables for name in table) if name not in _ORDER]
    yield "## In short\n\nFaithful of tested cases.\n"
    yield _row("Format", *(_words(f"{report.target} {report.version}") for report in reports))
    yield _rule(1 + len(reports))
    for name in names:
        counts = [count(o for cell in table.get(name, {}).values() for o in cell) for table in tables]
        yield _row(_code(name), *map(_cell, counts))
    yield ""


def _cell(found: Count) -> str:
    if not found.tested:
        return "not tested" if found.not_tested else "–"
    parts = [f"{found.faithful}/{found.tested}"]
    parts += [plural(found.fault, "fault")] if found.fault else []
    parts += [plural(found.choice, "choice")] if found.choice else []
    return ", ".join(parts)


def _section(report: Report) -> Iterator[str]:
    yield f"## {_words(report.target)} {_words(report.version)}\n"
    yield f"{headline(report)}\n"
    if origin(report):
        yield f"{_words(origin(report))}\n"
    found = faults(report)
    if found:
        yield "### Faults\n"
        yield _row("What happens", "Cause", "Cases", "Formats", "Example")
        yield _rule(5)
        for finding in found:
            name = _code(finding.name) + (f" ({_words(finding.source)})" if finding.source else "")
            yield _row(_words(finding.title), name, str(finding.cases), _formats(finding), _example(finding))
        yield ""
    chosen = choices(report)
    if chosen:
        yield "### Documented choices\n"
        yield _row("What happens", "Documentation", "Cases", "Formats", "Example")
        yield _rule(5)
        for finding in chosen:
            source = _words(finding.source)
            yield _row(_words(finding.title), source, str(finding.cases), _formats(finding), _example(finding))
        yield ""
    untested = not_tested(report)
    if untested:
        yield "### Not tested\n"
        for one in untested:
            more = f"; {_EXPRESSED}" if one.title == NO_WORDS else ""
            yield f"- {_words(one.title)}: {plural(one.cases, 'case')} in {_formats(one)}{more}"
        yield ""


def _formats(finding: Finding) -> str:
    names = finding.formats
    return ", ".join(map(_code, names)) if len(names) <= _FEW else f"{len(names)} formats"


def _example(finding: Finding) -> str:
    shown = finding.example
    place = f"{_code(shown.id)} in {_code(shown.format)}"
    excerpt = first_difference(shown.expected, shown.seen) if shown.result == "fault" else None
    if excerpt is None:
        return place
    expected, seen = (output if output == "nothing" else _code(output) for output in excerpt)
    return f"{place}: expected {expected}, seen {seen}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _rule(columns: int) -> str:
    return f"|{' --- |' * columns}"


def _visible(words: str) -> str:
    return visible(words.replace("\n", "⏎").replace("\t", "→"))


def _words(words: str) -> str:
    """Anybody's words, in which Markdown and HTML see nothing of theirs."""
    return re.sub(r"([\\`*_\[\]<>&#~])", r"\\\1", _visible(" ".join(words.split())))


def _code(words: str) -> str:
    """Anybody's words as code; the fence is longer than any run of backticks in them."""
    shown = _visible(words)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    padding = " " if "`" in shown or shown != shown.strip() or not shown else ""
    return f"{fence}{padding}{shown}{padding}{fence}"
