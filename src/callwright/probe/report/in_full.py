"""The cases in the terminal, each with the whole of what was expected and what was seen: prompts to the eye."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from callwright.invisible import visible
from callwright.probe.outcome import Outcome, Report
from callwright.probe.report.diff import MODEL_OUTPUT, Field, Span, compare


def print_cases(report: Report, console: Console) -> None:
    """Prints what was expected and seen in each case that was tested.

    Control tokens stand in ⟦ ⟧, and an invisible character is named, `⟨U+200B⟩`.
    """
    for outcome in report.cases:
        if outcome.result != "not_tested":
            console.print(Text("\n".join(_lines(outcome))), soft_wrap=True)


def _lines(outcome: Outcome) -> Iterator[str]:
    cause = f": {outcome.cause}" if outcome.cause else ""
    yield f"\n{visible(f'{outcome.id} in {outcome.format}, {outcome.result}{cause}')}"
    for field in compare(outcome.expected, outcome.seen):
        yield from _sides(field)


def _sides(field: Field) -> Iterator[str]:
    name = visible(field.name)
    if field.name == MODEL_OUTPUT and field.seen is None:
        yield from ("--- what the model generated", _whole(field.expected))
    elif not field.differs:
        yield from (f"--- {name}, as expected", _whole(field.seen))
    else:
        yield from (f"--- {name}, expected", _whole(field.expected))
        yield from (f"--- {name}, seen", _whole(field.seen))


def _whole(side: Sequence[Span] | None) -> str:
    if side is None:
        return "(not there)"
    return "".join(f"⟦{visible(span.text)}⟧" if span.control else visible(span.text) for span in side) or "(empty)"
