"""Whether one value of one parameter is acceptable, by BFCL's rules for Python.

The rules in one paragraph: the type must be the one the schema names, or else the type of the first acceptable value;
no `True` for an integer, no float for one, but an integer for a `float`, at the top level only; a tuple counts only
where the schema says tuple. Then the value must be among the acceptable ones. Strings compare without case, spaces and
some punctuation, also as items of a list and as values of a dict, but no deeper; everything else compares by `==`, and
the order of a list matters. A dict lists the acceptable values of each of its keys. "" among the acceptable values
means "may be omitted", and counts as a value only where it is compared like one.

Where the official code would crash on what a model said (an integer beyond a float's range, a list of something else
than dicts), the value is simply wrong here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from callwright.scoring.verdict import VALID, Verdict, show, wrong

_TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "float": float,
    "boolean": bool,
    "array": list,
    "tuple": list,  # the answers come from JSON, which has no tuples
    "dict": dict,
    "any": str,
}
_STANDARD = str.maketrans({**dict.fromkeys(" ,./-_*^"), "'": '"'})


def standardize(text: Any) -> Any:
    """A string as it is compared; any other value as it is."""
    return text.translate(_STANDARD).lower() if type(text) is str else text


def check_value(name: str, value: Any, answers: Sequence[Any], schema: Mapping[str, Any]) -> Verdict:
    """The verdict on a parameter's value.

    Args:
      name: The parameter.
      value: What was said.
      answers: The acceptable values.
      schema: The parameter's schema, in BFCL's words.
    """
    declared = schema["type"]
    expected = _TYPES[declared]
    item_type = _TYPES[schema["items"]["type"]] if expected is list else None
    if declared == "tuple" and type(value) is tuple:
        value = list(value)
    if declared == "float" and type(value) is int:
        try:
            value = float(value)
        except OverflowError:
            return wrong("value_error:others", f"{name}: an integer beyond the range of a float")

    answer_type = _answer_type(answers)
    if type(value) is not expected:
        if answer_type is None or type(value) is not answer_type:
            return wrong("type_error:simple", f"{name}: expected {declared}, got {show(value)}")
        return _among(name, value, answers)
    if item_type is not None and not _items_fit(value, answers, item_type):
        kind = "simple" if answer_type is None else "nested"
        return wrong(f"type_error:{kind}", f"{name}: expected items of type {item_type.__name__}, got {show(value)}")
    if answer_type is not None and answer_type is not expected:
        return _among(name, value, answers)  # the answer names a variable, which is compared as it is
    if expected is dict:
        return _check_dict(name, value, answers)
    if item_type is dict:
        return _check_dicts(name, value, answers)
    if expected is list:
        return _check_list(name, value, answers)
    if expected is str:
        return _check_string(name, value, answers)
    return _among(name, value, answers)


def _answer_type(answers: Sequence[Any]) -> type | None:
    return next((type(answer) for answer in answers if answer != ""), None)


def _items_fit(items: list[Any], answers: Sequence[Any], item_type: type) -> bool:
    """Whether for some answer every item has the declared type, or the type of that answer's first item."""
    for answer in answers:
        if type(answer) is not list:
            return True
        fitting = (item_type, _answer_type(answer))
        if all(type(item) in fitting for item in items):
            return True
    return False


def _among(name: str, value: Any, answers: Sequence[Any]) -> Verdict:
    return VALID if value in answers else _mismatch("value_error:others", name, value, answers)


def _mismatch(error_type: str, name: str, value: Any, answers: Sequence[Any]) -> Verdict:
    return wrong(error_type, f"{name}: expected one of {show(answers)}, got {show(value)}")


def _check_string(name: str, value: str, answers: Sequence[Any]) -> Verdict:
    said = standardize(value)
    if any(type(answer) is str and standardize(answer) == said for answer in answers):
        return VALID
    return _mismatch("value_error:string", name, value, answers)


def _check_list(name: str, value: list[Any], answers: Sequence[Any]) -> Verdict:
    said = [standardize(item) for item in value]
    if any([standardize(item) for item in answer] == said for answer in answers):
        return VALID
    return _mismatch("value_error:list/tuple", name, value, answers)


def _check_dicts(name: str, value: list[Any], answers: Sequence[Any]) -> Verdict:
    """A list of dicts matches an answer item by item; the verdict is the one on the last answer tried."""
    verdict = wrong("list_dict_checker:unclear", f"{name}: no answer is listed")
    for answer in answers:
        if len(value) != len(answer):
            verdict = wrong("value_error:list_dict_count", f"{name}: expected {len(answer)} dicts, got {len(value)}")
            continue
        verdict = next(
            (
                bad
                for said, item in zip(value, answer, strict=True)
                if not (bad := _check_dict(name, said, [item])).valid
            ),
            VALID,
        )
        if verdict.valid:
            return verdict
    return verdict


def _check_dict(name: str, value: Any, answers: Sequence[Any]) -> Verdict:
    """The verdict is the one on the last answer tried."""
    if type(value) is not dict:
        return wrong("type_error:nested", f"{name}: expected a dict, got {show(value)}")
    verdict = wrong("dict_checker:unclear", f"{name}: no answer is listed")
    for answer in answers:
        if answer == "":
            continue
        verdict = _check_keys(name, value, answer)
        if verdict.valid:
            return verdict
    return verdict


def _check_keys(name: str, value: dict[Any, Any], answer: Mapping[str, Sequence[Any]]) -> Verdict:
    # A missing key is reported before a wrong one, because the official code looks at missing keys last.
    for key, values in answer.items():
        if key not in value and "" not in values:
            return wrong("value_error:dict_key", f"{name}: key {key!r} is missing")
    for key, said in value.items():
        if key not in answer:
            return wrong("value_error:dict_key", f"{name}: unexpected key {show(key)}")
        if standardize(said) not in [standardize(item) for item in answer[key]]:
            return _mismatch("value_error:dict_value", f"{name}[{key!r}]", said, answer[key])
    return VALID
