"""The command line: parameters, help and calls. Every command imports what it needs when it runs, so that `--help` is
instant.

Exit codes: 0 fine, 1 the work failed, 2 the input was wrong, 3 the probe found faults, 130 stopped by Ctrl-C with
everything saved.
"""

import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, CycloptsError, Parameter
from cyclopts.validators import Number
from rich.console import Console

import callwright
from callwright.errors import CallwrightError, ConfigError, print_warnings_in_one_line
from callwright.usage import misuse

Positive = Annotated[int, Parameter(validator=Number(gte=1))]

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
    dry_run: Annotated[bool, Parameter(negative="")] = False,
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


formats = App(
    name="formats",
    usage="callwright formats [show NAME | detect FILE | --json]",
    help="List the formats with the models that speak them and what ends the model's turn, show one format, or detect "
    "which one a model's files are of.",
)
app.command(formats)


@formats.default
def list_formats(*, json: Annotated[bool, Parameter(negative="")] = False) -> None:
    """List the formats: NAME or NAME/VARIANT, the default variant marked.

    Args:
      json: Print a JSON list instead of the table.
    """
    from callwright.formats.example import print_list

    print_list(as_json=json)


data = App(name="data", help="Look at training data.")
app.command(data)


@data.command(name="show")
def show_data(
    path: Path,
    *,
    format: str | None = None,
    count: Positive = 3,
    start: Positive = 1,
) -> int:
    """Print examples as they will be trained on: control tokens and what is trained on marked, and what is not read.

    Exits with 2 when one of them is wrong.

    Args:
      path: A file of conversations, one JSON object a line, or a configuration, e.g. config/quickstart.yaml.
      format: The format, or format/variant, e.g. qwen3; the configuration's when absent.
      count: How many examples of each source.
      start: The number of the first.
    """
    from callwright.orchestration.data_show import show_data as print_examples

    return print_examples(path, format=format, count=count, start=start)


evaluations = App(name="eval", help="Evaluate own tools, compare two evaluations, or show one entry of one.")
app.command(evaluations)

Suite = Literal["bfcl", "tools"]


