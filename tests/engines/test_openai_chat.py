"""OpenAI's wire: recorded answers of a real llama.cpp are read right, and no answer, however wrong, is raised."""

import dataclasses
import itertools
import json
import re
import shlex
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.canned_server import Canned, as_json, canned_server, events
from tests.support.llama_recordings import BOTH, TOOLS, asked, recorded

from callwright.engines import http_client, openai_replies
from callwright.engines.chat import ChatReply, RawToolCall
from callwright.engines.openai_chat import OLLAMA, OpenAIChat
from callwright.engines.openai_replies import ReplyReader, sent_events
from callwright.engines.sampling import SamplingParams

WEATHER = RawToolCall("get_weather", '{"city": "Zürich", "days": 3}')
CLOCK = RawToolCall("clock_now", "{}")
READ = {
    "text": ChatReply(status=200, content="It is warm in Zürich. 東京", finish_reason="stop"),
    "call": ChatReply(status=200, calls=(WEATHER,), finish_reason="tool_calls"),
    "parallel": ChatReply(status=200, content="I will look.\n", calls=(WEATHER, CLOCK), finish_reason="tool_calls"),
    "thinking": ChatReply(status=200, content="Warm.", reasoning="Hm, Zürich.\n", finish_reason="stop"),
    "cut": ChatReply(status=200, calls=(RawToolCall("get_weather", "{"),), finish_reason="length"),
    "overflow": ChatReply(
        status=400,
        error="request (5019 tokens) exceeds the available context size (1024 tokens), try increasing it",
    ),
}
ASKED = asked("Go.")
STREAMED = dataclasses.replace(ASKED, stream=True)


def words(reply):
    """The reply without what differs from one answer to the next."""
    calls = tuple(dataclasses.replace(call, id=None) for call in reply.calls)
    return dataclasses.replace(reply, calls=calls, prompt_tokens=None, answer_tokens=None, pieces=0, body=None)


def reply_to(canned, request=ASKED, **options):
    with canned_server(canned) as url, OpenAIChat(url, **options) as chat:
        return chat.chat(request)


def message(**fields):
    return {"choices": [{"index": 0, "message": {"role": "assistant", **fields}, "finish_reason": "stop"}]}


def piece(finish=None, **fields):
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def call_piece(index, name=None, arguments=None, **fields):
    function = {} if name is None else {"name": name}
    function |= {} if arguments is None else {"arguments": arguments}
    return piece(tool_calls=[({} if index is None else {"index": index}) | {"function": function} | fields])


@pytest.mark.parametrize("name", BOTH)
def test_what_llama_cpp_answers_is_read(name):
    row = recorded()[name]
    reply = reply_to(Canned(row.body.encode(), status=row.status, kind=row.kind), BOTH[name])
    assert words(reply) == READ[name.partition(",")[0]]
    if reply.status == 200:
        assert reply.prompt_tokens > 0 < reply.answer_tokens
        assert all(call.id for call in reply.calls)
        assert (reply.pieces > 0) == BOTH[name].stream
        assert isinstance(reply.body, list if BOTH[name].stream else dict)


