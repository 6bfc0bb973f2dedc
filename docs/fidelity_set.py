"""docs/fidelity-set.md, written from the set itself: how to add a case, and a table of those that there are."""

import inspect
from collections.abc import Iterator
from itertools import groupby

from callwright.errors import FormatError
from callwright.formats import FORMATS
from callwright.probe.cases.edits import Edit
from callwright.probe.cases.load import read_cases
from callwright.probe.cases.schema import Case
from callwright.probe.cases.speak import check
from callwright.probe.causes.registry import CAUSES

_HEAD = """\
<!-- Written by `make docs` from src/callwright/probe; a test compares the two. -->
# The fidelity set

What the probe tests. A case is a conversation, the planned model output where that matters, and the class of fault that
it would reveal. It belongs to no format: each format renders the same conversation and writes the same message, and
what a format cannot express is not tested there. What is expected comes from the format's own renderer and its strict
parser, never from a runtime.

The cases are data, in `src/callwright/probe/cases/fidelity/*.yaml`. A file of your own looks the same:

```yaml
tools:                      # by the name that cases use
  lookup:
    name: lookup_order
    description: Finds an order.
    parameters:
      type: object
      properties: {id: {type: integer, description: Number of the order}}
      required: [id]

defaults:                   # keys that the cases have unless they say otherwise
  tools: [lookup]

cases:
  - id: shop.prompt
    kind: prompt            # what reaches the model
    fault_class: number-rewritten
    why: Order numbers have 17 digits and come back rounded.
    messages:
      - {role: system, content: You are the shop's voice.}
      - {role: user, content: "Where is my order?"}
      - {role: assistant, tool_calls: [{name: lookup_order, arguments: {id: 12345678901234567}}]}
      - {role: tool, content: '{"state": "sent", "weight": 1.0}'}

  - id: shop.unclosed
    kind: reply             # what becomes of what the model says
    fault_class: unclosed-call-accepted
    why: An order must not be canceled by half a sentence.
    messages: Cancel it.    # a text is what a user says
    says:
      message: {tool_calls: [{name: lookup_order, arguments: '{"id": 7}'}]}
      edits: [{prepend: "One moment. "}, {unclosed: true}]

  - id: shop.loop
    kind: loop              # an agent loop: says are the model's turns, results the tools'
    fault_class: loop-call-changed
    why: The second question about an order must still know its number.
    messages: Where is order 12345678901234567?
    says:
      - message: {tool_calls: [{name: lookup_order, arguments: {id: 12345678901234567}}]}
      - message: {content: It was sent yesterday.}
    results: [[sent]]
```

- Scalars mean what they mean in JSON: `1.0`, `1e20` and integers of any size are numbers as they stand, `true`, `false`
  and `null` are what they are, and everything else (`no`, `2024-01-01`, `0x1F`) is text. What looks like a number and
  is text needs quotes, and so does a text with `: `, ` #`, or inside braces a comma or a `?` at its end. A key that
  comes twice is an error; anchors and aliases are not read.
- `arguments` are an object, or a JSON text where that is easier to copy.
- `tools` of a case are names (of this file's `tools` or the package's, in `fidelity/tools.yaml`) or tools written out.
- A tool's result answers the first open call of its `name`, or without one the first open call at all; a
  `tool_call_id` names it. Calls without an `id` are given one.
- `repeat: 500` on a message repeats its content 500 times.
- `kind: context` is a prompt that is too long, `kind: sampling` draws from dice: `sampling: {options, times, seeds}`.
- `thinking: true` or `false` asks for it or against it, `max_tokens` cuts the answer, `formats: [qwen3, gemma4/31b]`
  restricts a case. Unknown keys are errors.
- `raw` is the output as text, by format, where neither a message nor an edit gives it. A special token's spelling in it
  is that token: `raw: {qwen3: "<tool_call>\\n{...", gemma4/e2b: ...}`. Formats that are not named have the message and
  its edits.
- An `id` is also the cue that chooses the output, so it has only letters, digits, `_`, `.` and `-`.

## Edits

They are applied to the output in their order. `{open}` and `{close}` in their texts stand for the format's markers
around a call, `{think}` and `{end_think}` for those around a thought, `{call}` for the text of the call that `call`
names. A format that has no such marker, or writes no such text, is not tested with the case.

"""


def document() -> str:
    """The whole page."""
    cases = read_cases().cases
    return "".join(
        [
            _HEAD,
            _table(("Edit", "What it does"), _edits()),
            "\n## Where they apply\n\n",
            f"Of the {len(cases)} cases, so many can be expressed in each format:\n\n",
            _table(("Format", "Cases"), _formats(cases)),
            *(_group(name, list(group)) for name, group in groupby(cases, lambda case: case.id.partition(".")[0])),
        ]
    )


def _edits() -> Iterator[tuple[str, ...]]:
    for name, field in Edit.model_fields.items():
        yield f"`{name}`", " ".join(inspect.cleandoc(field.description or "").split())


def _formats(cases: list[Case]) -> Iterator[tuple[str, ...]]:
    for name, fmt in FORMATS.items():
        count = 0
        for case in cases:
            try:
                check(fmt, case)
                count += 1
            except FormatError:
                continue
        yield f"`{name}`", str(count)


def _group(name: str, cases: list[Case]) -> str:
    rows = ((f"`{case.id}`", f"`{case.fault_class}`: {CAUSES[case.fault_class].sentence}", case.why) for case in cases)
    return f"\n## {name.capitalize()}\n\n{_table(('Case', 'What it tests', 'Why'), rows)}"


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(_escaped(cell) for cell in line)} |\n" for line in lines)


def _escaped(cell: str) -> str:
    """The cell with what Markdown would take for a column's end or for a tag."""
    for mark, written in (("|", "\\|"), ("<", "&lt;")):
        cell = cell.replace(mark, written)
    return cell
