"""Lines of JSON, read."""

from callwright.storage import numbered_jsonl


def read_jsonl(path):
    """The objects of an append-only file."""
    return [row for _, row in numbered_jsonl(path)]
