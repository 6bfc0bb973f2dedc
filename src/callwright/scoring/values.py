"""Whether one value of one parameter is acceptable, by BFCL's rules for Python.

The rules in one paragraph: the type must be the one the schema names, or else the type of the first acceptable value;
no `True` for an integer, no float for one, but an integer for a `float`, at the top level only; a tuple counts only
where the schema says tuple. Then the value must be among the acceptable ones. Strings compare without case, spaces and
some punctuation, also as items of a list and as values of a dict, but no deeper; everything else compares by `==`, and
the order of a list matters. A dict lists the acceptable values of each of its keys. "" among the acceptable values
means "may be omitted", and counts as a value only where it is compared like one.

Where the official code crashes (on an integer beyond a float's range, on a list of something else than dicts), the
value is wrong here.
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
    "tuple": list,  # acceptable values come from JSON, which has no tuples
    "dict": dict,
    "any": str,
}
_STANDARD = str.maketrans({**dict.fromkeys(" ,./-_*^"), "'": '"'})


def standardize(text: Any) -> Any:
    """A string as it is compared; any other value as it is."""
    return text.translate(_STANDARD).lower() if type(text) is str else text


def check_value(name: str, value: Any, acceptable: Sequence[Any], schema: Mapping[str, Any]) -> Verdict:
    """The verdict on a parameter's value.

    Args:
      name: The parameter.
      value: Its value in the call.
      acceptable: The acceptable values.
      schema: The parameter's schema, with BFCL's types.
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

    acceptable_type = _acceptable_type(acceptable)
    if type(value) is not expected:
        if acceptable_type is None or type(value) is not acceptable_type:
            return wrong("type_error:simple", f"{name}: expected {declared}, got {show(value)}")
        return _among(name, value, acceptable)
    if item_type is not None and not _items_fit(value, acceptable, item_type):
        kind = "simple" if acceptable_type is None else "nested"
        return wrong(f"type_error:{kind}", f"{name}: expected items of type {item_type.__name__}, got {show(value)}")
    if acceptable_type is not None and acceptable_type is not expected:
        return _among(name, value, acceptable)  # it names a variable, which is compared as it is
    if expected is dict:
        return _check_dict(name, value, acceptable)
    if item_type is dict:
        return _check_dicts(name, value, acceptable)
    if expected is list:
        return _check_list(name, value, acceptable)
    if expected is str:
        return _check_string(name, value, acceptable)
    return _among(name, value, acceptable)


def _acceptable_type(acceptable: Sequence[Any]) -> type | None:
    return next((type(option) for option in acceptable if option != ""), None)


def _items_fit(items: list[Any], acceptable: Sequence[Any], item_type: type) -> bool:
    """Whether, for some acceptable list, every item has the declared type or that of the list's first item."""
    for option in acceptable:
        if type(option) is not list:
            return True
        fitting = (item_type, _acceptable_type(option))
        if all(type(item) in fitting for item in items):
            return True
    return False


def _among(name: str, value: Any, acceptable: Sequence[Any]) -> Verdict:
    return VALID if value in acceptable else _mismatch("value_error:others", name, value, acceptable)


def _mismatch(error_type: str, name: str, value: Any, acceptable: Sequence[Any]) -> Verdict:
    return wrong(error_type, f"{name}: expected one of {show(acceptable)}, got {show(value)}")


def _check_string(name: str, value: str, acceptable: Sequence[Any]) -> Verdict:
    got = standardize(value)
    if any(type(option) is str and standardize(option) == got for option in acceptable):
        return VALID
    return _mismatch("value_error:string", name, value, acceptable)


def _check_list(name: str, value: list[Any], acceptable: Sequence[Any]) -> Verdict:
    got = [standardize(item) for item in value]
    if any([standardize(item) for item in option] == got for option in acceptable):
        return VALID
    return _mismatch("value_error:list/tuple", name, value, acceptable)


def _check_dicts(name: str, value: list[Any], acceptable: Sequence[Any]) -> Verdict:
    """A list of dicts matches an acceptable one item by item; the verdict is the one on the last that was tried."""
    verdict = wrong("list_dict_checker:unclear", f"{name}: no value is acceptable")
    for option in acceptable:
        if len(value) != len(option):
            verdict = wrong("value_error:list_dict_count", f"{name}: expected {len(option)} dicts, got {len(value)}")
            continue
        verdict = next(
            (bad for got, item in zip(value, option, strict=True) if not (bad := _check_dict(name, got, [item])).valid),
            VALID,
        )
        if verdict.valid:
            return verdict
    return verdict


def _check_dict(name: str, value: Any, acceptable: Sequence[Any]) -> Verdict:
    """The verdict is the one on the last acceptable dict that was tried."""
    if type(value) is not dict:
        return wrong("type_error:nested", f"{name}: expected a dict, got {show(value)}")
    verdict = wrong("dict_checker:unclear", f"{name}: no value is acceptable")
    for option in acceptable:
        if option == "":
            continue
        verdict = _check_keys(name, value, option)
        if verdict.valid:
            return verdict
    return verdict


def _check_keys(name: str, value: dict[Any, Any], option: Mapping[str, Sequence[Any]]) -> Verdict:
    # A missing key is reported before a wrong one, because the official code looks at missing keys last.
    for key, values in option.items():
        if key not in value and "" not in values:
            return wrong("value_error:dict_key", f"{name}: key {key!r} is missing")
    for key, got in value.items():
        if key not in option:
            return wrong("value_error:dict_key", f"{name}: unexpected key {show(key)}")
        if standardize(got) not in [standardize(item) for item in option[key]]:
            return _mismatch("value_error:dict_value", f"{name}[{key!r}]", got, option[key])
    return VALID
