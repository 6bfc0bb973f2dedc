"""How the next token is drawn: the same parameters for the engine in this process and for a server."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from callwright.conversation import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingParams:
    """The parameters of a sampler. None leaves one to the engine: a server's default, greedy decoding in this process.

    As a part of a pydantic model its values are checked: only what samplers take is a value.

    Attributes:
      temperature: Logits are divided by it; 0 takes the likeliest token.
      top_k: Only so many of the likeliest tokens are drawn from; 0 is all of them.
      top_p: Only the likeliest tokens that together have this probability are drawn from.
      min_p: Only tokens with at least this part of the likeliest one's probability are drawn from.
      repeat_penalty: Logits of recent tokens are divided by it, or multiplied where they are negative.
      seed: The same prompt and seed draw the same tokens.
    """

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid", allow_inf_nan=False)

    temperature: Annotated[float | None, Field(strict=True, ge=0)] = None
    top_k: Annotated[int | None, Field(strict=True, ge=0)] = None
    top_p: Annotated[float | None, Field(strict=True, ge=0, le=1)] = None
    min_p: Annotated[float | None, Field(strict=True, ge=0, le=1)] = None
    repeat_penalty: Annotated[float | None, Field(strict=True, gt=0)] = None
    seed: Annotated[int | None, Field(strict=True)] = None

    def to_wire(self, names: Mapping[str, str]) -> dict[str, Json]:
        """The parameters that are not None, under the names that an interface has for ours, in the order of `names`."""
        return {theirs: value for ours, theirs in names.items() if (value := getattr(self, ours)) is not None}


GREEDY = SamplingParams(temperature=0.0, seed=1)
PURE = SamplingParams(temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, repeat_penalty=1.0)
"""The model's own distribution."""
