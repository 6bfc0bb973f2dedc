"""Ollama's chat endpoint: what is asked of it, and what becomes of everything that can come back."""

import json
import re
import shlex
import socket
import threading
from contextlib import closing, contextmanager

import pytest
from tests.support.ollama_double import JSON, NDJSON, CannedResponse, OllamaDouble
from tests.support.ollama_recordings import SETUPS, rows, rows_of

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.engines import http_client
from callwright.engines.chat import ChatReply, ChatRequest, RawToolCall
from callwright.engines.ollama_api import Ollama, ollama_address
from callwright.engines.ollama_chat import OllamaChat
from callwright.engines.sampling import PURE
from callwright.errors import WorkError

HELLO = ChatRequest(conversation=Conversation((Message("user", "Hello."),)))
STREAM = ChatRequest(conversation=HELLO.conversation, stream=True)


@pytest.fixture
def double():
    with OllamaDouble() as running:
        yield running


@pytest.fixture
def server(double):
    with closing(Ollama(double.address, timeout=600)) as server:
        yield server


@pytest.fixture
def chat(server):
    return OllamaChat(server, "tiny")


@pytest.fixture
def answer(double, chat):
    """Has the server say something, and gives what the client makes of it."""

    def read(body, *, status=200, stream=False, content_type=None):
        pieces = [body] if isinstance(body, str) else body
        kind = content_type or (NDJSON if stream else JSON)
        output = [piece.encode("utf-8", "surrogateescape") for piece in pieces]
        double.instead[("POST", "/api/chat")] = CannedResponse(status, kind, output if stream else b"".join(output))
        return chat.chat(STREAM if stream else HELLO)

    return read


def read_request(connection):
    """Reads a request whole: who closes with some of it unread breaks what he has sent."""
    got = b""
    while b"\r\n\r\n" not in got and (more := connection.recv(65536)):
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
    while length and len(body) < int(length[1]) and (more := connection.recv(65536)):
        body += more


