"""`callwright eval`."""

from pathlib import Path
from typing import Literal

from cyclopts import App

from callwright.cli.parameters import Switch

group = App(name="eval", help="Evaluate a stage or a served model, compare two evaluations, or show one entry of one.")
Suite = Literal["bfcl", "tools"]
Engine = Literal["llamacpp", "ollama", "openai"]


@group.command(usage="callwright eval tools RUN [OPTIONS]")
def tools(
    run: Path,
    *,
    file: Path | None = None,
    turns: Literal["last", "all"] = "last",
    url: str | None = None,
    engine: Engine | None = None,
    model: str | None = None,
    gguf: Path | None = None,
    name: str | None = None,
    yes: Switch = False,
    json: Switch = False,
) -> int:
    """Ask the model after a stage of a run for calls of own tools, and print the scores by kind and by tool.

    Without --file it is the run's own suite `tools`, continued where it is unfinished. The rows of a file are in
    evaluations/stageN/tools/files/NAME; what has its row is not asked again. With --url or --engine a served model is
    asked the same, its rows are in served/NAME below the run's own, and it is compared with these entry by entry.

    Args:
      run: runs/NAME, runs/NAME/stageN or runs/NAME/checkpoints/stageN; without a stage the last evaluation.
      file: Labelled conversations, one JSON object a line, as training data. A line without tools or without a system
        message takes those of the tools file that the run's configuration names.
      turns: Ask for the assistant's last message of each line, or for each of them, after the others as they stand.
      url: Where a server is, http://HOST:PORT; it is asked in place of the model in this process.
      engine: What serves the model: with llamacpp and no --url a llama.cpp server is started on the stage's exported
        GGUF; ollama is the one in OLLAMA_HOST without --url; openai, the default with --url, is any server of OpenAI's
        endpoint.
      model: What the server calls the model.
      gguf: The file that the llama.cpp server is started on, where it is not the stage's only export.
      name: What the served model's rows are kept under; by default the engine and the model.
      yes: Build a llama-server without asking, where there is none.
      json: Print JSON.
    """
    from callwright.orchestration.eval_suite import evaluate_suite
    from callwright.orchestration.served_model import ServedOptions

    served = ServedOptions(engine=engine, url=url, model=model, gguf=gguf, name=name, yes=yes).check()
    return evaluate_suite(run, "tools", file=file, turns=turns, served=served, as_json=json)


@group.command(usage="callwright eval bfcl RUN [OPTIONS]")
def bfcl(
    run: Path,
    *,
    url: str | None = None,
    engine: Engine | None = None,
    model: str | None = None,
    gguf: Path | None = None,
    name: str | None = None,
    yes: Switch = False,
    json: Switch = False,
) -> int:
    """Ask the model after a stage of a run for calls that BFCL's entries expect, and print the scores by category.

    It is the run's own suite `bfcl`, continued where it is unfinished. With --url or --engine a served model is asked
    the same, its rows are in evaluations/stageN/served/NAME, and it is compared with the run's own entry by entry.

    Args:
      run: runs/NAME, runs/NAME/stageN or runs/NAME/checkpoints/stageN; without a stage the last evaluation.
      url: Where a server is, http://HOST:PORT; it is asked in place of the model in this process.
      engine: What serves the model: with llamacpp and no --url a llama.cpp server is started on the stage's exported
        GGUF; ollama is the one in OLLAMA_HOST without --url; openai, the default with --url, is any server of OpenAI's
        endpoint.
      model: What the server calls the model.
      gguf: The file that the llama.cpp server is started on, where it is not the stage's only export.
      name: What the served model's rows are kept under; by default the engine and the model.
      yes: Build a llama-server without asking, where there is none.
      json: Print JSON.
    """
    from callwright.orchestration.eval_suite import evaluate_suite
    from callwright.orchestration.served_model import ServedOptions

    served = ServedOptions(engine=engine, url=url, model=model, gguf=gguf, name=name, yes=yes).check()
    return evaluate_suite(run, "bfcl", served=served, as_json=json)


@group.command(usage="callwright eval compare A B [OPTIONS]")
def compare(
    a: Path,
    b: Path,
    *,
    suite: Suite | None = None,
    file: str | None = None,
    served: str | None = None,
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
      served: B is the served model whose rows are kept under this name; with A = B, A is the stage that it serves.
      json: Print JSON, with the ids of all entries that were won or lost.
    """
    from callwright.report.compare import compare as print_comparison

    print_comparison(a, b, suite=suite, file=file, served=served, as_json=json)


@group.command(name="show")
def show_entry(run: Path, id: str, *, served: str | None = None) -> None:
    """Show one entry of an evaluation: the prompt, the model output, what was read of it, expected, and the verdict.

    Args:
      run: runs/NAME, runs/NAME/stageN or runs/NAME/checkpoints/stageN; without a stage the last evaluation that has it.
      id: The entry's id, as `eval compare` and the report name it.
      served: The name under which a served model's rows are kept; without it, the run's own.
    """
    from callwright.report.show import show

    show(run, id, served)
