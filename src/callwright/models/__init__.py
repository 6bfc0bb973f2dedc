"""Weights: finding, verifying and converting them, their tokenizer, and the forward pass that serves them."""
