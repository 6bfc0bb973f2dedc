"""Examples of own tools: how many a second are made of a tools file, on each side of what is held out.

Figures are of processor time on one core, so that other work on the machine disturbs them little. Without a file, that
is the named tools of the example in docs/tools-file.md.

    python benchmarks/bench_own_tools.py [FILE] [--examples 20000]
"""

import argparse
import re
import time
from collections import Counter
from pathlib import Path

from callwright.data.own_tools.generator import Generator
from callwright.data.own_tools.settings import KindMix
from callwright.data.own_tools.source import load_own_tools
from callwright.data.tools_file.declaration import ToolGroup
from callwright.data.tools_file.load import declare_tools
from callwright.yaml_files import parse_yaml

DOCS = Path(__file__).parents[1] / "docs" / "tools-file.md"


def documented() -> ToolGroup:
    """The named tools of the documented example."""
    (text,) = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    data = parse_yaml(text, str(DOCS))
    return declare_tools(data | {"tools": [tool for tool in data["tools"] if "name" in tool]}, DOCS)


def main() -> None:
    """Prints the rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--examples", type=int, default=20_000)
    arguments = parser.parse_args()
    start = time.process_time()
    file = load_own_tools(arguments.file) if arguments.file else documented()
    print(f"{'file read':12} {time.process_time() - start:8.2f} s")
    for held_out in (False, True):
        start = time.process_time()
        generator = Generator(file, KindMix(), 1 / 3, seed=0, held_out=held_out)
        ready = time.process_time()
        kinds = Counter(generator.example(index).kind for index in range(arguments.examples))
        rate = arguments.examples / (time.process_time() - ready)
        print(f"{'held out' if held_out else 'training':12} {rate:8,.0f} a second, after {ready - start:.2f} s")
        print(f"{'':12} {', '.join(f'{kind} {count}' for kind, count in kinds.items())}")


if __name__ == "__main__":
    main()
