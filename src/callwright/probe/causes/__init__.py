"""Causes: what explains that another prompt reached the model, or that an answer is not what was said."""
