"""docs/formats.md, written by the formats themselves: `python -m callwright.formats.docs` prints it.

One conversation goes through every format, and what each makes of it is shown segment by segment. What a format is, its
own module says. What it refuses is found by trying: conversations that some format cannot say are rendered, and the
refusals are listed. So the page cannot disagree with the code, and a new format appears in it by being registered.
"""

import dataclasses
import inspect
import json
from collections.abc import Iterator, Sequence

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats import FORMATS, get_format, schemas, template_file
from callwright.formats.base import Format, Parsed, quiet
from callwright.formats.jsontext import dumps
from callwright.openai import write_message, write_tool
from callwright.tokens import Segment

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

ASKING = Message("user", "How warm is it?")
ATTEMPTS = {
    "Thinking": (ASKING, dataclasses.replace(ONE_CALL, reasoning="Paris is in France.")),
    "A system message that is not the first": (ASKING, Message("system", "Be brief.")),
    "Words that look like a call": (ASKING, Message("assistant", "Say <tool_call> to call a tool.")),
    "Numbers that JSON cannot say": (
        ASKING,
        dataclasses.replace(ONE_CALL, tool_calls=(ToolCall("get_weather", {"city": float("nan")}, id="parisnow1"),)),
    ),
    "A result that answers no call": (ASKING, ONE_CALL, Message("tool", "18.5", tool_call_id="nocallit9")),
    "Words beside calls": (ASKING, dataclasses.replace(ONE_CALL, content="I will look it up.")),
    "Parallel calls": (ASKING, WORDLESS),
    "Content in parts (text and images)": (Message("user", ["How warm is it?"]),),
}
"""Conversations that some format has no words for."""

INTRODUCTION = """\
<!-- Written by `make docs` from src/callwright/formats; a test compares the two. -->
# Formats

A format is how a conversation with tools becomes the text that a model reads, and how what the model said becomes calls
again. Its name, and the variant if there are several, is set by `format: {name: ..., variant: ...}` in a configuration.

Every format renders to segments. In the tables below each stands with its marks:

- **C**: control text, written by the format and tokenised with special tokens on. Everything without the mark came
  from somebody else (a user, a tool, a schema) or is plain text; it is tokenised with special tokens off, so no user
  can write a control token.
- **T**: trained on. Only what the model itself must say, to the end of its turn, has this mark.

A line break in the text is shown as `⏎`. The conversation is the same for all formats. In OpenAI's notation, which is
also what a data set of your own is written in (there a whole conversation is one line), it is:
"""


def document() -> str:
    """The whole page."""
    with quiet():  # what a template leaves out, its module says
        sections = [_section(name) for name in FORMATS]
    return "\n".join([INTRODUCTION, _fence(_record(), "json"), *sections, _templates(), _tools()])


def example_for(form: Format) -> Conversation:
    """The example, or what the format can say of it."""
    for conversation in (EXAMPLE, *SIMPLER):
        try:
            form.render(conversation)
        except FormatError:
            continue
        return conversation
    return SIMPLER[-1]


def _record() -> str:
    """The example on the wire, one line for each message and each tool."""
    parts = []
    for key, values in {
        "messages": map(write_message, EXAMPLE.messages),
        "tools": map(write_tool, EXAMPLE.tools),
    }.items():
        lines = ",\n".join(f"  {dumps(value)}" for value in values)
        parts.append(f'"{key}": [\n{lines}\n]')
    return "{" + ",\n".join(parts) + "}"


def _section(name: str) -> str:
    variants = list(FORMATS[name])
    form = get_format(name)
    example = example_for(form)
    rendered = form.render(example)
    return "\n".join(
        [
            f"## `{name}`\n",
            f"{inspect.getdoc(inspect.getmodule(type(form)))}\n",
            f"The model's turn ends with {_words(form.stops)}.\n",
            "### The complete example\n",
            *([] if example is EXAMPLE else ["Without what this format cannot say (see below).\n"]),
            "As text:\n",
            _fence("".join(segment.text for segment in rendered)),
            "As segments:\n",
            _fence("\n".join(marked(rendered))),
            *_opening(form.render(example, add_generation_prompt=True)[len(rendered) :]),
            *_variants(name, variants),
            "### Reading back\n",
            *_reading(form),
            "### What it cannot say\n",
            "Each of these is refused before anything is computed, with a message that says what to do instead:\n",
            *_refusals(form),
            "",
        ]
    )


def _opening(added: Sequence[Segment]) -> Iterator[str]:
    if added:
        yield "After the last message, a prompt for the next answer adds:\n"
        yield _fence("\n".join(marked(added)))
    else:
        yield "After the last message, a prompt for the next answer adds nothing.\n"


def marked(segments: Sequence[Segment]) -> Iterator[str]:
    """One line for each line of each segment, behind its marks."""
    for segment in segments:
        marks = ("C" if segment.control else " ") + ("T" if segment.trained else " ")
        for line in segment.text.splitlines(keepends=True):
            yield f"{marks}  {line}".replace("\n", "⏎")


def _variants(name: str, variants: Sequence[str]) -> Iterator[str]:
    if len(variants) < 2:
        return
    yield f"### Variants\n\n`{variants[0]}` is the default. The same turn in each:\n"
    for variant in variants:
        yield f"`{name}/{variant}`:\n"
        yield _fence(_said(get_format(name, variant)))


def _said(form: Format) -> str:
    """What the model says in the example's first turn, without the control token that ends it."""
    rendered = form.render(Conversation(example_for(form).messages[:3], EXAMPLE.tools))
    return "".join(s.text for s in rendered if s.trained and not (s.control and s.text in form.stops))


def _reading(form: Format) -> Iterator[str]:
    said = _said(form)
    yield "The first turn of the example, read back:\n"
    yield _fence(_described(form.parse(said, tools=EXAMPLE.tools)), "json")
    yield "The same turn, cut inside its last call: what is not closed is no call, and nothing is guessed.\n"
    cut = said[: said.rindex("Paris")]
    yield _fence(_described(form.parse(cut, tools=EXAMPLE.tools, finish_reason="length")), "json")


def _described(parsed: Parsed) -> str:
    return json.dumps(
        {
            "content": parsed.content,
            "tool_calls": [{"name": call.name, "arguments": dict(call.arguments)} for call in parsed.tool_calls],
            "complete": parsed.complete,
            "errors": [dataclasses.asdict(issue) for issue in parsed.errors],
        },
        indent=2,
        ensure_ascii=False,
    )


def _refusals(form: Format) -> Iterator[str]:
    for title, messages in ATTEMPTS.items():
        try:
            form.render(Conversation(messages, EXAMPLE.tools))
        except FormatError as error:
            yield f"- {title}: expected `{error.expected}`; {error.fix}."


def _templates() -> str:
    return f"## `template:PATH`\n\n{inspect.getdoc(template_file)}\n"


def _tools() -> str:
    orders = {"`parameters`": schemas.PARAMETER_KEYS, "A property": schemas.PROPERTY_KEYS}
    return "\n".join(
        [
            "## How tools are printed\n",
            f"{inspect.getdoc(schemas)}\n",
            *(f"- {what}: {', '.join(f'`{key}`' for key in keys)}" for what, keys in orders.items()),
            "",
        ]
    )


def _words(names: Sequence[str]) -> str:
    return " or ".join(f"`{name}`" for name in names)


def _fence(text: str, language: str = "") -> str:
    fence = "````" if "```" in text else "```"
    return f"{fence}{language}\n{text.removesuffix(chr(10))}\n{fence}\n"


if __name__ == "__main__":
    print(document(), end="")
