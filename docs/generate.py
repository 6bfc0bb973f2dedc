"""Writes what the documentation takes from the code: docs/formats.md, and the commands in the README.

`make docs` runs it; tests/test_docs.py runs the same functions and compares. It stands outside the package because the
README lists the command line, and nothing in the package is above that.
"""

from pathlib import Path

from callwright import storage
from callwright.cli import app
from callwright.formats.docs import document

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
FORMATS = ROOT / "docs" / "formats.md"
BEGIN, END = "<!-- commands: written by `make docs` -->", "<!-- /commands -->"


def commands() -> str:
    """What `--help` says of every command, as Markdown."""
    text: str = app.generate_docs(heading_level=2)
    return text[text.index("### callwright run") :].strip()


def with_commands(readme: str) -> str:
    """The README with its list of commands as the code has them now."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{commands()}\n\n{END}{after}"


def main() -> None:
    """Writes both files."""
    storage.write_text(FORMATS, document())
    storage.write_text(README, with_commands(README.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
