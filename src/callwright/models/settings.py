"""What a configuration says of weights and adapters, apart from the code that loads them: that imports JAX, which takes
seconds, and a wrong configuration is told before.
"""

from typing import Literal, get_args

from pydantic import Field

from callwright.settings import Settings

Precision = Literal["float32", "bfloat16"]
Module = Literal["q_einsum", "kv_einsum", "attn_vec_einsum", "gate_proj", "up_proj", "down_proj"]
"""What of a layer can be adapted, by Tunix's names."""


class LoraSettings(Settings):
    """The shape of an adapter."""

    rank: int = Field(16, gt=0)
    """Inner width of the factors."""
    alpha: float = Field(32.0, gt=0)
    """The product of the factors is scaled by alpha / rank."""
    modules: tuple[Module, ...] = Field(get_args(Module), min_length=1)
    """Which modules are adapted; the default is all seven projections (`kv_einsum` is two)."""

    @property
    def scale(self) -> float:
        """What the product of the factors is multiplied by."""
        return self.alpha / self.rank
