"""An HTTP proxy between a client and a faithful server that goes wrong in one way at a time, or in none.

With no fault switched on every byte is passed on as it comes. A fault may change the request, something behind the
server's door (`faithful_server.Hooks`), the answer, which is then put together, changed and sent again in the way that
was asked for, or the objects of a stream one by one.
"""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from tests.support import answer_faults, prompt_faults, request_faults, stream_faults
from tests.support.faithful_server import FaithfulServer, Hooks
from tests.support.fault import Fault, Inside, OutgoingReply, Refused
from tests.support.loopback import client_of

from callwright.engines.loopback import Response, events, listening
from callwright.engines.mock import refusal
from callwright.openai import read_tool
from callwright.tokens import Segment

FAULTS: dict[str, Fault] = request_faults.FAULTS | prompt_faults.FAULTS | answer_faults.FAULTS | stream_faults.FAULTS
"""Every fault by name."""
_CHAT = "/v1/chat/completions"
_PIECE = 7


@contextmanager
def between(server: FaithfulServer, fault: Fault | None = None) -> Iterator[str]:
    """The URL of a proxy to the server, with the fault switched on, for as long as the block lasts."""
    fmt, vocabulary = server.instrument.fmt, server.instrument.vocabulary
    if fault is not None and fault.hooks is not None:
        server.hooks = fault.hooks(Inside(fmt, vocabulary, server.context))
    try:
        with client_of(server.url) as client:
            proxy = _Proxy(server, client, fault)
            with listening(proxy.answer) as url:
                yield url
    finally:
        server.hooks = Hooks()


class _Proxy:
    def __init__(self, server: FaithfulServer, client: httpx.Client, fault: Fault | None) -> None:
        self._server, self._client, self._fault = server, client, fault
        self._memory: dict[str, Any] = {}

    def answer(self, method: str, path: str, body: bytes) -> Response:
        """What is answered to a request."""
        fault = self._fault
        if fault is None or (method, path) != ("POST", _CHAT):
            return self._passed_on(method, path, body)
        try:
            asked = json.loads(body)
            if not isinstance(asked, dict):
                return self._passed_on(method, path, body)
            if fault.request is not None:
                fault.request(asked)
            if fault.squeeze is not None:
                self._squeeze(fault, asked)
            if fault.answer is not None:
                return self._answered(fault, asked)
            if fault.chunk is not None and asked.get("stream"):
                return self._streamed(fault, asked)
            return self._passed_on(method, path, json.dumps(asked).encode())
        except Refused as refused:
            return refusal(refused.status, refused.message, "server_error")

    def _passed_on(self, method: str, path: str, body: bytes) -> Response:
        request = self._client.build_request(method, path, content=body, headers={"Content-Type": "application/json"})
        response = self._client.send(request, stream=True)
        kind = response.headers["Content-Type"]
        if kind == "text/event-stream":
            return Response(response.status_code, _closing(response), kind)
        try:
            return Response(response.status_code, response.read(), kind)
        finally:
            response.close()

    def _squeeze(self, fault: Fault, asked: dict[str, Any]) -> None:
        """Makes the request fit, one message at a time."""
        assert fault.squeeze is not None
        tried = asked
        while True:
            answer = self._client.post(_CHAT, json=tried | {"stream": False, "max_tokens": 1})
            error = answer.json().get("error", {})
            if error.get("type") != "exceed_context_size_error":
                asked["messages"] = tried["messages"]
                return
            tried = copy.deepcopy(tried)
            if not fault.squeeze(tried):
                return

    def _answered(self, fault: Fault, asked: dict[str, Any]) -> Response:
        assert fault.answer is not None
        answer = self._client.post(_CHAT, json=asked | {"stream": False, "verbose": True})
        whole = answer.json()
        if answer.status_code != 200:
            return Response(answer.status_code, whole)
        verbose = whole["__verbose"]
        if not asked.get("verbose"):
            del whole["__verbose"]
        [choice] = whole["choices"]
        message = choice["message"]
        ids = [call["id"] for call in message.get("tool_calls", ())]
        output = OutgoingReply(
            fmt=self._server.instrument.fmt,
            tools=tuple(read_tool(tool) for tool in asked.get("tools") or ()),
            raw=[Segment(text, control=control) for text, control in verbose["segments"]],
            opened=verbose["generation_prompt"],
            content=message["content"],
            reasoning=message.get("reasoning_content"),
            calls=[[call["function"]["name"], call["function"]["arguments"]] for call in message.get("tool_calls", ())],
            finish=choice["finish_reason"],
            memory=self._memory,
        )
        fault.answer(output)
        choice["finish_reason"] = output.finish
        choice["message"] = message = {"role": "assistant", "content": output.content}
        if output.reasoning is not None:
            message["reasoning_content"] = output.reasoning
        if output.calls:
            message["tool_calls"] = [
                {
                    "id": ids[n] if n < len(ids) else f"added{n:04}",
                    "type": "function",
                    "function": {"name": name, "arguments": arguments},
                }
                for n, (name, arguments) in enumerate(output.calls)
            ]
        if asked.get("stream"):
            return Response(200, events(_as_stream(whole)), "text/event-stream")
        return Response(200, whole)

    def _streamed(self, fault: Fault, asked: dict[str, Any]) -> Response:
        assert fault.chunk is not None
        answer = self._client.post(_CHAT, json=asked)
        if answer.status_code != 200:
            return Response(answer.status_code, answer.json())
        lines = (line.removeprefix("data: ") for line in answer.text.split("\n") if line.startswith("data: {"))
        changed = (fault.chunk(json.loads(line)) for line in lines)
        return Response(200, events(chunk for chunk in changed if chunk is not None), "text/event-stream")


def _closing(response: httpx.Response) -> Iterator[bytes]:
    try:
        yield from response.iter_raw()
    finally:
        response.close()


def _as_stream(whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A whole answer as the objects of a stream."""
    [choice] = whole["choices"]
    message = choice["message"]
    kind = {"object": "chat.completion.chunk"}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": None}]
    for name in ("reasoning_content", "content"):
        deltas += [{name: piece} for piece in _pieces(message.get(name) or "")]
    for index, call in enumerate(message.get("tool_calls", ())):
        arguments = call["function"]["arguments"]
        head = call | {"index": index, "function": {"name": call["function"]["name"], "arguments": ""}}
        deltas.append({"tool_calls": [head]})
        deltas += [{"tool_calls": [{"index": index, "function": {"arguments": piece}}]} for piece in _pieces(arguments)]
    rest = {key: value for key, value in whole.items() if key not in ("choices", "usage", "__verbose")}
    for delta in deltas:
        yield rest | kind | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield rest | kind | {"choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]}
    yield whole | kind | {"choices": []}


def _pieces(text: str) -> list[str]:
    return [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
