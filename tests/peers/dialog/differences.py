"""Where `dialog` and the published chat template part, each with a conversation that shows it.

Run as a script, it prints for each the part that differs, ours first; with `--markdown`, the section of docs/peers.md.
"""

import sys
from dataclasses import dataclass
from itertools import takewhile

from tests.peers.dialog.dialog_peer import VERSION, ask, job, ours

from callwright.conversation import Conversation, Json, Message, Tool, ToolCall

ASK = Message("user", "q")


def plain(*messages: Message) -> Conversation:
    return Conversation(messages)


def called(words: str | None = None, **arguments: Json) -> tuple[Message, ...]:
    return ASK, Message("assistant", words, tool_calls=(ToolCall("f", arguments, id="c"),))


def answered(result: Json, words: str | None = None) -> tuple[Message, ...]:
    return *called(words), Message("tool", result, tool_call_id="c")


def declared(p: Json, **parameters: Json) -> Conversation:
    return Conversation((ASK,), (Tool("f", "d", {"type": "object", "properties": {"p": p}} | parameters),))


@dataclass(frozen=True)
class Difference:
    """One difference.

    Attributes:
      title: What it is about.
      template: What the template, and ours, does.
      dialog: What `dialog` does.
      conversation: One that shows it.
      ours: What stands in our rendering and not in theirs; "" where theirs only has more.
      theirs: What stands in theirs and not in ours; "" where ours only has more.
      thinking: Whether the prompt wants thinking.
    """

    title: str
    template: str
    dialog: str
    conversation: Conversation
    ours: str
    theirs: str
    thinking: bool = False


