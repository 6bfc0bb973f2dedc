"""An Ollama is lent an instrument: it plays, everything comes back, and nothing is left behind.

The same tests run against the double and, where OLLAMA_HOST names one that answers, against a real Ollama.
"""

import os
import re
import socket
import subprocess
import threading
import warnings
from contextlib import contextmanager
from dataclasses import replace

import pytest
from tests.support.ollama_double import JSON, CannedResponse, Model, OllamaDouble, names_at
from tests.support.ollama_recordings import BUILTIN, GO, SETUPS, prompt_ids, rows_of

from callwright.conversation import Conversation, Message
from callwright.engines.chat import ChatRequest
from callwright.engines.ollama_api import Ollama
from callwright.errors import WorkError
from callwright.formats import get_format
from callwright.instruments.prompt_reader import frequent_pieces, make_prompt_reader
from callwright.instruments.script import Line, write_script
from callwright.openai import read_message, read_tool
from callwright.probe.targets import ollama
from callwright.probe.targets.base import UntestableError
from callwright.probe.targets.ollama import BY_HAND, PREFIX, OllamaTarget

FORMATS = {
    "gemma4": ("gemma4", "31b"),
    "functiongemma": ("functiongemma", None),
    "qwen3-coder": ("qwen3-xml", None),
    "qwen3.5": ("qwen3-xml", None),
    "qwen3-vl-instruct": ("qwen3", None),
}
HELLO = ChatRequest(conversation=Conversation((Message("user", "Hello."),)), max_tokens=1)


def form_of(setup):
    return get_format(*FORMATS[setup]) if setup in FORMATS else get_format("xml", setup.split("-")[1])


def chosen(setup):
    """What `--set` says for a recorded setup."""
    if setup in BUILTIN:
        return [f"renderer={setup}", f"parser={setup}"]
    return [f"template={GO % setup.split('-')[1]}"] if setup.endswith("-go") else []


@pytest.fixture
def target(double):
    return OllamaTarget([f"host={double.address}", "renderer=gemma4", "parser=gemma4", "context=1024", "timeout=600"])


def test_an_instrument_is_lent_and_taken_away(host, script):
    target = OllamaTarget([f"host={host}", "renderer=gemma4", "parser=gemma4", "context=2048"])
    before = names_at(host)
    assert (target.name, target.context, target.shares_instruments) == ("Ollama", 2048, False)
    assert target.version
    with target.load(script) as chat:
        [made] = set(names_at(host)) - set(before)
        assert made.startswith(PREFIX)
        assert made.endswith(":latest")
        assert chat.slots == 1
        assert f'"{BY_HAND}"' in chat.curl(HELLO)
    assert names_at(host) == before


@pytest.mark.parametrize("setup", FORMATS)
def test_what_an_instrument_says_ends_as_recorded(host, setup):
    recorded = rows_of(setup, "parse")
    script = write_script(form_of(setup), [Line(f"parse.{row['case']}", row["raw"]) for row in recorded])
    with OllamaTarget([f"host={host}", *chosen(setup)]).load(script) as chat:
        for row in recorded:
            tools = tuple(read_tool(tool) for tool in row["tools"])
            conversation = Conversation((Message("user", f"Go. @@parse.{row['case']}@@"),), tools)
            for stream in (False, True):
                request = ChatRequest(conversation=conversation, thinking=row["think"], stream=stream, max_tokens=512)
                reply = chat.chat(request)
                pieces = row["stream"]["lines"] if stream else [row["once"]["body"]]
                failed = [piece["error"] for piece in pieces if "error" in piece]
                assert bool(reply.error) == bool(failed), (row["case"], reply)
                messages = [piece["message"] for piece in pieces if "message" in piece]
                assert reply.content == "".join(message["content"] for message in messages), row["case"]
                assert reply.reasoning == "".join(message.get("thinking", "") for message in messages), row["case"]
                calls = [call["function"] for message in messages for call in message.get("tool_calls", [])]
                assert [call.name for call in reply.calls] == [call["name"] for call in calls], row["case"]
                assert reply.finish_reason == (None if failed else pieces[-1]["done_reason"]), row["case"]