def test_a_request_says_what_was_asked_and_nothing_else():
    seen = []

    def answer(path, body):
        seen.append((path, body))
        return as_json(message(content="Yes."))

    plain = dataclasses.replace(ASKED, sampling=SamplingParams())
    full = asked("Go.", tools=TOOLS[1:], max_tokens=7, thinking=False, stream=True)
    full = dataclasses.replace(
        full, sampling=SamplingParams(temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, repeat_penalty=1.1, seed=3)
    )
    barred, toolless = (dataclasses.replace(one, may_call=False) for one in (full, plain))
    with canned_server(answer) as url:
        with OpenAIChat(url + "/") as chat:
            chat.chat(plain)
            chat.chat(full)
            command = shlex.split(chat.curl(full))
            assert chat.body(barred) == chat.body(full) | {"tool_choice": "none"}
            assert chat.body(toolless) == chat.body(plain)
        with OpenAIChat(url, model="m", kind="vLLM") as chat:
            chat.chat(full)
    messages = [{"role": "user", "content": "Go."}]
    clock = {"name": "clock_now", "description": "The time.", "parameters": {"type": "object", "properties": {}}}
    rest = {
        "messages": messages,
        "tools": [{"type": "function", "function": clock}],
        "max_tokens": 7,
        "temperature": 1.0,
        "top_k": 0,
        "top_p": 1.0,
        "min_p": 0.0,
        "seed": 3,
        "chat_template_kwargs": {"enable_thinking": False},
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert seen == [
        ("/v1/chat/completions", {"messages": messages}),
        ("/v1/chat/completions", rest | {"repeat_penalty": 1.1}),
        ("/v1/chat/completions", rest | {"repetition_penalty": 1.1, "model": "m"}),
    ]
    assert url + "/v1/chat/completions" in command
    assert json.loads(command[command.index("-d") + 1]) == seen[1][1]


def test_ollama_is_told_to_think_in_its_own_way_and_its_model_shown_under_another_name():
    with OpenAIChat("http://127.0.0.1:1", model="lent-1", kind=OLLAMA, shown_as="mine") as chat:
        efforts = [chat.body(asked("Go.", thinking=on)).get("reasoning_effort") for on in (None, True, False)]
        assert efforts == [None, "medium", "none"]
        assert "chat_template_kwargs" not in chat.body(asked("Go.", thinking=True))
        assert chat.body(ASKED)["model"] == "lent-1"
        assert '"model": "mine"' in chat.curl(ASKED) and "lent-1" not in chat.curl(ASKED)

    def answer(path, body):
        return as_json({"error": {"message": f"no {body['model']} here"}}, status=404)

    with canned_server(answer) as url, OpenAIChat(url, model="lent-1", shown_as="mine") as chat:
        assert chat.chat(ASKED).error == "no mine here"


def test_a_command_line_can_show_another_address():
    with OpenAIChat("http://127.0.0.1:1", shown="http://127.0.0.1:8080") as chat:
        assert "http://127.0.0.1:8080/v1/chat/completions" in chat.curl(ASKED)


DEEP = b"[" * 100_000
WRONG = {
    "html": (Canned(b"<html>\n<body>Hi</body></html>", kind="text/html"), "expected JSON; got '<html> <body>Hi"),
    "bad gateway": (Canned(b"<h1>Bad Gateway</h1>", status=502, kind="text/html"), "HTTP 502: .*Bad Gateway"),
    "nothing": (Canned(b""), "expected JSON; got 'nothing'"),
    "no content": (Canned(b"", status=204), "expected JSON; got 'nothing'"),
    "a number": (as_json(7), "expected choices with a message; got 7"),
    "null": (as_json(None), "expected choices"),
    "a list": (as_json([message()]), "expected choices"),
    "an empty object": (as_json({}), "expected choices"),
    "no choice": (as_json({"choices": []}), "expected choices"),
    "a choice that is none": (as_json({"choices": [7]}), "expected choices"),
    "choices that are none": (as_json({"choices": {"0": {}}}), "expected choices"),
    "a message that is none": (as_json({"choices": [{"message": "Hi"}]}), "expected choices"),
    "a piece of a stream": (as_json(piece(content="Hi")), "expected choices"),
    "half": (as_json(message(content="Hi"), missing=20), "no answer"),
    "too deep": (Canned(DEEP), "expected JSON"),
    "deep and whole": (Canned(b'{"a":' * 700 + b"1" + b"}" * 700), "expected choices"),
    "a long number": (Canned(b'{"choices": ' + b"9" * 5000 + b"}"), "expected JSON"),
    "an error with HTTP 200": (as_json({"error": {"message": "no\nway"}}), "^no way$"),
    "an error beside an answer": (as_json(message(content="Hi") | {"error": "half"}), "^half$"),
    "an error in words": (as_json({"error": "model not found"}, status=404), "^model not found$"),
    "an error as a number": (as_json({"error": 7}, status=500), "^7$"),
    "an error of FastAPI": (as_json({"detail": [{"msg": "bad"}]}, status=422), "bad"),
    "an error of vLLM": (as_json({"object": "error", "message": "too long"}, status=400), "^too long$"),
    "an error without words": (as_json({}, status=500), "HTTP 500: {}"),
    "somewhere else": (Canned(status=307, headers=(("Location", "http://192.0.2.1/"),)), "HTTP 307"),
    "an endless error": (as_json({"error": "x" * 100_000}, status=500), "^x{299}…$"),
    "packed": (Canned(b"\x1f\x8b\x08\x00", headers=(("Content-Encoding", "gzip"),)), "expected JSON"),
    "closed at once": (Canned(status=0), "no answer from http://127.0.0.1.*disconnected"),
}


@pytest.mark.parametrize(("canned", "error"), WRONG.values(), ids=WRONG)
def test_a_wrong_answer_is_one_line_of_error(canned, error):
    for request in (ASKED, STREAMED):
        reply = reply_to(canned, request)
        assert re.search(error, reply.error), reply.error
        assert "\n" not in reply.error and len(reply.error) <= 300
        assert reply.status == canned.status
        assert not reply.calls


PARTS = {
    "numbers as text": (message(content=7), "expected text as content; got 7", {}),
    "reasoning that is none": (message(reasoning_content={}), "expected text as reasoning_content; got {}", {}),
    "calls that are none": (
        message(content="Hi", tool_calls="f()"),
        "expected a list as tool_calls",
        {"content": "Hi"},
    ),
    "a call that is none": (message(tool_calls=["f()"]), "expected calls with a function", {}),
    "a call without a function": (message(tool_calls=[{"id": "1"}]), "expected calls with a function", {}),
    "a name that is none": (message(tool_calls=[{"function": {"name": 7}}]), "function's name", {}),
    "a finish that is none": ({"choices": [{"message": {}, "finish_reason": 7}]}, "finish_reason; got 7", {}),
}


@pytest.mark.parametrize(("body", "error", "kept"), PARTS.values(), ids=PARTS)
def test_what_is_right_in_a_wrong_answer_is_read_all_the_same(body, error, kept):
    reply = reply_to(as_json(body))
    assert error in reply.error
    assert all(getattr(reply, name) == value for name, value in kept.items())
    assert reply.body == body


def test_arguments_stay_as_they_came():
    given = ['{"a": 1.0, "b": 1e20}', {"city": "Zürich", "n": 1.0}, [1], 7, None, "", '{"a": ']
    calls = [{"id": 3, "function": {"name": "f", "arguments": arguments}} for arguments in given]
    reply = reply_to(as_json(message(tool_calls=calls)))
    assert [call.arguments for call in reply.calls] == [
        '{"a": 1.0, "b": 1e20}',
        '{"city": "Zürich", "n": 1.0}',
        "[1]",
        "7",
        "",
        "",
        '{"a": ',
    ]
    assert not reply.error and {call.id for call in reply.calls} == {None}


def test_text_in_parts_and_other_names_of_reasoning_are_read():
    parts = [{"type": "text", "text": "It is "}, {"type": "text", "text": "warm."}]
    reply = reply_to(as_json(message(content=parts, reasoning="Hm.") | {"usage": {"prompt_tokens": "7"}}))
    assert (reply.content, reply.reasoning, reply.prompt_tokens, reply.error) == ("It is warm.", "Hm.", None, "")


STREAMS = {
    "cut": (events(piece(content="Hi"), done=False), "the stream ended before", {"content": "Hi", "pieces": 1}),
    "torn": (events(piece(content="Hi"), 'data: {"choices": [{"del', done=False), "in the stream: expected JSON", {}),
    "broken off": (events(piece(content="Hi"), missing=9), "", {"content": "Hi"}),
    "broken off unfinished": (events(piece(content="Hi"), done=False, missing=9), "no answer", {"content": "Hi"}),
    "an error on the way": (
        events(piece(content="Hi"), {"error": {"message": "grammar"}}, piece("stop")),
        "^grammar$",
        {"content": "Hi", "finish_reason": "stop"},
    ),
    "an error event": (events("event: error\ndata: {}\n\n", piece("stop")), "^{}$", {}),
    "an old error": (events('error: {"code": 500, "message": "oops"}\n\n', done=False), "^oops$", {}),
    "rubbish between": (
        events(piece(content="a"), "data: rubbish\n\n", "what\n\n", piece("stop", content="b")),
        "got 'rubbish'",
        {"content": "ab"},
    ),
    "no events": (Canned(b"<html>no</html>", kind="text/event-stream"), "ended before", {"content": ""}),
    "a whole message": (events(message(content="Hi")), "expected choices in the stream", {}),
    "in one piece": (
        as_json(message(content="Hi")),
        "expected a stream; got an answer in one piece",
        {"content": "Hi"},
    ),
    "no end but finished": (events(piece("stop", content="Hi"), done=False), "^$", {"content": "Hi"}),
}


@pytest.mark.parametrize(("canned", "error", "kept"), STREAMS.values(), ids=STREAMS)
def test_a_wrong_stream_is_an_error_with_what_had_come(canned, error, kept):
    reply = reply_to(canned, STREAMED)
    assert re.search(error, reply.error), reply.error
    assert {name: getattr(reply, name) for name in kept} == kept


def test_calls_are_put_together_by_their_index():
    stream = events(
        piece(role="assistant", content=None),
        call_piece(1, "clock", "", id="b"),
        call_piece(0, "get_", None, id="a"),
        call_piece(0, "weather", '{"ci', id="x"),
        call_piece(1, None, "{"),
        call_piece(0, None, 'ty": 1.0}'),
        call_piece(1, None, "}"),
        piece("tool_calls"),
        {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4}},
    )
    reply = reply_to(stream, STREAMED)
    assert reply.calls == (RawToolCall("get_weather", '{"city": 1.0}', "a"), RawToolCall("clock", "{}", "b"))
    assert (reply.pieces, reply.prompt_tokens, reply.answer_tokens, reply.error) == (6, 9, 4, "")