@contextmanager
def saying(*chunks, hang=False):
    """A server that sends these bytes whatever is asked, and closes, or says no more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = threading.Event()

        def serve():
            connection, _ = listener.accept()
            with connection:
                read_request(connection)
                for chunk in chunks:
                    connection.sendall(chunk)
                if hang:
                    ended.wait(20)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            ended.set()
            thread.join()


def ask_at(address, request, seconds=600.0):
    with closing(Ollama(address, timeout=seconds)) as server:
        return OllamaChat(server, "tiny").chat(request)


def piece(done=False, **message):
    return json.dumps({"model": "m", "message": {"role": "assistant", "content": ""} | message, "done": done}) + "\n"


def test_a_conversation_reaches_the_wire_as_ollama_wants_it(double, chat):
    tool = Tool("look", "Looks.", {"type": "object", "properties": {"x": {"type": "number"}}})
    messages = (
        Message("system", "Be brief."),
        Message("user", "Go."),
        Message("assistant", None, reasoning="Hm.", tool_calls=(ToolCall("look", {"x": 1.0, "n": None}, "c1"),)),
        Message("tool", {"t": 1.0}, tool_call_id="c1"),
        Message("assistant", "And", tool_calls=(ToolCall("look"),)),
        Message("tool", "pöng", name="look"),
    )
    request = ChatRequest(
        conversation=Conversation(messages, (tool,)), max_tokens=7, thinking=False, context=512, sampling=PURE
    )
    chat.chat(request)
    method, path, body = double.asked[-1]
    assert (method, path) == ("POST", "/api/chat")
    assert body == {
        "model": "tiny",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Go."},
            {
                "role": "assistant",
                "content": "",
                "thinking": "Hm.",
                "tool_calls": [{"id": "c1", "function": {"name": "look", "arguments": {"x": 1.0, "n": None}}}],
            },
            {"role": "tool", "content": '{"t": 1.0}', "tool_name": "look", "tool_call_id": "c1"},
            {
                "role": "assistant",
                "content": "And",
                "tool_calls": [{"function": {"name": "look", "arguments": {}}}],
            },
            {"role": "tool", "content": "pöng", "tool_name": "look"},
        ],
        "stream": False,
        "tools": [{"type": "function", "function": {"name": "look", "description": "Looks.",
                                                    "parameters": tool.parameters}}],
        "think": False,
        "options": {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "repeat_penalty": 1.0,
                    "num_predict": 7, "num_ctx": 512},
    }  # fmt: skip
    assert isinstance(body["messages"][2]["tool_calls"][0]["function"]["arguments"]["x"], float)


def test_what_nobody_asks_for_is_left_to_the_server(double, chat):
    chat.chat(HELLO)
    body = double.asked[-1][2]
    assert body.keys() == {"model", "messages", "stream", "options"}
    assert body["options"] == {"temperature": 0.0, "seed": 1}


def test_the_command_line_asks_the_same(double, server):
    shown = OllamaChat(server, "callwright-probe-1", shown_as="tiny")
    request = ChatRequest(conversation=Conversation((Message("user", 'It\'s\n"so" $HOME é'),)), stream=True)
    shown.chat(request)
    command, silent, url, header, kind, data, text = shlex.split(shown.curl(request))
    assert (command, silent, header, kind, data) == ("curl", "-s", "-H", "Content-Type: application/json", "-d")
    assert url == f"{double.address}/api/chat"
    assert json.loads(text) == double.asked[-1][2] | {"model": "tiny"}


def test_arguments_keep_their_spelling(answer):
    spelled = '{"x": 1.0, "big": 9007199254740993, "e": 1e20, "E": 1E+2, "neg": -0.0, "n": null, "x": 2, "s": "é\\n"}'
    call = '{"id": "c1", "function": {"index": 0, "name": "look", "arguments": ARGUMENTS}}'
    for stream in (False, True):
        text = '{"message": {"content": "", "tool_calls": [CALL]}, "done": true}'
        reply = answer(text.replace("CALL", call).replace("ARGUMENTS", spelled), stream=stream)
        assert reply.calls == (RawToolCall("look", spelled, "c1"),)
        assert not reply.error


@pytest.mark.parametrize(
    ("stands", "text"),
    [('"{\\"a\\": 1}"', '"{\\"a\\": 1}"'), ("null", "null"), ("[1, true]", "[1, true]"), ("1" * 5000, "1" * 5000)],
)
def test_what_stands_in_the_place_of_arguments_is_kept(answer, stands, text):
    text_of_call = '{"message": {"tool_calls": [{"function": {"name": "f", "arguments": HERE}}]}, "done": true}'
    reply = answer(text_of_call.replace("HERE", stands))
    assert (reply.error, reply.calls) == ("", (RawToolCall("f", text),))


def test_a_call_without_arguments_has_none(answer):
    reply = answer('{"message": {"tool_calls": [{"function": {"name": "f"}}]}, "done": true}')
    assert (reply.error, reply.calls) == ("", (RawToolCall("f", ""),))


@pytest.mark.parametrize("setup", SETUPS)
def test_recorded_answers_are_read_as_they_were_said(answer, setup):
    for row in rows_of(setup, "parse"):
        for kind in ("once", "cut_at_5_tokens"):
            body, status = row[kind]["body"], row[kind]["status"]
            reply = answer(json.dumps(body), status=status)
            assert reply.body == body
            check(reply, [body], status)
        pieces, status = row["stream"]["lines"], row["stream"]["status"]
        reply = answer([json.dumps(one) + "\n" for one in pieces], status=status, stream=True)
        check(reply, pieces, status)


def test_recorded_streams_of_a_real_model_are_read(answer):
    streams = [row for row in rows("http") if row["path"] == "/api/chat" and "lines" in row]
    assert len(streams) >= 5
    for row in streams:
        check(answer([json.dumps(one) + "\n" for one in row["lines"]], stream=True), row["lines"], 200)


def check(reply, pieces, status):
    """The reply against the plain JSON of its pieces."""
    assert reply.status == status
    failed = [piece["error"] for piece in pieces if "error" in piece]
    if failed:
        assert " ".join(failed[0].split())[:300] == " ".join(reply.error.split())
        pieces = [piece for piece in pieces if "error" not in piece]
    else:
        assert reply.error == ""
        assert reply.finish_reason == pieces[-1]["done_reason"]
        assert (reply.prompt_tokens, reply.answer_tokens) == (
            pieces[-1]["prompt_eval_count"],
            pieces[-1]["eval_count"],
        )
    messages = [piece["message"] for piece in pieces]
    assert reply.content == "".join(message["content"] for message in messages)
    assert reply.reasoning == "".join(message.get("thinking", "") for message in messages)
    calls = [call for message in messages for call in message.get("tool_calls", [])]
    output = [(call["function"]["name"], call["function"]["arguments"]) for call in calls]
    assert [(call.name, json.loads(call.arguments)) for call in reply.calls] == output
    assert reply.pieces == sum(any(message.get(key) for key in ("content", "thinking", "tool_calls"))
                               for message in messages)  # fmt: skip


def test_an_error_in_the_middle_of_a_stream_is_the_answers_error(answer):
    reply = answer([piece(content="call"), '{"error": "EOF"}\n'], stream=True)
    assert (reply.status, reply.content, reply.error) == (200, "call", "EOF")


def test_a_refusal_is_told_in_the_servers_words(answer):
    reply = answer('{"error": "model \'tiny\' not found"}', status=404)
    assert (reply.status, reply.error, reply.calls) == (404, "model 'tiny' not found", ())
    page = answer("<html>\n<h1>Bad gateway</h1></html>", status=502, content_type="text/html")
    assert (page.status, page.error) == (502, "HTTP 502 with <html> <h1>Bad gateway</h1></html>")
    assert answer("", status=500).error == "HTTP 500 with nothing in it"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>",
        "nul",
        "[]",
        "{}",
        '{"message": "text", "done": true}',
        '{"message": {"content": 5}, "done": true}',
        '{"message": {"content": {}}, "done": true}',
        '{"message": {"thinking": [1]}, "done": true}',
        '{"message": {"tool_calls": {}}, "done": true}',
        '{"message": {"tool_calls": {"a": 1}}, "done": true}',
        '{"message": {"tool_calls": [null]}, "done": true}',
        '{"message": {"tool_calls": [{"function": []}]}, "done": true}',
        '{"message": {"tool_calls": [{"function": {"arguments": {}}}]}, "done": true}',
        '{"message": {"tool_calls": [{"function": {"name": 7}}]}, "done": true}',
        '{"message": {"content": NaN}, "done": true}',
        '{"message": {"content": ""}}',
        '{"message": {"content": ""}, "done": "yes"}',
        '{"error": null}',
        '{"error": ""}',
        '{"error": {"code": 1}}',
        "[" * 100_000,
        '{"a":' * 100_000,
        "\udcff\udcfe",
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_garbage_is_an_error_and_never_a_crash(answer, body, stream):
    reply = answer(body, stream=stream)
    assert isinstance(reply, ChatReply)
    assert reply.error
    assert not reply.calls


def test_counts_that_are_none_are_left_out(answer):
    for count in ('"many"', "true", "1.5", "-1", "1e99999", "null"):
        reply = answer(f'{{"message": {{}}, "done": true, "done_reason": 7, "prompt_eval_count": {count}}}')
        assert (reply.error, reply.finish_reason, reply.prompt_tokens, reply.answer_tokens) == ("", None, None, None)


def test_what_follows_the_end_of_a_stream_is_an_error(answer):
    reply = answer([piece(content="a"), piece(done=True), piece(content="b")], stream=True)
    assert reply.content == "a"
    assert "after the end" in reply.error


def test_a_stream_that_was_cut_is_seen_to_be(answer):
    reply = answer([piece(content="It "), piece(content="is")], stream=True)
    assert (reply.content, reply.pieces) == ("It is", 2)
    assert "before it was done" in reply.error


def test_nobody_at_home_is_an_answer():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    reply = ask_at(f"http://127.0.0.1:{port}", HELLO)
    assert (reply.status, reply.content) == (0, "")
    assert "refused" in reply.error.lower()


def test_a_server_that_hangs_up_is_an_answer():
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
    output = piece(content="It ").encode()
    for chunks in ((), (b"HTTP/1.1 2",), (b"\x00\xff garbage\r\n\r\n",)):
        with saying(*chunks) as address:
            reply = ask_at(address, HELLO)
        assert reply.status == 0
        assert reply.error
    with saying(head, b"%x\r\n%b\r\n" % (len(output), output), b'40\r\n{"message"') as address:
        reply = ask_at(address, STREAM)
    assert (reply.status, reply.content) == (200, "It ")
    assert reply.error.startswith(f"no answer from {address}: ")


def test_a_slow_server_is_not_waited_for():
    with saying(hang=True) as address:
        reply = ask_at(address, HELLO, seconds=0.3)
    assert reply.status == 0
    assert reply.error == f"no whole answer from {address} within 0.3 seconds"


def test_an_answer_without_end_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr(http_client, "MAX_BYTES", 1 << 20)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n"
    with saying(head, b" " * 2_000_000) as address:
        reply = ask_at(address, STREAM)
    assert reply.error == "an answer of more than 1 MiB"


def test_halves_of_characters_are_no_text(answer):
    half, both = '"\\ud83d!"', '"\\ud83d\\ude00"'
    call = '{"id": HALF, "function": {"name": HALF, "arguments": {HALF: BOTH}}}'
    text = '{"message": {"content": HALF, "thinking": BOTH, "tool_calls": [CALL]}, "done": true, "done_reason": HALF}'
    reply = answer(text.replace("CALL", call).replace("HALF", half).replace("BOTH", both))
    assert (reply.content, reply.reasoning, reply.finish_reason) == ("\ufffd!", "😀", "\ufffd!")
    assert reply.calls == (RawToolCall("\ufffd!", '{"\ufffd!": "😀"}', "\ufffd!"),)


def test_models_are_managed_and_refusals_say_what_was_wanted(double, server, tmp_path):
    file = tmp_path / "x.gguf"
    file.write_bytes(b"GGUF")
    assert server.version() == "0.0.0"
    assert server.models() == []
    digest = server.upload(file)
    assert server.has_blob(digest)
    assert server.upload(file) == digest
    assert [method for method, path, _ in double.asked if path.startswith("/api/blobs")].count("POST") == 1
    server.delete("nobody")
    with pytest.raises(WorkError, match="model 'nobody:latest' not found"):
        server.show("nobody")
    with pytest.raises(WorkError, match="model 'nobody' not found"):
        server.load("nobody", 512)
    double.instead = {
        ("POST", "/api/blobs"): CannedResponse(500, JSON, b'{"error": "write: no space left on device"}'),
        ("POST", "/api/create"): CannedResponse(200, JSON, b'{"status": "reading"}'),
        ("POST", "/api/generate"): CannedResponse(200, JSON, b'{"done": false}'),
        ("DELETE", "/api/delete"): CannedResponse(500, JSON, b'{"error": "busy"}'),
        ("GET", "/api/tags"): CannedResponse(200, JSON, b'{"models": [{"name": "a"}, 5, {}]}'),
        ("GET", "/api/version"): CannedResponse(200, JSON, b'{"version": 3}'),
    }
    file.write_bytes(b"GGUF" * 500_000)
    for wrong, act in (
        ("2 MB; got write: no space left on device; free 2 MB where", lambda: server.upload(file)),
        ("to create a model; got", lambda: server.create("m", digest)),
        ("to load the model; got", lambda: server.load("m", 512)),
        (f"to remove m; got busy; remove it: OLLAMA_HOST={double.address} ollama rm m", lambda: server.delete("m")),
        ("without a version", server.version),
    ):
        with pytest.raises(WorkError, match=wrong) as caught:
            act()
        assert "\n" not in str(caught.value)
    assert server.models() == ["a"]


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),  # noqa: S104
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("[::]:8080", "http://[::1]:8080"),
        ("example.test", "http://example.test:11434"),
        ("https://example.test", "https://example.test:443"),
        ("http://example.test/", "http://example.test:80"),
        ("localhost:port", "http://localhost:11434"),
    ],
)
def test_ollama_host_is_read_as_ollama_reads_it(host, address):
    assert ollama_address(host) == address
