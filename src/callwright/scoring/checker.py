"""Whether calls answer a BFCL entry: the official AST checker's verdicts and error types, in this process.

The category says what has to match. Several calls match in any order, but greedily: each gold call takes the first of
the model's calls that fits it, without backtracking. Checks come in the official order (count, name, required
parameters, each parameter of the call, then omitted ones), because the first thing that is wrong gives the error type.

No model output makes these functions raise; an entry that contradicts itself does.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from callwright.conversation import ToolCall
from callwright.errors import DataError
from callwright.scoring.categories import Match, find_category
from callwright.scoring.decode import decode
from callwright.scoring.entry import BfclEntry, GoldCall, undotted
from callwright.scoring.values import check_value
from callwright.scoring.verdict import VALID, Verdict, wrong

_WRONG_COUNT = {
    "one": "simple_function_checker:wrong_count",
    "chosen": "multiple_function_checker:wrong_count",
    "unordered": "parallel_function_checker_no_order:wrong_count",
}


def score_text(entry: BfclEntry, text: str, *, underscore_to_dot: bool = False) -> Verdict:
    """The verdict on model output in BFCL's prompting format, `[f(a=1)]`."""
    return score_calls(entry, decode(text), underscore_to_dot=underscore_to_dot)


def score_calls(entry: BfclEntry, calls: Sequence[ToolCall] | None, *, underscore_to_dot: bool = False) -> Verdict:
    """The verdict on decoded calls.

    Args:
      entry: The entry they answer.
      calls: The decoded calls; None if the model output does not decode.
      underscore_to_dot: Expect names with dots replaced by underscores, for models whose names cannot hold a dot.

    Raises:
      ConfigError: The entry's category does not exist.
      DataError: The entry lacks gold calls, or they call a function that it does not offer.
    """
    category = find_category(entry.category)
    well_formed = calls is not None and all(isinstance(call.arguments, Mapping) for call in calls)
    if not category.has_gold_calls:
        return _score_presence(category.match, bool(calls) and well_formed)
    if calls is None:
        return wrong("ast_decoder:decoder_failed", "the text is not a list of calls")
    if not well_formed:
        return wrong("ast_decoder:decoder_wrong_output_format", "the arguments of a call are no object")
    if not entry.gold_calls:
        fix = f"score it in a category without, not {entry.category}"
        raise DataError(f"gold calls in entry {entry.id}", "none", fix)
    gold_calls = entry.gold_calls[:1] if category.match == "one" else entry.gold_calls
    if len(calls) != len(gold_calls):
        return wrong(_WRONG_COUNT[category.match], f"expected {len(gold_calls)} calls, got {len(calls)}")
    functions = [_function(entry, gold) for gold in gold_calls]
    if category.match == "unordered":
        return _check_unordered(functions, calls, gold_calls, underscore_to_dot)
    return _check_call(functions[0], calls[0], gold_calls[0], underscore_to_dot)


def _score_presence(match: Match, called: bool) -> Verdict:
    if match == "none":
        return wrong("irrelevance_error:decoder_success", "something is called, and nothing fits") if called else VALID
    return VALID if called else wrong("relevance_error:decoder_failed", "nothing is called, and something fits")


def _function(entry: BfclEntry, gold: GoldCall) -> Mapping[str, Any]:
    """The offered function that a gold call calls."""
    for function in entry.functions:
        if function["name"] in gold:
            return function
    raise DataError(f"entry {entry.id} to offer what it expects", f"a call of {list(gold)}", "repair the entry")


def _check_unordered(
    functions: Sequence[Mapping[str, Any]], calls: Sequence[ToolCall], gold_calls: Sequence[GoldCall], undot: bool
) -> Verdict:
    left = list(calls)
    for function, gold in zip(functions, gold_calls, strict=True):
        reasons: list[str] = []
        for index, call in enumerate(left):
            verdict = _check_call(function, call, gold, undot)
            if verdict.valid:
                del left[index]
                break
            reasons.append(f"{verdict.error_type} ({verdict.detail})")
        else:
            detail = f"no call matches the expected {function['name']}: {'; '.join(reasons)}"
            return wrong("parallel_function_checker_no_order:cannot_find_match", detail)
    return VALID


def _check_call(function: Mapping[str, Any], call: ToolCall, gold: GoldCall, undot: bool) -> Verdict:
    name = undotted(function["name"]) if undot else function["name"]
    if call.name != name:
        return wrong("simple_function_checker:wrong_func_name", f"expected {name}, got {call.name}")
    acceptable = gold[function["name"]]
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
    for parameter, values in acceptable.items():
        if parameter not in call.arguments and "" not in values:
            return wrong("simple_function_checker:missing_optional", f"{parameter} is expected and missing")
    return VALID
