"""Generation with the real Gemma 3 270M: beginnings that are computed once against every prompt alone, by turns.

Three cases. `tools`: requests to the same eight tools, as an evaluation on one's own tools asks them. `rollout`: eight
completions of each of two prompts at temperature 1, as a step of GRPO draws them. `bfcl`: the quickstart's 120 entries
of BFCL, base model; little is shared there. Each is done twice, the first time with compiling. With `--source`, a
directory that holds the `callwright` package of another commit, that one takes the place of the engine without sharing.

    python benchmarks/bench_generation.py [--cases tools rollout bfcl] [--requests 120] [--source OTHER/src]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CASES = ("tools", "rollout", "bfcl")
SAMPLE = {"simple_python": 32, "multiple": 16, "parallel": 16, "parallel_multiple": 16, "irrelevance": 40}


def main() -> None:
    """Runs the cases, each engine in turn in a process of its own, and prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    parser.add_argument("--requests", type=int, default=120, help="of the case `tools`; entries of `bfcl`")
    parser.add_argument("--source", type=Path, help="another commit's src, to compare with")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        name, share = options.case.split("/")
        print(json.dumps({"tools": tools, "rollout": rollout, "bfcl": bfcl}[name](share == "on", options.requests)))
        return
    print(f"{'case':10}{'engine':>14}{'first s':>9}{'s':>9}{'processor s':>13}{'programs':>10}{'ratio':>7}", flush=True)
    for case in options.cases:
        other = options.source
        slow = _process(case, "off", options.requests, other)
        fast = _process(case, "on", options.requests, None)
        for label, said in (("other commit" if other else "sharing off", slow), ("sharing on", fast)):
            ratio = f"{slow['seconds'] / fast['seconds']:7.2f}" if said is fast else ""
            row = f"{said['first']:9.1f}{said['seconds']:9.1f}{said['processor']:13.1f}{said['programs']:10}"
            print(f"{case:10}{label:>14}{row}{ratio}", flush=True)


def _process(case: str, share: str, requests: int, source: Path | None) -> Any:
    command = [sys.executable, __file__, "--case", f"{case}/{share}", "--requests", str(requests)]
    path = str((source or Path(__file__).parents[1] / "src").resolve())
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=os.environ | {"PYTHONPATH": path})
    return json.loads(done.stdout.splitlines()[-1])


def tools(share: bool, requests: int) -> dict[str, Any]:
    """Requests to eight fixed tools of the synthetic source, in batches of 32."""
    from callwright.conversation import Conversation, Message
    from callwright.engines.sampling import GREEDY
    from callwright.evaluation.answerer import EngineAnswerer

    engine, fmt, tokenizer = _engine(share)
    answerer = EngineAnswerer(engine, fmt, tokenizer)
    offered = _eight_tools()
    questions = (
        f"Please do the thing number {n} for me, in Oslo, at {n % 24} o'clock, thanks." for n in range(requests)
    )
    prompts = [answerer.prepare(Conversation((Message("user", text),), offered)).ids for text in questions]

    def ask() -> None:
        for start in range(0, len(prompts), 32):
            engine.generate(prompts[start : start + 32], max_new_tokens=48, sampling=GREEDY)

    return _timed(ask)


def rollout(share: bool, requests: int) -> dict[str, Any]:
    """Two groups of eight completions of 96 tokens at most, after prompts of 256 tokens."""
    import numpy as np

    from callwright.engines.sampling import SamplingParams

    engine, _, _ = _engine(share)
    prompts = np.random.default_rng(0).integers(1000, 200_000, (2, 256)).tolist()
    sampling = SamplingParams(temperature=1.0, seed=0)
    return _timed(
        lambda: engine.generate([ids for ids in prompts for _ in range(8)], max_new_tokens=96, sampling=sampling)
    )


def bfcl(share: bool, requests: int) -> dict[str, Any]:
    """The quickstart's evaluation of the base model, or as many of its entries as are asked for."""
    from callwright.evaluation.answerer import EngineAnswerer
    from callwright.evaluation.entries import bfcl_questions
    from callwright.evaluation.settings import BfclSettings
    from callwright.evaluation.suites import SuiteEntries, ask_suite

    settings = BfclSettings(sample=SAMPLE, batch_size=32, batch_tokens=10_240, max_new_tokens=160)
    every = settings.entries()
    kept = {name: entries[: len(entries) * requests // 120] for name, entries in every.items()}
    asked = SuiteEntries(bfcl_questions(kept))
    answerer = EngineAnswerer(*_engine(share))

    def ask() -> None:
        with tempfile.TemporaryDirectory() as directory:
            ask_suite(answerer, asked, settings, Path(directory), title="BFCL")

    return _timed(ask)


def _eight_tools() -> tuple[Any, ...]:
    from callwright.conversation import Tool

    def text(words: str) -> dict[str, Any]:
        return {"type": "string", "description": words}

    def tool(number: int) -> Tool:
        properties: dict[str, Any] = {
            "place": text("The city or the address."),
            "time": text("When, as hours and minutes."),
        }
        schema: dict[str, Any] = {"type": "object", "properties": properties, "required": ["place"]}
        return Tool(f"do_thing_{number}", f"Does the thing with the number {number} at a place.", schema)

    return tuple(map(tool, range(8)))


def _engine(share: bool) -> tuple[Any, Any, Any]:
    from callwright.engines.jax import JaxEngine
    from callwright.formats import get_format
    from callwright.models.load import load_model, make_mesh, parameters
    from callwright.models.sources import resolve_model
    from callwright.models.tokenizer import load_tokenizer

    files = resolve_model("gemma3-270m")
    tokenizer, fmt = load_tokenizer(files.directory), get_format("xml", "args")
    stops = [tokenizer.token_id(stop) for stop in fmt.stops]
    params = parameters(load_model(files, make_mesh(), "bfloat16"))
    known: dict[str, Any] = {} if share else {"share_prefixes": False}
    try:
        engine = JaxEngine(params, files.config, stop_ids=stops, pad_id=tokenizer.pad_id, **known)
    except TypeError:  # of a commit that knew no sharing
        engine = JaxEngine(params, files.config, stop_ids=stops, pad_id=tokenizer.pad_id)
    return engine, fmt, tokenizer


def _timed(work: Callable[[], object]) -> dict[str, Any]:
    """What the work takes the first time, compiling included, and the second, and how many programs were compiled."""
    import jax

    compiled: list[str] = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda name, seconds, **_: compiled.append(name) if name.endswith("backend_compile_duration") else None
    )
    began = time.perf_counter()
    work()
    first, programs = time.perf_counter() - began, len(compiled)
    began, processor = time.perf_counter(), time.process_time()
    work()
    return {
        "first": first,
        "seconds": time.perf_counter() - began,
        "processor": time.process_time() - processor,
        "programs": programs,
    }


if __name__ == "__main__":
    main()
