"""Synthetic examples: declared tools, asked for in generated words, under names that change from example to example."""

from callwright.data.synthetic.source import Composed, Mix, SyntheticSettings, SyntheticSource

__all__ = ["Composed", "Mix", "SyntheticSettings", "SyntheticSource"]
