"""Seconds of a GRPO step on the real Gemma 3 270M: 2 prompts with 8 completions each, drawn, scored and learned from.

The base model never stops by itself, so every completion has its 96 tokens, and rewards come from a checksum of its
words, so that every group has something to learn from. bfloat16; the first step compiles and is left out.

    python benchmarks/bench_grpo.py [--steps 3]

Run it in the working trees of two versions by turns to compare them.
"""

import argparse
import resource
import statistics
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

PROMPTS, COMPLETIONS, NEW_TOKENS = 2, 8, 96


def main() -> None:
    """Trains for some steps and prints the median of their seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=3, help="measured steps")
    options = parser.parse_args()

    from callwright.data.registry import open_source
    from callwright.formats.base import Parsed
    from callwright.formats.xml import XmlFormat
    from callwright.models import lora
    from callwright.models.load import load_model, make_mesh, parameters
    from callwright.models.sources import resolve_model
    from callwright.models.tokenizer import load_tokenizer
    from callwright.training.grpo import GrpoSettings, Policy, train_grpo

    class Checksum(XmlFormat):
        """Reads words or broken output out of a checksum."""

        def parse(self, raw: Any, **_: Any) -> Parsed:
            text = "".join(segment.text for segment in raw)
            return Parsed(text, complete=zlib.crc32(text.encode()) % 2 == 0)

    files, mesh = resolve_model("gemma3-270m"), make_mesh()
    base = load_model(files, mesh, "bfloat16")
    settings = lora.LoraSettings()
    policy = Policy(parameters(base), files.config, settings.scale, Checksum(), load_tokenizer(files.directory))
    seconds: list[float] = []
    with tempfile.TemporaryDirectory() as directory:
        train_grpo(
            lora.attach(base, settings, mesh, seed=0),
            open_source("synthetic", {"seed": 3, "examples": 200, "mix": {"irrelevance": 1.0}}),
            policy,
            GrpoSettings(
                steps=options.steps + 1,
                prompts_per_step=PROMPTS,
                group_size=COMPLETIONS,
                max_prompt_tokens=256,
                max_new_tokens=NEW_TOKENS,
                checkpoint_every=1000,
                max_kl=1e9,
            ),
            seed=0,
            mesh=mesh,
            directory=Path(directory),
            record=lambda row: seconds.append(row["seconds"]),
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(
        f"{PROMPTS} x {COMPLETIONS} completions of {NEW_TOKENS} tokens: {statistics.median(seconds[1:]):.1f} s a step"
    )
    each = ", ".join(f"{one:.1f}" for one in seconds)
    print(f"each: {each}; peak {peak / 1e9:.1f} GB")


if __name__ == "__main__":
    main()
