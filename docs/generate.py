"""Writes what the documentation takes from the code and from saved probes.

That is docs/formats.md, docs/fidelity-set.md, docs/runtime-differences.md and the README's commands. `make docs` runs
it; with `--check` it writes nothing and names what is out of date, which tests/test_docs.py demands to be nothing. With
`--add-probe` it first puts a report of `callwright probe --json` among the saved ones. It stands outside the package
because the README lists the command line, and nothing in the package is above that. A process of its own, because the
help takes a program's name from how Python was started.

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
README = ROOT / "README.md"
PROBES = ROOT / "docs" / "probes"
BEGIN, END = "<!-- commands: written by `make docs` -->", "<!-- /commands -->"


def commands() -> str:
    """What `--help` says of every command, as Markdown."""
    text: str = app.generate_docs(heading_level=2)
    text = re.sub(r"^(callwright (\w+)) \2 ", r"\1 ", text, flags=re.MULTILINE)  # cyclopts repeats it in our own usage
    return text[text.index("### callwright run") :].strip()


def readme() -> str:
    """The README with its list of commands as the code has them now."""
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{commands()}\n\n{END}{after}"


def main() -> None:
    """Writes the files, or checks them."""
    if sys.argv[1:2] == ["--add-probe"]:
        for path in sys.argv[2:]:
            print(runtime_differences.save(Path(path), PROBES).relative_to(ROOT))
    pages = {
        ROOT / "docs" / "formats.md": formats_page.document(),
        ROOT / "docs" / "fidelity-set.md": fidelity_set.document(),
        ROOT / "docs" / "runtime-differences.md": runtime_differences.document(PROBES),
        README: readme(),
    }
    stale = [path for path, text in pages.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    if "--check" not in sys.argv[1:]:
        for path in stale:
            storage.write_text(path, pages[path])
    elif stale:
        sys.exit(f"out of date: {', '.join(str(path.relative_to(ROOT)) for path in stale)}; run `make docs`")


if __name__ == "__main__":
    main()
