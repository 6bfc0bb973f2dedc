"""Our Gemma 4 renderer and Google's `dialog` package give the same bytes, but for a list of explained differences."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from tests.peers.dialog import dialog_peer
from tests.peers.dialog.differences import DIFFERENCES, section

from callwright.conversation import Conversation, Json, Message, Tool, ToolCall
from callwright.notices import ignore
from callwright.openai import read_conversation

pytestmark = pytest.mark.peer("dialog")

ROOT = Path(__file__).parents[3]
NAMES = ("get_weather", "clock.now", "a-b", "zoë")
WORDS = ("x", "two words", "é 東京 🚲", "a\nb", '{"a": 1}', "<turn", "42", "null", "")


def compared(jobs):
    """(ours, theirs) for pairs of a conversation and whether it thinks."""
    mine = [dialog_peer.ours(conversation, thinking=thinking) for conversation, thinking in jobs]
    answers = dialog_peer.ask(dialog_peer.job(conversation, thinking=thinking) for conversation, thinking in jobs)
    return [(text, answer.get("text", answer.get("raised"))) for text, answer in zip(mine, answers, strict=True)]


def value(draw: random.Random, depth: int = 0) -> Json:
    match draw.randrange(7 if depth < 3 else 5):
        case 0:
            return draw.choice([None, True, False])
        case 1:
            return draw.randrange(-(10**20), 10**20) >> draw.randrange(80)
        case 2:
            return draw.choice([0.5, -2.25, 1e-07, 123456.789])
        case 3 | 4:
            return draw.choice(WORDS)
        case 5:
            return [value(draw, depth + 1) for _ in range(draw.randrange(3))]
    return fields(draw, depth + 1)


def fields(draw: random.Random, depth: int = 0) -> dict[str, Json]:
    names = sorted(draw.sample(["a", "b_2", "city", "d-e", "type", "name"], draw.randrange(4)))
    return {name: value(draw, depth) for name in names}


def schema(draw: random.Random, depth: int = 0) -> dict[str, Json]:
    kind = draw.choice(["string", "integer", "number", "boolean", "array", "object"] if depth < 3 else ["string"])
    out: dict[str, Json] = {"type": kind}
    if draw.random() < 0.7:
        out["description"] = draw.choice(WORDS[:-1])
    if kind == "string" and draw.random() < 0.4:
        out["enum"] = ["x", "y z"]
    elif kind == "array":
        out["items"] = {"type": draw.choice(["string", "integer"])}
        if draw.random() < 0.3:
            out["items"] = {"type": "object", **properties(draw, depth + 1)}
    elif kind == "object":
        out |= properties(draw, depth + 1)
    return out


def properties(draw: random.Random, depth: int = 0) -> dict[str, Json]:
    names = sorted(draw.sample(["a", "b_2", "city", "d-e", "type", "items"], draw.randrange(1, 4)))
    required = draw.sample(names, draw.randrange(len(names) + 1))
    return {"properties": {name: schema(draw, depth) for name in names}} | ({"required": required} if required else {})


def conversation(draw: random.Random) -> Conversation:
    """One in which the two can agree: keys in order, words trimmed, calls answered, schemas of the common part."""
    tools = [Tool(name, "Does it.", {"type": "object", **properties(draw)}) for name in NAMES[: draw.randrange(4)]]
    messages = [Message("system", "Be brief.")] * draw.randrange(2)
    for _ in range(draw.randrange(1, 4)):
        if not messages or messages[-1].role != "user":
            messages.append(Message("user", draw.choice(WORDS)))
        for _ in range(draw.randrange(3)):
            calls = [ToolCall(draw.choice(NAMES), fields(draw), id=f"c{i}") for i in range(draw.randrange(1, 4))]
            messages.append(Message("assistant", tool_calls=tuple(calls)))
            messages += [Message("tool", draw.choice([value, fields])(draw), tool_call_id=call.id) for call in calls]
        if draw.random() < 0.8:
            messages.append(Message("assistant", draw.choice(WORDS[:-1])))
    return Conversation(tuple(messages), tuple(tools))


def test_what_both_can_say_is_the_same_bytes():
    draw = random.Random(4)
    output = [conversation(draw) for _ in range(500)]
    output = [c for c in output if not any(isinstance(m.content, list) for m in c.messages)]
    for text, theirs in compared([(each, each.messages[-1].role == "user") for each in output]):
        assert text == theirs
    assert len(output) > 300


def in_common(conversation: Conversation) -> Conversation:
    """The conversation without what would differ for the most frequent reasons, which `differences` explains."""

    def tidy(it):
        if isinstance(it, list):
            return [tidy(item) for item in it]
        return {key: tidy(it[key]) for key in sorted(it, key=str.lower)} if isinstance(it, dict) else it

    tools = []
    for tool in conversation.tools:
        parameters = {key: value for key, value in tool.parameters.items() if value}
        tools.append(Tool(tool.name, tool.description, parameters))
    messages = []
    for message in conversation.messages:
        calls = tuple(ToolCall(call.name, tidy(dict(call.arguments)), call.id) for call in message.tool_calls)
        content = message.content if message.role == "tool" else (message.content or "").strip()
        messages.append(replace(message, content=tidy(content), tool_calls=calls))
    return Conversation(tuple(messages), tuple(tools))


DIFFERING = {
    "decl-array-minmax": ["Keywords that bound a value"],
    "decl-items-anyof": ["Inside `items`"],
    "decl-minmax-default": ["Keywords that bound a value"],
    "decl-mixed-case-keys": ["The order of a schema's keys"],
    "decl-nested-array-items": ["Inside `items`"],
    "decl-no-type-in-params": ["`parameters` without a type"],
    "decl-nullable": ["Keywords that bound a value"],
    "decl-params-empty-dict": ["Empty `parameters`, `properties` and `required`"],
    "decl-type-list": ["Several types"],
    "args-floats2": ["Whole floats"],
    "res-list-of-parts": ["Results in text parts"],
    "res-orphan": ["Results that answer nothing"],
    "flow-content-ws-call": ["Text beside calls"],
    "flow-call-unanswered-then-user": ["Calls that nothing answers"],
    "think-reason-key": ["Thoughts", "Results with thinking on"],
    "think-old-turn-dropped": ["Thoughts before the last question"],
    "think-final-last": ["Thoughts"],
    "think-reason-ws": ["Thoughts", "Text beside calls", "Results with thinking on"],
    "think-unset": ["Thoughts"],
    "native-response-final-content": ["Text beside calls", "Whole floats"],
    "native-empty-response": ["Results with thinking on"],
}
"""The golden cases that differ, and why."""


def test_every_golden_conversation_is_the_same_or_differs_as_explained():
    assert {title for titles in DIFFERING.values() for title in titles} <= {each.title for each in DIFFERENCES}
    rows = [json.loads(line) for line in (ROOT / "tests/golden/render/gemma4.jsonl").open(encoding="utf-8")]
    rows = [row for row in rows if row["variant"] == "e2b"]
    texts = compared([(in_common(read_conversation(row, ignore)), bool(row["enable_thinking"])) for row in rows])
    differing = {row["case"] for row, (mine, theirs) in zip(rows, texts, strict=True) if mine != theirs}
    assert differing == set(DIFFERING)


def test_each_listed_difference_is_there():
    texts = compared([(difference.conversation, difference.thinking) for difference in DIFFERENCES])
    for difference, (mine, theirs) in zip(DIFFERENCES, texts, strict=True):
        assert mine != theirs, difference.title
        for part, holds, lacks in ((difference.ours, mine, theirs), (difference.theirs, theirs, mine)):
            assert part in holds, difference.title
            assert not part or part not in lacks, difference.title


def test_the_page_lists_every_difference():
    assert section() in (ROOT / "docs/peers.md").read_text(encoding="utf-8")
