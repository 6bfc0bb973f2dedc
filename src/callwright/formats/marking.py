"""Rendered text for people: what is a control token, and what is trained on.

On a terminal the text stands as the model reads it, both in styles of their own; elsewhere each line stands behind its
marks.
"""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from callwright.tokens import Segment

CONTROL, TRAINED, BREAK = "bold magenta", "underline", "dim"


def marked_lines(segments: Sequence[Segment]) -> Iterator[str]:
    """One line for each line of each segment, behind its marks."""
    for segment in segments:
        marks = ("C" if segment.control else " ") + ("T" if segment.supervised else " ")
        for line in segment.text.splitlines(keepends=True):
            yield f"{marks}  {line}".replace("\n", "⏎")


def print_legend(console: Console) -> None:
    """Says what `print_segments` marks, and how."""
    if _styles(console):
        control, supervised = Text("control token", CONTROL), Text("trained on", TRAINED)
        console.print(Text.assemble(control, ", ", supervised, ", ", Text("⏎", BREAK), " a line break in the text\n"))
    else:
        console.print("C control token, T trained on, ⏎ a line break in the text. Each segment begins a line.\n")


def print_segments(console: Console, segments: Sequence[Segment]) -> None:
    """Prints the segments, marked."""
    console.print(_styled(segments) if _styles(console) else Text("\n".join(marked_lines(segments))))


def _styles(console: Console) -> bool:
    return console.is_terminal and console.color_system is not None


def _styled(segments: Sequence[Segment]) -> Text:
    out = Text()
    for segment in segments:
        style = " ".join([CONTROL] * segment.control + [TRAINED] * segment.supervised)
        for line in segment.text.splitlines(keepends=True):
            out.append(line.removesuffix("\n"), style)
            if line.endswith("\n"):
                out.append("⏎", BREAK).append("\n")
    out.rstrip()
    return out
