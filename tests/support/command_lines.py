"""Command lines that are printed for users to give."""

import shlex

from callwright.cli import app


def parsed(line):
    """The command of ours that a shell line gives, and what it says; an error where ours does not take it."""
    program, *words = shlex.split(line, comments=True)
    assert program == "callwright"
    command, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
    return command.__name__, dict(bound.arguments)
