"""`callwright formats`: the registry as a table, and one format's complete example, which docs/formats.md has too."""

import dataclasses
import json
from collections import Counter

from rich.console import Console

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats import FORMATS, MODELS, get_format
from callwright.formats.base import Format
from callwright.formats.jsontext import dumps
from callwright.formats.marking import print_legend, print_segments

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
RESULTS = EXAMPLE.messages[3:5]
TEXT_RESULTS = tuple(dataclasses.replace(result, content=dumps(result.content)) for result in RESULTS)
SIMPLER = tuple(
    dataclasses.replace(EXAMPLE, messages=(*EXAMPLE.messages[:2], calling, *results, ANSWER))
    for calling, results in ((CALLING, TEXT_RESULTS), (WORDLESS, RESULTS), (ONE_CALL, RESULTS[:1]))
)
"""The example with results as text, without words beside the calls, and then with one call only."""


def example_for(fmt: Format) -> Conversation:
    """The example, or what the format can say of it."""
    for conversation in (EXAMPLE, *SIMPLER):
        try:
            fmt.render(conversation)
        except FormatError:
            continue
        return conversation
    return SIMPLER[-1]


def print_list(*, as_json: bool = False) -> None:
    """Prints every format, one a line: id, the models that speak it, stops.

    Args:
      as_json: As a JSON list of objects, which also say whether the name without a variant stands for the format.
    """
    if as_json:
        described = [
            {"format": fmt.id, "default": _is_default(fmt), "models": MODELS[fmt.id], "stops": fmt.stops}
            for fmt in FORMATS.values()
        ]
        print(json.dumps(described, indent=2))
        return
    rows = [("FORMAT", "MODELS", "THE TURN ENDS WITH")]
    families = Counter(fmt.name for fmt in FORMATS.values())
    for fmt in FORMATS.values():
        mark = " (default)" if families[fmt.name] > 1 and _is_default(fmt) else ""
        rows.append((fmt.id + mark, ", ".join(MODELS[fmt.id]), " ".join(fmt.stops)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _is_default(fmt: Format) -> bool:
    """Whether the name alone stands for this variant, where no model is named."""
    return get_format(fmt.name) is fmt


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
    print_legend(console)
    print_segments(console, output)
    if opened[len(output) :]:
        console.print("\nA prompt for the next answer adds:\n")
        print_segments(console, opened[len(output) :])
