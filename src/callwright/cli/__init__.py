"""The command line: parameters, help and calls. Every command imports what it needs when it runs, so that `--help` is
instant.

Exit codes: 0 fine, 1 the work failed, 2 the input was wrong, 3 the probe found faults, 130 stopped by Ctrl-C with
everything saved.
"""

from callwright.cli.commands import app
from callwright.cli.entry import main

__all__ = ["app", "main"]
