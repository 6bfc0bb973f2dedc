"""docs/formats.md, written by the formats themselves; `make docs` puts it there (see generate.py).

One conversation goes through every format, and what each makes of it is shown segment by segment. What a format is, its
own module says. What it refuses is found by trying: conversations that some format cannot say are rendered, and the
refusals are listed. So the page cannot disagree with the code, and a new format appears in it by being registered.
"""

import dataclasses
import inspect
import json
from collections.abc import Iterator, Sequence
from itertools import groupby

from callwright.conversation import Conversation, Message, ToolCall
from callwright.errors import FormatError
from callwright.formats import FORMATS, omissions, references, schemas, template_file
from callwright.formats.base import Format, Parsed
from callwright.formats.example import EXAMPLE, ONE_CALL, WORDLESS, example_for
from callwright.formats.jsontext import dumps
from callwright.formats.marking import marked_lines
from callwright.openai import write_message, write_tool
from callwright.tokens import Segment

ASKING = Message("user", "How warm is it?")
ATTEMPTS = {
    "Thinking": (ASKING, dataclasses.replace(ONE_CALL, reasoning="Paris is in France.")),
    "A system message that is not the first": (ASKING, Message("system", "Be brief.")),
    "Text that looks like a call": (ASKING, Message("assistant", "Say <tool_call> to call a tool.")),
    "Numbers that JSON cannot write": (
        ASKING,
        dataclasses.replace(ONE_CALL, tool_calls=(ToolCall("get_weather", {"city": float("nan")}, id="parisnow1"),)),
    ),
    "A result that answers no call": (ASKING, ONE_CALL, Message("tool", "18.5", tool_call_id="nocallit9")),
    "Text beside calls": (ASKING, dataclasses.replace(ONE_CALL, content="I will look it up.")),
    "Parallel calls": (ASKING, WORDLESS),
    "Content in parts (text and images)": (Message("user", ["How warm is it?"]),),
}
"""Conversations that some format cannot express."""

INTRODUCTION = """\
<!-- Written by `make docs` from src/callwright/formats; a test compares the two. -->
# Formats

A format is how a conversation with tools becomes the text that a model reads, and how model output becomes calls. In a
configuration it is set by `format: {name: ..., variant: ...}`; everywhere else it is named `NAME` or `NAME/VARIANT`.

Every format renders to segments. In the tables below each stands with its marks:

- **C**: control text, written by the format and tokenized with special tokens on. Everything without the mark came
  from somebody else (a user, a tool, a schema) or is plain text; it is tokenized with special tokens off, so no user
  can write a control token.
- **T**: supervised, that is, trained on. Only what the model itself must generate, to the end of its turn, has this
  mark.

A line break in the text is shown as `⏎`. The conversation is the same for all formats. In OpenAI's notation, which is
also what a data set of your own is written in (there a whole conversation is one line), it is:
"""


def document() -> str:
    """The whole page."""
    sections = [_section(list(variants)) for _, variants in groupby(FORMATS.values(), key=lambda fmt: fmt.name)]
    return "\n".join([INTRODUCTION, _fence(_record(), "json"), *sections, _templates(), _tools()])


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


def _section(variants: Sequence[Format]) -> str:
    """A family; the first variant is the default and is shown."""
    fmt = variants[0]
    example = example_for(fmt)
    rendered = fmt.render(example)
    return "\n".join(
        [
            f"## `{fmt.name}`\n",
            *(
                f"{inspect.getdoc(module)}\n"
                for module in dict.fromkeys(inspect.getmodule(type(one)) for one in variants)
            ),
            f"The model's turn ends with {_words(fmt.stops)}.\n",
            "### The complete example\n",
            *([] if example is EXAMPLE else ["Without what this format cannot express (see below).\n"]),
            "As text:\n",
            _fence(rendered.text),
            "As segments:\n",
            _fence("\n".join(marked_lines(rendered.segments))),
            *_opening(fmt.render(example, add_generation_prompt=True).segments[len(rendered.segments) :]),
            *_variants(variants),
            "### Reading back\n",
            *_reading(fmt),
            "### What it cannot express\n",
            "Each of these is refused before anything is computed, with a message that says what to do instead:\n",
            *_refusals(fmt),
            "",
        ]
    )


def _opening(added: Sequence[Segment]) -> Iterator[str]:
    if added:
        yield "After the last message, a prompt for the next answer adds:\n"
        yield _fence("\n".join(marked_lines(added)))
    else:
        yield "After the last message, a prompt for the next answer adds nothing.\n"


def _variants(variants: Sequence[Format]) -> Iterator[str]:
    if len(variants) < 2:
        return
    yield f"### Variants\n\n`{variants[0].id}` is the default. The same turn in each:\n"
    for fmt in variants:
        yield f"`{fmt.id}`:\n"
        yield _fence(_said(fmt))


def _said(fmt: Format) -> str:
    """What the model says in the example's first turn, without the control token that ends it."""
    rendered = fmt.render(Conversation(example_for(fmt).messages[:3], EXAMPLE.tools))
    return "".join(s.text for s in rendered.segments if s.supervised and not (s.control and s.text in fmt.stops))


def _reading(fmt: Format) -> Iterator[str]:
    output = _said(fmt)
    yield "The first turn of the example, read back:\n"
    yield _fence(_described(fmt.parse(output, tools=EXAMPLE.tools)), "json")
    yield "The same turn, cut inside its last call: what is not closed is no call, and nothing is guessed.\n"
    cut = output[: output.rindex("Paris")]
    yield _fence(_described(fmt.parse(cut, tools=EXAMPLE.tools, finish_reason="length")), "json")


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


def _refusals(fmt: Format) -> Iterator[str]:
    for title, messages in ATTEMPTS.items():
        try:
            fmt.render(Conversation(messages, EXAMPLE.tools))
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
            f"\n{inspect.getdoc(references)}\n",
            f"{inspect.getdoc(omissions)}",
            "",
        ]
    )


def _words(names: Sequence[str]) -> str:
    return " or ".join(f"`{name}`" for name in names)


def _fence(text: str, language: str = "") -> str:
    fence = "````" if "```" in text else "```"
    return f"{fence}{language}\n{text.removesuffix(chr(10))}\n{fence}\n"
