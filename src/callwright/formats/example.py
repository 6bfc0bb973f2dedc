"""`callwright formats`: the registry as a table, and the complete example of one format, which docs/formats.md has too.

On a terminal the example stands as the model reads it, control tokens and what is trained on in styles of their own;
elsewhere each line stands behind its marks.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Console
from rich.text import Text

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats import FORMATS, get_format
from callwright.formats.base import Format
from callwright.tokens import Segment

CONTROL, TRAINED, BREAK = "bold magenta", "underline", "dim"
WEATHER = Tool(
    name="get_weather",
    description="Current weather of a city.",
    parameters={
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Name of the city"},
            "unit": {"type": "string", "description": "Unit of temperatures", "enum": ["celsius", "fahrenheit"]},
        },
        "required": ["city"],
    },
)
TIME = Tool(
    name="clock.now",
    description="Current time in a time zone.",
    parameters={
        "type": "object",
        "properties": {"zone": {"type": "string", "description": "IANA name, e.g. Europe/Paris"}},
        "required": ["zone"],
    },
)
CALLING = Message(
    "assistant",
    "I will look both up.",
    tool_calls=(
        ToolCall("get_weather", {"city": "Paris", "unit": "celsius"}, id="parisnow1"),
        ToolCall("clock.now", {"zone": "Europe/Paris"}, id="clocknow2"),
    ),
)
ANSWER = Message("assistant", "It is 18.5 °C in Paris and 14:05 there.")
EXAMPLE = Conversation(
    tools=(WEATHER, TIME),
    messages=(
        Message("system", "Answer in one sentence."),
        Message("user", "How warm is it in Paris, and what time is it there?"),
        CALLING,
        Message("tool", {"temperature": 18.5, "sky": "clear"}, tool_call_id="parisnow1"),
        Message("tool", {"time": "14:05"}, tool_call_id="clocknow2"),
        ANSWER,
    ),
)
"""A system message, two tools, words before two parallel calls, two results, an answer. The ids are what the pickiest
family (Mistral) wants them to be: nine letters and digits."""

WORDLESS = dataclasses.replace(CALLING, content=None)
ONE_CALL = dataclasses.replace(WORDLESS, tool_calls=CALLING.tool_calls[:1])
SIMPLER = tuple(
    dataclasses.replace(EXAMPLE, messages=(*EXAMPLE.messages[:2], calling, *EXAMPLE.messages[3:results], ANSWER))
    for calling, results in ((WORDLESS, 5), (ONE_CALL, 4))
)
"""The example without words beside the calls, and then with one call only."""


def example_for(fmt: Format) -> Conversation:
    """The example, or what the format can say of it."""
    for conversation in (EXAMPLE, *SIMPLER):
        try:
            fmt.render(conversation)
        except FormatError:
            continue
        return conversation
    return SIMPLER[-1]


def marked_lines(segments: Sequence[Segment]) -> Iterator[str]:
    """One line for each line of each segment, behind its marks."""
    for segment in segments:
        marks = ("C" if segment.control else " ") + ("T" if segment.supervised else " ")
        for line in segment.text.splitlines(keepends=True):
            yield f"{marks}  {line}".replace("\n", "⏎")


def print_list() -> None:
    """Prints name, variants and stops of every format, one a line."""
    rows = [("FORMAT", "VARIANTS", "THE TURN ENDS WITH")]
    for name, formats in groupby(FORMATS.values(), key=lambda fmt: fmt.name):
        variants = list(formats)
        rows.append((name, " ".join(fmt.variant for fmt in variants) or "-", " ".join(variants[0].stops)))
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
    fmt = get_format(name)
    console = Console(highlight=False, soft_wrap=True)
    example = example_for(fmt)
    output, opened = (fmt.render(example, add_generation_prompt=opened).segments for opened in (False, True))
    if console.is_terminal and console.color_system is not None:
        control, supervised = Text("control token", CONTROL), Text("trained on", TRAINED)
        console.print(Text.assemble(control, ", ", supervised, ", ", Text("⏎", BREAK), " a line break in the text\n"))
        printed = _styled
    else:
        console.print("C control token, T trained on, ⏎ a line break in the text. Each segment begins a line.\n")
        printed = _marked
    console.print(printed(output))
    if opened[len(output) :]:
        console.print("\nA prompt for the next answer adds:\n")
        console.print(printed(opened[len(output) :]))


def _marked(segments: Sequence[Segment]) -> Text:
    return Text("\n".join(marked_lines(segments)))


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
