"""`ollama-json`: Ollama's `/api/chat` with JSON tools. `ollama-raw`: `/api/generate` with a prompt that we render and
calls that we parse. Where the two part, Ollama's translator between JSON and the model's own notation is the cause.
"""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import Field

from callwright.bakeoff.arms.base import Arm, ArmAnswer, ArmError, ArmOptions
from callwright.bakeoff.arms.chat import ChatArm, ChatOptions
from callwright.bakeoff.arms.raw import RawArm, RawOutput, RawPrompt
from callwright.bakeoff.arms.servers import failure_of, is_local
from callwright.conversation import Conversation, Json
from callwright.engines.chat import ChatReply, ChatRequest
from callwright.engines.ollama_api import Ollama, ollama_address
from callwright.engines.ollama_chat import OPTIONS, PATH, OllamaChat
from callwright.errors import WorkError, suggest

_GENERATE = "/api/generate"


class OllamaOptions(ArmOptions):
    """What can be set for an arm of Ollama."""

    model: str = Field(min_length=1)
    """What Ollama calls the model."""
    url: str | None = None
    """Where it is; None for $OLLAMA_HOST, or this machine."""
    slots: int = Field(1, ge=1)
    """How many tasks are asked side by side."""


class OllamaJsonOptions(ChatOptions, OllamaOptions):
    """The same with what can be set for a chat."""


async def open_ollama(arm: Arm, address: str, model: str) -> tuple[Ollama, dict[str, Json]]:
    """An Ollama that has the model, and what it says of itself and of it.

    Raises:
      ArmError: None answers there, or it has no such model; the message names those that it has.
    """

    def look() -> tuple[Ollama, dict[str, Json]]:
        server = Ollama(address, timeout=arm.setup.seconds)
        try:
            version, models = server.version(), server.models()
            if not {model, f"{model}:latest"} & set(models):
                fix = suggest(model, models, "name a model that `ollama list` shows")
                raise ArmError("http_error", f"a model of the Ollama at {address}", model, fix)
            shown = server.show(model)
        except WorkError as error:
            server.close()
            if isinstance(error, ArmError):
                raise
            raise ArmError("http_error", error.expected, error.got, error.fix) from error
        model_card = {key: shown.get(key) for key in ("template", "renderer", "parser", "capabilities")}
        return server, {"version": version, "model": model, **model_card}

    return await asyncio.to_thread(look)


class OllamaJsonArm(ChatArm):
    """Ollama's chat; a prompt longer than the context is an error there, where Ollama would leave messages out."""

    options_type: ClassVar[type[ArmOptions]] = OllamaJsonOptions
    path = PATH
    chat: OllamaChat | None

    def take(self, options: Any) -> None:
        """See `Arm.take`."""
        address = ollama_address(options.url or os.environ.get("OLLAMA_HOST", ""))
        super().take(options.model_copy(update={"url": address}))
        self._server: Ollama | None = None
        self._reveals = True
        self._record: Mapping[str, Json] = {}

    async def open(self) -> None:
        """See `Arm.open`."""
        self._server, self._record = await open_ollama(self, self.address, self.options.model)
        self.chat = OllamaChat(self._server, self.options.model, truncate=False)

    def body(self, request: ChatRequest) -> dict[str, Json]:
        """See `ChatArm.body`."""
        return {} if self.chat is None else self.chat.body(request)

    def look(self, answer: ArmAnswer, conversation: Conversation, reply: ChatReply) -> ArmAnswer:
        """See `ChatArm.look`: newer versions render a request without answering it."""
        if not self._reveals or self._server is None or answer.failure:
            return answer
        body = (answer.request or {}) | {"stream": False, "_debug_render_only": True}
        match self._server.ask("POST", PATH, body).body:
            case {"_debug_info": {"rendered_template": str(prompt)}}:
                return replace(answer, prompt=prompt, prompt_source="revealed")
        self._reveals = False
        return answer

    def record(self) -> Mapping[str, Json]:
        """See `Arm.record`."""
        return self._record

    async def close(self) -> None:
        """See `Arm.close`."""
        if self._server is not None:
            self._server.close()


class OllamaRawArm(RawArm):
    """Ollama without its template: no token ids come back, and control tokens may be missing from the text."""

    options_type = OllamaOptions

    def take(self, options: Any) -> None:
        """See `Arm.take`."""
        self.slots, self._model = options.slots, options.model
        self._address = ollama_address(options.url or os.environ.get("OLLAMA_HOST", ""))
        self._server: Ollama | None = None
        self._record: Mapping[str, Json] = {}

    @property
    def local(self) -> bool:
        """See `Arm.local`."""
        return is_local(self._address)

    async def open(self) -> None:
        """See `Arm.open`."""
        self._server, self._record = await open_ollama(self, self._address, self._model)

    async def generate(self, prompt: RawPrompt) -> RawOutput:
        """See `RawArm.generate`."""
        return await asyncio.to_thread(self._ask, prompt)

    def _ask(self, prompt: RawPrompt) -> RawOutput:
        if self._server is None:
            return RawOutput(failure="arm_error", error="the arm is not open")
        options: dict[str, Json] = self.setup.sampling(prompt.seed).to_wire({name: name for name in OPTIONS})
        options |= {"num_predict": prompt.limit, "num_ctx": self.setup.context, "stop": list(self.setup.format.stops)}
        request: dict[str, Json] = {"model": self._model, "prompt": prompt.text, "raw": True, "stream": False}
        request["options"] = options
        url = self._address + _GENERATE
        answer = self._server.ask("POST", _GENERATE, request)
        match answer.body:
            case {"response": str(text), "done": True} if answer.status == 200 and not answer.error:
                body = dict(answer.body) if isinstance(answer.body, Mapping) else {}
            case _:
                return RawOutput(request=request, url=url, failure=failure_of(answer.problem), error=answer.problem)
        reason = body.get("done_reason")
        return RawOutput(
            text=text,
            truncated=reason == "length",
            stop_reason=reason if isinstance(reason, str) else None,
            sent_ids=False,
            request=request,
            url=url,
            prompt_tokens=_count(body.get("prompt_eval_count")),
            output_tokens=_count(body.get("eval_count")),
        )

    def record(self) -> Mapping[str, Json]:
        """See `Arm.record`."""
        return self._record

    async def close(self) -> None:
        """See `Arm.close`."""
        if self._server is not None:
            self._server.close()


def _count(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