@pytest.mark.parametrize("setup", FORMATS)
def test_an_instrument_shows_the_prompts_that_were_recorded(host, setup):
    rows = rows_of(setup, "prompt")
    texts = ["".join(text for text, _ in row.get("seen", [])) for row in rows if row["case"] != "overflow"]
    target = OllamaTarget([f"host={host}", *chosen(setup)])
    # What fits depends on how many tokens words are: in the recordings, one a byte.
    for words, of_overflow in ((frequent_pieces(texts), False), ([], True)):
        reader = make_prompt_reader(form_of(setup), 3000, words)
        with target.load(reader) as chat:
            for row in rows:
                if (row["case"] == "overflow") == of_overflow:
                    check_prompt(chat, reader, row)


def check_prompt(chat, reader, row):
    request = request_of(row)
    if row["status"] != 200:
        assert "does not support thinking" in chat.chat(request).error
        return
    cue, length, ids = seen(chat, reader.display, request)
    expected = prompt_ids(row, cue, TokensOf(reader.vocabulary))
    assert length == len(expected), row["case"]
    assert ids == expected[: len(ids)], row["case"]
    assert ids == expected or row["case"] == "overflow"


def request_of(row):
    recorded = row["request"]
    messages = [
        read_message(wire | {"name": wire.get("tool_name"), "reasoning_content": wire.get("thinking")})
        for wire in recorded["messages"]
    ]
    tools = tuple(read_tool(tool) for tool in recorded.get("tools", ()))
    return ChatRequest(
        conversation=Conversation(tuple(messages), tools),
        thinking=recorded.get("think"),
        context=recorded["options"]["num_ctx"],
    )


def seen(chat, display, request):
    """The cue, the length of the prompt that reaches the model, and its tokens: four windows of them, if not all.

    Where the prompt opens a thought, what is said back is the thought.
    """
    messages = request.conversation.messages
    user = max(place for place, message in enumerate(messages) if message.role == "user")

    def ask(back, limit):
        asked = Message("user", f"{messages[user].content} @@xray.{back}@@")
        conversation = replace(request.conversation, messages=(*messages[:user], asked, *messages[user + 1 :]))
        reply = chat.chat(replace(request, conversation=conversation, max_tokens=limit))
        assert not reply.error
        assert not (reply.content and reply.reasoning)
        return reply

    length, ids = ask(1, 1).prompt_tokens, []
    room = request.context - length
    for _ in range(4):
        back = length - len(ids)
        if not back:
            break
        reply = ask(back, min(room, back + 8))
        ids += display.read(reply.content or reply.reasoning, back)
        assert reply.prompt_tokens == length
        assert len(ids) == length - back + min(room, back)
    cue = f" @@xray.{length}@@"
    return cue, length, [display.cues[length - 1] if id_ in display.cues else id_ for id_ in ids]


class TokensOf:
    """A vocabulary of ours as the recordings' helpers know one."""

    def __init__(self, vocabulary):
        self.bos_id, self.adds_bos = vocabulary.bos_id, vocabulary.adds_bos
        self.encode = lambda text: vocabulary.encode(text, control=True)


@pytest.mark.parametrize("setup", [setup for setup in SETUPS if setup.startswith("xml")])
def test_templates_are_served_as_their_own_recordings(setup):
    """Only through the double: the template of these recordings is not ours, what was said about the calls is."""
    recorded = rows_of(setup, "parse")
    script = write_script(form_of(setup), [Line(f"parse.{row['case']}", row["raw"]) for row in recorded])
    with OllamaDouble({f"parse.{row['case']}": row["case"] for row in recorded}) as double:
        with OllamaTarget([f"host={double.address}", *chosen(setup)]).load(script) as chat:
            for row in recorded:
                tools = tuple(read_tool(tool) for tool in row["tools"])
                conversation = Conversation((Message("user", f"Go. @@parse.{row['case']}@@"),), tools)
                body = chat.chat(ChatRequest(conversation=conversation)).body
                assert body.get("message", {}).get("content") == row["once"]["body"].get("message", {}).get("content")
                assert body.get("error") == row["once"]["body"].get("error")
        assert not double.models


