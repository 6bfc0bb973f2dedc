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

MAX_BYTES = 16 * 2**20
"""Of an answer; a stream of 32,000 tokens, each in an event of its own, has 10 MB."""
_CONNECT_SECONDS = 10.0


class WireError(Exception):
    """What kept an answer from coming, or from coming whole, in one line."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose headers have come.

    Attributes:
      status: The HTTP status.
      headers: As they came.
      chunks: The body, piece by piece; raises WireError where it breaks off, is too long or takes too long.
    """

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]


@cache
def _certificates() -> ssl.SSLContext:
    """Whom a server's certificate may come from; reading them takes longer than many a request."""
    return httpx.create_ssl_context()


class Wire:
    """One server. Several threads may ask at once.

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
    ) -> Iterator[Answer]:
        """The answer to a GET, or to a POST of `body` as JSON.

        Args:
          path: What is appended to the address.
          body: What is sent.
          method: Another than these.
          file: What is sent in place of a body, as it is; as much as its size says.

        Raises:
          WireError: None comes, or (from the block) it does not come whole.
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
                yield Answer(response.status_code, response.headers, self._limited(response, deadline))
        except httpx.TimeoutException:
            self._late()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise WireError(f"no answer from {self.url}: {one_line(str(error) or type(error).__name__)}") from error

    def _limited(self, response: httpx.Response, deadline: float) -> Iterator[bytes]:
        size = 0
        for chunk in response.iter_raw():
            size += len(chunk)
            if size > MAX_BYTES:
                raise WireError(f"an answer of more than {MAX_BYTES // 2**20} MiB")
            if time.monotonic() > deadline:
                self._late()
            yield chunk

    def _late(self) -> NoReturn:
        raise WireError(f"no whole answer from {self.url} within {self.timeout:g} seconds")

    def get_json(self, path: str) -> tuple[int, Json, Mapping[str, str]]:
        """Status, body and headers of the answer to a GET; the body is None where it is not JSON.

        Raises:
          WireError: None comes.
        """
        with self.send(path) as answer:
            data = b"".join(answer.chunks)
        try:
            return answer.status, read_json(data.decode("utf-8", "replace")), answer.headers
        except ValueError:
            return answer.status, None, answer.headers

    def close(self) -> None:
        """Gives back what the operating system lent."""
        self._client.close()


def read_json(text: str) -> Json:
    """The value; ValueError, in one line, for what is not JSON or nested too deep."""
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError) as error:
        came = one_line(text[:200], 100) or "nothing"
        raise ValueError(f"expected JSON; got {came!r}") from error
    return value


def shown(value: Json) -> str:
    """The value as JSON; what is nested so deep that it can be read but not written is named instead."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "(nested too deep to be shown)"


def one_line(text: str, length: int = 300) -> str:
    """The text without line breaks, cut where it is long."""
    line = " ".join(whole_characters(text).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def whole_characters(text: str) -> str:
    """The text with halves of surrogate pairs joined, and those without the other half replaced: no file holds them."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def complaint(body: Json) -> str:
    """What a server's answer says is wrong, in the ways in which servers say it; "" where it says nothing."""
    match body:
        case {"error": {"message": str(text)}} | {"error": str(text)} | {"message": str(text)} if text.strip():
            return one_line(text)
        case {"error": None}:
            return ""
        case {"error": other} | {"detail": other}:
            return one_line(other if isinstance(other, str) else shown(other))
    return ""


def _on_this_machine(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return True
    return host in ("localhost", "::1") or host.startswith("127.")
