"""Runs a command line, and ends the process as it ended."""

import os
import sys
from io import TextIOWrapper
from typing import Any

from cyclopts import CycloptsError
from rich.console import Console

from callwright.cli.commands import app
from callwright.errors import CallwrightError, print_warnings_in_one_line
from callwright.usage import misuse


def main(arguments: list[str] | None = None) -> None:
    """The entry point: prints errors in one line and exits with the taxonomy's codes."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    print_warnings_in_one_line()
    sys.stdin, sys.stdout = sys.stdin or open(os.devnull), sys.stdout or open(os.devnull, "w")  # closed by the caller
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # tables and examples hold more than ASCII
    try:
        code: Any = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except (CallwrightError, CycloptsError) as error:
        refusal = misuse(error) if isinstance(error, CycloptsError) else error
        errors.print(f"callwright: {refusal}", markup=False)
        sys.exit(refusal.exit_code)
    except KeyboardInterrupt as stop:
        errors.print(f"callwright: aborted; {str(stop) or 'what was written before is kept'}", markup=False)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:
        sys.stdout = open(os.devnull, "w")  # what it holds cannot be written at the end either
        errors.print(
            f"callwright: expected to read and write; got {error}; free some space, or name another place", markup=False
        )
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)
