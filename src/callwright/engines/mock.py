"""A chat server with planned outputs in place of a model, for tests of whatever talks to one.

All but the model is real. A request is rendered by a format, the planned output is cut into tokens, and the format's
strict parser reads them one by one; so a client gets what a faithful runtime makes of these tokens, whole or streamed,
cut by the token limit or refused because the prompt is too long. An output is what a model would generate: an assistant
message, which the format writes, or raw text, malformed calls included.

    fmt = get_format("qwen3")
    call = Message("assistant", tool_calls=(ToolCall("get_weather", {"city": "Oslo"}),))
    script = {"weather": call, "end": "It is warm."}
    with MockServer(fmt, script) as server:
        client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none")

The last cue in the prompt chooses the output: `@@weather@@` in the user's message, `@@end@@` in the tool's result. A
function of the conversation can choose instead. Left out on purpose: sampling, `tool_choice`, and several choices.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Any, Literal, Self

from callwright.conversation import Conversation, Json, Message
from callwright.engines.byte_tokenizer import ByteTokenizer
from callwright.engines.loopback import Response, events, listening
from callwright.engines.openai_chunks import Delta, message_deltas, whole_message
from callwright.errors import CallwrightError, ConfigError, DataError
from callwright.formats.base import Format
from callwright.notices import ignore
from callwright.openai import read_conversation
from callwright.tokens import CUE, Segment, Tokenizer, count_given, encode_segments, last_supervised

PlannedOutput = Message | str | Sequence[Segment]
"""An assistant's message, text in which every special token of the format counts as one, or segments."""
MockScript = Mapping[str, PlannedOutput] | Callable[[Conversation], PlannedOutput]
"""Outputs by the names of their cues, or a function that gives the output for a conversation."""

