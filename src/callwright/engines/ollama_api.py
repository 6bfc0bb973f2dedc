"""Ollama's own HTTP API: what it has, and making, loading and removing a model.

`Ollama.ask` never raises on what a server does. The methods that manage models do, in one line, because there is
nothing to go on with.
"""

import shlex
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from callwright.conversation import Json
from callwright.engines.wire import Wire, WireError, complaint, one_line, read_json, whole_characters
from callwright.errors import ConfigError, WorkError
from callwright.storage import sha256_file


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
      status: The HTTP status; 0 when no answer came.
      text: The body, as far as it came; bytes that are no UTF-8 read as U+FFFD.
      error: What was wrong on the way: refused, too slow, too long, cut; "" when nothing was.
    """

    status: int
    text: str = ""
    error: str = ""

    @property
    def body(self) -> Json:
        """The body as JSON, its text where it is none, None where there is nothing."""
        try:
            return read_json(self.text)
        except ValueError:
            return whole_characters(self.text[:2000]) or None

    @property
    def complaint(self) -> str:
        """What is wrong, in one line: on the way, or in the server's words, or what stood in their place."""
        said = self.error or complaint(self.body)
        return said or f"HTTP {self.status} with {one_line(self.text) or 'nothing in it'}"


class Ollama:
    """A running Ollama. Several threads may ask at once.

    Args:
      address: As `http://127.0.0.1:11434`; see `ollama_address`.
      timeout: How many seconds a whole answer may take.
    """

    def __init__(self, address: str, *, timeout: float = 120.0) -> None:
        self.address = address
        self._wire = Wire(address, timeout)

    def close(self) -> None:
        """Gives back what the operating system lent."""
        self._wire.close()

    def ask(self, method: str, path: str, body: Mapping[str, Json] | None = None, file: Path | None = None) -> Answer:
        """One exchange; `file` is sent as it is, `body` as JSON."""
        status, chunks = 0, list[bytes]()
        error = ""
        with ExitStack() as stack:
            opened = None if file is None else stack.enter_context(open(file, "rb"))
            try:
                with self._wire.send(path, body, method=method, file=opened) as answer:
                    status = answer.status
                    for chunk in answer.chunks:
                        chunks.append(chunk)
            except WireError as reason:
                error = str(reason)
        return Answer(status, b"".join(chunks).decode("utf-8", "replace"), error)

    def version(self) -> str:
        """What the server says of itself.

        Raises:
          WorkError: No Ollama answers there.
        """
        answer = self.ask("GET", "/api/version")
        version = self._said(answer, f"an Ollama at {self.address}", _START).get("version")
        if not isinstance(version, str):
            raise WorkError(f"an Ollama at {self.address}", f"an answer without a version ({answer.complaint})", _START)
        return one_line(version, 80)

    def models(self) -> list[str]:
        """The names of all models, tag included.

        Raises:
          WorkError: The server does not say.
        """
        expected = f"{self.address} to list its models"
        listed = self._said(self.ask("GET", "/api/tags"), expected, _START).get("models")
        entries = listed if isinstance(listed, list) else []
        return [
            whole_characters(str(entry["name"])) for entry in entries if isinstance(entry, dict) and "name" in entry
        ]

    def show(self, model: str) -> dict[str, Json]:
        """Template, renderer, parser, capabilities and what the weights say of themselves.

        Raises:
          WorkError: There is no such model.
        """
        answer = self.ask("POST", "/api/show", {"model": model})
        return self._said(answer, f"{self.address} to show {model}", "name a model that `ollama list` shows")

    def has_blob(self, digest: str) -> bool:
        """Whether the server has the file with this digest, `sha256:` and 64 hexadecimal digits."""
        return self.ask("HEAD", f"/api/blobs/{digest}").status == 200

    def upload(self, file: Path) -> str:
        """Gives the server a file, unless it has it, and returns its digest.

        Raises:
          WorkError: The server does not take it; the message says how much room it needs.
        """
        digest = f"sha256:{sha256_file(file)}"
        if not self.has_blob(digest):
            answer = self.ask("POST", f"/api/blobs/{digest}", file=file)
            if answer.error or answer.status not in (200, 201):
                size = f"{file.stat().st_size / 1e6:.0f} MB"
                expected = f"{self.address} to take a model of {size}"
                raise WorkError(expected, answer.complaint, f"see that it has {size} of room where it keeps its models")
        return digest

    def create(self, model: str, digest: str, **fields: Json) -> None:
        """Makes a model of an uploaded GGUF.

        Args:
          model: The name.
          digest: Of the file.
          fields: `template`, `renderer`, `parser`, `parameters`; None leaves one out.

        Raises:
          WorkError: The server refuses.
        """
        given = {name: value for name, value in fields.items() if value is not None}
        body: dict[str, Json] = {"model": model, "files": {"instrument.gguf": digest}, "stream": False}
        answer = self.ask("POST", "/api/create", body | given)
        said = self._said(answer, f"{self.address} to create a model", "see the server's log")
        if said.get("status") != "success":
            raise WorkError(f"{self.address} to create a model", answer.complaint, "see the server's log")

    def load(self, model: str, context: int) -> None:
        """Has the model in memory, with room for `context` tokens.

        Raises:
          WorkError: The server cannot load it.
        """
        body: dict[str, Json] = {"model": model, "stream": False, "options": {"num_ctx": context}}
        answer = self.ask("POST", "/api/generate", body)
        said = self._said(answer, f"{self.address} to load the model", "see the server's log")
        if said.get("done") is not True:
            raise WorkError(f"{self.address} to load the model", answer.complaint, "see the server's log")

    def unload(self, model: str) -> None:
        """Has the model out of memory, if the server listens."""
        self.ask("POST", "/api/generate", {"model": model, "keep_alive": 0, "stream": False})

    def delete(self, model: str) -> None:
        """Removes a model.

        Raises:
          WorkError: The server still has it.
        """
        answer = self.ask("DELETE", "/api/delete", {"model": model})
        if answer.error or answer.status not in (200, 404):
            fix = f"remove it: {self.command('rm', model)}"
            raise WorkError(f"{self.address} to remove {model}", answer.complaint, fix)

    def command(self, *words: str) -> str:
        """What to type so that Ollama's own program does this on this server: by itself it asks the usual one."""
        where = "" if self.address == ollama_address("") else f"OLLAMA_HOST={shlex.quote(self.address)} "
        return where + shlex.join(("ollama", *words))

    def _said(self, answer: Answer, expected: str, fix: str) -> dict[str, Json]:
        body = answer.body
        if answer.error or answer.status != 200 or not isinstance(body, dict) or "error" in body:
            raise WorkError(expected, answer.complaint, fix)
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