DIFFERENCES = (
    Difference(
        "The order of arguments",
        "sorts keys, ignoring case, in calls and results",
        "keeps the order given",
        plain(*called(b=1, a=2)),
        "{a:2,b:1}",
        "{b:1,a:2}",
    ),
    Difference(
        "The order of a schema's keys",
        "sorts properties ignoring case",
        "sorts capitals first",
        declared({"type": "object", "properties": {"a": {"type": "null"}, "B": {"type": "null"}}}),
        'properties:{a:{type:<|"|>NULL<|"|>},B:',
        'properties:{B:{type:<|"|>NULL<|"|>},a:',
    ),
    Difference(
        "Whole floats",
        "prints 1.0 and 1e+20",
        "prints 1 and all digits",
        plain(*called(a=1.0, b=1e20)),
        "{a:1.0,b:1e+20}",
        "{a:1,b:100000000000000000000}",
    ),
    Difference(
        "Thoughts",
        "ends a thought with a line break",
        "adds none",
        plain(ASK, Message("assistant", "a", reasoning="hm")),
        "thought\nhm\n<channel|>",
        "thought\nhm<channel|>",
    ),
    Difference(
        "Thoughts before the last question",
        "leaves them out",
        "keeps them, until `strip_thoughts` is called",
        plain(ASK, Message("assistant", "a", reasoning="hm"), ASK),
        "model\na<turn|>",
        "thought\nhm<channel|>a<turn|>",
    ),
    Difference(
        "Results with thinking on",
        "opens a thought after the results",
        "leaves that to the model",
        plain(*answered(1)),
        "<tool_response|><|channel>thought\n",
        "",
        thinking=True,
    ),
    Difference(
        "Two questions in a row",
        "prints two turns",
        "joins them to one",
        plain(ASK, ASK),
        "user\nq<turn|>\n<|turn>user\nq<turn|>",
        "user\nqq<turn|>",
    ),
    Difference(
        "White space around texts",
        "trims system text, questions and answers",
        "keeps it",
        plain(Message("user", " q ")),
        "user\nq<turn|>",
        "user\n q <turn|>",
    ),
    Difference(
        "Text beside calls",
        "prints it after the results",
        "prints it where it was generated",
        plain(*answered(1, "Wait."), Message("assistant", "1")),
        "{value:1}<tool_response|>Wait.1<turn|>",
        "model\nWait.<|tool_call>",
    ),
    Difference(
        "Results in text parts",
        "joins them to one text",
        "prints a list of objects",
        plain(*answered([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])),
        '{value:<|"|>ab<|"|>}',
        '{value:[{type:<|"|>text<|"|>,text:<|"|>a<|"|>}',
    ),
    Difference(
        "Results that answer nothing",
        "leaves them out",
        "prints them in a turn of the model",
        plain(ASK, Message("tool", 1, name="f")),
        "",
        "response:f{value:1}",
    ),
    Difference(
        "Calls that nothing answers",
        "leaves an open `<|tool_response>` and no end of the turn",
        "ends the turn",
        plain(*called(), ASK),
        "<tool_call|><|tool_response><|turn>user",
        "<tool_call|><turn|>\n<|turn>user",
    ),
    Difference(
        "Keywords that bound a value",
        "leaves `default`, `minimum`, `pattern` and the like out, and `nullable` where it is false",
        "prints them",
        declared({"type": "integer", "minimum": 0}),
        '{p:{type:<|"|>INTEGER<|"|>}}',
        '{p:{minimum:0,type:<|"|>INTEGER<|"|>}}',
    ),
    Difference(
        "`enum` of a type that is no string",
        "leaves it out",
        "prints it",
        declared({"type": "integer", "enum": [1, 2]}),
        '{p:{type:<|"|>INTEGER<|"|>}}',
        '{p:{enum:[1,2],type:<|"|>INTEGER<|"|>}}',
    ),
    Difference(
        "Empty `parameters`, `properties` and `required`",
        "leaves them out",
        "prints them",
        declared({"type": "string"}, required=[]),
        '}},type:<|"|>OBJECT<|"|>}}',
        '}},required:[],type:<|"|>OBJECT<|"|>}}',
    ),
    Difference(
        "Several types",
        "prints Python's spelling of the list, as one string",
        "prints a list",
        declared({"type": ["string", "null"]}),
        "type:<|\"|>['STRING', 'NULL']<|\"|>",
        'type:[<|"|>STRING<|"|>,<|"|>NULL<|"|>]',
    ),
    Difference(
        "No type",
        "prints an empty one, and leaves `anyOf` out",
        "prints `anyOf` and no type",
        declared({"anyOf": [{"type": "string"}]}),
        '{p:{type:<|"|><|"|>}}',
        '{p:{anyOf:[{type:<|"|>STRING<|"|>}]}}',
    ),
    Difference(
        "Inside `items`",
        "further down quotes keys and leaves types as they are",
        "continues as above",
        declared({"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}),
        'items:{<|"|>type<|"|>:<|"|>integer<|"|>}',
        'items:{type:<|"|>INTEGER<|"|>}',
    ),
    Difference(
        "Objects without `properties`",
        "prints empty ones, or the other keys of the schema as if they were properties",
        "prints what is there",
        declared({"type": "object"}),
        '{p:{properties:{},type:<|"|>OBJECT<|"|>}}',
        '{p:{type:<|"|>OBJECT<|"|>}}',
    ),
    Difference(
        "Functions without a description",
        "prints an empty one",
        "prints none",
        Conversation((ASK,), (Tool("f"),)),
        'declaration:f{description:<|"|><|"|>}',
        "declaration:f{parameters:{}}",
    ),
    Difference(
        "`parameters` without a type",
        "leaves a brace open",
        "closes it",
        Conversation((ASK,), (Tool("f", "d", {"required": ["p"]}),)),
        'parameters:{required:[<|"|>p<|"|>],}<tool|>',
        'parameters:{required:[<|"|>p<|"|>]}}<tool|>',
    ),
)
"""In all of these ours gives the template's bytes; tests/golden holds rows for most of them."""

SECTION = """\
## Gemma 4 and dialog

`dialog` is a package of Google's that holds the native format of Gemma 4. Its text and ours (`gemma4`) are the same
bytes for system text, questions, answers, thoughts, tool declarations, calls and results, apart from the list below.
Two edges are left out of the comparison: it writes no `<bos>`, and no line break after the last turn. Compared is
version {version} with `mcp` 1; with `mcp` 2 it prints other, wrong declarations and fails on results.

Where they differ, ours follows the chat template that was published with the models. This shows every difference, the
template's text first; the package is installed into an environment of its own, for which a Python 3.12 is needed:

```
.venv/bin/python -m tests.peers.dialog.differences
```

| | the template, and ours | `dialog` |
| --- | --- | --- |
{rows}
"""


def section() -> str:
    """The section of docs/peers.md."""
    rows = (f"| {difference.title} | {difference.template} | {difference.dialog} |" for difference in DIFFERENCES)
    return SECTION.format(version=VERSION, rows="\n".join(rows))


def main() -> None:
    """Prints what differs, from a little before it on."""
    if "--markdown" in sys.argv:
        print(section(), end="")
        return
    answers = ask(job(difference.conversation, thinking=difference.thinking) for difference in DIFFERENCES)
    for difference, answer in zip(DIFFERENCES, answers, strict=True):
        mine, theirs = (
            ours(difference.conversation, thinking=difference.thinking),
            answer.get("text", str(answer.get("raised"))),
        )
        same = max(sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(mine, theirs, strict=False))) - 20, 0)
        print(f"{difference.title}\n  template {mine[same:]!r}\n  dialog   {theirs[same:]!r}")


if __name__ == "__main__":
    main()
