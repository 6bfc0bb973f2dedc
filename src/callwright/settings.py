"""The base of every configuration class: frozen, typed, and closed to unknown keys.

Each room declares its own settings next to the code that reads them, with a sentence for each field;
`orchestration/config.py` composes them into the file a user writes.
"""

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError


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

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuses true and false where a number is declared: pydantic would read 1 and 0, and YAML reads `yes` so."""
        kinds = _kinds(cls.model_fields[str(info.field_name)].annotation)
        inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
        if kinds & {int, float} and not kinds & {bool, Any} and any(isinstance(one, bool) for one in (value, *inner)):
            raise PydanticCustomError("number_expected", "Input should be a number, not true or false")
        return value


def _kinds(annotation: Any) -> set[Any]:
    """The types that a declaration is made of: int, str and None of `dict[str, int] | None`."""
    parts = get_args(annotation)
    return set().union(*map(_kinds, parts)) if parts else {annotation}
