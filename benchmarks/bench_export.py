"""Seconds, memory and size of every kind of export of a run's model, and what their checks found.

    python benchmarks/bench_export.py [RUN] [--no-verify]

RUN is runs/quickstart by default. Each export is written by the command itself, in a process of its own, into a
directory that is removed afterwards; llama.cpp has to be there for quantizations and checks.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from callwright.export.record import ExportRecord

KINDS = (
    ("lora", ()),
    ("hf", ()),
    ("gguf", ("--quantize", "f16")),
    ("gguf", ("--quantize", "q8_0")),
    ("gguf", ("--quantize", "q4_k_m")),
)


def main() -> None:
    """Prints a line of a table for each export, and its checks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", type=Path, default=Path("runs/quickstart"))
    parser.add_argument("--no-verify", action="store_true", help="measure writing alone")
    options = parser.parse_args()
    further = ["--no-verify"] if options.no_verify else []
    print("| export | took | peak of the largest process so far, GB | weights, MB |")
    print("| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as scratch:
        found = []
        for to, named in KINDS:
            target = Path(scratch) / "-".join((to, *named[1:]))
            command = [sys.executable, "-m", "callwright", "export", str(options.run), "--to", to, *named]
            began = time.monotonic()
            subprocess.run([*command, "--output", str(target), *further], check=True, stdout=subprocess.PIPE)
            seconds = time.monotonic() - began
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
            record = ExportRecord.read(target)
            found.append((target.name, record))
            print(f"| {target.name} | {seconds:.1f} s | {peak:.1f} | {record.files.bytes / 1e6:.0f} |", flush=True)
        for name, record in found:
            for check in record.checks:
                print(f"{name}: {check.name}: {check.detail}")


if __name__ == "__main__":
    main()
