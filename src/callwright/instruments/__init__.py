"""Tiny models with weights set by hand, which any runtime loads: they show what it feeds a model, and what it does with
the model's output.
"""
