"""An OpenAI-compatible server that is faithful by construction, so that whoever finds a fault in it is wrong.

A request is rendered by our renderer, cut into tokens by the instrument's vocabulary, continued by the instrument's
definition (`faithful_player`), and what it says is read by our strict parser, token by token: nothing is between the
model and the user that is not the reference itself. What goes wrong inside a server, behind its door, can be switched
on with `Hooks`; without them nothing does.

`verbose` in a request adds `__verbose`, as llama.cpp does: the prompt, the words, and the tokens of both.
"""

import codecs
import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.support.faithful_player import say
from tests.support.loopback import Response, events, listening

from callwright.conversation import Conversation, ToolCall
from callwright.errors import CallwrightError
from callwright.formats.grammar import Event, TextDelta
from callwright.instruments.instrument import Instrument
from callwright.instruments.vocabulary import SPACE, Kind, Vocabulary
from callwright.openai import read_conversation
from callwright.probe.explain.unclosed import unclosed
from callwright.tokens import Segment, encode_segments

SAMPLING = ("temperature", "top_k", "top_p", "min_p", "repeat_penalty", "seed")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass
class Hooks:
    """Places where a server can go wrong between the request and the answer.

    Attributes:
      render: The conversation, whether thinking is asked for, and the segments of the prompt, to other segments.
      prompt: The prompt's tokens, to others. It is asked before the prompt is held against the context.
      speech: What the model says for this conversation, the end of its turn included, to other tokens.
    """

    render: Callable[[Conversation, bool | None, list[Segment]], list[Segment]] | None = None
    prompt: Callable[[list[int]], list[int]] | None = None
    speech: Callable[[Conversation, list[int]], list[int]] | None = None


@dataclass
class Faithful:
    """A server that is running.

    Attributes:
      url: Where; without a path.
      instrument: What it plays.
      context: How many tokens prompt and answer may have together.
      hooks: What goes wrong in it.
    """

    instrument: Instrument
    context: int
    url: str = ""
    hooks: Hooks = field(default_factory=Hooks)

    def answer(self, method: str, path: str, body: bytes) -> Response:
        """What is answered to a request."""
        match method, path.partition("?")[0]:
            case "GET", "/health":
                return Response(200, {"status": "ok"})
            case "GET", "/v1/models":
                meta = {"n_vocab": self.instrument.vocabulary.vocab_size, "n_ctx": self.context}
                return Response(200, {"object": "list", "data": [{"id": self.instrument.name, "meta": meta}]})
            case "GET", "/props":
                template = self.instrument.form.chat_template()
                return Response(
                    200,
                    {
                        "build_info": "faithful",
                        "model_alias": self.instrument.name,
                        "total_slots": 4,
                        "default_generation_settings": {"n_ctx": self.context},
                        "chat_template": template,
                    },
                )
            case "POST", "/v1/chat/completions":
                try:
                    asked = json.loads(body)
                    return self._chat(asked)
                except (CallwrightError, ValueError, AttributeError, TypeError) as error:
                    return refusal(400, str(error), "invalid_request_error")
        return refusal(404, f"no {method} {path}", "not_found_error")

    def _chat(self, asked: dict[str, Any]) -> Response:
        form, vocabulary = self.instrument.form, self.instrument.vocabulary
        conversation = read_conversation(asked)
        thinking = (asked.get("chat_template_kwargs") or {}).get("enable_thinking")
        segments = form.render(conversation, add_generation_prompt=True, thinking=thinking)
        if self.hooks.render is not None:
            segments = self.hooks.render(conversation, thinking, segments)
        ids, _ = encode_segments(vocabulary, segments)
        if self.hooks.prompt is not None:
            ids = self.hooks.prompt(ids)
        if len(ids) >= self.context:
            message = f"request ({len(ids)} tokens) exceeds the available context size ({self.context} tokens)"
            sizes = {"n_prompt_tokens": len(ids), "n_ctx": self.context}
            return refusal(400, message, "exceed_context_size_error", **sizes)
        limit = asked.get("max_tokens")
        if limit is None:
            limit = asked.get("max_completion_tokens")
        room = self.context - len(ids)
        limit = room if limit is None or limit < 0 else min(limit, room)
        sampling = {name: asked.get(name) for name in SAMPLING}
        said = list(_until(say(self.instrument, ids, sampling), vocabulary.stop_ids, limit))
        if self.hooks.speech is not None:
            said = self.hooks.speech(conversation, said)[:limit]
        before = "".join(s.text for s in form.render(conversation, thinking=thinking))
        whole = "".join(s.text for s in segments)
        opened = whole[shared_length(before, whole) :]
        stream = form.stream(tools=conversation.tools, generation_prompt=opened)
        spoken = _Spoken(vocabulary, said)
        reason = "stop" if spoken.stopped else "length"
        rest = _never_closed(form, spoken, conversation.tools, opened) if spoken.stopped else ""
        message = partial(_message, stream, spoken.segments(), reason, rest)
        usage = {"prompt_tokens": len(ids), "completion_tokens": len(said), "total_tokens": len(ids) + len(said)}
        verbose = {"__verbose": spoken.verbose(ids, opened)} if asked.get("verbose") else {}
        if asked.get("stream"):
            return Response(200, events(self._chunks(message(), usage, verbose)), "text/event-stream")
        whole_message, finish = _whole(message())
        choice = {"index": 0, "message": whole_message, "finish_reason": finish}
        return Response(200, self._envelope("chat.completion", [choice]) | {"usage": usage} | verbose)

    def _chunks(self, deltas: Iterator[dict[str, Any] | str], usage: Any, verbose: Any) -> Iterator[dict[str, Any]]:
        chunk = partial(self._envelope, "chat.completion.chunk")
        yield chunk([{"index": 0, "delta": {"role": "assistant", "content": None}, "finish_reason": None}])
        for delta in deltas:
            if isinstance(delta, str):
                yield chunk([{"index": 0, "delta": {}, "finish_reason": delta}])
            else:
                yield chunk([{"index": 0, "delta": delta, "finish_reason": None}])
        yield chunk([]) | {"usage": usage} | verbose

    def _envelope(self, kind: str, choices: list[Any]) -> dict[str, Any]:
        return {"id": "chatcmpl-1", "object": kind, "created": 0, "model": self.instrument.name, "choices": choices}


