"""The base of every configuration class: frozen, typed, and closed to unknown keys.

Each room declares its own settings next to the code that reads them, with a sentence for each field;
`orchestration/config.py` composes them into the file a user writes.
"""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A frozen configuration section; an unknown key or a wrong type is an error that names the key."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=False, validate_default=True, use_attribute_docstrings=True
    )
