"""Arms of chat servers: the runtime renders the prompt, and what it parsed is what the conversation goes on with.

`llamacpp-chat` also asks the server for what it rendered and generated, so that our strict parser can read the same
output; `openai` is any server of `/v1/chat/completions`, which keeps both to itself.
"""

import asyncio
import time
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import Field

from callwright.bakeoff.arms.base import Arm, ArmAnswer, ArmError, ArmOptions
from callwright.bakeoff.arms.raw import StrictReader, readable_calls
from callwright.bakeoff.arms.servers import failure_of, get_json, is_local, llama_version
from callwright.conversation import Conversation, Json
from callwright.engines.chat import ChatReply, ChatRequest, ChatServer
from callwright.engines.llama_completion import LlamaCompletion, read_probabilities
from callwright.engines.openai_chat import PATH, OpenAIChat, server_address
from callwright.engines.sampling import SamplingParams
from callwright.errors import WorkError, suggest

_UNREADABLE = "a call without a name, or with arguments that are not a JSON object"


class ChatOptions(ArmOptions):
    """What can be set for an arm of a chat server."""

    url: str | None = None
    """Where the server is; None for the llama.cpp server that the bake-off starts."""
    stream: bool = False
    """Whether answers are streamed."""
    slots: int = Field(1, ge=1)
    """How many tasks are asked side by side."""
    sampler: Literal["ours", "server"] = "ours"
    """Whether every parameter of the sampler is sent, or only temperature and seed, so that the server's defaults for
    the others are measured too."""


class ChatArm(Arm):
    """An arm that asks a `ChatServer`."""

    options_type: ClassVar[type[ArmOptions]] = ChatOptions
    path: ClassVar[str] = PATH
    """Of the endpoint."""

    def take(self, options: Any) -> None:
        """See `Arm.take`."""
        self.slots = options.slots
        self.options = options
        self.url = server_address(options.url) if options.url else self.setup.server
        self.chat: ChatServer | None = None

    @property
    def local(self) -> bool:
        """See `Arm.local`."""
        return is_local(self.url)

    @property
    def address(self) -> str:
        """Where the server is.

        Raises:
          ArmError: Nobody said so.
        """
        if self.url is None:
            raise ArmError("http_error", f"a server for the arm {self.name}", "none", "name its url")
        return self.url

    async def answer(self, conversation: Conversation, seed: int) -> ArmAnswer:
        """See `Arm.answer`."""
        return await asyncio.to_thread(self._ask, conversation, seed)

    def _ask(self, conversation: Conversation, seed: int) -> ArmAnswer:
        if self.chat is None:
            raise ArmError("arm_error", f"the arm {self.name} to be open", "one that is not", "open it first")
        sampling = self.setup.sampling(seed)
        if self.options.sampler == "server":
            sampling = SamplingParams(temperature=sampling.temperature, seed=sampling.seed)
        request = ChatRequest(
            conversation=conversation,
            max_tokens=self.setup.max_new_tokens,
            sampling=sampling,
            thinking=self.setup.thinking,
            stream=self.options.stream,
            context=self.setup.context,
        )
        started = time.monotonic()
        reply = self.chat.chat(request)
        seconds = time.monotonic() - started
        answer = self._read(self.body(request), reply)
        answer = replace(answer, url=f"{self.url}{self.path}", sampling=sampling, seconds=seconds)
        return self.look(answer, conversation, reply)

    @abstractmethod
    def body(self, request: ChatRequest) -> dict[str, Json]:
        """The JSON of a request."""

    def look(self, answer: ArmAnswer, conversation: Conversation, reply: ChatReply) -> ArmAnswer:
        """The answer with what the server reveals of prompt and output; by default that is nothing."""
        return answer

    def _read(self, request: dict[str, Json], reply: ChatReply) -> ArmAnswer:
        message = None if reply.error else reply.message()
        unreadable = "" if message or reply.error else _UNREADABLE
        return ArmAnswer(
            message=message,
            request=request,
            content=reply.content or None,
            reasoning=reply.reasoning or None,
            runtime_calls=None if message is None else message.tool_calls,
            prompt_tokens=reply.prompt_tokens,
            output_tokens=reply.answer_tokens,
            stop_reason=reply.finish_reason,
            truncated=reply.finish_reason == "length",
            failure=failure_of(reply.error) if reply.error else None,
            error=reply.error or unreadable,
        )


