"""Ollama's own HTTP API: listing, creating, loading and removing models.

`Ollama.ask` raises nothing, whatever the server does. The methods that manage models raise, in one line.
"""

import shlex
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from callwright.conversation import Json
from callwright.engines.http_client import HttpClient, HttpError
from callwright.engines.response_text import error_text, one_line, read_json, whole_characters
from callwright.errors import ConfigError, WorkError
from callwright.storage import sha256_file


@dataclass(frozen=True, slots=True)
class OllamaResponse:
    """A response.

    Attributes:
      status: The HTTP status; 0 where there was no response.
      text: The body, as far as it arrived; bytes that are not UTF-8 read as U+FFFD.
      error: Why there was no response, or not the whole of it; "" where it did.
    """

    status: int
    text: str = ""
    error: str = ""

    @property
    def body(self) -> Json:
        """The body as JSON, or as text where it is not JSON; None where it is empty."""
        try:
            return read_json(self.text)
        except ValueError:
            return whole_characters(self.text[:2000]) or None

    @property
    def problem(self) -> str:
        """What is wrong, in one line: `error`, the server's own message, or else status and body."""
        known = self.error or error_text(self.body)
        return known or f"HTTP {self.status} with {one_line(self.text) or 'nothing in it'}"


class Ollama:
    """A running Ollama; several threads may ask at once.

    Args:
      address: As `http://127.0.0.1:11434`; see `ollama_address`.
      timeout: How many seconds a whole answer may take.
    """

    def __init__(self, address: str, *, timeout: float = 120.0) -> None:
        self.address = address
        self._client = HttpClient(address, timeout)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def ask(
        self, method: str, path: str, body: Mapping[str, Json] | None = None, file: Path | None = None
    ) -> OllamaResponse:
        """The response to a request with `body` as JSON, or with the bytes of `file`."""
        status, chunks = 0, list[bytes]()
        error = ""
        with ExitStack() as stack:
            opened = None if file is None else stack.enter_context(open(file, "rb"))
            try:
                with self._client.send(path, body, method=method, file=opened) as answer:
                    status = answer.status
                    for chunk in answer.chunks:
                        chunks.append(chunk)
            except HttpError as reason:
                error = str(reason)
        return OllamaResponse(status, b"".join(chunks).decode("utf-8", "replace"), error)

    def version(self) -> str:
        """The server's version.

        Raises:
          WorkError: No Ollama answers at the address.
        """
        answer = self.ask("GET", "/api/version")
        version = self._body(answer, f"an Ollama at {self.address}", _START).get("version")
        if not isinstance(version, str):
            raise WorkError(f"an Ollama at {self.address}", f"an answer without a version ({answer.problem})", _START)
        return one_line(version, 80)

    def models(self) -> list[str]:
        """The names of all models, tag included.

        Raises:
          WorkError: The server does not list them.
        """
        expected = f"{self.address} to list its models"
        listed = self._body(self.ask("GET", "/api/tags"), expected, _START).get("models")
        entries = listed if isinstance(listed, list) else []
        return [
            whole_characters(str(entry["name"])) for entry in entries if isinstance(entry, dict) and "name" in entry
        ]

    def show(self, model: str) -> dict[str, Json]:
        """Template, renderer, parser, capabilities and the metadata of the weights.

        Raises:
          WorkError: There is no such model.
        """
        answer = self.ask("POST", "/api/show", {"model": model})
        return self._body(answer, f"{self.address} to show {model}", "name a model that `ollama list` shows")

    def has_blob(self, digest: str) -> bool:
        """Whether the server has the file with this digest, `sha256:` and 64 hexadecimal digits."""
        return self.ask("HEAD", f"/api/blobs/{digest}").status == 200

    def upload(self, file: Path) -> str:
        """Sends the server a file, unless it has it, and returns its digest.

        Raises:
          WorkError: The server does not take it; the message says how much space it needs.
        """
        digest = f"sha256:{sha256_file(file)}"
        if not self.has_blob(digest):
            answer = self.ask("POST", f"/api/blobs/{digest}", file=file)
            if answer.error or answer.status not in (200, 201):
                size = f"{file.stat().st_size / 1e6:.0f} MB"
                expected = f"{self.address} to take a model of {size}"
                raise WorkError(expected, answer.problem, f"free {size} where the server keeps its models")
        return digest

    def create(self, model: str, digest: str, **fields: Json) -> None:
        """Creates a model from an uploaded GGUF.

        Args:
          model: The name.
          digest: The file's digest, from `upload`.
          fields: `template`, `renderer`, `parser`, `parameters`; None leaves one out.

        Raises:
          WorkError: The server refuses.
        """
        request: dict[str, Json] = {"model": model, "files": {"instrument.gguf": digest}, "stream": False}
        request |= {name: value for name, value in fields.items() if value is not None}
        answer = self.ask("POST", "/api/create", request)
        self._body(answer, f"{self.address} to create a model", "see the server's log", status="success")

    def load(self, model: str, context: int) -> None:
        """Loads the model into memory, with a context of so many tokens.

        Raises:
          WorkError: The server cannot load it.
        """
        body: dict[str, Json] = {"model": model, "stream": False, "options": {"num_ctx": context}}
        answer = self.ask("POST", "/api/generate", body)
        self._body(answer, f"{self.address} to load the model", "see the server's log", done=True)

    def unload(self, model: str) -> None:
        """Asks the server to remove the model from memory; whether it does is not checked."""
        self.ask("POST", "/api/generate", {"model": model, "keep_alive": 0, "stream": False})

    def delete(self, model: str) -> None:
        """Removes a model.

        Raises:
          WorkError: The server still has it.
        """
        answer = self.ask("DELETE", "/api/delete", {"model": model})
        if answer.error or answer.status not in (200, 404):
            fix = f"remove it: {self.command('rm', model)}"
            raise WorkError(f"{self.address} to remove {model}", answer.problem, fix)

    def command(self, *words: str) -> str:
        """The command line of Ollama's own program for this server, which OLLAMA_HOST names where it is another."""
        where = "" if self.address == ollama_address("") else f"OLLAMA_HOST={shlex.quote(self.address)} "
        return where + shlex.join(("ollama", *words))

    def _body(self, answer: OllamaResponse, expected: str, fix: str, **fields: Json) -> dict[str, Json]:
        """The body of an answer that is a JSON object without an error, and has these values."""
        body = answer.body
        if answer.error or answer.status != 200 or not isinstance(body, dict) or "error" in body:
            raise WorkError(expected, answer.problem, fix)
        if any(body.get(name) != value for name, value in fields.items()):
            raise WorkError(expected, answer.problem, fix)
        return body


_START = "start it with `ollama serve`, or name another in OLLAMA_HOST or with --set host=ADDRESS"


def ollama_address(host: str) -> str:
    """OLLAMA_HOST as Ollama reads it: its own port if there is no scheme; 0.0.0.0 is this machine."""
    try:
        url = urlsplit(host if "://" in host else f"http://{host}")
        name = url.hostname or "127.0.0.1"
    except ValueError as error:  # brackets that do not close
        raise ConfigError("an address as 127.0.0.1:11434", f"{host!r} ({error})", "correct OLLAMA_HOST") from None
    usual = 11434 if "://" not in host else {"https": 443}.get(url.scheme, 80)
    try:
        port = url.port or usual
    except ValueError:
        port = usual
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(name, name)  # noqa: S104  (translated, not listened on)
    return f"{url.scheme}://{f'[{name}]' if ':' in name else name}:{port}"
