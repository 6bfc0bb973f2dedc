"""`callwright bakeoff`."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from callwright.cli.parameters import Positive, Switch

group = App(name="bakeoff", help="Ask one model through several runtimes, step by step, and say where they part.")


@group.command(usage="callwright bakeoff run CONFIG [OPTIONS]")
def run(
    config: Path,
    *,
    run: Path | None = None,
    wordings: Positive | None = None,
    arms: Annotated[list[str] | None, Parameter(consume_multiple=1, negative="")] = None,
    history: Path | None = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    yes: Switch = False,
) -> int:
    """Run the tasks of a configuration through its arms, or go on where that was stopped.

    A llama.cpp server is started on the run's exported GGUF for the arms that need one. What fails in an arm is a trace
    that says why, and the others go on.

    Args:
      config: Configuration file, e.g. config/bakeoff.yaml.
      run: The trained model: runs/NAME or runs/NAME/stageN; by default the configuration's, or the base model where
        there is no such run.
      wordings: How many wordings of each task are asked, in place of the configuration's number.
      arms: Which of the configuration's arms are asked, e.g. jax llamacpp-raw; all by default.
      history: A chat that precedes every request: YAML or JSON, a list of {user: ...} and {assistant: ...} in turns.
      output: The directory; runs/NAME/bakeoffs/stageN by default, or bakeoffs/MODEL for the base model.
      yes: Build a llama-server without asking, where there is none.
    """
    from callwright.orchestration.bakeoff import BakeoffOptions, run_bakeoff

    options = BakeoffOptions(run=run, wordings=wordings, arms=arms, history=history, output=output, yes=yes)
    return run_bakeoff(config, options)


@group.command(usage="callwright bakeoff compare DIR [OPTIONS]")
def compare(
    directory: Path,
    *,
    reference: str = "jax",
    probe: Annotated[list[str] | None, Parameter(consume_multiple=1, negative="")] = None,
    html: Path | None = None,
    json: Switch = False,
) -> int:
    """Compare the arms of a bake-off: where each parts from the reference first, by which cause, and what it costs.

    The verdict is also in DIR/verdict.json, and as a page with the conversations side by side.

    Args:
      directory: The bake-off's directory, as `bakeoff run` names it.
      reference: The arm that the others are compared with.
      probe: What `callwright probe --json` printed of the runtime behind an arm, ARM=FILE, e.g.
        llamacpp-chat=probe.json; findings then name the cases that show them, too.
      html: Where the page goes; DIR/verdict.html by default.
      json: Print JSON.
    """
    from callwright.orchestration.bakeoff_compare import compare_bakeoff

    return compare_bakeoff(directory, reference=reference, probes=probe or (), html=html, as_json=json)


@group.command(usage="callwright bakeoff setup ARM [OPTIONS]")
def setup(arm: str, *, yes: Switch = False) -> int:
    """Install what an arm needs in an environment of its own: gemma-jax, about 3 GB, once.

    Args:
      arm: The arm: gemma-jax, the reference code of google-deepmind/gemma.
      yes: Install it without asking.
    """
    from callwright.bakeoff.gemma_environment import setup_arm

    return setup_arm(arm, yes=yes, ask=input)