@pytest.mark.parametrize("end", [None, ValueError, KeyboardInterrupt, SystemExit])
def test_nothing_is_left_behind_however_it_ends(double, target, script, end):
    with suppressing(end), target.load(script):
        assert len(double.models) == len(double.loaded) == 1
        if end is not None:
            raise end
    assert_untouched(double)


@pytest.mark.parametrize("step", ["upload", "create", "load"])
def test_nothing_is_left_behind_when_the_user_stops_it_on_the_way(double, target, script, monkeypatch, step):
    real = getattr(target._server, step)

    def stopped(*arguments, **fields):
        real(*arguments, **fields)
        raise KeyboardInterrupt

    monkeypatch.setattr(target._server, step, stopped)
    with pytest.raises(KeyboardInterrupt), target.load(script):
        pytest.fail("it never came to this")
    assert_untouched(double)


@contextmanager
def suppressing(end):
    if end is None:
        yield
    else:
        with pytest.raises(end):
            yield


def assert_untouched(double):
    assert not double.models
    assert not double.loaded
    removed = [body["model"] for method, _, body in double.asked if method == "DELETE"]
    assert all(name.startswith(PREFIX) for name in removed)


def test_the_users_models_are_left_alone_and_ours_of_earlier_runs_removed(double, script):
    stopped = subprocess.Popen(["true"])
    stopped.wait()
    here = ollama._machine()
    stay = ["llama3.2:latest", f"{BY_HAND}:latest", "my-callwright-probe-x:latest", "callwright:latest",
            f"{PREFIX}{here}-{os.getppid()}-ab12:latest", f"{PREFIX}0a0a0a-{stopped.pid}-ab12:latest"]  # fmt: skip
    left = [f"{PREFIX}deadbeef:latest", f"{PREFIX}{here}-{stopped.pid}-ab12:latest",
            f"{PREFIX}{here}-{os.getpid()}-ab12:latest"]  # fmt: skip
    double.models = {name: Model(name, entry={"name": name}) for name in stay + left}
    settings = [f"host={double.address}", "renderer=gemma4", "parser=gemma4"]
    with OllamaTarget(settings).load(script):
        assert len(double.models) == len(stay) + 1
        OllamaTarget(settings)  # a second target of the same process leaves the first one's model alone
        assert len(double.models) == len(stay) + 1
    assert list(double.models) == stay
    removed = [body["model"] for method, _, body in double.asked if method == "DELETE"]
    assert all(name.startswith(PREFIX) for name in removed)
    assert set(removed) >= set(left)


def test_no_other_name_is_ever_removed(target):
    for name in ("llama3.2:latest", f"x{PREFIX}", "", BY_HAND):
        with pytest.raises(ValueError, match="not ours"):
            ollama._remove(target._server, name)


@pytest.mark.parametrize(
    ("path", "output", "wrong"),
    [
        (
            "/api/create",
            CannedResponse(400, JSON, b'{"error": "unknown renderer \\"gemma9\\""}'),
            'got unknown renderer "gemma9"',
        ),
        ("/api/create", CannedResponse(200, "text/html", b"<html>hello"), "got HTTP 200 with <html>hello"),
        ("/api/create", CannedResponse(403, JSON, b'{"error": "not allowed"}'), "to create a model; got not allowed"),
        (
            "/api/blobs",
            CannedResponse(500, JSON, b'{"error": "no space left on device"}'),
            "MB; got no space left on device",
        ),
        ("/api/blobs", CannedResponse(413, "text/html", b"<html>too large"), "got HTTP 413 with <html>too large"),
        (
            "/api/generate",
            CannedResponse(500, JSON, b'{"error": "model requires more system memory (9 GiB) than is available"}'),
            "MB and room for 1024 tokens; got model requires more system memory (9 GiB) than is available",
        ),
        (
            "/api/show",
            CannedResponse(200, JSON, b'{"modelfile": "FROM x"}'),
            "got version 0.0.0, which ignores it; update Ollama",
        ),
        (
            "/api/generate",
            CannedResponse(500, JSON, b'{"error": "unable to load\\nmodel"}'),
            "got unable to load model",
        ),
    ],
)
def test_a_refusal_is_one_clear_line_and_leaves_nothing(double, target, script, path, output, wrong):
    double.instead[("POST", path)] = output
    with pytest.raises(WorkError) as caught, target.load(script):
        pytest.fail("it never came to this")
    assert wrong in str(caught.value)
    assert "\n" not in str(caught.value)
    double.instead.clear()
    assert_untouched(double)


