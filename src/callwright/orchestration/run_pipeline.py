"""`python -m callwright.orchestration.run_pipeline --stages 4 5 --resume checkpoints/stage3`.

The same as `callwright run`, with the configuration config/pipeline.yaml when it is there and --config names no other.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from callwright.errors import CallwrightError, print_warnings_in_one_line
from callwright.orchestration.command import run

DEFAULT = Path("config/pipeline.yaml")


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses the arguments and runs; returns the exit code."""
    parser = argparse.ArgumentParser(prog="run_pipeline", description=__doc__)
    parser.add_argument("--config", type=Path, default=None, help=f"configuration file (default: {DEFAULT})")
    parser.add_argument("--stages", type=int, nargs="+", default=None, help="stages to run, e.g. 4 5 (default: all)")
    parser.add_argument("--resume", type=Path, default=None, help="a finished stage to start from")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--budget", default=None, help="time for the whole run, e.g. 25m, or off")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    options = parser.parse_args(arguments)
    config = options.config
    if config is None and DEFAULT.is_file():
        config = DEFAULT
        print(f"run_pipeline: taking the configuration {config}", file=sys.stderr)
    print_warnings_in_one_line()
    try:
        return run(
            config,
            stages=options.stages,
            resume=options.resume,
            overrides=options.overrides,
            budget=options.budget,
            dry_run=options.dry_run,
        )
    except CallwrightError as error:
        print(f"run_pipeline: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
