"""`callwright formats`: the registry as a table, and the complete example of one format, in colour.

On a terminal the example stands as the model reads it, control tokens and what is trained on in styles of their own;
elsewhere each line stands behind the marks that docs/formats.md uses.
"""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from callwright.formats import FORMATS, get_format, get_format_by_name
from callwright.formats.base import quiet
from callwright.formats.docs import example_for, marked
from callwright.tokens import Segment

CONTROL, TRAINED, BREAK = "bold magenta", "underline", "dim"


def print_list() -> None:
    """Prints name, variants and stops of every format, one a line."""
    rows = [("FORMAT", "VARIANTS", "THE TURN ENDS WITH")]
    rows += [(name, " ".join(filter(None, FORMATS[name])) or "-", " ".join(get_format(name).stops)) for name in FORMATS]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_example(name: str) -> None:
    """Prints the complete example, and what opens the next answer.

    Args:
      name: A format, or `format/variant`.

    Raises:
      FormatError: There is no such format or variant, or it cannot say the example.
    """
    form = get_format_by_name(name)
    console = Console(highlight=False, soft_wrap=True)
    with quiet():  # what a template leaves out, its module says
        example = example_for(form)
        said, opened = (form.render(example, add_generation_prompt=opened) for opened in (False, True))
    coloured = console.is_terminal and console.color_system is not None
    for text in _coloured(said, opened) if coloured else _plain(said, opened):
        console.print(text)


def _coloured(said: Sequence[Segment], opened: Sequence[Segment]) -> Iterator[Text]:
    control, trained = Text("control token", CONTROL), Text("trained on", TRAINED)
    yield Text.assemble(control, ", ", trained, ", ", Text("⏎", BREAK), " a line break in the text\n")
    yield _styled(said)
    if opened[len(said) :]:
        yield Text("\nA prompt for the next answer adds:\n")
        yield _styled(opened[len(said) :])


def _styled(segments: Sequence[Segment]) -> Text:
    out = Text()
    for segment in segments:
        style = " ".join([CONTROL] * segment.control + [TRAINED] * segment.trained)
        for line in segment.text.splitlines(keepends=True):
            out.append(line.removesuffix("\n"), style)
            if line.endswith("\n"):
                out.append("⏎", BREAK).append("\n")
    out.rstrip()
    return out


def _plain(said: Sequence[Segment], opened: Sequence[Segment]) -> Iterator[Text]:
    yield Text("C control token, T trained on, ⏎ a line break in the text. Each segment begins a line.\n")
    yield from map(Text, marked(said))
    if opened[len(said) :]:
        yield Text("\nA prompt for the next answer adds:\n")
        yield from map(Text, marked(opened[len(said) :]))
