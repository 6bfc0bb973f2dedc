"""Whether calls are the expected ones, for tools whose schemas are JSON Schema.

BFCL's rules where they carry over: as many calls as expected, several in any order; the names are equal; strings
compare without case, spaces and some punctuation, everything else by value. What differs: only one value of each
argument is right; numbers compare as numbers whatever their type (5 is 5.0, true is no number), arrays and objects item
by item at every depth; and to name an argument with its default is the same as to leave it out.

No model output makes these functions raise.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from callwright.conversation import Json, Tool, ToolCall
from callwright.scoring.values import standardize
from callwright.scoring.verdict import VALID, Verdict, show, wrong

WRONG_NAME = "tools:wrong_name"
WRONG_COUNT = "tools:wrong_count"
MISSING_ARGUMENT = "tools:missing_argument"
UNEXPECTED_ARGUMENT = "tools:unexpected_argument"
WRONG_VALUE = "tools:wrong_value"
UNNECESSARY_CALL = "tools:unnecessary_call"
UNREADABLE = "tools:unreadable"
GOAL_NOT_MET = "tools:goal_not_met"


def score_expected(tools: Sequence[Tool], expected: Sequence[ToolCall], calls: Sequence[ToolCall] | None) -> Verdict:
    """The verdict on decoded calls.

    Args:
      tools: The tools on offer; their schemas give the defaults.
      expected: The calls that are right; empty where none is.
      calls: The decoded calls; None if the model output does not decode, which is right where no call is.
    """
    well_formed = calls is not None and all(isinstance(call.arguments, Mapping) for call in calls)
    if not expected:
        if calls and well_formed:
            return wrong(UNNECESSARY_CALL, f"expected no call, got {_names(calls)}")
        return VALID
    if calls is None or not well_formed:
        return wrong(UNREADABLE, "a call was begun that cannot be read")
    if len(calls) != len(expected):
        got = _names(calls) if calls else "none"
        return wrong(WRONG_COUNT, f"expected {len(expected)} {'call' if len(expected) == 1 else 'calls'}, got {got}")
    schemas = {tool.name: tool.parameters for tool in tools}
    left, unmatched = list(calls), list[ToolCall]()
    for wanted in expected:
        schema = schemas.get(wanted.name, {})
        found = next((index for index, call in enumerate(left) if check_call(schema, wanted, call).valid), None)
        if found is None:
            unmatched.append(wanted)
        else:
            del left[found]
    if not unmatched:
        return VALID
    wanted = next((one for one in unmatched if any(one.name == call.name for call in left)), unmatched[0])
    nearest = next((call for call in left if call.name == wanted.name), left[0])
    return check_call(schemas.get(wanted.name, {}), wanted, nearest)


def check_call(schema: Mapping[str, Any], expected: ToolCall, call: ToolCall) -> Verdict:
    """The verdict on one call.

    Args:
      schema: The parameters of the expected tool, as JSON Schema.
      expected: The call that is right.
      call: The call that was made.
    """
    if call.name != expected.name:
        return wrong(WRONG_NAME, f"expected {expected.name}, got {show(call.name)}")
    properties = schema.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}

    def is_default(name: str, value: Json) -> bool:
        declared = properties.get(name)
        return isinstance(declared, Mapping) and "default" in declared and same_value(declared["default"], value)

    for name, value in expected.arguments.items():
        if name not in call.arguments and not is_default(name, value):
            return wrong(MISSING_ARGUMENT, f"{name} is missing; expected {show(value)}")
    for name, value in call.arguments.items():
        if name not in expected.arguments:
            if not is_default(name, value):
                return wrong(UNEXPECTED_ARGUMENT, f"{show(name)} is not expected; got {show(value)}")
        elif not same_value(expected.arguments[name], value):
            return wrong(WRONG_VALUE, f"{name}: expected {show(expected.arguments[name])}, got {show(value)}")
    return VALID


def same_value(expected: Json, value: Json) -> bool:
    """Whether a value is the expected one. It goes no deeper into the value than the expected one is deep."""
    if isinstance(expected, str) or isinstance(value, str):
        return isinstance(expected, str) and isinstance(value, str) and standardize(expected) == standardize(value)
    if isinstance(expected, bool) or isinstance(value, bool):
        return expected is value
    if isinstance(expected, list):
        return (
            isinstance(value, list)
            and len(expected) == len(value)
            and all(same_value(one, other) for one, other in zip(expected, value, strict=True))
        )
    if isinstance(expected, dict):
        return (
            isinstance(value, dict)
            and expected.keys() == value.keys()
            and all(same_value(expected[key], value[key]) for key in expected)
        )
    return expected == value


def _names(calls: Sequence[ToolCall]) -> str:
    return f"{len(calls)}: {show([call.name for call in calls])}"
