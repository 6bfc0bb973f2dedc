"""Evaluation: suites and their entries, who answers them, the rows of the answers, and their statistics."""
