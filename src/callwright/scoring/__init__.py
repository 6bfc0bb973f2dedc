"""Safe decoding of call text and matching of calls: evaluation and rewards both stand on it."""
