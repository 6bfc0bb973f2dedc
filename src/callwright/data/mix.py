"""How often each kind of example comes, as a user tells it to a source that makes its examples."""

from typing import Self

from pydantic import model_validator

from callwright.settings import Settings


class MixSettings(Settings):
    """Weights of kinds, which need not add up to anything; each source derives a class with a field for each kind."""

    @model_validator(mode="after")
    def _some_weight(self) -> Self:
        if not any(self.model_dump().values()):
            raise ValueError("every weight of mix is 0; give at least one kind a positive weight")
        return self
