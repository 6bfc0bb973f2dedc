"""The base of every configuration class, and the one place where what pydantic refuses becomes an error of ours.

Each package declares its own settings next to the code that reads them, with a sentence for each field;
`orchestration/config.py` composes them into the file that a user writes.

An error names the path of the key as the user wrote it, what was expected there, and what came instead; of an unknown
key it names those that are spelled alike, and all that exist where they are few. pydantic puts the names of a union's
branches into that path, and lists an error for each branch: the names are left out, and of several errors the one with
the longest path is reported.
"""

import re
import reprlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from callwright.errors import CallwrightError, ConfigError, RenamedKeyWarning, nearest, suggest

Model = TypeVar("Model", bound=BaseModel)

LONGEST = 80
"""Characters of a refused value, or of a key in its path, that a message shows."""
_YES_AND_NO = {"yes", "no", "y", "n", "on", "off"}
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = LONGEST
_KEYS_AND_VALUES = ("model_type", "dict_type", "model_attributes_type")
"""pydantic's types of error whose messages name a class."""
_EXPECTED = (
    dict.fromkeys(_KEYS_AND_VALUES, "keys and values")
    | dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), "a whole number")
    | dict.fromkeys(("float_type", "float_parsing"), "a number")
    | dict.fromkeys(("bool_type", "bool_parsing"), "true or false")
    | dict.fromkeys(("list_type", "tuple_type", "set_type"), "a list")
    | {
        "missing": "a value",
        "finite_number": "a finite number",
        "string_type": "text",
        "path_type": "a path",
        "none_required": "null",
        "greater_than": "a number above {gt}",
        "greater_than_equal": "a number of at least {ge}",
        "less_than": "a number below {lt}",
        "less_than_equal": "a number of at most {le}",
        "string_pattern_mismatch": "text that matches {pattern}",
        "string_too_short": "text of at least {min_length} characters",
        "string_too_long": "text of at most {max_length} characters",
        "too_short": "at least {min_length} entries",
        "too_long": "at most {max_length} entries",
    }
)
"""What pydantic's types of error expect."""
_NO_SUCH_KEY = ("extra_forbidden", "unexpected_keyword_argument")
"""Those of a key that no field has, in a class that is not `Settings`."""


class Settings(BaseModel):
    """A frozen configuration section; an unknown key or a wrong type is an error that names the key."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=False,
        allow_inf_nan=False,
        validate_default=True,
        use_attribute_docstrings=True,
    )

    RENAMED: ClassVar[Mapping[str, str]] = {}
    """Names that earlier versions gave to keys, each with the present name; they are still read."""
    FLAT: ClassVar[str] = ""
    """The section below this one whose keys may also stand in this one; "" where there is none."""

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        """Reads renamed keys, and refuses unknown ones with the names of those that exist."""
        if not isinstance(data, dict):
            return data
        data = nested(renamed(data, cls.RENAMED), cls)
        known = [field.alias or name for name, field in cls.model_fields.items()]
        known += flat_keys(cls)
        for key in data:
            if key not in known:
                context = {"key": str(key), "known": known}
                raise PydanticCustomError("unknown_key", "{key} is none of the keys {known}", context)
        return data

    @field_validator("*", mode="before")
    @classmethod
    def _numbers_and_truth_values(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuses true and false where a number is declared, which pydantic would read as 1 and 0, and words such as
        `yes` and `off`, which are text in YAML 1.2, where a truth value is.
        """
        kinds = _parts(cls.model_fields[str(info.field_name)].annotation)
        inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
        if kinds & {int, float} and not kinds & {bool, Any} and any(isinstance(one, bool) for one in (value, *inner)):
            raise PydanticCustomError("number_expected", "a number, not true or false")
        truth_value = bool in kinds and not kinds & {str, Any}
        if truth_value and isinstance(value, str) and value.lower() in _YES_AND_NO:
            raise PydanticCustomError("truth_expected", "true or false")
        return value