def test_without_room_for_the_file_it_says_how_much_it_needs(double, target, script, monkeypatch):
    full = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr(ollama.shutil, "disk_usage", lambda path: full)
    with (
        pytest.raises(UntestableError, match=r"expected \d+ MB of room in .*; got 1 MB; free some"),
        target.load(script),
    ):
        pytest.fail("it never came to this")
    assert [path for _, path, _ in double.asked if "blobs" in path] == []


def test_a_server_that_goes_away_costs_a_line_and_no_result(script, capsys):
    with OllamaDouble() as double:
        target = OllamaTarget([f"host={double.address}", "renderer=gemma4", "parser=gemma4", "timeout=600"])
        lent = target.load(script)
        chat = lent.__enter__()
    lent.__exit__(None, None, None)
    assert chat.chat(HELLO).error
    out, err = capsys.readouterr()
    where = re.escape(double.address)
    fix = f"remove it: OLLAMA_HOST={where} ollama rm {PREFIX}[^ ]+:latest"
    assert re.fullmatch(f"callwright: expected {where} to remove {PREFIX}.*; {fix}\n", err)
    assert not out


def test_the_usual_server_needs_no_address_in_a_command():
    assert Ollama("http://127.0.0.1:11434").command("rm", "m:latest") == "ollama rm m:latest"
    assert Ollama("http://[::1]:80").command("rm", "m") == "OLLAMA_HOST='http://[::1]:80' ollama rm m"


def test_what_an_earlier_run_left_behind_and_cannot_be_removed_is_told_with_the_right_command(double):
    double.models = {f"{PREFIX}old:latest": Model(f"{PREFIX}old:latest", entry={"name": f"{PREFIX}old:latest"})}
    double.instead[("DELETE", "/api/delete")] = CannedResponse(500, JSON, b'{"error": "busy"}')
    with pytest.raises(WorkError) as caught:
        OllamaTarget([f"host={double.address}"])
    assert str(caught.value).endswith(f"got busy; remove it: OLLAMA_HOST={double.address} ollama rm {PREFIX}old:latest")


@contextmanager
def answering(raw):
    """A server that says these bytes to whatever is asked, or nothing at all when there are none."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = threading.Event()
        listener.settimeout(0.1)

        def serve():
            kept = []
            while not ended.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                kept.append(connection)
                if raw:
                    connection.recv(65536)
                    connection.sendall(raw)
                    connection.close()
            for connection in kept:
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        ended.set()
        thread.join()


@pytest.mark.parametrize(
    ("raw", "wrong"),
    [
        (b"", "within 0.5 seconds"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "HTTP 200 with <html>"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "without a version"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "got "),
    ],
)
def test_what_is_no_ollama_is_said_to_be_none(raw, wrong):
    with answering(raw) as host, pytest.raises(WorkError, match=r"expected an Ollama at .* `ollama serve`") as caught:
        OllamaTarget([f"host={host}", f"timeout={600 if raw else 0.5}"])
    assert wrong in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_server_that_is_down_is_said_to_be(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{port}")
    with pytest.raises(WorkError, match=f"expected an Ollama at http://127.0.0.1:{port}; got .*refused.*ollama serve"):
        OllamaTarget([])


def test_the_file_is_gone_before_the_first_question(target, script, tmp_path, monkeypatch):
    monkeypatch.setattr(ollama.tempfile, "tempdir", str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with target.load(script):
            assert list(tmp_path.iterdir()) == []


def test_a_server_that_goes_away_before_it_has_a_model_is_not_asked_to_remove_one(target, double, script):
    double.instead[("POST", "/api/blobs")] = CannedResponse(500, JSON, b"{}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UntestableError), target.load(script):
            pytest.fail("it never came to this")
    assert not [method for method, _, _ in double.asked if method == "DELETE"]
