"""BFCL: its data, asking an engine, and what the answers say statistically."""
