"""Tiny models with weights set by hand, which any runtime loads: they make it show what it feeds a model, and what it
does with what a model says.
"""
