"""OpenAI's `/v1/chat/completions`, as llama.cpp, vLLM, SGLang, LM Studio and many others serve it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Self
from urllib.parse import urlsplit

from callwright.conversation import Json
from callwright.engines.chat import ChatReply, ChatRequest, ChatServer, curl_command
from callwright.engines.http_client import HttpClient, HttpError
from callwright.engines.openai_replies import ReplyReader
from callwright.errors import ConfigError
from callwright.openai import write_conversation

PATH = "/v1/chat/completions"
PENALTIES = {"llama.cpp": "repeat_penalty", "vLLM": "repetition_penalty", "SGLang": "repetition_penalty"}
"""The name of `repeat_penalty`, which OpenAI does not have, by server; others are sent llama.cpp's."""
_SAMPLING = {name: name for name in ("temperature", "top_k", "top_p", "min_p", "repeat_penalty", "seed")}
OLLAMA = "Ollama"
"""The server that takes `reasoning_effort` for thinking (docs.ollama.com/api/openai-compatibility)."""
_WHOLE = ("application/json", "text/html")
"""Content types that are not read as a stream; servers send streams under many others than text/event-stream."""


class OpenAIChat(ChatServer):
    """A model behind OpenAI's endpoint; several threads may ask at once.

    Args:
      url: Address of the server, without `/v1`.
      model: The model's name; "" leaves it out, for servers that have one model only.
      kind: The server, where it is known: a key of PENALTIES, or OLLAMA.
      slots: How many requests it answers side by side.
      timeout: How many seconds a reply may take.
      shown: The address that command lines show; `url` when None.
      shown_as: The model's name in command lines and errors, for a temporary one; its own when None.
      extras: Further keys of every request.
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
        extras: Mapping[str, Json] | None = None,
    ) -> None:
        self.slots = slots
        self._client = HttpClient(url, timeout)
        self._model = model
        self._shown_as = shown_as or model
        self._kind = kind
        self._penalty = PENALTIES.get(kind, PENALTIES["llama.cpp"])
        self._shown = (shown or url).rstrip("/")
        self._extras = dict(extras or {})

    def chat(self, request: ChatRequest) -> ChatReply:
        """See `ChatServer.chat`."""
        reader = ReplyReader()
        try:
            with self._client.send(PATH, self.body(request)) as response:
                reader.status = response.status
                kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
                if request.stream and response.status < 300 and kind not in _WHOLE:
                    reader.read_stream(response.chunks)
                else:
                    reader.read_whole(b"".join(response.chunks))
                    if request.stream:
                        reader.record_error("expected a stream; got an answer in one piece")
        except HttpError as error:
            reader.record_error(str(error))
        reply = reader.reply()
        return replace(reply, error=reply.error.replace(self._model, self._shown_as)) if self._model else reply

    def curl(self, request: ChatRequest) -> str:
        """See `ChatServer.curl`."""
        return curl_command(self._shown + PATH, self.body(request) | ({"model": self._shown_as} if self._model else {}))

    def body(self, request: ChatRequest) -> dict[str, Json]:
        """The JSON of a request."""
        body: dict[str, Json] = {"model": self._model} if self._model else {}
        body |= write_conversation(request.conversation)
        if request.max_tokens is not None:
            body["max_tokens"] = request.max_tokens
        body |= request.sampling.to_wire(_SAMPLING | {"repeat_penalty": self._penalty})
        if request.conversation.tools and not request.may_call:
            body["tool_choice"] = "none"
        if request.thinking is not None and self._kind == OLLAMA:
            body["reasoning_effort"] = "medium" if request.thinking else "none"
        elif request.thinking is not None:
            body["chat_template_kwargs"] = {"enable_thinking": request.thinking}
        if request.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return body | self._extras

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def server_address(url: str) -> str:
    """The address of a server without the path of the endpoint, however much of it was given.

    Raises:
      ConfigError: It is not the URL of a server.
    """
    for end in (PATH, "/v1"):
        url = url.rstrip("/").removesuffix(end)
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) and not parts.query
    except ValueError:
        valid = False
    if not valid:
        raise ConfigError("the URL of a server, http://HOST:PORT", repr(url), "correct it")
    return url
