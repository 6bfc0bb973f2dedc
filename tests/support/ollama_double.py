"""A double of Ollama's HTTP API that answers with what a real one said, and with 501 where none was asked.

It keeps the state that the API keeps: blobs, models, what is loaded. A model made of an instrument's GGUF is served as
the setup that was recorded with the same renderer, parser or template; its answers get the times and ids that the
recordings leave out.
"""

import functools
import hashlib
import json
import os
import socket
import tempfile
import threading
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import pytest
from tests.support.ollama_player import (
    JSON,
    NDJSON,
    WHEN,
    CannedResponse,
    Model,
    as_json,
    as_lines,
    exists,
    play_chat,
    play_v1,
)  # fmt: skip
from tests.support.ollama_recordings import NeverRecordedError, canonical, read_gguf, rows, rows_of, setup_of

from callwright.engines.loopback import QuietServer, body_of
from callwright.engines.ollama_api import Ollama, ollama_address

__all__ = ["JSON", "NDJSON", "CannedResponse", "Model", "OllamaDouble"]


_METHODS = {
    "/api/version": "GET", "/api/tags": "GET", "/api/ps": "GET", "/api/show": "POST", "/api/create": "POST",
    "/api/delete": "DELETE", "/api/chat": "POST", "/api/generate": "POST", "/v1/chat/completions": "POST",
}  # fmt: skip


class OllamaDouble:
    """The double, listening on a free port of the loopback interface as long as the block lasts.

    Args:
      recorded: Which recorded case a cue stands for, by the cue's name.
      instead: Answers that replace its own, by method and the beginning of the path.

    Attributes:
      models: What was created and not deleted, by full name.
      loaded: Which of them are in memory.
      asked: (method, path, JSON body or None) of every request.
      replayed: (setup, kind, case) of every row that answered an instrument.
    """

    def __init__(self, recorded=None, instead=None):
        self.recorded = recorded or {}
        self.instead = instead or {}
        self.models, self.loaded, self.blobs, self.asked = {}, set(), {}, []
        self.replayed = set()
        self._lock = threading.Lock()

    def __enter__(self):
        self._directory = tempfile.TemporaryDirectory(prefix="ollama-double-")
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.double = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()
        self._directory.cleanup()

    @property
    def address(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, method, path, raw):
        """What is said to one request."""
        for (theirs, prefix), output in self.instead.items():
            if theirs == method and path.startswith(prefix):
                return output
        with self._lock:
            try:
                return self._answer(method, path, raw)
            except NeverRecordedError as missing:
                return as_json({"error": f"never recorded: {missing}"}, 501)

    def _answer(self, method, path, raw):
        if path.startswith("/api/blobs/"):
            self.asked.append((method, path, None))
            return self._blob(method, path.removeprefix("/api/blobs/"), raw)
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = None
        self.asked.append((method, path, body))
        if path not in _METHODS:
            return CannedResponse(404, "text/plain", b"404 page not found")
        if method != _METHODS[path]:
            return CannedResponse(405, "text/plain", b"405 method not allowed")
        if path == "/api/tags":
            return as_json({"models": [model.entry for model in reversed(self.models.values())]})
        if path == "/api/ps":
            recorded = {entry["name"]: entry for entry in _row("ps")["body"]["models"]}
            running = [recorded.get(name) or _running(self.models[name]) for name in sorted(self.loaded)]
            return as_json({"models": running})
        row = _recorded(method, path, body, raw)
        if row is not None:
            self._take_note(row)
            return _replayed(row)
        if not isinstance(body, dict):
            raise NeverRecordedError("this body")
        return {
            "/api/show": self._show,
            "/api/create": self._create,
            "/api/delete": self._delete,
            "/api/chat": self._chat,
            "/api/generate": self._generate,
            "/v1/chat/completions": self._chat_v1,
        }[path](body)

    def _blob(self, method, digest, raw):
        if method == "HEAD":
            return CannedResponse(200 if digest in self.blobs else 404, None if digest in self.blobs else JSON, b"")
        placeholder = canonical(_row("blob-put")["request"]).encode()  # the recordings leave the file itself out
        if raw == placeholder and _row("blob-put")["path"].endswith(digest):
            self.blobs[digest] = None
        elif digest in self.blobs:
            return CannedResponse(200, None, b"")
        elif (got := f"sha256:{hashlib.sha256(raw).hexdigest()}") != digest:
            return as_json({"error": f'digest mismatch, expected "{digest}", got "{got}"'}, 400)
        else:
            self.blobs[digest] = Path(self._directory.name, digest.replace(":", "-"))
            self.blobs[digest].write_bytes(raw)
        return CannedResponse(201, None, b"")

    def _take_note(self, row):
        """The state that a recorded request leaves behind."""
        request = row["request"] or {}
        name = _full(request.get("model", ""))
        if row["path"] == "/api/create" and row["status"] == 200:
            entry = next(entry for entry in _row("tags")["body"]["models"] if entry["name"] == name)
            self.models[name] = Model(name, entry=entry)
        elif name in self.models and row["status"] == 200 and row["path"] != "/api/show":
            self.loaded = {name}  # as it had room for one

    def _create(self, body):
        [file] = [self.blobs.get(digest) for digest in body["files"].values()]
        if file is None:
            raise NeverRecordedError("creating a model of a file that was not uploaded")
        tokens, chat_template = read_gguf(file)
        name = _full(body["model"])
        setup = setup_of(body.get("renderer"), body.get("parser"), body.get("template"), chat_template)
        details = {"parent_model": "", "format": "gguf", "family": "llama", "families": ["llama"]}
        [digest] = body["files"].values()
        entry = {"name": name, "model": name, "modified_at": WHEN, "size": file.stat().st_size}
        entry |= {"digest": digest.removeprefix("sha256:"), "details": details}
        context = (body.get("parameters") or {}).get("num_ctx", 4096)
        served = {word: body[word.lower()] for word in ("RENDERER", "PARSER") if body.get(word.lower())}
        template = body.get("template") or "{{ .Prompt }}"
        served = {"TEMPLATE": f'"""{template}"""' if "\n" in template else template, **served}
        modelfile = "".join(f"{word} {output}\n" for word, output in served.items())
        served = template, body.get("renderer"), body.get("parser")
        self.models[name] = Model(name, setup, tokens, context, entry, f"FROM {file}\n{modelfile}", *served)
        if body.get("stream", True):
            recorded = _row("create-plain-stream")
            [theirs] = recorded["request"]["files"].values()
            return as_lines(json.loads(json.dumps(recorded["lines"]).replace(theirs, digest)))
        return as_json({"status": "success"}, content_type="application/json")

    def _delete(self, body):
        name = _full(body["model"])
        if name not in self.models:
            return as_json({"error": f"model '{body['model']}' not found"}, 404)
        del self.models[name]
        self.loaded.discard(name)
        return CannedResponse(200, None, b"")

    def _show(self, body):
        model = self.models.get(_full(body["model"]))
        if model is None:
            return as_json({"error": f"model '{_full(body['model'])}' not found"}, 404)
        shown = {"modelfile": model.modelfile, "template": model.template, "details": model.entry["details"]}
        return as_json(shown | {"capabilities": ["completion", *_abilities(model)], "modified_at": WHEN})

    def _generate(self, body):
        name = _full(body["model"])
        if name not in self.models:
            return as_json({"error": f"model '{body['model']}' not found"}, 404)
        if body.get("prompt"):
            raise NeverRecordedError("what an instrument says to a raw prompt")
        done = "unload" if body.get("keep_alive") == 0 else "load"
        self.loaded = self.loaded - {name} if done == "unload" else self.loaded | {name}
        return as_json({"model": body["model"], "created_at": WHEN, "response": "", "done": True, "done_reason": done})

    def _chat(self, body):
        model = self.models.get(_full(body["model"]))
        if model is None:
            return as_json({"error": f"model '{body['model']}' not found"}, 404)
        self.loaded.add(model.name)
        return play_chat(model, body, self.recorded, self.replayed)

    def _chat_v1(self, body):
        model = self.models.get(_full(body["model"]))
        if model is None:
            raise NeverRecordedError("a missing model at /v1")
        return play_v1(model, body, self.recorded, self.replayed)


