"""The commands: those of a name alone, and the groups of others, in the order in which the documentation lists them."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

import callwright
from callwright.cli import bakeoff, data, evaluations, export, formats, instrument
from callwright.cli.parameters import Switch
from callwright.errors import ConfigError

app = App(
    name="callwright",
    help="From base weights to a model whose tool calls can be trusted.",
    version=callwright.__version__,
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,
)


@app.command(usage="callwright run [CONFIG] [OPTIONS]")  # before --stages, which takes all that follows
def run(
    config: Path | None = None,
    *,
    stages: Annotated[list[int] | None, Parameter(consume_multiple=1, negative="")] = None,
    resume: Path | None = None,
    overrides: Annotated[list[str] | None, Parameter(name="--set", consume_multiple=False, negative="")] = None,
    budget: str | None = None,
    dry_run: Switch = False,
    runs: Path = Path("runs"),
) -> int:
    """Run the pipeline, or continue a run that was stopped.

    Args:
      config: Configuration file, e.g. config/quickstart.yaml; there is none by default.
      stages: Stages to run, e.g. --stages 3 4 5: 1 format, 2 BFCL baseline, 3 SFT small, 4 SFT full, 5 GRPO.
      resume: A finished stage of another run to start from: runs/NAME/stageN or runs/NAME/checkpoints/stageN;
        runs/NAME for its last finished one.
      overrides: key.path=value, e.g. --set training.steps=200; may be given several times. A path is relative to the
        working directory; one in the configuration is relative to its file.
      budget: Time for the whole run, e.g. 25m or 1h30m, in place of the configuration's: steps and samples of a new run
        are scaled down until its estimate on this machine fits. off runs everything whole.
      dry_run: Print the configuration, the data of each stage and an estimate of time and memory, and refuse what a run
        would refuse; run nothing.
      runs: Where run directories are made.
    """
    from callwright.orchestration.command import run as run_stages

    return run_stages(
        config, stages=stages, resume=resume, overrides=overrides or [], budget=budget, dry_run=dry_run, runs=runs
    )


@app.command
def report(run: Path) -> None:
    """Make a run's results.json and report.html again and print its table.

    Args:
      run: The run: runs/NAME, runs/NAME/stageN or runs/NAME/checkpoints/stageN.
    """
    from callwright.report.command import report as make_report

    make_report(run)


@app.command(name="runs", usage="callwright runs [DIRECTORY]")
def list_runs(directory: Path | None = None) -> None:
    """List the runs of a directory, a line each: state, stages that are done, best accuracy, when it began.

    The accuracy is that of the entries that ask for a call, after the stage that is named, with its 95% interval. A run
    that cannot be read is listed with what is wrong.

    Args:
      directory: Where run directories are, runs by default; a run's own lists that run alone.
    """
    from callwright.report.runs_list import print_runs

    print_runs(directory)


@app.command
def score() -> int:
    """Score calls against BFCL entries: JSON lines in, JSON lines out (a filter).

    In: {"id", "entry", "category"?, "text" | "calls", "format"?, "variant"?, "model"?, "underscore_to_dot"?}, calls in
    OpenAI's notation or null. Out: {"id", "valid", "error_type"}, and "warnings" that name keys that nobody reads. A
    bad line is answered by a line with "error", a blank one is passed over. Exits with 1 when every line was bad.
    """
    from callwright.evaluation.score_command import answer_lines

    return answer_lines(sys.stdin.buffer, sys.stdout.buffer)


@app.command
def render() -> int:
    """Render conversations to prompts: JSON lines in, JSON lines out (a filter).

    In: {"id", "format", "variant"?, "model"?, "tools"?, "messages", "add_generation_prompt"?, "enable_thinking"?},
    tools and messages in OpenAI's notation. Out: {"id", "prompt"}, and "warnings" where the family's template drops or
    misplaces something, or nobody reads a key. A bad line is answered by a line with "error", a blank one is passed
    over. Exits with 1 when every line was bad.
    """
    from callwright.formats.filter import render_line
    from callwright.jsonlines import run_filter

    return run_filter(sys.stdin.buffer, sys.stdout.buffer, render_line)


@app.command
def parse() -> int:
    """Parse model output into content and calls: JSON lines in, JSON lines out (a filter).

    In: {"id", "format", "variant"?, "model"?, "raw", "tools"?, "generation_prompt"?, "thinking"?, "finish_reason"?,
    "lenient"?}. Out: {"id", "content", "reasoning", "tool_calls": [{"name", "arguments"}], "complete", "errors"}, and
    "repairs" when lenient; an error or a repair is {"message", "position"}. "warnings" name what is not read. A bad
    line is answered by a line with "error", a blank one is passed over. Exits with 1 when every line was bad.
    """
    from callwright.formats.filter import parse_line
    from callwright.jsonlines import run_filter

    return run_filter(sys.stdin.buffer, sys.stdout.buffer, parse_line)


app.command(formats.group)
app.command(data.group)
app.command(evaluations.group)
app.command(export.group)
app.command(export.serve)
app.command(export.chat)
app.command(bakeoff.group)
app.command(instrument.group)


@app.command(usage="callwright probe [TARGET] [OPTIONS]")  # before --format and others, which take all that follows
def probe(
    target: str | None = None,
    *,
    saved: Annotated[Path | None, Parameter(name="--from")] = None,
    formats: Annotated[list[str] | None, Parameter(name="--format", consume_multiple=1, negative="")] = None,
    overrides: Annotated[list[str] | None, Parameter(name="--set", consume_multiple=1, negative="")] = None,
    cases: Annotated[list[Path] | None, Parameter(consume_multiple=1, negative="")] = None,
    only: Annotated[list[str] | None, Parameter(consume_multiple=1, negative="")] = None,
    html: Path | None = None,
    json: Switch = False,
    show: Switch = False,
    baseline: Path | None = None,
) -> int:
    """Measure what a runtime does between a model and your code, with instruments; see docs/probe.md.

    Exits with 3 when there is a fault that the baseline does not have, and with 1 when nothing could be tested, or
    nothing that the baseline has tested.

    Args:
      target: llamacpp (a server is started), ollama (a running one), transformers (where it is installed), or the URL
        of an OpenAI-compatible server.
      saved: Show a report printed by --json instead of probing a target.
      formats: Formats to test, e.g. qwen3 xml/arguments; all when absent.
      overrides: Settings of the target, key=value, e.g. renderer=gemma4 for ollama or jinja=false for llamacpp.
      cases: Files of further cases; see docs/fidelity-set.md.
      only: Beginnings of the ids of the cases to run, e.g. rendering parsing.cut.
      html: Write a page that opens offline, with expected and seen side by side.
      json: Print the report as JSON instead of the score card.
      show: Print what was expected and seen in each case too, in full: prompts with their special tokens in ⟦ ⟧.
      baseline: A report printed by --json; only what changed since is shown, of the cases that are run.
    """
    if saved is not None:
        if target or formats or overrides or cases:
            raise ConfigError("--from without a target and its settings", "both", "leave out one of the two")
        from callwright.probe.command import show_saved

        return show_saved(saved, only=only or [], html=html, as_json=json, show=show, baseline=baseline)
    if target is None:
        fix = "name one, or a saved report: --from REPORT.json; options that take several values take all that follows"
        raise ConfigError("a target to probe", "none", fix)
    from callwright.probe.command import probe as run_probe

    return run_probe(
        target,
        formats=formats or [],
        overrides=overrides or [],
        files=cases or [],
        only=only or [],
        html=html,
        as_json=json,
        show=show,
        baseline=baseline,
    )


@app.command
def doctor() -> int:
    """Say what is installed, what is cached and what can be reached, and what to do about the rest."""
    from callwright.orchestration.doctor import examine

    return examine()
