"""Every format on one core: renders and parses a second, parsing in pieces against at once, and against transformers.

The messages are short, and the same for all formats: words, a call, words and a call, two calls, an answer after
results. What a format cannot say is left out of its set. Pieces are as long as tokens are (a word with the space before
it, a control token, up to three signs). transformers parses by a schema that is written per model; those below read the
same texts to the same calls (checked before anything is timed), and its parser is called without the tokenizer around
it. A format without one is one whose calls such a schema cannot read. All figures are of processor time, the best of
several rounds, so that other work on the machine disturbs them little.

    python benchmarks/bench_formats.py [SECONDS_EACH [FORMAT ...]]
"""

import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from callwright.conversation import Conversation, Message, ToolCall
from callwright.errors import FormatError
from callwright.formats import FORMATS
from callwright.formats.base import Format, Parsed
from callwright.formats.example import TIME, WEATHER
from callwright.openai import write_conversation, write_tool
from callwright.tokens import Segment

try:
    from transformers.utils.chat_parsing_utils import recursive_parse
except ImportError:
    recursive_parse = None

COMMAND = str(Path(sys.executable).with_name("callwright"))
ROUNDS, LINES = 7, 20_000
TOOLS = (WEATHER, TIME)
ASKED = Message("user", "How warm is it in Paris?")
PARIS = ToolCall("get_weather", {"city": "Paris", "unit": "celsius"}, id="parisnow1")
CLOCK = ToolCall("clock.now", {"zone": "Europe/Paris"}, id="clocknow2")
CALLED = Message("assistant", None, tool_calls=(PARIS,))
RESULT = Message("tool", "18.5", name="get_weather", tool_call_id="parisnow1")
TURNS = (
    (ASKED, Message("assistant", "I cannot know that, but it is usually mild at this time of the year.")),
    (ASKED, CALLED),
    (ASKED, Message("assistant", "I will look it up.", tool_calls=(PARIS,))),
    (ASKED, Message("assistant", None, tool_calls=(PARIS, CLOCK))),
    (ASKED, CALLED, RESULT, Message("assistant", "It is 18.5 °C in Paris.")),
)


def tagged(opener: str, closer: str, call: dict[str, Any], *, items: str = r"(.*?)") -> dict[str, Any]:
    """A response schema for calls between two markers."""
    opener, closer = re.escape(opener), re.escape(closer)
    calls = {"type": "array", "x-regex-iterator": rf"{opener}\s*{items}\s*{closer}", "items": call}
    return message(content(opener), calls)


def message(text: dict[str, Any], calls: dict[str, Any]) -> dict[str, Any]:
    """A response schema as models publish it: role, content, calls."""
    return {"type": "object", "properties": {"role": {"const": "assistant"}, "content": text, "tool_calls": calls}}


def content(*ends: str) -> dict[str, str]:
    """The text before the first call or the end of the turn, and after a thought."""
    stops = (
        *ends,
        "<end_of_turn>",
        re.escape("<|im_end|>"),
        re.escape("<turn|>"),
        "</s>",
        re.escape("<|eot_id|>"),
        "$",
    )
    return {"type": "string", "x-regex": rf"^(?:<think>.*?</think>)?\s*(.*?)\s*(?:{'|'.join(stops)})"}


