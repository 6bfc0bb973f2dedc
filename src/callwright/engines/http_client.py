"""HTTP with a server that may be down, slow or hostile: every request has a limit in time and one in size.

Each request has a connection of its own. llama.cpp closes idle ones just as the next request is sent, which looks like
a server that went away, and on the machine itself a new one costs nothing.
"""

import json
import os
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO, NoReturn
from urllib.parse import urlsplit

import httpx

from callwright.conversation import Json
from callwright.engines.response_text import one_line, read_json

MAX_BYTES = 16 * 2**20
"""Of an answer; a stream of 32,000 tokens, each in an event of its own, has 10 MB."""
_CONNECT_SECONDS = 10.0


class HttpError(Exception):
    """Why no answer came, or not the whole of it, in one line."""


@dataclass(frozen=True, slots=True)
class StreamedResponse:
    """A response whose body is still to be read.

    Attributes:
      status: The HTTP status.
      headers: The response headers.
      chunks: The body, piece by piece; raises HttpError where it breaks off, is too long or takes too long.
    """

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]


@cache
def _certificates() -> ssl.SSLContext:
    """The certificates that are trusted; reading them takes longer than many a request."""
    return httpx.create_ssl_context()


class HttpClient:
    """HTTP with one server; several threads may use it at once.

    Args:
      url: Its address, to which paths are appended.
      timeout: How many seconds a whole answer may take.
    """

    def __init__(self, url: str, timeout: float = 120.0) -> None:
        self.url = url.rstrip("/")
        self.timeout = timeout
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS)),
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=not _on_this_machine(self.url),  # proxies are for elsewhere
            verify=_certificates(),
        )

    @contextmanager
    def send(
        self, path: str, body: Mapping[str, Json] | None = None, *, method: str = "", file: BinaryIO | None = None
    ) -> Iterator[StreamedResponse]:
        """The answer to a GET, or to a POST of `body` as JSON.

        Args:
          path: What is appended to the address.
          body: The JSON that is sent.
          method: The HTTP method, where it is neither GET nor POST.
          file: An open file that is sent in place of JSON.

        Raises:
          HttpError: No answer comes, or (from the block) not the whole of it.
        """
        deadline = time.monotonic() + self.timeout
        # Half a surrogate pair, which UTF-8 cannot hold, goes as JSON escapes it. A packed answer could unpack to any
        # size, so none is asked for.
        headers, content = {"Accept-Encoding": "identity"}, file or b""
        if file is not None:
            headers["Content-Length"] = str(os.fstat(file.fileno()).st_size)
        elif body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body, ensure_ascii=False).encode("utf-8", "backslashreplace")
        method = method or ("GET" if body is None else "POST")
        try:
            with self._client.stream(method, self.url + path, content=content, headers=headers) as response:
                yield StreamedResponse(response.status_code, response.headers, self._limited(response, deadline))
        except httpx.TimeoutException:
            self._timed_out()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise HttpError(f"no answer from {self.url}: {one_line(str(error) or type(error).__name__)}") from error

    def _limited(self, response: httpx.Response, deadline: float) -> Iterator[bytes]:
        size = 0
        for chunk in response.iter_raw():
            size += len(chunk)
            if size > MAX_BYTES:
                raise HttpError(f"an answer of more than {MAX_BYTES // 2**20} MiB")
            if time.monotonic() > deadline:
                self._timed_out()
            yield chunk

    def _timed_out(self) -> NoReturn:
        raise HttpError(f"no whole answer from {self.url} within {self.timeout:g} seconds")

    def get_json(self, path: str) -> tuple[int, Json, Mapping[str, str]]:
        """Status, body and headers of the answer to a GET; the body is None where it is not JSON.

        Raises:
          HttpError: No answer comes.
        """
        with self.send(path) as answer:
            data = b"".join(answer.chunks)
        try:
            return answer.status, read_json(data.decode("utf-8", "replace")), answer.headers
        except ValueError:
            return answer.status, None, answer.headers

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


def _on_this_machine(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return True
    return host in ("localhost", "::1") or host.startswith("127.")
