"""Synthetic examples: declared tools, asked for in generated words, under names that change from offer to offer."""

from callwright.data.synthetic.settings import Mix, SyntheticSettings
from callwright.data.synthetic.source import SYNTHETIC_VERSION, Composed, SyntheticSource

__all__ = ["SYNTHETIC_VERSION", "Composed", "Mix", "SyntheticSettings", "SyntheticSource"]