@evaluations.command(usage="callwright eval tools RUN [OPTIONS]")
def tools(
    run: Path,
    *,
    file: Path | None = None,
    turns: Literal["last", "all"] = "last",
    json: Annotated[bool, Parameter(negative="")] = False,
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


@evaluations.command(usage="callwright eval compare A B [OPTIONS]")
def compare(
    a: Path,
    b: Path,
    *,
    suite: Suite | None = None,
    file: str | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
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


@evaluations.command(name="show")
def show_entry(run: Path, id: str) -> None:
    """Show one entry of an evaluation: the prompt, the model output, what was read of it, expected, and the verdict.

    Args:
      run: runs/NAME, runs/NAME/stageN or runs/NAME/checkpoints/stageN; without a stage the last evaluation that has it.
      id: The entry's id, as `eval compare` and the report name it.
    """
    from callwright.report.show import show

    show(run, id)


@formats.command
def show(name: str) -> None:
    """Print the complete example in a format, control tokens apart from text, and what is supervised.

    Args:
      name: The format, or format/variant, e.g. xml/arguments.
    """
    from callwright.formats.example import print_example

    print_example(name)


@formats.command(name="detect")
def detect_format(path: Path, *, json: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Detect the format of a chat template: by its bytes, or by what it writes for small conversations with tools.

    Prints the formats that it may be of, the surest first, each with how sure that is. Exits with 1 where it is none.

    Args:
      path: A Jinja file, a tokenizer_config.json or chat_template.json, a GGUF, or a model's directory.
      json: Print a JSON list: format, same_bytes_as (whose template it is, or null), same_prompts (or null).
    """
    from callwright.detect import print_detected

    return print_detected(path, as_json=json)


instrument = App(
    name="instrument",
    help="Build a tiny model with weights set by hand, which any runtime loads; see docs/instruments.md.",
)
app.command(instrument)

Output = Annotated[Path, Parameter(name=["--output", "-o"])]
Architecture = Literal["llama", "gemma3"]


@instrument.command
def script(
    lines: Path, *, format: str, output: Output, architecture: Architecture = "llama", context: Positive = 8192
) -> None:
    """Build a script: it generates planned outputs token for token, each chosen by the last cue in the prompt.

    Args:
      lines: JSON lines: {"cue": "weather", "says": "..."}, or {"cue", "message": an assistant message in OpenAI's
        notation, "tools"?}. The prompt chooses a line by @@weather@@.
      format: The format whose special tokens, template and stops it has, e.g. qwen3 or xml/arguments.
      output: A path that ends in .gguf (llama.cpp, Ollama), or a directory (transformers, vLLM).
      architecture: Whose weights.
      context: How many tokens prompt and answer may have together.
    """
    from callwright.instruments.command import build_script

    build_script(lines, format, output, architecture=architecture, context=context)


@instrument.command
def xray(
    *,
    format: str | None = None,
    model: Path | None = None,
    prompt_tokens: Positive,
    output: Output,
    start: Annotated[int, Parameter(validator=Number(gte=0))] = 0,
    architecture: Architecture = "llama",
    context: Positive | None = None,
) -> None:
    """Build an x-ray: it repeats the very tokens that reached it, for prompts of one length.

    Args:
      format: The format whose special tokens, template and stops it has, e.g. qwen3 or xml/arguments.
      model: A GGUF whose own tokenizer it has instead, to see what that makes of a prompt; with a format, that format's
        template takes the place of the file's. It is written as a .gguf.
      prompt_tokens: The prompt's length as the server counts it; ask once with a limit of one token.
      output: A path that ends in .gguf (llama.cpp, Ollama), or a directory (transformers, vLLM).
      start: The first token to repeat, counted from 0, for a context too short for a prompt and its repetition.
      architecture: Whose weights.
      context: How many tokens prompt and answer may have together; what they need, if absent.
    """
    from callwright.instruments.command import build_xray

    build_xray(
        format,
        model,
        output,
        prompt_tokens=prompt_tokens,
        start=start,
        architecture=architecture,
        context=context,
    )


@instrument.command(usage="callwright instrument dice --format STR --output PATH [OPTIONS] FACES...")
def dice(
    *faces: str, format: str, output: Output, architecture: Architecture = "llama", context: Positive = 8192
) -> None:
    """Build dice: they draw every token from a known distribution.

    Args:
      faces: Text or special tokens and their probabilities, which add up to 1, e.g. red=0.5 green=0.3 blue=0.2.
      format: The format whose special tokens, template and stops they have, e.g. qwen3 or xml/arguments.
      output: A path that ends in .gguf (llama.cpp, Ollama), or a directory (transformers, vLLM).
      architecture: Whose weights.
      context: How many tokens prompt and answer may have together.
    """
    from callwright.instruments.command import build_dice

    build_dice(faces, format, output, architecture=architecture, context=context)


@instrument.command
def read(
    *,
    format: str | None = None,
    model: Path | None = None,
    part: Literal["both", "reader"] | None = None,
    cases: Annotated[list[Path] | None, Parameter(consume_multiple=True, negative="")] = None,
    text: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Read the output of an x-ray: text in, the prompt's parts out as JSON lines (a filter).

    In: the private-use characters that it generated; with --part also the JSON of a server's answer that holds them.
    Out: {"text", "control"} for each run of text and of special tokens; of a model's own vocabulary {"id", "piece"}
    for each token, spelled as its file spells it.

    Args:
      format: The format that the x-ray was built for.
      model: The GGUF that it was built for.
      part: It is the probe's own instrument, built with this --part.
      cases: The files of further cases that the probe's instrument was built with.
      text: Print the prompt as text instead, special tokens in ⟦ ⟧.
    """
    if part is not None:
        from callwright.probe.command import read_prompt

        read_prompt(sys.stdin.buffer, format, cases or [], part=part, as_text=text)
        return
    from callwright.instruments.command import print_xray

    print_xray(sys.stdin.buffer, format, model, as_text=text)


@instrument.command(name="probe")
def probe_instrument(
    *,
    format: str,
    output: Output,
    cases: Annotated[list[Path] | None, Parameter(consume_multiple=1, negative="")] = None,
    part: Literal["both", "speaker", "reader", "dice"] = "both",
    architecture: Architecture = "llama",
    context: Positive = 8192,
) -> None:
    """Build the probe's own instrument for a format, to load it into a server by hand.

    Args:
      format: The format whose special tokens, template and stops it has, e.g. qwen3 or xml/arguments.
      output: A path that ends in .gguf (llama.cpp, Ollama), or a directory (transformers, vLLM).
      cases: Files of further cases; see docs/fidelity-set.md.
      part: What generates the cases' outputs (speaker), what reads prompts (reader), both in one file for a server that
        is probed by its URL, or the dice of the sampling cases.
      architecture: Whose weights.
      context: How many tokens prompt and answer may have together.
    """
    from callwright.probe.command import write_instrument

    write_instrument(format, cases or [], output, part=part, architecture=architecture, context=context)


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
    json: Annotated[bool, Parameter(negative="")] = False,
    show: Annotated[bool, Parameter(negative="")] = False,
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
