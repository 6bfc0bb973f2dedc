"""Examples a second of SFT on the real Gemma 3 270M, with shared prefixes and without, in one run.

Two sets: `fixed` offers the same eight tools in every example; `broad` is the quickstart's synthetic set, but with
eight requests to each offer; without sharing the examples are the same. A case is SET/share/ROWSxLENGTH or
SET/alone/ROWSxLENGTH, bfloat16, a process of its own; the first update compiles and is left out. Without sharing
several lengths are tried, because short rows waste less attention and long ones less padding.

    python benchmarks/bench_shared_prefixes.py [--updates 4] [--cases fixed/share/1x2048 ...]
"""

import argparse
import itertools
import json
import resource
import subprocess
import sys
import time
from typing import Any

CASES = (
    "fixed/share/1x2048",
    "fixed/alone/1x768",
    "fixed/alone/1x2048",
    "broad/share/1x1024",
    "broad/share/1x2048",
    "broad/alone/2x512",
    "broad/alone/1x1024",
)


def main() -> None:
    """Runs the cases one after the other and prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--updates", type=int, default=4, help="measured updates of each case")
    parser.add_argument("--cases", nargs="+", default=CASES, metavar="CASE")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(measure(options.case, options.updates)))
        return
    head = ("examples/s", "s/update", "filled", "peak GB", "loss")
    print(f"{'case':22}" + "".join(f"{name:>12}" for name in head), flush=True)
    for case in options.cases:
        command = [sys.executable, __file__, "--case", case, "--updates", str(options.updates)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{case:22}  failed: {(done.stderr.strip() or 'no message').splitlines()[-1]}", flush=True)
            continue
        said = json.loads(done.stdout.splitlines()[-1])
        print(f"{case:22}" + "".join(f"{said[name]:12.3f}" for name in head), flush=True)


def measure(case: str, updates: int) -> dict[str, float]:
    """Computes loss and gradients of some updates in this process."""
    import jax
    import numpy as np
    from flax import nnx

    from callwright.data.packing import PackedBatches, PackingSettings
    from callwright.formats import get_format
    from callwright.models import lora
    from callwright.models.load import load_model, make_mesh
    from callwright.models.sources import resolve_model
    from callwright.models.tokenizer import load_tokenizer
    from callwright.training.losses import sft_loss

    name, sharing, shape = case.split("/")
    rows, length = map(int, shape.split("x"))
    files, mesh = resolve_model("gemma3-270m"), make_mesh()
    tokenizer = load_tokenizer(files.directory)
    settings = PackingSettings(batch_size=rows, sequence_length=length, share_prefixes=sharing == "share")
    batches = PackedBatches(_source(name), get_format("xml"), tokenizer, settings, 0)
    model = lora.attach(load_model(files, mesh, "bfloat16"), lora.LoraSettings(), mesh, seed=0)
    compute = nnx.jit(nnx.value_and_grad(sft_loss, argnums=nnx.DiffState(0, nnx.LoRAParam)))
    taken = list(itertools.islice(batches, updates))
    widest = max((batch for _, (batch,) in taken), key=lambda batch: batch["key_blocks"].shape[-1])
    with mesh:
        jax.block_until_ready(compute(model, widest))
        spent, losses = 0.0, []
        for _, (batch,) in taken:
            missing = widest["key_blocks"].shape[-1] - batch["key_blocks"].shape[-1]
            batch["key_blocks"] = np.pad(batch["key_blocks"], [(0, 0), (0, 0), (0, missing)], constant_values=-1)
            started = time.perf_counter()
            loss, _ = jax.block_until_ready(compute(model, batch))
            spent += time.perf_counter() - started
            losses.append(float(loss))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {
        "examples/s": sum(len(ids) for ids, _ in taken) / spent,
        "s/update": spent / updates,
        "filled": float(np.mean([(batch["part"] > 0).mean() for _, (batch,) in taken])),
        "peak GB": peak / 1e9,
        "loss": float(np.mean(losses)),
    }


def _source(name: str) -> Any:
    from callwright.data.synthetic.settings import Mix, SyntheticSettings
    from callwright.data.synthetic.source import SyntheticSource

    if name == "broad":
        mix = Mix(simple=0.23, multiple=0.18, parallel=0.12, parallel_multiple=0.07, irrelevance=0.38, dialogue=0.02)
        return SyntheticSource(SyntheticSettings(seed=2, examples=5000, mix=mix))
    return _FixedTools()


class _FixedTools:
    """Requests to the same eight tools of common length, one call each."""

    name = "fixed"

    def __init__(self) -> None:
        from callwright.data.rng import Rng
        from callwright.data.synthetic.naming import offer_tool
        from callwright.data.synthetic.tools import declared_tools

        offers = [offer_tool(*tool, Rng("fixed", place), 0.2) for place, tool in enumerate(declared_tools())]
        self._offers = sorted(offers, key=lambda offer: len(str(offer.tool)))[20:28]

    def __len__(self) -> int:
        return 2000

    def group(self, index: int) -> str:
        """All in one."""
        return "fixed"

    def __getitem__(self, index: int) -> Any:
        from callwright.conversation import Conversation, Message
        from callwright.data.rng import Rng
        from callwright.data.source import Example
        from callwright.data.synthetic.phrasing import query
        from callwright.data.synthetic.requests import request_call

        rng = Rng("fixed request", index)
        wanted = self._offers[index % 8]
        request = request_call(wanted, rng)
        asked = Message("user", query([(wanted, request)], rng))
        messages = (asked, Message("assistant", tool_calls=request.calls))
        return Example(f"fixed-{index}", Conversation(messages, tuple(one.tool for one in self._offers)), "multiple")


if __name__ == "__main__":
    main()
