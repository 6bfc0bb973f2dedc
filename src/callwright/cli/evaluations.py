"""`callwright eval`."""

from pathlib import Path
from typing import Literal

from cyclopts import App

from callwright.cli.parameters import Switch

group = App(name="eval", help="Evaluate own tools, compare two evaluations, or show one entry of one.")
Suite = Literal["bfcl", "tools"]


@group.command(usage="callwright eval tools RUN [OPTIONS]")
def tools(
    run: Path,
    *,
    file: Path | None = None,
    turns: Literal["last", "all"] = "last",
    json: Switch = False,
) -> int:
    """Ask the model after a stage of a run for calls of own tools, and print the scores by kind and by tool.

    Without --file it is the run's own suite `tools`, continued where it is unfinished. The rows of a file are in
    evaluations/stageN/tools/files/NAME; what has its row is not asked again.

    Args:
      run: runs/NAME, runs/NAME/stageN or runs/NAME/checkpoints/stageN; without a stage the last evaluation.
      file: Labelled conversations, one JSON object a line, as training data. A line without tools or without a system
        message takes those of the tools file that the run's configuration names.
      turns: Ask for the assistant's last message of each line, or for each of them, after the others as they stand.
      json: Print JSON.
    """
    from callwright.orchestration.eval_tools import evaluate_tools

    return evaluate_tools(run, file=file, turns=turns, as_json=json)


@group.command(usage="callwright eval compare A B [OPTIONS]")
def compare(
    a: Path,
    b: Path,
    *,
    suite: Suite | None = None,
    file: str | None = None,
    json: Switch = False,
) -> None:
    """Compare two evaluations on the entries that both were asked: won, lost, and what follows from it.

    Entry by entry, with McNemar's exact test and Tango's 95% interval of the difference, by category and over all. B is
    called better or worse where p < 0.05, no worse where it loses at most 5 points by that interval, and else it is
    undecided.

    Args:
      a: The earlier one, or the one to beat: runs/NAME, runs/NAME/stageN or runs/NAME/checkpoints/stageN; without a
        stage the last evaluation.
      b: The one that is judged, the same way.
      suite: The suite; without it, all that both have.
      file: A file that both scored with `eval tools --file`, or its name without .jsonl.
      json: Print JSON, with the ids of all entries that were won or lost.
    """
    from callwright.report.compare import compare as print_comparison

    print_comparison(a, b, suite=suite, file=file, as_json=json)


@group.command(name="show")
def show_entry(run: Path, id: str) -> None:
    """Show one entry of an evaluation: the prompt, the model output, what was read of it, expected, and the verdict.

    Args:
      run: runs/NAME, runs/NAME/stageN or runs/NAME/checkpoints/stageN; without a stage the last evaluation that has it.
      id: The entry's id, as `eval compare` and the report name it.
    """
    from callwright.report.show import show

    show(run, id)