def renamed(data: Mapping[Any, Any], names: Mapping[str, str]) -> dict[Any, Any]:
    """The data under the present names of its keys; a `RenamedKeyWarning` tells of every older one.

    Args:
      data: Keys and values, in an order that is kept.
      names: Older name to present name.

    Raises:
      PydanticCustomError: A key stands there under both of its names.
    """
    for old, new in names.items():
        if old in data:
            if new in data:
                raise PydanticCustomError("renamed_key", f"only one of {new} and {old}, its older name")
            warnings.warn(f"the key {old} is called {new} now; rename it", RenamedKeyWarning, stacklevel=2)
    return {names.get(key, key) if isinstance(key, str) else key: value for key, value in data.items()}


def flat_keys(model: Any) -> tuple[str, ...]:
    """The keys of a section's `FLAT` section, which may also stand in the section itself; its own keys come first."""
    flat = getattr(model, "FLAT", "")
    inner = model.model_fields[flat].annotation.model_fields if flat else ()
    return tuple(key for key in inner if key not in model.model_fields)


def nested(data: Mapping[Any, Any], model: Any) -> dict[Any, Any]:
    """The data of a section with the keys of its `FLAT` section in that section.

    Raises:
      PydanticCustomError: A key stands in both places.
    """
    moved = {key: data[key] for key in flat_keys(model) if key in data}
    if not moved:
        return dict(data)
    section = data.get(model.FLAT, {})
    if isinstance(section, dict):
        for key in moved:
            if key in section:
                raise PydanticCustomError(
                    "given_twice", f"only one of {key} and {model.FLAT}.{key}, which are the same"
                )
        section = section | moved
    return {key: value for key, value in data.items() if key not in moved} | {model.FLAT: section}


def refused(refusal: CallwrightError, key: str | None = None) -> PydanticCustomError:
    """What a validator raises for an error of ours, which is then told with the path of the key and what set it.

    Args:
      refusal: The error.
      key: The key, for the validator of a whole section.
    """
    context = {"expected": refusal.expected, "got": refusal.got, "fix": refusal.fix, "key": key}
    return PydanticCustomError("refused", "{expected}", context)


def validated(
    model: type[Model],
    data: object,
    *,
    where: str | Callable[[str], str],
    error: type[CallwrightError] = ConfigError,
    fix: str | None = None,
    see: str = "",
) -> Model:
    """The data as a record of the model.

    Args:
      model: What the data should be.
      data: What was read; it is not changed.
      where: What it was read from, as a noun phrase, e.g. "line 3 of rows.jsonl"; or a function that says it for a
        dotted key, where not all keys were read from one place.
      error: What to raise.
      fix: What the user can do; by default, to correct or add the value that is named.
      see: What tells all keys, for an unknown one where they are many; `fix` when empty.

    Raises:
      CallwrightError: The data is something else; an `error`.
    """
    try:
        return model.model_validate(data)
    except ValidationError as invalid:
        raise readable(invalid, where=where, error=error, fix=fix, see=see, model=model, data=data) from invalid


