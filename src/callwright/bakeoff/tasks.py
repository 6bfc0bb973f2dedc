"""The tasks of a bake-off: each flow of a tools file, in each of its wordings, as one conversation.

A conversation depends on the file, the task and the number of the wording alone, so that every arm, and every run of a
bake-off, is asked the same. Nothing of the file is held out from it: it is a file that nothing was trained on.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from callwright.conversation import Conversation
from callwright.data.own_tools.context import ChatContext
from callwright.data.own_tools.flows import Flow, draw_flow
from callwright.data.own_tools.sides import one_side
from callwright.data.own_tools.source import load_own_tools
from callwright.data.rng import Rng
from callwright.data.tools_file.conversations import LongHistory
from callwright.data.tools_file.declaration import ToolGroup
from callwright.errors import DataError
from callwright.settings import Settings, validated
from callwright.yaml_files import read_yaml

_EVERY_HISTORY = "write a list of messages, {user: ...} and {assistant: ...} in turns, the assistant's last"


@dataclass(frozen=True, slots=True)
class Task:
    """One task in one wording.

    Attributes:
      name: The task's.
      wording: Which of its requests, from 0.
      flow: What is asked, what the stubbed tools give back, and when the goal is reached.
    """

    name: str
    wording: int
    flow: Flow

    @property
    def conversation(self) -> Conversation:
        """What the model is asked first."""
        return self.flow.conversation


class _HistoryFile(Settings):
    messages: LongHistory


def read_history(path: Path) -> LongHistory:
    """A chat that precedes every request, of any length.

    Args:
      path: YAML or JSON, a list of messages as in a tools file's `histories`.

    Raises:
      DataError: It is something else; the message names file and message.
    """
    messages = read_yaml(path)
    return validated(
        _HistoryFile, {"messages": messages}, where=str(path), error=DataError, fix=_EVERY_HISTORY
    ).messages


def read_tasks(
    path: Path, wordings: int, *, context_share: float = 1.0, history: LongHistory | None = None
) -> list[Task]:
    """The tasks of a file: all wordings of the first, then those of the next.

    Args:
      path: The tools file.
      wordings: How many of each task's requests are asked, the first ones.
      context_share: The share of conversations that begin with one of the file's histories.
      history: What every conversation begins with in their place; see `read_history`.

    Raises:
      DataError: It is no tools file, has no flow, or one with fewer requests.
    """
    return tasks_of(load_own_tools(path), path, wordings, context_share=context_share, history=history)


def tasks_of(
    file: ToolGroup, path: Path, wordings: int, *, context_share: float = 1.0, history: LongHistory | None = None
) -> list[Task]:
    """The same of a file that was read; `path` is where it is, for errors.

    Raises:
      DataError: It has no flow, or one with fewer requests.
    """
    if not file.flows:
        raise DataError(f"flows in {path}, which are the tasks", "none", "see config/assistant/tasks.yaml")
    for flow in file.flows:
        if len(flow.requests) < wordings:
            fix = f"lower wordings to {len(flow.requests)}, or write more requests"
            raise DataError(f"{wordings} requests of {flow.name} in {path}", str(len(flow.requests)), fix)
    return [
        _task(file, number, wording, context_share, history)
        for number in range(len(file.flows))
        for wording in range(wordings)
    ]


def _task(file: ToolGroup, number: int, wording: int, context_share: float, history: LongHistory | None) -> Task:
    settings = file.flows[number]
    rng = Rng("bake-off", settings.name, wording)
    only = settings.model_copy(update={"requests": (settings.requests[wording],)})
    flow = draw_flow(only, one_side(file, held_out=True).offered, rng, held_out=None)
    system = rng.between(0, len(file.system) - 1) if file.system else None
    carries = history is None and rng.chance(context_share)
    context = ChatContext(file, system, carries, rng)
    before = (*context.messages, *context.chat(history or ()))
    (request,) = flow.conversation.messages
    kept = {value.text for value in flow.values.values()}
    message = context.user_message(str(request.content), kept, rng)
    conversation = replace(flow.conversation, messages=(*before, message))
    return Task(settings.name, wording, replace(flow, id=f"{settings.name}-{wording}", conversation=conversation))
