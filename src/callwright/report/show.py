"""`callwright eval show`: one entry of an evaluation, from the prompt to why its answer counts as wrong.

Nothing of it acts on the terminal: characters that a terminal would hide or obey are printed by name.
"""

from collections.abc import Iterator
from pathlib import Path

from callwright.errors import DataError, suggest
from callwright.evaluation.row import EvaluationRow
from callwright.html.numbers import count
from callwright.invisible import visible
from callwright.report.evaluation_rows import StageRows, all_rows, suggest_served
from callwright.report.explanations import explain
from callwright.report.text import calls_text, ending, expected_text, json_text

_NONE, _UNREADABLE = "(none)", "(none could be read)"


def show(path: Path, id: str, served: str | None = None) -> None:
    """Prints an entry.

    Args:
      path: RUN on the command line, as for `split_run`; without a stage the last evaluation that has the entry.
      id: The entry's.
      served: The name of the served model that was asked; None for the run's own.

    Raises:
      DataError: There is no such run or entry, or the run's files are damaged.
    """
    known: dict[str, None] = {}
    for one in all_rows(path, served):
        if id in one.rows:
            for line in _lines(one, one.rows[id]):
                print(visible(line))
            return
        known.update(dict.fromkeys(one.rows))
    if not known and served is not None:
        fix = suggest_served(path, served, "give callwright eval tools or bfcl with --url or --engine first")
        raise DataError(f"rows of {path} served as {served}", "none", fix)
    if not known:
        raise DataError(f"evaluated entries in {path}", "none", "evaluate the run first: callwright run or eval tools")
    see = "see the ids in report.html, or those that `callwright eval compare` names"
    raise DataError(f"the id of an entry that {path} was asked", repr(id), suggest(id, known, see))


def _lines(stage: StageRows, row: EvaluationRow) -> Iterator[str]:
    yield f"{row.id}: {row.category} of {stage.suite}, {stage.title}"
    if row.prompt:
        yield from _part(f"Prompt ({count(len(row.prompt_ids))} tokens)", row.prompt)
    else:
        yield from _part("Question (the server renders the prompt)", row.question)
    for number, step in enumerate(row.steps[:-1] if row.steps else (), 1):
        yield from _part(f"Model output, step {number}", step.raw or _NONE)
        if not row.prompt:  # a server sends the calls apart from the text
            yield from _part(f"Calls, step {number}", calls_text(step.calls) or _NONE)
        for result in step.results:
            yield from _part("Result", result if isinstance(result, str) else json_text(result))
    yield from _part("Model output", row.raw or _NONE)
    yield from _part("Calls", calls_text(row.calls) or (_UNREADABLE if row.calls is None else _NONE))
    yield from _part("Expected", expected_text(row))
    if row.valid:
        yield from _part("Verdict", "right")
        return
    why = [str(row.error_type), explain(str(row.error_type)), row.error_detail, ending(row)]
    yield from _part("Verdict", "\n".join(["wrong", *filter(None, why)]))
    for issue in row.parse_errors:
        yield f"  at {issue.position}: {issue.message}"


def _part(title: str, text: str) -> Iterator[str]:
    """A part of the entry, indented below its title; a line that ends in spaces or is empty keeps them."""
    yield ""
    yield title
    for line in text.split("\n"):
        yield f"  {line}"
