"""Runs inside the environment of the `dialog` package: JSON lines of conversations in, what it makes of them out.

A job is `{"turns": [{"role", "chunks": [{kind: value}, ...]}, ...], "training": bool}`; it is answered by `{"text"}`,
or by `{"raised"}` where the package fails.
"""

import json
import sys

import dialog

TURNS = {"system": dialog.System, "user": dialog.User, "model": dialog.Model}
CHUNKS = {
    "text": dialog.Text,
    "thought": dialog.Thought,
    "tool": dialog.Tool,
    "call": dialog.ToolCall,
    "result": dialog.ToolResponse,
    "think": lambda _: dialog.Think(),
}


def chunk(given):
    [(kind, value)] = given.items()
    return CHUNKS[kind](value)


def answer(job):
    try:
        turns = [TURNS[turn["role"]](*map(chunk, turn["chunks"])) for turn in job["turns"]]
        return {"text": str(dialog.Conversation(*turns).as_text(training=job["training"]))}
    except Exception as error:
        return {"raised": f"{type(error).__name__}: {error}"}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