def refusal(status: int, message: str, kind: str, **more: Any) -> Response:
    """An error as OpenAI's wire has it."""
    return Response(status, {"error": {"code": status, "message": message, "type": kind, **more}})


@contextmanager
def serve(instrument: Instrument, *, context: int = 8192) -> Iterator[Faithful]:
    """A faithful server that plays the instrument, for as long as the block lasts."""
    server = Faithful(instrument, context)
    with listening(server.answer) as server.url:
        yield server


class _Spoken:
    """What the model said, the end of its turn left out."""

    def __init__(self, vocabulary: Vocabulary, said: Sequence[int]) -> None:
        self.stopped = bool(said) and said[-1] in vocabulary.stop_ids
        self._vocabulary = vocabulary
        self._ids = list(said[:-1] if self.stopped else said)

    def segments(self) -> Iterator[Segment]:
        """Token by token, control tokens apart; bytes wait for the rest of their character."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for id_ in self._ids:
            if self._vocabulary.is_control(id_):
                yield Segment(decoder.decode(b"", final=True))
                yield Segment(self._vocabulary.pieces[id_], control=True)
                decoder.reset()
            else:
                yield Segment(decoder.decode(token_bytes(self._vocabulary, id_)))
        yield Segment(decoder.decode(b"", final=True))

    def verbose(self, prompt: Sequence[int], opened: str) -> dict[str, Any]:
        """What no user sees."""
        return {
            "prompt": self._vocabulary.decode(prompt),
            "prompt_ids": list(prompt),
            "generation_prompt": opened,
            "content": self._vocabulary.decode(self._ids),
            "segments": [[s.text, s.control] for s in self.segments() if s.text],
            "tokens": self._ids,
        }


def token_bytes(vocabulary: Vocabulary, id_: int) -> bytes:
    """What a token says, which need not be whole characters."""
    piece, kind = vocabulary.pieces[id_], vocabulary.kinds[id_]
    if kind == Kind.BYTE:
        return bytes([int(piece[3:5], 16)])
    return piece.replace(SPACE, " ").encode() if kind == Kind.NORMAL else piece.encode()


def shared_length(one: str, other: str) -> int:
    """How many first characters are the same."""
    shorter = min(len(one), len(other))
    return next((n for n in range(shorter) if one[n] != other[n]), shorter)


def _until(tokens: Iterator[int], stops: Sequence[int], limit: int) -> Iterator[int]:
    for count, token in enumerate(tokens):
        if count == limit:
            return
        yield token
        if token in stops:
            return


def _never_closed(form: Any, spoken: _Spoken, tools: Sequence[Any], opened: str) -> str:
    """The words from a call's marker on where the model ended its turn inside the call."""
    parsed = form.parse(tuple(spoken.segments()), tools=tools, finish_reason="stop", generation_prompt=opened)
    return unclosed(form, "".join(segment.text for segment in spoken.segments()), parsed, tools)


def _message(stream: Any, words: Iterator[Segment], reason: str, rest: str) -> Iterator[dict[str, Any] | str]:
    """The parts of the message as they become certain, what became no call as text, and why it ended."""
    calls = 0
    for found in (*map(stream.feed, (word for word in words if word.text)), stream.finish(reason)):
        for event in found:
            yield from _deltas(event, calls)
            calls += isinstance(event, ToolCall)
    if rest:
        yield {"content": rest}
    yield "tool_calls" if calls and reason == "stop" else reason


def _deltas(event: Event, index: int) -> Iterator[dict[str, Any]]:
    if isinstance(event, TextDelta):
        yield {"reasoning_content" if event.reasoning else "content": event.text}
    elif isinstance(event, ToolCall):
        id_ = event.id or "".join(secrets.choice(_LETTERS) for _ in range(9))
        arguments = json.dumps(dict(event.arguments), ensure_ascii=False)
        head, rest = {"index": index, "id": id_, "type": "function"}, {"name": event.name, "arguments": ""}
        yield {"tool_calls": [head | {"function": rest}]}
        for start in range(0, len(arguments), 16):
            yield {"tool_calls": [{"index": index, "function": {"arguments": arguments[start : start + 16]}}]}


def _whole(deltas: Iterator[dict[str, Any] | str]) -> tuple[dict[str, Any], str]:
    """The deltas of a stream as one message, and why it ended."""
    message: dict[str, Any] = {"role": "assistant", "content": None}
    finish = "stop"
    for delta in deltas:
        if isinstance(delta, str):
            finish = delta
            continue
        for name in ("content", "reasoning_content"):
            if name in delta:
                message[name] = (message.get(name) or "") + delta[name]
        for part in delta.get("tool_calls", ()):
            if "id" in part:
                message.setdefault("tool_calls", []).append(
                    {"id": part["id"], "type": "function", "function": dict(part["function"])}
                )
            else:
                message["tool_calls"][part["index"]]["function"]["arguments"] += part["function"]["arguments"]
    return message, finish
