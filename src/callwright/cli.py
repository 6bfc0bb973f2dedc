"""The command line: a thin face. Every command imports what it needs when it runs, so `--help` stays instant.

Exit codes: 0 fine, 1 the work failed, 2 the input was wrong, 130 stopped by Ctrl-C with everything saved.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.console import Console

import callwright
from callwright.errors import CallwrightError

app = App(
    name="callwright",
    help="From base weights to a served model whose tool calls can be trusted.",
    version=callwright.__version__,
    version_flags=["--version"],
)


@app.command
def run(
    config: Path | None = None,
    *,
    stages: Annotated[list[int] | None, Parameter(consume_multiple=True, negative="")] = None,
    resume: Path | None = None,
    overrides: Annotated[list[str] | None, Parameter(name="--set", consume_multiple=False, negative="")] = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    runs: Path = Path("runs"),
) -> int:
    """Run the pipeline, or go on with a run that was stopped.

    Args:
      config: Configuration file, e.g. config/quickstart.yaml; all defaults when absent.
      stages: Stages to run, e.g. --stages 3 4 5: 1 format, 2 BFCL baseline, 3 SFT small, 4 SFT full, 5 GRPO.
      resume: A finished stage of another run to start from, e.g. runs/quickstart/checkpoints/stage3.
      overrides: key.path=value, e.g. --set training.steps=200; may be given several times.
      dry_run: Print the configuration, the data of each stage and an estimate; run nothing.
      runs: Where run directories are made.
    """
    from callwright.orchestration.pipeline import run_pipeline

    return run_pipeline(config, stages=stages, resume=resume, overrides=overrides or [], dry_run=dry_run, runs=runs)


@app.command
def report(run: Path) -> int:
    """Make a run's results.json and report.html again and print its table.

    Args:
      run: The run's directory, e.g. runs/quickstart.
    """
    from callwright.orchestration.results import build_results
    from callwright.orchestration.rundir import RunDirectory
    from callwright.report.html import write_report
    from callwright.report.table import print_table

    directory = RunDirectory(run)
    results = build_results(directory)
    results.write(directory.results_path)
    write_report(run)
    print_table(results)
    print(f"\nReport: {directory.report_path}")
    return 0


@app.command
def score() -> int:
    """Score calls against BFCL entries: JSON lines in, JSON lines out (a filter).

    In: {"id", "entry", "category", "text" | "calls", "format"?, "underscore_to_dot"?}. Out: {"id", "valid",
    "error_type"}. A bad line is answered by a line with "error".
    """
    from callwright.evaluation.bfcl import load_category
    from callwright.formats import read_calls
    from callwright.jsonlines import run_filter
    from callwright.scoring.categories import CATEGORIES
    from callwright.scoring.filter import score_line

    entries = {entry.id: entry for name in CATEGORIES for entry in load_category(name)}
    run_filter(sys.stdin.buffer, sys.stdout.buffer, lambda line: score_line(line, entries, read_calls))
    return 0


@app.command
def render() -> int:
    """Render conversations to prompts: JSON lines in, JSON lines out (a filter).

    In: {"id", "format", "variant"?, "model"?, "tools"?, "messages", "add_generation_prompt"?, "enable_thinking"?},
    tools and messages in OpenAI's notation. Out: {"id", "prompt"}, and "warnings" where the family's template drops or
    misplaces something. A bad line is answered by a line with "error".
    """
    from callwright.formats.filter import render_line
    from callwright.jsonlines import run_filter

    run_filter(sys.stdin.buffer, sys.stdout.buffer, render_line)
    return 0


@app.command
def parse() -> int:
    """Parse what a model said into content and calls: JSON lines in, JSON lines out (a filter).

    In: {"id", "format", "variant"?, "model"?, "raw", "tools"?, "generation_prompt"?, "thinking"?, "finish_reason"?,
    "lenient"?}. Out: {"id", "content", "reasoning", "tool_calls": [{"name", "arguments"}], "complete", "errors"}, and
    "repairs" when lenient; an error or a repair is {"message", "position"}. A bad line is answered by a line with
    "error".
    """
    from callwright.formats.filter import parse_line
    from callwright.jsonlines import run_filter

    run_filter(sys.stdin.buffer, sys.stdout.buffer, parse_line)
    return 0


formats = App(name="formats", help="List the formats, or show one.")
app.command(formats)


@formats.default
def list_formats() -> int:
    """List the formats: name, variants (the default first), what ends the model's turn."""
    from callwright.formats.show import print_list

    print_list()
    return 0


@formats.command
def show(name: str) -> int:
    """Print the complete example in a format, control tokens apart from text, and what is trained on.

    Args:
      name: The format, or format/variant, e.g. xml/arguments.
    """
    from callwright.formats.show import print_example

    print_example(name)
    return 0


@app.command
def doctor() -> int:
    """Say what is installed, what is cached and what can be reached, and what to do about the rest."""
    from callwright.orchestration.doctor import examine

    return examine()


def main(arguments: list[str] | None = None) -> None:
    """The entry point: prints errors in one line and exits with the taxonomy's codes."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        code: Any = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except CallwrightError as error:
        errors.print(f"callwright: {error}", markup=False)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        errors.print("callwright: aborted; what was written before is kept, give the same command again to go on")
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:
        if type(error).__module__.startswith("cyclopts"):
            errors.print(f"callwright: {' '.join(str(error).split())}; see callwright --help", markup=False)
            sys.exit(2)
        raise
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
