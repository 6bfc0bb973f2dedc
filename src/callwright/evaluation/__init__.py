"""Evaluation on BFCL: its entries, who answers them, the rows of the answers, and their statistics."""