class _Server(QuietServer):
    """Hangs up when it stops, so that no connection that is kept alive continues to be answered."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._open = set()

    def process_request(self, request, client_address):
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self):
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True  # small answers would wait for each other's acknowledgement

    def log_message(self, *_):
        pass

    def _serve(self):
        raw = body_of(self)
        output = self.server.double.answer(self.command, self.path, raw)
        self.send_response(output.status)
        if output.content_type:
            self.send_header("Content-Type", output.content_type)
        if isinstance(output.body, bytes):
            self.send_header("Content-Length", str(len(output.body)))
            self.end_headers()
            self.wfile.write(output.body if self.command != "HEAD" else b"")
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in [*output.body, b""]:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.flush()

    do_GET = do_POST = do_DELETE = do_HEAD = do_PUT = _serve  # noqa: N815


def _row(case):
    return next(row for row in rows("http") if row["case"] == case)


def _recorded(method, path, body, raw):
    index = _index()
    found = index.get((method, path, raw))
    return found or (None if raw and body is None else index.get((method, path, canonical(body))))


@functools.cache
def _index():
    """The rows by what was asked: bytes where they were no JSON, else canonical JSON."""
    index = {}
    for row in rows("http"):
        asked = row["request_raw"].encode() if "request_raw" in row else canonical(row["request"])
        index.setdefault((row["method"], row["path"], asked), row)
    return index


def _replayed(row):
    if "lines" in row:
        return as_lines(row["lines"], row["status"], row["content_type"])
    if "text" in row:
        return CannedResponse(row["status"], row["content_type"], row["text"].encode())
    return as_json(row["body"], row["status"], row["content_type"])


def _abilities(model):
    """What a model can do beyond completing: its parser says so, or its template."""
    if not exists(model.parser) or (not exists(model.renderer) and model.parser is None):
        return []
    setup = model.parser or model.setup
    if setup is None:
        raise NeverRecordedError("showing this model")
    thinks = any(row["case"] == "think-on" and row["status"] == 200 for row in rows_of(setup, "prompt"))
    return ["tools", *["thinking"] * thinks]


def _running(model):
    return {key: model.entry[key] for key in ("name", "model", "size", "digest", "details")} | {
        "expires_at": WHEN,
        "size_vram": 0,
        "context_length": model.context,
    }


def _full(name):
    return name if ":" in name else f"{name}:latest"


def names_at(host: str) -> list[str]:
    """The names of the models at this address."""
    with closing(Ollama(host)) as server:
        return list(server.models())


def real_ollama() -> str:
    """The address of a real Ollama; the test is skipped, loudly, where none answers."""
    address = ollama_address(os.environ.get("OLLAMA_HOST", ""))
    try:
        httpx.get(f"{address}/api/version", timeout=2, trust_env=False).raise_for_status()
    except httpx.HTTPError:
        pytest.skip(f"NO REAL OLLAMA WAS TESTED: none answers at {address}; start one, or name it in OLLAMA_HOST")
    return address
