"""What a script of a thousand outputs costs: processor time to build and write it, memory, and the size of its file.

python benchmarks/bench_instruments.py
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.support.instruments import thousand

from callwright.formats import get_format
from callwright.instruments.files import write
from callwright.instruments.script import write_script


def main() -> None:
    """Prints one line."""
    lines = thousand()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "thousand.gguf"
        started = time.process_time()
        write(write_script(get_format("xml"), lines), path)
        seconds = time.process_time() - started
        size = path.stat().st_size / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(lines)} outputs: {seconds:.1f} s of processor time, {size:.0f} MB on disk, {peak:.0f} MB at the peak")


if __name__ == "__main__":
    main()
