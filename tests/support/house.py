"""A small house for the evaluation of own tools: its tools file, labelled conversations, and who answers them."""

import json

from callwright.conversation import Message, ToolCall
from callwright.evaluation.answerer import ModelAnswer, Prompt
from callwright.formats import get_format

LIGHT = {"type": "function", "function": {"name": "light", "parameters": {"type": "object", "properties": {
    "room": {"type": "string"}, "level": {"type": "integer", "default": 3}}, "required": ["room"]}}}  # fmt: skip
LOCK = {"type": "function", "function": {"name": "lock", "parameters": {"type": "object", "properties": {}}}}
PROJECT = {
    "version": 1,
    "system": ["You run the house.", "Another one."],
    "tools": [
        {
            "name": "light",
            "description": "Turns on a light.",
            "parameters": {"room": {"description": "Where", "values": [f"room {n}" for n in range(12)]}},
            "phrasings": ["light in {room}", "turn on the light in {room}", "{room} is dark", "I can't see in {room}"],
        },
        {"name": "lock", "description": "Locks.", "phrasings": ["lock the door", "lock up"]},
    ],
}


def says(text):
    return {"role": "user", "content": text}


def calls(*made):
    functions = [{"name": name, "arguments": json.dumps(arguments)} for name, arguments in made]
    return {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": f} for f in functions]}


RIGHT = [says("the hall is dark"), calls(("light", {"room": "hall"}))]
TWO = [says("hall and attic"), calls(("light", {"room": "hall"}), ("light", {"room": "attic"}))]
WORDS = [says("who are you?"), {"role": "assistant", "content": "A house."}]
ON = {"role": "tool", "tool_call_id": "1", "content": "on"}
TURNS = [*RIGHT, ON, {"role": "assistant", "content": "It is on."}, says("lock up"), calls(("lock", {}))]


class Scripted:
    """An answerer that has the same answer for everything, and keeps what it was asked."""

    def __init__(self, made=(("light", {"room": "Hall"}),), stop_after=None):
        self.made, self.stop_after, self.asked = made, stop_after, []

    def prepare(self, conversation):
        text = get_format("xml").render(conversation, add_generation_prompt=True).text
        return Prompt(conversation, text, tuple(range(len(text) // 20)))

    def answer(self, prompts, *, max_new_tokens):
        if self.stop_after is not None and len(self.asked) >= self.stop_after:
            raise KeyboardInterrupt
        self.asked += [prompt.conversation for prompt in prompts]
        message = Message("assistant", tool_calls=tuple(ToolCall(*one) for one in self.made))
        return [ModelAnswer(text="said", token_ids=(1,), finish_reason="stop", message=message) for _ in prompts]


def write(directory, *conversations, name="test.jsonl", tools=(LIGHT, LOCK)):
    lines = [one if isinstance(one, dict) else {"messages": one, "tools": list(tools)} for one in conversations]
    (directory / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return name


BASE = "runs/house/stage2"
