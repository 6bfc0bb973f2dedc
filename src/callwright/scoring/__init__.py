"""BFCL's rules: call text is decoded without being executed, and calls are matched with an entry's gold calls."""
