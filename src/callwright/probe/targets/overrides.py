"""What `--set key=value` says to a target, checked against the target's settings."""

from collections.abc import Sequence
from typing import TypeVar

from pydantic import ValidationError

from callwright.errors import ConfigError
from callwright.settings import Settings

Chosen = TypeVar("Chosen", bound=Settings)


def read_overrides(settings: type[Chosen], overrides: Sequence[str], target: str) -> Chosen:
    """The target's settings, defaults where nothing is overridden.

    Args:
      settings: Their class.
      overrides: `key=value` each; of a repeated key the last counts.
      target: The target's name, for errors.

    Raises:
      ConfigError: An override is no `key=value`, its key is unknown or its value of the wrong type.
    """
    given = {}
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key.strip():
            raise ConfigError("an override key=value", repr(override), f"write e.g. --set {_known(settings)[0]}=...")
        given[key.strip()] = value
    try:
        return settings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0]) if first["loc"] else target
        if first["type"] == "extra_forbidden":
            known = ", ".join(_known(settings))
            raise ConfigError(f"a key that {target} knows", repr(key), f"use one of: {known}") from None
        raise ConfigError(f"{key}: {first['msg']}", repr(first["input"])[:80], "correct this value") from None


def _known(settings: type[Settings]) -> list[str]:
    return list(settings.model_fields)
