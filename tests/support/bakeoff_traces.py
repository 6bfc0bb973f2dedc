"""Traces of the bake-off made by hand: a task of two calls and an answer, and what one fault makes of it.

A token is a character, but for what stands in angle brackets, which is one token.
"""

import json
import re

from callwright.bakeoff.trace import Halt, Step, Trace
from callwright.engines.sampling import GREEDY
from callwright.evaluation.row import RowCall
from callwright.storage import JsonLines

SYSTEM, USER = "You are the assistant of a household.", "[2026-04-18 14:20] @ann: is The Matrix there?"
CALLS = (
    RowCall(name="check_library", arguments={"titles": "The Matrix", "limit": 1}),
    RowCall(name="memory_write", arguments={"key": "film", "content": "The Matrix"}),
)
RESULTS = ("- The Matrix: IN LIBRARY", "stored: film")
ANSWER = "Yes, The Matrix is in the library."
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": call.name,
            "description": "A tool of the household.",
            "parameters": {"type": "object", "properties": {key: {} for key in call.arguments}},
        },
    }
    for call in CALLS
]


def ids(text):
    """The tokens of a text."""
    return tuple(_id(piece) for piece in re.findall(r"<[^<>]*>|.", text, flags=re.DOTALL))


def _id(piece):
    return ord(piece) if len(piece) == 1 else 200_000 + sum(map(ord, piece))


def text_of(call):
    """A call as the model writes it."""
    return f"<call>{json.dumps({'name': call.name, 'arguments': call.arguments})}</call>"


def opening():
    """The messages of the first request."""
    return (
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": "Good morning, here is the house."},
        {"role": "assistant", "content": "Good morning, Ann."},
        {"role": "user", "content": USER},
    )


def asked(number):
    """The messages of a request."""
    messages = list(opening())
    for call, result in zip(CALLS[:number], RESULTS, strict=False):
        function = {"name": call.name, "arguments": json.dumps(call.arguments)}
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [{"type": "function", "function": function}]},
            {"role": "tool", "content": result},
        ]
    return tuple(messages)


def prompt_of(number):
    """The prompt of a request."""
    told = [f"<turn>{message['role']}\n{message['content']}<end>\n" for message in opening()]
    text = f"<bos>tools: {json.dumps(TOOLS)}\n" + "".join(told) + "<turn>model\n"
    for call, result in zip(CALLS[:number], RESULTS, strict=False):
        text += f"{text_of(call)}<end>\n<turn>tool\n{result}<end>\n<turn>model\n"
    return text


def trace(arm, *, task="movies", wording=0, seed=1, url=None, tells="tokens", goal=True, reason="answer_returned"):
    """A faithful trace.

    Args:
      arm: Its name.
      task: The key's, as are `wording` and `seed`.
      url: Where a server is, if there is one.
      tells: What the arm tells: tokens, text, or calls alone.
      goal: Whether the goal is reached.
      reason: Why it ends.
    """
    steps = []
    for number in range(3):
        calls = CALLS[number : number + 1]
        raw = text_of(calls[0]) if calls else ANSWER
        prompt, output = prompt_of(number), f"{raw}<end>"
        shown, counted = tells != "calls", tells == "tokens"
        steps.append(
            Step(
                arm=arm,
                task=task,
                wording=wording,
                seed=seed,
                step=number,
                messages=asked(number),
                request=None if url is None else {"messages": list(asked(number)), "tools": TOOLS, "temperature": 0},
                url=url,
                sampling=GREEDY,
                prompt=prompt if shown else None,
                prompt_ids=ids(prompt) if counted else None,
                prompt_source="rendered" if counted else "revealed" if shown else "unknown",
                output_ids=ids(output) if counted else None,
                raw=raw if shown else None,
                content=None if calls else ANSWER,
                reasoning=None,
                runtime_calls=calls if url else None,
                strict_calls=calls if shown else None,
                results=RESULTS[number : number + 1],
                prompt_tokens=len(ids(prompt)),
                output_tokens=len(ids(output)),
                seconds=0.5,
                stop_reason="stop",
            )
        )
    halt = Halt(
        arm=arm,
        task=task,
        wording=wording,
        seed=seed,
        halt_reason=reason,
        steps_used=3,
        tool_calls_total=2,
        wall_clock_s=1.5,
        load_elapsed_s=0.0,
        model_answer=ANSWER,
        goal_reached=goal,
        goal_failure="" if goal else "no film is stored",
    )
    return Trace(steps=tuple(steps), halt=halt)


def changed(whole, step, **fields):
    """The trace with fields of one step replaced."""
    steps = list(whole.steps)
    steps[step] = steps[step].model_copy(update=fields)
    return whole.model_copy(update={"steps": tuple(steps)})


def ended(whole, steps, reason, error=None):
    """The trace cut to so many steps, which ends for another reason."""
    halt = whole.halt.model_copy(update={"halt_reason": reason, "error": error, "steps_used": steps})
    return Trace(steps=whole.steps[:steps], halt=halt)


def write(directory, *traces):
    """Writes traces where a bake-off has them."""
    files = {}
    for whole in traces:
        records = files.setdefault((whole.halt.arm, whole.halt.task), [])
        records += [record.model_dump(mode="json") for record in (*whole.steps, whole.halt)]
    for (arm, task), records in files.items():
        with JsonLines(directory / "traces" / arm / f"{task}.jsonl") as lines:
            lines.append(*records)
    return directory
