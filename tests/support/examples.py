"""The examples of the documentation, and what a test does with each.

- `sh` is command lines, with comments. Those that begin as one of `RUN` are run, and succeed; of all others the program
  only reads the arguments, because they need weights, a server or minutes. Other programs are left alone.
- `console` is `$ ` with a command line, and below it all that it prints, where `...` stands for anything. A block whose
  programs are all ours is run; of any other our program only reads the arguments. A block without `$` shows usage.
- `python` is run, and prints what a block of `text` right below it shows. With `<!-- compiled only -->` above it, it
  needs a server or training, and is compiled.
- `json` in the README is a line of data, which the examples know as mine.jsonl; `yaml` there is a
  tools file, and in the guide a part of a configuration.

The lines of a block are run one after another, in a directory with config/ and mine.jsonl. They need no shell: `echo`
writes files, and what a command reads and writes is said by `<`, `<<<`, `>` and `>>`.
"""

import doctest
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RUN = tuple(
    f"callwright {beginning}"
    for beginning in ("render ", "parse ", "score ", "formats ", "data show mine.jsonl ", "instrument script ")
)
"""How command lines begin that are cheap."""
_BLOCK = r"^(<!-- compiled only -->\n+)?```{}\n(.*?)^```$(?:\n+```text\n(.*?)^```$)?"


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Attributes:
      page: The name of its page.
      text: What is in it.
      output: What the block of `text` below it shows; None where there is none.
      compiled_only: Whether it is marked so.
    """

    page: str
    text: str
    output: str | None
    compiled_only: bool

    @property
    def id(self) -> str:
        """How a test is called that is about it."""
        return f"{self.page}: {self.text.splitlines()[0][:60]}"


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a shell.

    Attributes:
      words: The program and its arguments.
      stdin: The text or the file that it reads.
      stdout: The file that it writes; None where it prints.
      appends: Whether it adds to that file.
    """

    words: tuple[str, ...]
    stdin: str | Path = ""
    stdout: Path | None = None
    appends: bool = False


def blocks(language: str) -> Iterator[Block]:
    """The blocks of all pages in that language."""
    pattern = re.compile(_BLOCK.format(language), re.DOTALL | re.MULTILINE)
    for page in PAGES:
        for found in pattern.finditer(page.read_text(encoding="utf-8")):
            mark, text, output = found.groups()
            yield Block(page.name, text, output, bool(mark))


def sessions() -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """Blocks of which something is run: an id, and command lines with what they are shown to print, or None."""
    for block in blocks("sh"):
        lines = [line for line in _lines(block) if line.startswith("echo ") or f"{line} ".startswith(RUN)]
        if any(line.startswith(RUN) for line in lines):
            yield block.id, [(line, None) for line in lines]
    for block in blocks("console"):
        shown = shown_in(block.text)
        programs = {command.words[0] for line, _ in shown for command in pipeline(line)}
        if programs == {"callwright"}:
            yield block.id, shown


def command_lines() -> set[str]:
    """The lines that start our program, of `sh` and `console`."""
    lines = [line for block in blocks("sh") for line in _lines(block)]
    lines += [line for block in blocks("console") for line, _ in shown_in(block.text)]
    return {line for line in lines if re.search(r"^callwright |\| callwright ", line)}


def shown_in(session: str) -> list[tuple[str, str]]:
    """The command lines of a `console`, and what they are shown to print."""
    return re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", session, re.MULTILINE)


def check_output(shown: str, printed: str) -> None:
    """Fails unless it is what is shown, in which `...` stands for anything."""
    checker, flags = doctest.OutputChecker(), doctest.ELLIPSIS | doctest.REPORT_NDIFF
    difference = checker.output_difference(doctest.Example("", shown), printed, flags)
    assert checker.check_output(shown, printed, flags), difference


def pipeline(line: str) -> list[Command]:
    """The commands of a line, which pipes join."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|<>")
    lexer.whitespace_split = True
    tokens = iter(lexer)
    commands = [Command(())]
    for token in tokens:
        last = commands[-1]
        if token == "|":
            commands.append(Command(()))
        elif token == "<<<":
            commands[-1] = replace(last, stdin=f"{next(tokens)}\n")
        elif token == "<":
            commands[-1] = replace(last, stdin=Path(next(tokens)))
        elif token in (">", ">>"):
            commands[-1] = replace(last, stdout=Path(next(tokens)), appends=token == ">>")
        else:
            commands[-1] = replace(last, words=(*last.words, token))
    return commands


def _lines(block: Block) -> list[str]:
    return block.text.replace("\\\n", " ").splitlines()
