"""`/v1/chat/completions`, as llama.cpp, vLLM, SGLang, LM Studio and many others serve it."""

from dataclasses import replace
from types import TracebackType
from typing import Self

from callwright.conversation import Conversation, Json
from callwright.engines.chat import ChatReply, ChatRequest, curl_command, results_as_text
from callwright.engines.openai_answers import Reading
from callwright.engines.wire import Wire, WireError
from callwright.openai import write_conversation

PATH = "/v1/chat/completions"
PENALTIES = {"llama.cpp": "repeat_penalty", "vLLM": "repetition_penalty", "SGLang": "repetition_penalty"}
"""What servers call the penalty for repetition, which OpenAI has not; others are asked as llama.cpp is."""
OLLAMA = "Ollama"
"""The server that is told by `reasoning_effort` whether to think (docs.ollama.com/api/openai-compatibility)."""
_WHOLE = ("application/json", "text/html")
"""Content types of what is no stream; what clients take for one has many more than its own."""


class OpenAIChat:
    """A `ChatServer` that speaks OpenAI's wire. Several threads may ask at once.

    Args:
      url: Address of the server, without `/v1`.
      model: What is asked for; "" leaves it out, for servers that have one model only.
      kind: The server, where it is known: a key of PENALTIES, or OLLAMA.
      slots: How many requests it answers side by side.
      timeout: How many seconds an answer may take.
      shown: The address that command lines show; `url` when None.
      shown_as: The model's name in command lines and errors, for one that will be gone; its own when None.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str = "",
        kind: str = "llama.cpp",
        slots: int = 1,
        timeout: float = 120.0,
        shown: str | None = None,
        shown_as: str | None = None,
    ) -> None:
        self.slots = slots
        self._wire = Wire(url, timeout)
        self._model = model
        self._shown_as = shown_as or model
        self._kind = kind
        self._penalty = PENALTIES.get(kind, PENALTIES["llama.cpp"])
        self._shown = (shown or url).rstrip("/")

    def chat(self, request: ChatRequest) -> ChatReply:
        """See `ChatServer.chat`."""
        reading = Reading()
        try:
            with self._wire.send(PATH, self.body(request)) as answer:
                reading.status = answer.status
                came = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
                if request.stream and answer.status < 300 and came not in _WHOLE:
                    reading.stream(answer.chunks)
                else:
                    reading.whole(b"".join(answer.chunks))
                    if request.stream:
                        reading.blame("expected a stream; got an answer in one piece")
        except WireError as error:
            reading.blame(str(error))
        reply = reading.reply()
        return replace(reply, error=reply.error.replace(self._model, self._shown_as)) if self._model else reply

    def curl(self, request: ChatRequest) -> str:
        """See `ChatServer.curl`."""
        return curl_command(self._shown + PATH, self.body(request) | ({"model": self._shown_as} if self._model else {}))

    def carried(self, conversation: Conversation) -> Conversation:
        """See `ChatServer.carried`."""
        return results_as_text(conversation)

    def body(self, request: ChatRequest) -> dict[str, Json]:
        """What is posted."""
        sampling = request.sampling
        options: dict[str, Json] = {
            "max_tokens": request.max_tokens,
            "temperature": sampling.temperature,
            "top_k": sampling.top_k,
            "top_p": sampling.top_p,
            "min_p": sampling.min_p,
            self._penalty: sampling.repeat_penalty,
            "seed": sampling.seed,
        }
        body: dict[str, Json] = {"model": self._model} if self._model else {}
        body |= write_conversation(request.conversation)
        body |= {name: value for name, value in options.items() if value is not None}
        if request.conversation.tools and not request.may_call:
            body["tool_choice"] = "none"
        if request.thinking is not None and self._kind == OLLAMA:
            body["reasoning_effort"] = "medium" if request.thinking else "none"
        elif request.thinking is not None:
            body["chat_template_kwargs"] = {"enable_thinking": request.thinking}
        if request.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return body

    def close(self) -> None:
        """Gives back what the operating system lent."""
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