class OpenAIOptions(ChatOptions):
    """What can be set for a server of OpenAI's endpoint."""

    url: str | None = Field(min_length=1)
    """Where it is, as http://HOST:PORT."""
    model: str = ""
    """What it calls the model; "" where it has only one."""
    server: Literal["llama.cpp", "vLLM", "SGLang", "Ollama", "other"] = "other"
    """Which server it is, where that is known."""
    sampler: Literal["ours", "server"] = "server"
    """See `ChatOptions.sampler`."""


class OpenAIArm(ChatArm):
    """Any server of `/v1/chat/completions`."""

    options_type: ClassVar[type[ArmOptions]] = OpenAIOptions
    chat: OpenAIChat | None

    async def open(self) -> None:
        """See `Arm.open`."""
        await asyncio.to_thread(self._check_model)
        self.chat = OpenAIChat(
            self.address, model=self.options.model, kind=self.options.server, timeout=self.setup.seconds
        )

    def _check_model(self) -> None:
        """Refuses a model that the server does not list, where it lists some."""
        listed = get_json(self.address, "/v1/models", "a server of OpenAI's endpoint").get("data")
        names = [str(one["id"]) for one in listed or () if isinstance(one, dict) and "id" in one]
        if self.options.model and names and self.options.model not in names:
            fix = suggest(self.options.model, names)
            raise ArmError("http_error", f"a model of {self.address}", self.options.model, fix)

    def body(self, request: ChatRequest) -> dict[str, Json]:
        """See `ChatArm.body`."""
        return {} if self.chat is None else self.chat.body(request)

    def record(self) -> Mapping[str, Json]:
        """See `Arm.record`."""
        return {"url": self.url, "model": self.options.model}

    async def close(self) -> None:
        """See `Arm.close`."""
        if self.chat is not None:
            self.chat.close()


class LlamaChatArm(OpenAIArm):
    """llama.cpp's chat, with what it says of prompt and output."""

    options_type: ClassVar[type[ArmOptions]] = ChatOptions
    needs_server = True

    async def open(self) -> None:
        """See `Arm.open`."""
        self._record = await asyncio.to_thread(llama_version, self.address)
        extras: dict[str, Json] = {"verbose": True, "return_tokens": True}
        if not self.options.stream:  # it tells no probabilities of a stream with tools
            extras |= {"logprobs": True, "top_logprobs": 1}
        self.chat = OpenAIChat(self.address, timeout=self.setup.seconds, extras=extras)
        self._tokens = LlamaCompletion(self.address, self.setup.seconds)

    def look(self, answer: ArmAnswer, conversation: Conversation, reply: ChatReply) -> ArmAnswer:
        """See `ChatArm.look`. Ids are told only where they are as many as the server counted."""
        revealed = _revealed(reply.body)
        if isinstance(prompt := revealed.get("prompt"), str):
            ids = self._ids(prompt, answer.prompt_tokens)
            answer = replace(answer, prompt=prompt, prompt_ids=ids, prompt_source="revealed")
        tokens = revealed.get("tokens")
        output = tuple(one for one in tokens if isinstance(one, int)) if isinstance(tokens, list) else ()
        if not output:
            return answer
        reader = StrictReader(self.setup.format, self.setup.tokenizer, self.setup.thinking)
        segments = reader.segments(output)
        parsed = reader.parse(conversation, segments, truncated=answer.truncated)
        logprobs, likeliest = _probabilities(reply.body, len(output))
        return replace(
            answer,
            output_ids=output,
            raw="".join(segment.text for segment in segments),
            logprobs=logprobs or None,
            top_ids=likeliest or None,
            strict_calls=readable_calls(parsed),
        )

    def _ids(self, prompt: str, count: int | None) -> tuple[int, ...] | None:
        try:
            ids = self._tokens.tokenized(prompt)
        except WorkError:
            return None
        return ids if len(ids) == count else None

    def record(self) -> Mapping[str, Json]:
        """See `Arm.record`."""
        return self._record

    async def close(self) -> None:
        """See `Arm.close`."""
        await super().close()
        if self.chat is not None:
            self._tokens.close()


def _revealed(body: Json) -> Mapping[str, Json]:
    """What llama.cpp adds where `verbose` is asked for: to the reply, or to a chunk near the stream's end."""
    for piece in reversed(body if isinstance(body, list) else [body]):
        found = piece.get("__verbose") if isinstance(piece, Mapping) else None
        if isinstance(found, Mapping):
            return found
    return {}


def _probabilities(body: Json, count: int) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """See `read_probabilities`; of a stream they are not told."""
    match body:
        case {"choices": [{"logprobs": {"content": listed}}, *_]}:
            return read_probabilities(listed, count)
    return (), ()
