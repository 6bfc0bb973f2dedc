"""Sampling cases: an instrument of known probabilities is sampled, and the counts are tested."""