def thinking(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a family that thinks."""
    thought = {"type": "string", "x-regex": r"<think>\s*(.*?)\s*</think>"}
    return schema | {"properties": {"thinking": thought} | schema["properties"]}


def json_call(key: str) -> dict[str, Any]:
    """A call that is one JSON object."""
    properties = {"name": {"type": "string"}, key: {"type": "object"}}
    return {"type": "object", "x-parser": "json", "properties": properties}


NAMED = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "arguments": {"type": "object", "x-parser": "json"}},
}
GEMMA4 = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "arguments": {"type": "object", "x-parser": "gemma4-tool-call"}},
}
SCHEMAS: dict[str, dict[str, Any]] = {
    "xml/args": tagged("<tool_call>", "</tool_call>", json_call("args")),
    "xml/arguments": tagged("<tool_call>", "</tool_call>", json_call("arguments")),
    "qwen25": tagged("<tool_call>", "</tool_call>", json_call("arguments")),
    "qwen3": thinking(tagged("<tool_call>", "</tool_call>", json_call("arguments"))),
    "hermes3": tagged("<tool_call>", "</tool_call>", json_call("arguments")),
    "gemma4/31b": tagged("<|tool_call>call:", "<tool_call|>", GEMMA4, items=r"(?P<name>[^{]*)(?P<arguments>\{.*?\})"),
    "llama31": message(
        content(r"\{"),
        {"type": "array", "x-regex-iterator": r"^(\{.*\})(?:<\|eot_id\|>)?$", "items": json_call("parameters")},
    ),
    "mistral/v3": message(
        content(r"\[TOOL_CALLS\]"),
        {
            "type": "array",
            "x-regex": r"\[TOOL_CALLS\]\s*(.*?)(?:</s>|$)",
            "x-parser": "json",
            "items": {"type": "object", "properties": {"name": {"type": "string"}, "arguments": {"type": "object"}}},
        },
    ),
    "mistral/v13": message(
        content(r"\[TOOL_CALLS\]"),
        {
            "type": "array",
            "x-regex-iterator": r"\[TOOL_CALLS\](?P<name>.*?)\[ARGS\](?P<arguments>.*?)(?=\[TOOL_CALLS\]|</s>|$)",
            "items": NAMED,
        },
    ),
}
SCHEMAS["gemma4/e2b"] = SCHEMAS["gemma4/31b"]


def main() -> None:
    """Prints one line for each format and variant."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 0.5
    print(f"{'':16}{'renders/s':>12}{'parses/s':>12}{'in pieces':>12}{'transformers':>14}{'ours/theirs':>13}")
    for fmt in FORMATS.values():
        if len(sys.argv) <= 2 or fmt.name in sys.argv[2:]:
            print(f"{fmt.id:16}{measured(fmt, seconds / ROUNDS)}", flush=True)
    fmt = next(iter(FORMATS.values()))
    for command, rows in rows_of(fmt):
        print(f"{filtered(command, rows)}, {fmt.id}")


def filtered(command: str, rows: Sequence[dict[str, Any]]) -> str:
    """Lines a second through a filter, a process of its own, its start included."""
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([COMMAND, command], input=lines.encode(), stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return f"callwright {command}: {len(rows) / spent:,.0f} lines/s of {len(rows):,} lines"


def rows_of(fmt: Format) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Rows for both filters."""
    conversations, texts = representable(fmt)
    tools = [write_tool(tool) for tool in TOOLS]
    renders = [{"format": fmt.id} | write_conversation(conversation) for conversation in conversations]
    parses = [{"format": fmt.id, "raw": text, "tools": tools} for text in texts]
    for command, rows in {"render": renders, "parse": parses}.items():
        yield command, [rows[i % len(rows)] | {"id": i} for i in range(LINES)]


def measured(fmt: Format, seconds: float) -> str:
    """One format's figures, each measured in rounds of so many seconds."""
    conversations, texts = representable(fmt)
    works: list[tuple[Callable[[Any], object], Sequence[Any]]] = [
        (lambda conversation: fmt.render(conversation, add_generation_prompt=True), conversations),
        (lambda text: fmt.parse(text, tools=TOOLS), texts),
        (lambda pieces: in_pieces(fmt, pieces), [pieces_of(text, fmt.special_tokens) for text in texts]),
    ]
    schema = SCHEMAS.get(fmt.id)
    if schema is not None and recursive_parse is not None:
        check(fmt, schema, texts)
        works.append((lambda text: recursive_parse(text, schema), texts))
    renders, parses, streamed, *theirs = rates(works, seconds)
    line = f"{renders:12,.0f}{parses:12,.0f}{parses / streamed:11.1f}x"
    return line + (f"{theirs[0]:14,.0f}{parses / theirs[0]:12.2f}x" if theirs else f"{'-':>14}")


def representable(fmt: Format) -> tuple[list[Conversation], list[str]]:
    """The conversations that the format can say, and what the model says in each."""
    conversations, texts = [], []
    for turn in TURNS:
        conversation = Conversation(turn, TOOLS)
        try:
            segments = fmt.render(conversation).segments
        except FormatError:
            continue
        conversations.append(conversation)
        texts.append(output_of(segments))
    return conversations, texts


def output_of(segments: Sequence[Segment]) -> str:
    """What the model says last, to the end of its turn."""
    words: list[str] = []
    for segment in reversed(segments):
        if segment.supervised:
            words.append(segment.text)
        elif words:
            break
    return "".join(reversed(words))


def pieces_of(text: str, special_tokens: Sequence[str]) -> list[str]:
    """The text cut as a tokenizer might cut it."""
    special = map(re.escape, sorted(special_tokens, key=len, reverse=True))
    return re.findall("|".join([*special, r" ?\w+", r" ?[^\w\s]{1,3}", r"\s+"]), text)


def in_pieces(fmt: Format, pieces: Sequence[str]) -> None:
    """One message as it comes."""
    stream = fmt.stream(tools=TOOLS)
    events = []
    for piece in pieces:
        events += stream.feed(piece)
    events += stream.finish()
    Parsed.from_events(events, complete=stream.complete)


def check(fmt: Format, schema: dict[str, Any], texts: Sequence[str]) -> None:
    """That both read the same calls."""
    for text in texts:
        theirs, ours = recursive_parse(text, schema), fmt.parse(text, tools=TOOLS)
        calls = [tuple(call.values())[:2] for call in theirs.get("tool_calls") or ()]  # name and arguments, no id
        assert calls == [(call.name, call.arguments) for call in ours.tool_calls], text


def rates(works: Sequence[tuple[Callable[[Any], object], Sequence[Any]]], seconds: float) -> list[float]:
    """Items a second of each work, in the best of some rounds of so many seconds; the works take turns."""
    best = [0.0] * len(works)
    for _ in range(ROUNDS):
        for index, (work, items) in enumerate(works):
            done, start = 0, time.process_time()
            while (spent := time.process_time() - start) < seconds:
                for item in items:
                    work(item)
                done += len(items)
            best[index] = max(best[index], done / spent)
    return best


if __name__ == "__main__":
    main()
