"""`callwright score`: the filter over BFCL's entries, with the parsers of all formats."""

from typing import BinaryIO

from callwright.evaluation.bfcl import load_category
from callwright.formats import read_calls
from callwright.jsonlines import run_filter
from callwright.scoring.categories import CATEGORIES
from callwright.scoring.filter import score_line


def answer_lines(stdin: BinaryIO, stdout: BinaryIO) -> int:
    """Answers every line with a verdict or an error, and returns the exit code; see `scoring.filter` and `jsonlines`.

    Raises:
      FetchError: The benchmark is neither in the cache nor to be had.
    """
    entries = {entry.id: entry for name in CATEGORIES for entry in load_category(name)}
    return run_filter(stdin, stdout, lambda line: score_line(line, entries, read_calls))
