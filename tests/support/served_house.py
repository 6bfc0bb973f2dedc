"""A chat server that knows what is expected: it answers entries of a suite right, but for some that it is told."""

import json
from collections.abc import Callable, Collection
from typing import Any

from callwright.conversation import ToolCall
from callwright.engines.loopback import Response
from callwright.evaluation.plays import contents
from callwright.evaluation.suites import SuiteEntries


class KnowingServer:
    """OpenAI's endpoint and Ollama's; what it does not know it answers with words.

    Args:
      asked: The entries whose answers it knows.
      wrong: The ids of those that it answers with words all the same.
      dies_after: How many of them it answers before it fails every request.
      failing: What it answers to a request that fails.

    Attributes:
      requests: The paths and bodies of all requests.
    """

    def __init__(
        self,
        asked: SuiteEntries,
        *,
        wrong: Collection[str] = (),
        dies_after: int | None = None,
        failing: Callable[[], Response] = lambda: Response(503, {"error": {"message": "no memory"}}),
    ) -> None:
        self.requests: list[tuple[str, Any]] = []
        self.failing, self.left = failing, dies_after
        self._wrong = set(wrong)
        self._single = {
            contents(entry.conversation): (entry.id, entry.expected)
            for members in asked.entries.values()
            for entry in members
        }
        self._flows = {contents(flow.conversation): flow for flow in asked.flows}

    def __call__(self, method: str, path: str, body: bytes) -> Response:
        request = json.loads(body)
        if self.left == 0:
            return self.failing()
        self.requests.append((path, request))
        messages = request["messages"]
        first = next((place for place, one in enumerate(messages) if one.get("tool_calls")), len(messages))
        words = [str(one["content"]) for one in messages if one.get("content") not in (None, "")]
        name, calls, text = self._find("\n".join(words), messages[first:])
        if name and self.left is not None:
            self.left -= 1
        return _reply(path, () if name in self._wrong else calls, text)

    @property
    def asked(self) -> list[Any]:
        """The requests that offer tools: all but those that only try whether it answers."""
        return [request for _, request in self.requests if request.get("tools")]

    def _find(self, words: str, after: list[Any]) -> tuple[str, tuple[ToolCall, ...], str]:
        if words in self._single:
            name, calls = self._single[words]
            return name, calls, "words"
        for opening, flow in self._flows.items():
            if words.startswith(opening):
                done = sum(message["role"] == "assistant" for message in after)
                return flow.id, flow.calls[done : done + 1], flow.answer
        return "", (), "words"


def _reply(path: str, calls: tuple[ToolCall, ...], text: str) -> Response:
    if path == "/api/chat":
        functions: list[Any] = [{"function": {"name": one.name, "arguments": dict(one.arguments)}} for one in calls]
        message = {"role": "assistant", "content": "" if calls else text, "tool_calls": functions}
        return Response(200, {"model": "m", "message": message, "done": True, "done_reason": "stop"})
    functions = [
        {"id": f"c{n}", "type": "function", "function": {"name": one.name, "arguments": json.dumps(one.arguments)}}
        for n, one in enumerate(calls)
    ]
    message = {"role": "assistant", "content": None if calls else text, "tool_calls": functions}
    return Response(200, {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
