"""A real llama.cpp server and the faithful server of the tests say the same to simple chats.

The faithful server is what the probe is tried against, so it must be a server, not only what we think one is. Asked are
chats with which llama.cpp is known to have no trouble: plain answers and calls in three formats, whole and streamed,
and an answer cut by the limit. Both play the same script, the one as weights, the other as token ids.
"""

import json

import pytest
from tests.peers.llama_cpp.llama_server import serve as serve_llama
from tests.support.faithful_server import FaithfulServer
from tests.support.instruments import WEATHER, form_of
from tests.support.loopback import client_of

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.instruments.files import write
from callwright.instruments.script import Line, write_script
from callwright.instruments.script_file import expected_output
from callwright.openai import write_tool

pytestmark = pytest.mark.peer("llama.cpp")
TOOL = Tool(
    "get_weather",
    "Tells the weather.",
    {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city"],
    },
)
NICE = ToolCall("get_weather", {"city": "Nice"}, "e1b2c3d4e")
TWO = (WEATHER, NICE)
ANSWERS = {
    "plain": Message("assistant", "It is warm.\n\nÉ 🚲 東京 & <b>"),
    "call": Message("assistant", "", tool_calls=(WEATHER,)),
}


def asked(name, **more):
    return {"messages": [{"role": "user", "content": f"Go. @@{name}@@"}], "temperature": 0, **more}


def requests():
    yield asked("plain")
    yield asked("plain", max_tokens=2)
    yield asked("plain", tools=[write_tool(TOOL)])
    yield asked("call", tools=[write_tool(TOOL)])
    yield {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi."},
            {"role": "assistant", "content": "Hello."},
            {"role": "user", "content": "@@plain@@"},
        ],
        "temperature": 0,
    }


def whole(client, body):
    answer = client.post("/v1/chat/completions", json=body).json()
    [choice] = answer["choices"]
    message = choice["message"]
    calls = [call["function"] for call in message.get("tool_calls") or ()]
    return (
        message.get("content") or "",
        [(call["name"], json.loads(call["arguments"])) for call in calls],
        choice["finish_reason"],
        answer["usage"]["prompt_tokens"],
    )


def streamed(client, body):
    more = {"stream": True, "stream_options": {"include_usage": True}}
    text = client.post("/v1/chat/completions", json=body | more).text
    chunks = [json.loads(line[6:]) for line in text.split("\n") if line.startswith("data: {")]
    assert text.rstrip().endswith("data: [DONE]")
    content, calls, finish = "", {}, None
    for choice in (choice for chunk in chunks for choice in chunk["choices"]):
        content += choice["delta"].get("content") or ""
        for part in choice["delta"].get("tool_calls") or ():
            call = calls.setdefault(part["index"], ["", ""])
            call[0] += part["function"].get("name") or ""
            call[1] += part["function"].get("arguments") or ""
        finish = choice["finish_reason"] or finish
    count = next(chunk["usage"]["prompt_tokens"] for chunk in chunks if chunk.get("usage"))
    return content, [(name, json.loads(arguments)) for name, arguments in calls.values()], finish, count


@pytest.mark.parametrize(("name", "variant"), [("qwen25", ""), ("xml", "arguments"), ("hermes3", "")])
def test_simple_chats_get_the_same_from_both(tmp_path, name, variant):
    fmt = form_of(name, variant)
    words = {
        cue: expected_output(fmt, Conversation((Message("user", "Go."), message), (TOOL,)))
        for cue, message in ANSWERS.items()
    }
    script = write_script(fmt, [Line(cue, output) for cue, output in words.items()])
    write(script, tmp_path / "s.gguf")
    with (
        serve_llama(tmp_path / "s.gguf") as real,
        FaithfulServer(script) as server,
        client_of(server.url) as ours,
    ):
        for body in requests():
            for ask in (whole, streamed):
                assert ask(ours, body) == ask(real, body)


def test_a_prompt_beyond_the_context_is_refused_alike(tmp_path):
    script = write_script(form_of("qwen25", ""), [Line("x", "Yes.")])
    write(script, tmp_path / "s.gguf", context=512)
    body = {"messages": [{"role": "user", "content": "All work and no play. " * 60}]}
    with (
        serve_llama(tmp_path / "s.gguf", context=512) as real,
        FaithfulServer(script, context=512) as server,
        client_of(server.url) as ours,
    ):
        here, there = (client.post("/v1/chat/completions", json=body) for client in (ours, real))
    assert here.status_code == there.status_code == 400
    mine, theirs = here.json()["error"], there.json()["error"]
    for key in ("type", "n_prompt_tokens", "n_ctx"):
        assert mine[key] == theirs[key]
