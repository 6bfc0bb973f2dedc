"""`callwright export`, `callwright serve` and `callwright chat`."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number

from callwright.cli.parameters import Positive, Switch

group = App(name="export", help="Write the trained model as files that runtimes load, and check them.")


@group.default
def export(
    run: Path,
    *,
    to: Literal["hf", "gguf", "ollama", "lora"],
    quantize: str | None = None,
    dtype: Literal["float32", "bfloat16", "float16"] | None = None,
    format: str | None = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    force: Switch = False,
    verify: Annotated[bool, Parameter(negative="--no-verify")] = True,
    importance_matrix: Switch = False,
    way: Literal["jinja", "renderer", "template"] | None = None,
    context: Positive | None = None,
    create: str | None = None,
    url: str | None = None,
    yes: Switch = False,
) -> None:
    """Write the model after a stage of a run for a runtime, check it, and describe it in a card.

    Args:
      run: runs/NAME, runs/NAME/stageN or runs/NAME/checkpoints/stageN; without a stage the last finished one.
      to: hf for transformers and vLLM, gguf for llama.cpp and LM Studio, ollama for a GGUF with a Modelfile, lora for
        the adapter alone.
      quantize: What the numbers of a GGUF are stored as: f32, f16, bf16, q8_0 (the default), q4_k_m, q5_k_m or q6_k.
      dtype: What those of hf are stored as; bfloat16 by default.
      format: Another format than the one that the model was trained in, e.g. qwen3 or xml/arguments.
      output: The directory; runs/NAME/exports/stageN/... by default.
      force: Replace an export that is there.
      verify: Whether the files are checked: merged logits, prompts, tokens, distributions, and calls through a server.
      importance_matrix: Quantize most exactly what matters most on the training data (q4_k_m, q5_k_m, q6_k).
      way: How Ollama serves the model; by default the way that keeps its calls.
      context: How many tokens prompt and answer may have together in Ollama; 8192 by default, if the model can.
      create: What a running Ollama is to call the model; with --to ollama.
      url: Where that Ollama is; $OLLAMA_HOST, or this machine, by default.
      yes: Build llama.cpp without asking, where there is none.
    """
    from callwright.orchestration.export import ExportOptions, export

    options = ExportOptions.chosen(
        to=to,
        quantization=quantize,
        dtype=dtype,
        format=format,
        output=output,
        force=force,
        verify=verify,
        importance_matrix=importance_matrix,
        way=way,
        context=context,
        create=create,
        url=url,
        yes=yes,
    )
    export(run, options)


@group.command(usage="callwright export compare RUN [OPTIONS]")
def compare(run: Path, *, json: Switch = False, yes: Switch = False) -> int:
    """Put the exported quantizations of a stage side by side, and say which one to ship.

    Size, tokens a second, the divergence from the trained model by part of a call, and both suites, asked through
    llama.cpp and compared with the run's own rows entry by entry.

    Args:
      run: runs/NAME, runs/NAME/stageN or runs/NAME/checkpoints/stageN; without a stage the last finished one.
      json: Print JSON.
      yes: Build llama.cpp without asking, where there is none.
    """
    from callwright.orchestration.export_compare import compare_exports

    return compare_exports(run, as_json=json, yes=yes)


def serve(
    run: Path,
    *,
    port: Annotated[int, Parameter(validator=Number(gte=0, lte=65535))] = 8080,
    context: Positive = 8192,
    parallel: Positive = 1,
    threads: Positive | None = None,
    yes: Switch = False,
) -> None:
    """Serve an exported GGUF with llama.cpp, OpenAI-compatible and with tools, until Ctrl-C; prints a request to try.

    Args:
      run: A run or a stage of one whose GGUF was exported, an export, or a .gguf file.
      port: Where it listens, on this machine only; any free port if 0.
      context: How many tokens prompt and answer may have together.
      parallel: How many requests are answered side by side.
      threads: How many cores it may use; all by default.
      yes: Build llama.cpp without asking, where there is none.
    """
    from callwright.export.serve import ServeOptions
    from callwright.orchestration.serve import serve

    serve(run, ServeOptions(port=port, context=context, slots=parallel, threads=threads), yes=yes)


def chat(
    run: Path,
    *,
    tools: Path | None = None,
    system: str | None = None,
    yes: Switch = False,
) -> None:
    """Chat with a trained model in the terminal; its calls are shown, and run if they are your own functions.

    It answers through llama.cpp where that is installed and the model was exported as a GGUF, else in this process.

    Args:
      run: A run or a stage of one, or a .gguf file.
      tools: A Python file whose public functions are tools, in place of made-up results. It is imported, so it runs.
      system: The system prompt; that of the run's tools file by default.
      yes: Run functions without asking.
    """
    from callwright.orchestration.chat import chat

    chat(run, tools=tools, system=system, yes=yes)