def test_without_an_index_a_name_begins_the_next_call():
    stream = events(
        call_piece(None, "f", '{"a"'), call_piece(None, None, ": 1}"), call_piece(None, "f", "{}"), piece("tool_calls")
    )
    assert reply_to(stream, STREAMED).calls == (RawToolCall("f", '{"a": 1}'), RawToolCall("f", "{}"))


def test_events_are_cut_where_the_standard_cuts_them():
    text = b': hello\r\ndata: {"a":\r\ndata:"\xe2\x80\xa8\xc2\x85"}\r\n\r\nid: 7\nevent: error\ndata: x\n\n\n'
    text += b"error: y\n\ndata: last"
    for size in (1, 2, 3, 7, 1000):
        chunks = (text[start : start + size] for start in range(0, len(text), size))
        assert list(sent_events(chunks)) == [
            ("message", '{"a":\n"\u2028\x85"}'),
            ("error", "x"),
            ("error", "y"),
            ("message", "last"),
        ]


def test_halves_of_a_character_are_joined_or_replaced():
    stream = [
        'data: {"choices": [{"delta": {"content": "\\ud83d"}}]}\n\n',
        'data: {"choices": [{"delta": {"content": "\\ude80 \\udc00", "reasoning": "\\ud800"}}]}\n\n',
        'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n',
    ]
    reply = reply_to(events(*stream), STREAMED)
    assert (reply.content, reply.reasoning) == ("🚀 \ufffd", "\ufffd")


