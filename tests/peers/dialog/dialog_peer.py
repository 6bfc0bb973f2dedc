"""Google's `dialog` package, which holds Gemma 4's native format, as an oracle: in an environment of its own.

It needs Python 3.12, and `mcp` below version 2, with which it renders other, wrong declarations.
"""

import glob
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.peers import environment

from callwright.conversation import Conversation, Message
from callwright.formats import get_format

VERSION = "1.1.0"
PINNED = (f"dialog=={VERSION}", "mcp==1.30.0", "etils==1.15.0", "lark==1.3.1")
DRIVER = Path(__file__).with_name("dialog_driver.py")
FORM = get_format("gemma4", "e2b")


class NoInterpreter(Exception):  # noqa: N818 - a reason to skip, not an error
    """There is no Python that the package runs on."""


def _interpreter() -> str:
    """A Python of version 3.12 or later: this one, or one that the machine has."""
    versions = os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv")) + "/versions/3.1[2-4]*/bin/python"
    named = [shutil.which(f"python3.{minor}") for minor in (12, 13, 14)]
    for python in (sys.executable, *filter(None, named), *sorted(glob.glob(versions))):
        test = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 12))"
        if subprocess.run([python, "-c", test], capture_output=True, check=False).returncode == 0:
            return python
    raise NoInterpreter("dialog needs Python 3.12 or later")


def python() -> Path:
    """The interpreter of the environment, which is made if it does not exist.

    Raises:
      NoInterpreter: there is nothing to make it of.
    """
    return environment.set_up(f"dialog-{VERSION}", PINNED, python=_interpreter(), whole=False)


def ask(jobs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The package's answers to the jobs that `dialog_driver` describes, in order."""
    return environment.ask(python(), DRIVER, jobs)


def job(conversation: Conversation, *, thinking: bool = False) -> dict[str, Any]:
    """The conversation as `dialog` takes it. What it cannot say otherwise, it says in the order of the messages."""
    turns: list[dict[str, Any]] = []
    messages = conversation.messages
    head = [{"think": True}, {"text": "\n"}] if thinking else []
    if messages and messages[0].role == "system":
        head.append({"text": messages[0].content})
        messages = messages[1:]
    tools = [
        {"name": tool.name, "description": tool.description, "inputSchema": dict(tool.parameters)}
        for tool in conversation.tools
    ]
    head += [{"tool": {key: value for key, value in tool.items() if value is not None}} for tool in tools]
    if head:
        turns.append({"role": "system", "chunks": head})
    for index, message in enumerate(messages):
        role = message.role if message.role in ("system", "user") else "model"
        if not turns or turns[-1]["role"] != role:
            turns.append({"role": role, "chunks": []})
        turns[-1]["chunks"] += _chunks(messages, index)
    ended = bool(messages) and messages[-1].role == "assistant" and not messages[-1].tool_calls
    return {"turns": turns, "training": ended}


def _chunks(messages: tuple[Message, ...], index: int) -> Iterator[dict[str, Any]]:
    message = messages[index]
    if message.reasoning:
        yield {"thought": message.reasoning}
    if message.role == "tool":
        names = [call.name for m in messages[:index] for call in m.tool_calls if call.id == message.tool_call_id]
        content = message.content if isinstance(message.content, dict) else {"value": message.content}
        yield {"result": {"name": names[-1] if names else message.name, "structuredContent": content}}
    elif message.content:
        yield {"text": message.content}
    for call in message.tool_calls:
        yield {"call": {"name": call.name, "arguments": dict(call.arguments)}}


def ours(conversation: Conversation, *, thinking: bool = False) -> str:
    """What our renderer gives, as far as `dialog` would go.

    It writes no `<bos>`, always opens the model's turn, and ends a conversation that is over without a line break.
    """
    ended = job(conversation)["training"]
    segments = FORM.render(conversation, add_generation_prompt=not ended, thinking=thinking).segments
    text = "".join(segment.text for segment in segments).removeprefix("<bos>")
    return text.removesuffix("\n") if ended else text
