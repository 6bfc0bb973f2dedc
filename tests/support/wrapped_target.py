"""A faithful target whose answers a test changes as they come, request by request."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.support.faithful_target import FaithfulTarget

from callwright.engines.chat import ChatReply, ChatRequest, ChatServer
from callwright.instruments.instrument import Instrument

Answer = Callable[[ChatServer, ChatRequest], ChatReply]


class WrappedTarget(FaithfulTarget):
    """Asks `answer` in the faithful server's place, one request at a time.

    Args:
      answer: The faithful server and a request to an answer.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer

    @contextmanager
    def load(self, instrument: Instrument) -> Iterator[ChatServer]:
        """See `Target.load`."""
        with super().load(instrument) as chat:
            yield _Wrapped(chat, self.answer)


class _Wrapped:
    slots = 1

    def __init__(self, inner: ChatServer, answer: Answer) -> None:
        self.inner, self.answer = inner, answer
        self.curl, self.as_sent = inner.curl, inner.as_sent

    def chat(self, request: ChatRequest) -> ChatReply:
        """See `ChatServer.chat`."""
        return self.answer(self.inner, request)
