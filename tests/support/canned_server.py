"""A server on the loopback that answers what a test tells it to, however wrong."""

import contextlib
import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler

from callwright.engines.loopback import QuietServer, body_of


@dataclass(frozen=True)
class Canned:
    """An answer.

    Attributes:
      body: What is sent; an iterable of pieces may never end.
      status: The HTTP status; 0 closes the connection without a word.
      kind: The Content-Type.
      headers: Further ones.
      missing: How many bytes the length promises that never come; None promises no length.
      wait: Seconds before each piece.
    """

    body: object = b""
    status: int = 200
    kind: str = "application/json"
    headers: tuple = ()
    missing: int | None = None
    wait: float = 0.0


def as_json(value, **fields):
    return Canned(json.dumps(value).encode(), **fields)


def events(*values, done=True, **fields):
    """A stream; a value that is text stands as it is."""
    texts = [value if isinstance(value, str) else f"data: {json.dumps(value)}\n\n" for value in values]
    end = "data: [DONE]\n\n" if done else ""
    return Canned(("".join(texts) + end).encode(), kind="text/event-stream", **fields)


@contextlib.contextmanager
def canned_server(answer):
    """The address of a server that answers with what `answer(path, body)` gives, or always with `answer`."""
    stopped = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "canned", ""

        def do_GET(self):
            self._answer(None)

        def do_POST(self):
            self._answer(json.loads(body_of(self)))

        def _answer(self, body):
            given = answer if isinstance(answer, Canned) else answer(self.path, body)
            if not given.status:
                return
            pieces = [given.body] if isinstance(given.body, bytes) else given.body
            with contextlib.suppress(OSError):
                self.send_response(given.status)
                self.send_header("Content-Type", given.kind)
                for name, value in given.headers:
                    self.send_header(name, value)
                if given.missing is not None:
                    self.send_header("Content-Length", str(len(given.body) + given.missing))
                self.end_headers()
                for piece in pieces:
                    if given.wait and stopped.wait(given.wait):
                        return
                    self.wfile.write(piece)
                    if stopped.is_set():
                        return

        def log_message(self, *_):
            pass

    server = QuietServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()
