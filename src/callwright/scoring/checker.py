"""Whether calls answer a BFCL entry: the official AST checker's verdicts and error types, in this process.

A category says what has to match. Several calls match in any order, but greedily: each expected call takes the first
one said that fits it, without going back. Checks come in the official order (count, name, required parameters, each
parameter as it was said, then omitted ones), because the first thing that is wrong gives the error type.

Nothing that a model said makes these functions raise; an entry that contradicts itself does.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from callwright.conversation import ToolCall
from callwright.errors import DataError
from callwright.scoring.categories import Match, find_category
from callwright.scoring.decode import decode
from callwright.scoring.entry import Answer, BfclEntry, undotted
from callwright.scoring.values import check_value
from callwright.scoring.verdict import VALID, Verdict, wrong

_WRONG_COUNT = {
    "one": "simple_function_checker:wrong_count",
    "chosen": "multiple_function_checker:wrong_count",
    "unordered": "parallel_function_checker_no_order:wrong_count",
}


def score_text(entry: BfclEntry, text: str, *, underscore_to_dot: bool = False) -> Verdict:
    """The verdict on what a model said in BFCL's prompting format, `[f(a=1)]`."""
    return score_calls(entry, decode(text), underscore_to_dot=underscore_to_dot)


def score_calls(entry: BfclEntry, calls: Sequence[ToolCall] | None, *, underscore_to_dot: bool = False) -> Verdict:
    """The verdict on decoded calls.

    Args:
      entry: The entry they answer.
      calls: What was called; None if what the model said could not be decoded at all.
      underscore_to_dot: Expect names with dots replaced by underscores, for models whose names cannot hold a dot.

    Raises:
      ConfigError: The entry's category does not exist.
      DataError: The entry lacks answers, or answers with a function that it does not offer.
    """
    category = find_category(entry.category)
    well_formed = calls is not None and all(isinstance(call.arguments, Mapping) for call in calls)
    if not category.has_answers:
        return _score_presence(category.match, bool(calls) and well_formed)
    if calls is None:
        return wrong("ast_decoder:decoder_failed", "the text is not a list of calls")
    if not well_formed:
        return wrong("ast_decoder:decoder_wrong_output_format", "the arguments of a call are no object")
    if not entry.answers:
        raise DataError(f"answers in entry {entry.id}", "none", f"score it in a category without, not {entry.category}")
    expected = entry.answers[:1] if category.match == "one" else entry.answers
    if len(calls) != len(expected):
        return wrong(_WRONG_COUNT[category.match], f"expected {len(expected)} calls, got {len(calls)}")
    functions = [_function(entry, answer) for answer in expected]
    if category.match == "unordered":
        return _check_unordered(functions, calls, expected, underscore_to_dot)
    return _check_call(functions[0], calls[0], expected[0], underscore_to_dot)


def _score_presence(match: Match, called: bool) -> Verdict:
    if match == "none":
        return wrong("irrelevance_error:decoder_success", "something is called, and nothing fits") if called else VALID
    return VALID if called else wrong("relevance_error:decoder_failed", "nothing is called, and something fits")


def _function(entry: BfclEntry, answer: Answer) -> Mapping[str, Any]:
    """The offered function that an answer calls."""
    for function in entry.functions:
        if function["name"] in answer:
            return function
    raise DataError(f"entry {entry.id} to offer what it expects", f"answers with {list(answer)}", "repair the entry")


def _check_unordered(
    functions: Sequence[Mapping[str, Any]], calls: Sequence[ToolCall], answers: Sequence[Answer], undot: bool
) -> Verdict:
    left = list(calls)
    for function, answer in zip(functions, answers, strict=True):
        reasons: list[str] = []
        for index, call in enumerate(left):
            verdict = _check_call(function, call, answer, undot)
            if verdict.valid:
                del left[index]
                break
            reasons.append(f"{verdict.error_type} ({verdict.detail})")
        else:
            detail = f"no call matches the expected {function['name']}: {'; '.join(reasons)}"
            return wrong("parallel_function_checker_no_order:cannot_find_match", detail)
    return VALID


def _check_call(function: Mapping[str, Any], call: ToolCall, answer: Answer, undot: bool) -> Verdict:
    name = undotted(function["name"]) if undot else function["name"]
    if call.name != name:
        return wrong("simple_function_checker:wrong_func_name", f"expected {name}, got {call.name}")
    acceptable = answer[function["name"]]
    schemas = function["parameters"]["properties"]
    for parameter in function["parameters"]["required"]:
        if parameter not in call.arguments:
            return wrong("simple_function_checker:missing_required", f"{parameter} is required and missing")
    for parameter, value in call.arguments.items():
        if parameter not in schemas or parameter not in acceptable:
            return wrong("simple_function_checker:unexpected_param", f"{parameter} is not expected")
        verdict = check_value(parameter, value, acceptable[parameter], schemas[parameter])
        if not verdict.valid:
            return verdict
    for parameter, answers in acceptable.items():
        if parameter not in call.arguments and "" not in answers:
            return wrong("simple_function_checker:missing_optional", f"{parameter} is expected and missing")
    return VALID
