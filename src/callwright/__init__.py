"""Callwright: from base weights to a served model whose tool calls can be trusted."""

__version__ = "0.1.0"