def readable(
    invalid: ValidationError,
    *,
    where: str | Callable[[str], str],
    error: type[CallwrightError] = ConfigError,
    fix: str | None = None,
    see: str = "",
    model: type[BaseModel] | None = None,
    data: object = None,
) -> CallwrightError:
    """The error to raise for what pydantic found; the arguments are those of `validated`.

    Without the model, nothing is left out of the key's path.
    """
    errors = [(_key_path(one, model, data), one) for one in invalid.errors(include_url=False)]
    path, chosen = max(errors, key=lambda pair: len(pair[0]))
    unknown = chosen["type"] == "unknown_key"
    named = [str(key)] if (key := chosen.get("ctx", {}).get("key")) is not None else []
    if callable(where):
        where = where(".".join([*path, *named]))
    if chosen["type"] == "refused":
        refusal = chosen["ctx"]
        return error(f"{refusal['expected']} as {'.'.join([*path, *named])} in {where}", refusal["got"], refusal["fix"])
    if unknown:
        key, known = chosen["ctx"]["key"], chosen["ctx"]["known"]
        below = [one for one in key_paths(model) if one.startswith("".join(f"{part}." for part in path))]
        moved = [] if nearest(key, known) else [one for one in below if one.rpartition(".")[2] == key]
        got = ".".join([*path, key[:LONGEST]])
        return error(f"a known key in {where}", got, suggest(key, moved or known, see or fix or ""))
    if chosen["type"] in _NO_SUCH_KEY:
        siblings = [one for one in key_paths(model) if one.split(".")[:-1] == path[:-1]]
        near = nearest(path[-1], [one.rpartition(".")[2] for one in siblings])
        return error(
            f"a known key in {where}", ".".join(path), f"did you mean {near[0]}?" if near else fix or "leave it out"
        )
    subject = f"{'.'.join(path)} in {where}" if path else where
    if chosen["type"] == "missing":
        return error(subject, "nothing", fix or "add this key")
    if chosen["type"] in ("truth_expected", "bool_type", "bool_parsing") and fix is None:
        fix = "write true or false"
    if chosen["type"] == "literal_error" and fix is None:
        near = nearest(str(chosen["input"]), re.findall("'([^']+)'", chosen["ctx"]["expected"]))
        fix = f"did you mean {near[0]}?" if near else None
    expected = " or ".join(dict.fromkeys(expectation(one) for same, one in errors if same == path))
    return error(f"{subject}: {expected}", _SHORT.repr(chosen["input"])[:LONGEST], fix or "correct this value")


def _key_path(error: ErrorDetails, model: type[BaseModel] | None, data: object) -> list[str]:
    """The keys and indices of an error's location, without the names of a union's branches.

    What is neither in the data nor a field of the model is such a name. (A field can be absent from the data: it stands
    there under an older name, or is missing.)
    """
    types: set[Any] = {model}
    path = []
    for part in error["loc"]:
        fields = [one.model_fields[str(part)] for one in types if str(part) in getattr(one, "model_fields", ())]
        inner = _inner(data, part)
        missing = error["type"] == "missing" and part is error["loc"][-1]
        if inner is _ABSENT and any(part == getattr(one, "FLAT", "") for one in types):
            inner = data  # the keys of that section stand in the one around it
        elif model is None or fields or missing or inner is not _ABSENT:
            path.append(str(part)[:LONGEST])
        else:
            continue
        data = inner
        types = set().union(*(_parts(field.annotation) for field in fields)) or types
    return path


def key_paths(model: Any) -> Iterator[str]:
    """The dotted paths of all keys of a section and of those below it; a section within itself counts once."""
    yield from _key_paths(model, (), "")


def _key_paths(model: Any, above: tuple[Any, ...], path: str) -> Iterator[str]:
    fields = {field.alias or name: field.annotation for name, field in getattr(model, "model_fields", {}).items()}
    fields |= {name: field.type for name, field in getattr(model, "__dataclass_fields__", {}).items()}
    for name, annotation in fields.items():
        yield f"{path}{name}"
        for part in _parts(annotation):
            if part not in above:
                yield from _key_paths(part, (*above, model), f"{path}{name}.")


_ABSENT = object()


def _inner(data: object, part: int | str) -> object:
    """What the data holds there, or `_ABSENT`."""
    if isinstance(data, Mapping):
        return data.get(part, _ABSENT)
    return data[part] if isinstance(data, list | tuple) and isinstance(part, int) else _ABSENT


def expectation(error: ErrorDetails) -> str:
    """What was expected: a noun phrase where pydantic refused, and what our own validator says where that did."""
    if error["type"] in _EXPECTED:
        return _EXPECTED[error["type"]].format_map(error.get("ctx", {}))
    message = re.sub("^(Value error|Assertion failed), |^Input should (be )?(a valid )?", "", str(error["msg"]))
    return message.partition(", unable to ")[0]


def _parts(annotation: Any) -> set[Any]:
    """The types that a declaration is made of: str, int and None of `dict[str, int] | None`."""
    parts = get_args(annotation)
    if get_origin(annotation) is Annotated:
        parts = parts[:1]
    return set().union(*map(_parts, parts)) if parts else {annotation}
