"""What tests of the bake-off share: the shipped tasks, a setup without a model, and arms that do as they are told."""

import asyncio
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from callwright.bakeoff.arms.base import Arm, ArmAnswer, ArmOptions, ArmSetup
from callwright.bakeoff.arms.mock import MockArm
from callwright.bakeoff.directory import ArmRecord, BakeoffRecord
from callwright.bakeoff.harness import run
from callwright.bakeoff.tasks import read_tasks
from callwright.conversation import Conversation, Message, ToolCall
from callwright.engines.byte_tokenizer import ByteTokenizer
from callwright.formats import get_format
from callwright.instruments.script import Line, write_script
from callwright.instruments.script_file import expected_output

TASKS = Path(__file__).parents[2] / "config" / "assistant" / "tasks.yaml"


RECORD = BakeoffRecord(
    callwright="1", model="m", model_sha256="a", run="r/stage5", adapter_sha256="b", gguf_sha256="c", format="xml",
    chat_template_sha256="d", tasks_file="tasks.yaml", tasks_sha256={"tasks.yaml": "e"}, tasks=("movies",), wordings=1,
    history_sha256=None, context_share=1.0, seeds=(1,), temperature=0.0, thinking=False, context=8192,
    max_new_tokens=256, max_steps=12, step_seconds=120.0, task_seconds=900.0, tools=(),
    arms={"mock": ArmRecord(kind="mock", options={"kind": ""})},
)  # fmt: skip


@cache
def shipped_tasks(wordings=1):
    return tuple(read_tasks(TASKS, wordings))


def setup_of(fmt="xml", **changes):
    """A setup whose tokens are bytes, so that prompts are long."""
    fmt = get_format(fmt)
    fields = {"format": fmt, "tokenizer": ByteTokenizer(fmt), "tasks": shipped_tasks(), "context": 100_000}
    return ArmSetup(**fields | {"max_new_tokens": 2000, "seconds": 5.0} | changes)


def mock_arm(**changes):
    return MockArm("mock", ArmOptions(), setup_of(**changes))


@dataclass(frozen=True)
class Limits:
    max_steps: int = 12
    step_seconds: float = 5.0
    task_seconds: float = 20.0


def played(arm, task=None, *, limits=None, seed=1, kept=None):
    """The trace of a task in an arm that needs no opening."""
    kept = [] if kept is None else kept
    task = task or shipped_tasks()[0]
    return asyncio.run(run(task, arm, limits or Limits(), seed=seed, keep=kept.append))


class ToldArm(Arm):
    """An arm that gives these answers, one after another; an exception is raised, a number of seconds is waited."""

    def __init__(self, *answers, name="told"):
        super().__init__(name, ArmOptions(), setup_of())
        self.answers, self.asked = list(answers), []

    async def answer(self, conversation, seed):
        self.asked.append(conversation)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, float):
            await asyncio.sleep(answer)
        return answer


def calling(*calls, **fields):
    """An answer with calls, as a chat server delivers it."""
    message = Message("assistant", fields.get("content"), tool_calls=calls)
    return ArmAnswer(**{"message": message, "runtime_calls": calls, **fields})


def words(text, **fields):
    """An answer without a call."""
    return ArmAnswer(**{"message": Message("assistant", text), "content": text, "runtime_calls": (), **fields})


def search(query="x"):
    return ToolCall("web_search", {"query": query}, id="c1")


def gold(conversation):
    """What solves a task, next: the message of whichever shipped task the conversation is of."""
    contents = [str(message.content) for message in conversation.messages]
    for task in shipped_tasks(2):
        request = str(task.conversation.messages[-1].content)
        if request in contents:
            after = conversation.messages[contents.index(request) + 1 :]
            done = sum(message.role == "assistant" for message in after)
            if done < len(task.flow.steps):
                return Message("assistant", tool_calls=(replace(task.flow.steps[done].call, id=f"{done:09}"),))
            return Message("assistant", task.flow.answer)
    return Message("assistant", "?")


def asked_of(arm, *tasks, limits=None):
    """The traces of tasks in an arm, which is opened and closed."""

    async def ask():
        await arm.open()
        try:
            return [await run(task, arm, limits or Limits(), seed=1) for task in tasks]
        finally:
            await arm.close()

    return asyncio.run(ask())


def cued(task):
    """The task with a cue at the end of its request and of every result, and what is generated after each cue."""
    flow, name = task.flow, f"{task.name}{task.wording}"
    *before, request = flow.conversation.messages
    asked = replace(request, content=f"{request.content} @@{name}.0@@")
    steps = tuple(
        replace(step, result=f"{step.result} @@{name}.{number}@@") for number, step in enumerate(flow.steps, 1)
    )
    outputs = [Message("assistant", tool_calls=(step.call,)) for step in flow.steps]
    outputs.append(Message("assistant", flow.answer))
    conversation = replace(flow.conversation, messages=(*before, asked))
    lines = {f"{name}.{number}": output for number, output in enumerate(outputs)}
    return replace(task, flow=replace(flow, conversation=conversation, steps=steps)), lines


def scripted_tasks(fmt, tasks=None):
    """Tasks, and an instrument that plays all of them to their goals."""
    pairs = [cued(task) for task in tasks or shipped_tasks()]
    lines = [
        Line(cue, expected_output(fmt, Conversation((Message("user", "Go."), output), task.conversation.tools)))
        for task, outputs in pairs
        for cue, output in outputs.items()
    ]
    return [task for task, _ in pairs], write_script(fmt, lines)
