"""What the page says of the suite `tools` after one stage: which tool was taken for which, arguments by error, and the
requests that fail.

No chance chooses what is shown: the same run always shows the same requests, and each kind and type of error has one
before any has two.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from callwright.evaluation.row import EvaluationRow, RowCall
from callwright.report.confusion import confusion_matrix
from callwright.report.explanations import explain
from callwright.report.schema import SuiteResults
from callwright.report.text import json_text
from callwright.scoring.expected import MISSING_ARGUMENT, UNEXPECTED_ARGUMENT, WRONG_VALUE, same_value

_LAST_LETTERS = 300
"""Of a request; what precedes it, such as a history, is left out before what the user asks at the end."""


@dataclass(frozen=True, slots=True)
class ArgumentError:
    """Something that was wrong with one parameter of a tool, and how often.

    Attributes:
      tool: The tool.
      parameter: Its parameter.
      error: The type of error.
      number: How many calls had it.
      example: What was expected and what was called, once.
    """

    tool: str
    parameter: str
    error: str
    number: int
    example: str


@dataclass(frozen=True, slots=True)
class ToolsStage:
    """What the page says of the suite after one stage.

    Attributes:
      matrix: The picture of which tool was called where which one was expected; "" where no request expects one call.
      errors: Types of error with what they mean, and how often each came; the most frequent first.
      arguments: Wrong arguments; the most frequent first.
      failing: How many requests failed.
      requests: Some of these.
    """

    matrix: Markup
    errors: tuple[tuple[str, str, int], ...]
    arguments: tuple[ArgumentError, ...]
    failing: int
    requests: tuple[EvaluationRow, ...]


def tools_stage(
    results: SuiteResults, key: str, rows: Mapping[str, Mapping[str, EvaluationRow]], most: int
) -> ToolsStage:
    """What there is to say of one stage.

    Args:
      results: The suite.
      key: The stage.
      rows: Its rows: kind to id to row.
      most: How many failing requests are shown.
    """
    suite = results.evaluations[key]
    counts = Counter[str]()
    for score in suite.categories.values():
        counts.update(score.errors)
    wrong = [row for members in rows.values() for row in members.values() if not row.valid]
    return ToolsStage(
        matrix=confusion_matrix(suite.confusion) if suite.confusion else Markup(),
        errors=tuple((kind, explain(kind), number) for kind, number in counts.most_common()),
        arguments=tuple(argument_errors(wrong)),
        failing=counts.total(),
        requests=tuple(_varied(wrong)[:most]),
    )


def request_text(row: EvaluationRow) -> str:
    """The end of what was asked, which is the request itself."""
    return row.question if len(row.question) <= _LAST_LETTERS else f"… {row.question[-_LAST_LETTERS:]}"


def argument_errors(rows: Iterable[EvaluationRow]) -> list[ArgumentError]:
    """What was wrong with arguments in rows that are not valid, by tool, parameter and type of error."""
    counts, examples = Counter[tuple[str, str, str]](), dict[tuple[str, str, str], str]()
    for row in rows:
        for expected, call in _counterparts(row):
            for parameter, error in _mistakes(row.error_type, expected, call):
                key = (expected.name, parameter, error)
                counts[key] += 1
                examples.setdefault(key, _example(parameter, expected, call))
    return [ArgumentError(*key, number, examples[key]) for key, number in counts.most_common()]


def _counterparts(row: EvaluationRow) -> Iterator[tuple[RowCall, RowCall]]:
    """Each expected call that was not made, and the first call of the same tool that was not expected."""
    if row.steps:  # the calls of a flow need not be as many as its goal's
        return
    left = list(row.calls or ())
    missed = []
    for expected in row.expected:
        made = next((call for call in left if call.name == expected.name and _same(expected, call)), None)
        if made is None:
            missed.append(expected)
        else:
            left.remove(made)
    for expected in missed:
        made = next((call for call in left if call.name == expected.name), None)
        if made is not None:
            left.remove(made)
            yield expected, made


def _same(expected: RowCall, call: RowCall) -> bool:
    return same_value(dict(expected.arguments), dict(call.arguments))


def _mistakes(error_type: str | None, expected: RowCall, call: RowCall) -> Iterator[tuple[str, str]]:
    """The parameters in which two calls of a tool differ, with the type of error.

    A row does not say a parameter's default, which counts as named where it is left out: so what is missing or not
    expected counts only where the verdict says that something is.
    """
    for parameter, value in expected.arguments.items():
        if parameter in call.arguments:
            if not same_value(value, call.arguments[parameter]):
                yield parameter, WRONG_VALUE
        elif error_type == MISSING_ARGUMENT:
            yield parameter, MISSING_ARGUMENT
    if error_type == UNEXPECTED_ARGUMENT:
        for parameter in call.arguments.keys() - expected.arguments.keys():
            yield parameter, UNEXPECTED_ARGUMENT


def _example(parameter: str, expected: RowCall, call: RowCall) -> str:
    """The argument of both calls; a dash where a call does not have it."""
    sides = (one.arguments for one in (expected, call))
    return " → ".join(json_text(side[parameter]) if parameter in side else "–" for side in sides)


def _varied(rows: Iterable[EvaluationRow]) -> list[EvaluationRow]:
    """The rows in their order, but one of each kind and type of error before a second of any."""
    seen = Counter[tuple[str, str | None]]()
    ranked = []
    for row in rows:
        kind = (row.category, row.error_type)
        seen[kind] += 1
        ranked.append((seen[kind], row))
    return [row for _, row in sorted(ranked, key=lambda ranking: ranking[0])]