def test_a_request_may_hold_half_a_character():
    seen = []

    def answer(path, body):
        seen.append(body["messages"][0]["content"])
        return as_json(message(content="Hi"))

    assert reply_to(answer, asked("a \udc80 b")).content == "Hi"
    assert seen == ["a \udc80 b"]


def endless(one):
    return Canned(itertools.repeat(one), kind="text/event-stream")


def test_a_server_that_never_stops_is_left(monkeypatch):
    monkeypatch.setattr(http_client, "MAX_BYTES", 2**20)
    monkeypatch.setattr(openai_replies, "MAX_EVENTS", 100)
    event = b"data: " + json.dumps(piece(content="Hi ")).encode() + b"\n\n"
    reply = reply_to(endless(event), STREAMED)
    assert (reply.error, len(reply.body), reply.pieces) == ("a stream of more than 100 events", 100, 100)
    for request in (ASKED, STREAMED):
        assert reply_to(endless(b"x" * 1000), request).error == "an answer of more than 1 MiB"


def test_a_slow_server_is_left():
    drips = dataclasses.replace(endless(b": still here\n"), wait=0.05)
    silent = Canned(b"{}", wait=5)
    for canned, request in ((drips, STREAMED), (silent, ASKED)):
        reply = reply_to(canned, request, timeout=1)
        assert (reply.status, reply.content) == (200, "")
        assert "no whole answer from http://127.0.0.1" in reply.error and "within 1 seconds" in reply.error


