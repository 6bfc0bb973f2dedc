"""An HTTP server on the loopback: on a free port, for as long as a block lasts; it prints nothing."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from threading import Thread
from typing import Any


@dataclass(frozen=True, slots=True)
class Response:
    """What is answered to a request.

    Attributes:
      status: The HTTP status.
      body: A JSON value or whole bytes; pieces of bytes, each sent as it comes, where the kind is another than JSON.
      kind: The Content-Type.
    """

    status: int
    body: Any
    kind: str = "application/json"


Responder = Callable[[str, str, bytes], Response]
"""Method, path and body of a request to the response. Called in a thread for each connection."""


class QuietServer(ThreadingHTTPServer):
    """A server whose clients may leave in the middle of an answer without a traceback."""

    daemon_threads = True  # clients that keep a connection open do not keep the server
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Prints what went wrong, unless the client has left."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def body_of(handler: BaseHTTPRequestHandler) -> bytes:
    """The body of a request.

    Raises:
      ConnectionError: The client left before it was whole.
    """
    length = int(handler.headers.get("Content-Length") or 0)
    body = handler.rfile.read(length)
    if len(body) < length:
        raise ConnectionError("the client has left")
    return body


@contextmanager
def listening(answer: Responder) -> Iterator[str]:
    """The address of a server that answers so for as long as the block lasts, without a slash at the end."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def _reply(self) -> None:
            try:
                self._send(answer(self.command, self.path, body_of(self)))
            except ConnectionError:  # the client has left
                self.close_connection = True

        do_GET = do_POST = do_DELETE = _reply  # noqa: N815 - what http.server calls

        def _send(self, response: Response) -> None:
            self.send_response(response.status)
            self.send_header("Content-Type", response.kind)
            body = response.body
            if isinstance(body, bytes) or response.kind == "application/json":
                whole = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_header("Content-Length", str(len(whole)))
                self.end_headers()
                self.wfile.write(whole)
            else:
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for piece in chain(body, (b"",)):
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    self.wfile.flush()
            self.wfile.flush()

        def log_message(self, *_: Any) -> None:
            pass

    with QuietServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def events(objects: Iterable[Any]) -> Iterator[bytes]:
    """Server-sent events of JSON objects, the last of them `[DONE]`."""
    for one in objects:
        yield b"data: " + json.dumps(one).encode() + b"\n\n"
    yield b"data: [DONE]\n\n"
