"""Writes what the documentation takes from the code and from saved probes.

That is docs/commands.md, docs/formats.md, docs/fidelity-set.md and docs/runtime-differences.md. `make docs` runs it;
with `--check` it writes nothing and names what is out of date, which tests/test_docs.py demands to be nothing. With
`--add-probe` it first puts a report of `callwright probe --json` among the saved ones. It stands outside the package
because it describes the command line, and nothing in the package is above that. A process of its own, because the help
takes a program's name from how Python was started.

    python docs/generate.py [--check | --add-probe REPORT.json]
"""

import re
import sys
from pathlib import Path

import fidelity_set
import formats_page
import runtime_differences

from callwright import storage
from callwright.cli import app

ROOT = Path(__file__).parents[1]
PROBES = ROOT / "docs" / "probes"
_COMMANDS = """# Commands

What `--help` says of every command; `make docs` writes this page. Exit codes: 0 fine, 1 the work failed, 2 the input
was wrong, 130 stopped by Ctrl-C. An error is one line: what was expected, what was there instead, what to do.

`python -m callwright` is the same as `callwright`, and `python -m callwright.orchestration.run_pipeline --stages 4 5
--resume checkpoints/stage3` the same as `callwright run config/pipeline.yaml` with these options; `--config` names
another configuration.

"""


def commands() -> str:
    """What `--help` says of every command, as Markdown."""
    text: str = app.generate_docs(heading_level=1)
    # In a usage of our own cyclopts says the command's name twice.
    text = re.sub(r"^(callwright ((?:\w+ )+))\2", r"\1", text, flags=re.MULTILINE)
    return f"{_COMMANDS}{text[text.index('## callwright run') :].strip()}\n"


def main() -> None:
    """Writes the files, or checks them."""
    if sys.argv[1:2] == ["--add-probe"]:
        for path in sys.argv[2:]:
            print(runtime_differences.save(Path(path), PROBES).relative_to(ROOT))
    pages = {
        ROOT / "docs" / "commands.md": commands(),
        ROOT / "docs" / "formats.md": formats_page.document(),
        ROOT / "docs" / "fidelity-set.md": fidelity_set.document(),
        ROOT / "docs" / "runtime-differences.md": runtime_differences.document(PROBES),
    }
    stale = [path for path, text in pages.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    if "--check" not in sys.argv[1:]:
        for path in stale:
            storage.write_text(path, pages[path])
    elif stale:
        sys.exit(f"out of date: {', '.join(str(path.relative_to(ROOT)) for path in stale)}; run `make docs`")


if __name__ == "__main__":
    main()