def test_a_server_that_is_down_is_an_answer_without_status():
    with canned_server(Canned()) as url:
        pass
    with OpenAIChat(url) as chat:
        reply = chat.chat(ASKED)
    assert reply.status == 0 and "Connection refused" in reply.error


def test_several_threads_may_ask_at_once():
    def echo(path, body):
        output = body["messages"][0]["content"]
        if body.get("stream"):
            return events(*(piece(content=letter) for letter in output), piece("stop"))
        return as_json(message(content=output))

    requests = [asked(f"number {n}", stream=n % 2 == 0) for n in range(64)]
    with canned_server(echo) as url, OpenAIChat(url, slots=8) as chat, ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(chat.chat, requests))
    assert [reply.content for reply in replies] == [f"number {n}" for n in range(64)]
    assert not any(reply.error for reply in replies)


KEYS = ["choices", "delta", "message", "content", "reasoning", "tool_calls", "function", "name", "arguments", "index"]
KEYS += ["id", "usage", "prompt_tokens", "error", "detail", "finish_reason"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
ALMOST = st.builds(
    lambda part, fields, more: {"choices": [{part: fields, **more}]},
    st.sampled_from(["message", "delta"]),
    st.fixed_dictionaries(
        {}, optional={"content": VALUES, "reasoning_content": VALUES, "tool_calls": st.lists(VALUES, max_size=3)}
    ),
    st.fixed_dictionaries({}, optional={"finish_reason": VALUES, "index": VALUES}),
)


@given(st.lists(ALMOST | VALUES, max_size=4), st.binary(max_size=40), st.integers(200, 599))
def test_nothing_that_is_answered_is_raised(values, rubbish, status):
    stream = b"".join(b"data: " + json.dumps(value).encode() + b"\n\n" for value in values)
    bodies = [rubbish, stream, stream + rubbish, *(json.dumps(value).encode() for value in values)]
    for body in bodies:
        for read in (ReplyReader.read_whole, lambda reading, data: reading.read_stream([data])):
            reading = ReplyReader()
            reading.status = status
            read(reading, body)
            reply = reading.reply()
            texts = [reply.content, reply.reasoning, reply.error, reply.finish_reason or ""]
            texts += [part for call in reply.calls for part in (call.name, call.arguments, call.id or "")]
            assert all(isinstance(text, str) and text.encode() is not None for text in texts)
            assert "\n" not in reply.error and len(reply.error) <= 300