_END = 64
"""How many tokens at a prompt's end may be the beginning of an output; what templates write there is shorter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MockCompletion:
    """A request and what is generated for it.

    Attributes:
      request: The request's body.
      conversation: Its tools and messages.
      prompt: The prompt's token ids.
      generation_prompt: The end of the prompt, which opens the model's turn.
      output: The generated token ids, the stop left out.
      finish_reason: "stop" where the model ended its turn, "length" where the limit cut it.
    """

    request: Mapping[str, Any]
    conversation: Conversation
    prompt: Sequence[int]
    generation_prompt: str
    output: Sequence[int]
    finish_reason: Literal["stop", "length"]


class MockServer:
    """Serves `/v1/chat/completions` and `/v1/models` on a free port of the loopback, as long as a `with` block lasts.

    Args:
      fmt: The format in which prompts and outputs are written.
      script: What is generated. Where no cue of it is in the prompt, nothing is.
      context: How many tokens prompt and answer may have together; a longer prompt is refused with HTTP 400.
      tokenizer: What makes tokens; by default a token is a special token of the format, or a byte.
      model: The model's name.
    """

    def __init__(
        self,
        fmt: Format,
        script: MockScript,
        *,
        context: int = 8192,
        tokenizer: Tokenizer | None = None,
        model: str = "mock",
    ) -> None:
        self.fmt, self.script, self.context, self.model = fmt, script, context, model
        self.tokenizer: Tokenizer = tokenizer or ByteTokenizer(fmt)
        self._call_ids = map("call{:05}".format, count(1))  # no generator, as several threads take from it
        self._url: str | None = None
        self._running = ExitStack()

    @property
    def url(self) -> str:
        """The address, without a path.

        Raises:
          ConfigError: The server is not running.
        """
        if self._url is None:
            raise ConfigError(
                "a running server", "one outside its `with` block", "write `with MockServer(...) as server`"
            )
        return self._url

    def __enter__(self) -> Self:
        self._url = self._running.enter_context(listening(self.answer))
        return self

    def __exit__(self, *_: object) -> None:
        self._url = None
        self._running.close()

    def answer(self, method: str, path: str, body: bytes) -> Response:
        """What is answered to a request."""
        match method, path.partition("?")[0]:
            case "GET", "/v1/models":
                return Response(200, {"object": "list", "data": [self.describe()]})
            case "POST", "/v1/chat/completions":
                return self._chat(body)
        return refusal(404, f"no {method} {path}", "not_found_error")

    def describe(self) -> dict[str, Any]:
        """The model as `/v1/models` lists it, with llama.cpp's `meta`."""
        meta = {"n_vocab": self.tokenizer.vocab_size, "n_ctx": self.context}
        return {"id": self.model, "object": "model", "created": 0, "owned_by": "callwright", "meta": meta}

    def render(self, conversation: Conversation, thinking: bool | None) -> list[Segment]:
        """The prompt of a conversation."""
        return list(self.fmt.render(conversation, add_generation_prompt=True, thinking=thinking).segments)

    def encode(self, segments: Sequence[Segment]) -> list[int]:
        """The prompt's token ids."""
        return encode_segments(self.tokenizer, segments)[0]

    def generate(
        self, request: Mapping[str, Any], conversation: Conversation, prompt: Sequence[int], limit: int
    ) -> tuple[list[int], bool]:
        """The output's token ids, the stop left out, and whether it ended within `limit` tokens, the stop included.

        Raises:
          DataError: The planned output is a message of another role than the assistant's.
          FormatError: The planned message cannot be written in the format.
        """
        ids = encode_segments(self.tokenizer, self._planned(conversation, prompt))[0]
        ids = ids[count_given(self.tokenizer, ids, prompt[-_END:]) :]
        stops = {self.tokenizer.token_id(stop) for stop in self.fmt.stops}
        ids = ids[: next((place for place, id_ in enumerate(ids) if id_ in stops), len(ids))]
        return ids[:limit], len(ids) < limit

    def leftover(self, completion: MockCompletion) -> str:
        """Text of the output that the parser gives neither as content nor as a call, to be sent as content."""
        return ""

    def extras(self, completion: MockCompletion) -> dict[str, Any]:
        """Further fields of the answer, or of the last chunk of a stream."""
        return {}

    def segments(self, output: Sequence[int]) -> Iterator[Segment]:
        """An output token by token, special tokens apart; bytes wait for the rest of their character."""
        waiting: list[int] = []
        for id_ in output:
            if self.tokenizer.is_special(id_):
                yield Segment(self.tokenizer.decode(waiting))
                yield Segment(self.tokenizer.decode([id_]), control=True)
                waiting = []
            else:
                waiting.append(id_)
                if not (text := self.tokenizer.decode(waiting)).endswith("\ufffd"):
                    yield Segment(text)
                    waiting = []
        yield Segment(self.tokenizer.decode(waiting))

    def _planned(self, conversation: Conversation, prompt: Sequence[int]) -> Sequence[Segment]:
        if callable(self.script):
            planned = self.script(conversation)
        else:
            cues = [name for name in CUE.findall(self.tokenizer.decode(prompt)) if name in self.script]
            planned = self.script[cues[-1]] if cues else ""
        if isinstance(planned, str):
            return (Segment(planned, control=True),)
        if not isinstance(planned, Message):
            return planned
        if planned.role != "assistant":
            raise DataError("an assistant's message as an output", f"one of the role {planned.role}", "change its role")
        rendered = self.fmt.render(replace(conversation, messages=(*conversation.messages, planned)))
        return last_supervised(rendered.segments)

    def _chat(self, body: bytes) -> Response:
        try:
            request = json.loads(body)
            conversation = read_conversation(request, ignore, drop_nulls=False)  # as other servers print it
            thinking = _option(request, "chat_template_kwargs", "enable_thinking")
            segments = self.render(conversation, thinking)
        except (CallwrightError, ValueError, RecursionError) as error:
            return refusal(400, str(error), "invalid_request_error")
        prompt = self.encode(segments)
        available = self.context - len(prompt)
        if available <= 0:
            message = f"request ({len(prompt)} tokens) exceeds the available context size ({self.context} tokens)"
            sizes: dict[str, Json] = {"n_prompt_tokens": len(prompt), "n_ctx": self.context}
            return refusal(400, message, "exceed_context_size_error", **sizes)
        asked = request.get("max_tokens")
        asked = request.get("max_completion_tokens") if asked is None else asked
        limit = min(asked, available) if isinstance(asked, int) and asked >= 0 else available
        try:
            output, ended = self.generate(request, conversation, prompt, limit)
        except CallwrightError as error:
            return refusal(500, str(error), "server_error")
        closed = self.fmt.render(conversation, thinking=thinking).text
        opened = "".join(segment.text for segment in segments)
        completion = MockCompletion(
            request=request,
            conversation=conversation,
            prompt=prompt,
            generation_prompt=opened[shared_length(closed, opened) :],
            output=output,
            finish_reason="stop" if ended else "length",
        )
        return self._reply(completion)

    def _reply(self, completion: MockCompletion) -> Response:
        sizes = len(completion.prompt), len(completion.output) + (completion.finish_reason == "stop")
        usage = {"prompt_tokens": sizes[0], "completion_tokens": sizes[1], "total_tokens": sum(sizes)}
        extras, deltas = self.extras(completion), self._deltas(completion)
        if completion.request.get("stream"):
            last = ({"usage": usage} if _option(completion.request, "stream_options", "include_usage") else {}) | extras
            return Response(200, events(self._chunks(completion, deltas, last)), "text/event-stream")
        message = whole_message(deltas)
        choice = {"index": 0, "message": message, "finish_reason": _finish(completion, "tool_calls" in message)}
        return Response(200, self._envelope("chat.completion", [choice]) | {"usage": usage} | extras)

    def _deltas(self, completion: MockCompletion) -> Iterator[Delta]:
        tools, opened = completion.conversation.tools, completion.generation_prompt
        stream = self.fmt.stream(tools=tools, generation_prompt=opened)
        yield from message_deltas(stream, self.segments(completion.output), completion.finish_reason, self._call_ids)
        if rest := self.leftover(completion):
            yield {"content": rest}

    def _chunks(
        self, completion: MockCompletion, deltas: Iterator[Delta], last: Mapping[str, Any]
    ) -> Iterator[dict[str, Any]]:
        calls = False
        for delta in chain([{"role": "assistant", "content": None}], deltas):
            calls = calls or "tool_calls" in delta
            yield self._envelope("chat.completion.chunk", [{"index": 0, "delta": delta, "finish_reason": None}])
        end = {"index": 0, "delta": {}, "finish_reason": _finish(completion, calls)}
        yield self._envelope("chat.completion.chunk", [end])
        if last:
            yield self._envelope("chat.completion.chunk", []) | dict(last)

    def _envelope(self, kind: str, choices: list[Any]) -> dict[str, Any]:
        return {"id": "chatcmpl-1", "object": kind, "created": 0, "model": self.model, "choices": choices}


def refusal(status: int, message: str, kind: str, **more: Json) -> Response:
    """An error as OpenAI's wire has it."""
    return Response(status, {"error": {"code": status, "message": message, "type": kind, **more}})


def shared_length(one: str, other: str) -> int:
    """How many first characters are the same."""
    shorter = min(len(one), len(other))
    return next((n for n in range(shorter) if one[n] != other[n]), shorter)


def _finish(completion: MockCompletion, calls: bool) -> str:
    return "tool_calls" if calls and completion.finish_reason == "stop" else completion.finish_reason


def _option(request: Mapping[str, Any], group: str, name: str) -> Any:
    """An option that stands in an object of its own; None where it or the object is missing."""
    options = request.get(group)
    return options.get(name) if isinstance(options, Mapping) else None
