"""How long `callwright --help` takes: the median of several runs, each a process of its own.

python benchmarks/bench_startup.py [RUNS]
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

COMMAND = [str(Path(sys.executable).with_name("callwright")), "--help"]


def main() -> None:
    """Prints the median and the range."""
    seconds = []
    for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 11):
        start = time.perf_counter()
        subprocess.run(COMMAND, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - start)
    low, middle, high = min(seconds), statistics.median(seconds), max(seconds)
    print(f"callwright --help: median {middle:.2f} s of {len(seconds)} runs ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
