"""The mock server gives a client what a faithful runtime makes of planned outputs, in every format."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.instruments import EVERY_FORMAT, MESSAGES, form_of
from tests.support.loopback import client_of

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.engines.chat import ChatRequest
from callwright.engines.mock import MockServer
from callwright.engines.openai_chat import OpenAIChat
from callwright.errors import ConfigError, FormatError
from callwright.formats import get_format
from callwright.tokens import Segment, last_supervised

QWEN = get_format("qwen3")
CALL = Message("assistant", tool_calls=(ToolCall("get_weather", {"city": "Zürich", "days": 3}),))
TOOLS = tuple(
    Tool(name, "Looks.", {"type": "object", "properties": {}, "additionalProperties": True})
    for name in sorted({call.name for message in MESSAGES for call in message.tool_calls})
)
CHAT = "/v1/chat/completions"


def asked(text, *messages, **options):
    return ChatRequest(conversation=Conversation((Message("user", text), *messages), TOOLS), **options)


def chat(server, request):
    with OpenAIChat(server.url) as client:
        return client.chat(request)


@pytest.mark.parametrize(("name", "variant"), EVERY_FORMAT)
def test_a_planned_message_reaches_the_client_whole_and_streamed(name, variant):
    fmt = form_of(name, variant)
    script = {}
    for number, message in enumerate(MESSAGES):
        try:
            segments = last_supervised(fmt.render(Conversation((Message("user", "Go."), message), TOOLS)).segments)
        except FormatError:
            continue
        opened = fmt.generation_prompt(Conversation((Message("user", "Go."),), TOOLS))
        script[str(number)] = message, fmt.parse(segments, tools=TOOLS, generation_prompt=opened)
    with MockServer(fmt, {cue: message for cue, (message, _) in script.items()}) as server:
        for cue, (_, parsed) in script.items():
            whole, streamed = (chat(server, asked(f"Go @@{cue}@@", stream=stream)) for stream in (False, True))
            message = whole.message()
            assert (whole.error, streamed.error) == ("", "")
            assert (message.content, message.reasoning) == (parsed.content, parsed.reasoning)
            calls = [replace(call, id=None) for call in message.tool_calls]
            assert calls == [replace(call, id=None) for call in parsed.tool_calls]
            assert whole.finish_reason == ("tool_calls" if calls else "stop")
            again = replace(streamed, pieces=0, body=whole.body, calls=())
            assert again == replace(whole, calls=())
            assert [call.arguments for call in streamed.calls] == [call.arguments for call in whole.calls]
            ids = [call.id for call in (*whole.calls, *streamed.calls)]
            if any(call.id for call in parsed.tool_calls):  # the format writes them
                assert ids == 2 * [call.id for call in parsed.tool_calls]
            else:
                assert all(ids) and len(set(ids)) == 2 * len(calls)


def test_a_loop_is_played_by_cues_in_results():
    with MockServer(QWEN, {"start": CALL, "end": "It is warm."}) as server:
        first = chat(server, asked("Weather? @@start@@")).message()
        [call] = first.tool_calls
        result = Message("tool", "warm @@end@@", name=call.name, tool_call_id=call.id)
        last = chat(server, asked("Weather? @@start@@", first, result))
    assert (call.name, call.arguments) == ("get_weather", {"city": "Zürich", "days": 3})
    assert (last.content, last.finish_reason) == ("It is warm.", "stop")


def test_without_a_cue_of_the_script_nothing_is_generated():
    with MockServer(QWEN, {"a": "One."}) as server:
        reply = chat(server, asked("Go @@b@@"))
    assert (reply.content, reply.calls, reply.finish_reason, reply.error) == ("", (), "stop", "")


def test_a_function_of_the_conversation_may_choose():
    with MockServer(QWEN, lambda conversation: f"{len(conversation.messages)} messages") as server:
        assert chat(server, asked("Go.", Message("assistant", "Yes."), Message("user", "On."))).content == "3 messages"


def test_raw_text_is_generated_as_it_is_and_segments_keep_markers_apart():
    broken = '<tool_call>\n{"name": "f", "arguments": {]}\n</tool_call>'
    marker = (Segment("The marker is <tool_call>.", control=False),)
    with MockServer(QWEN, {"broken": broken, "marker": marker}) as server:
        assert chat(server, asked("@@broken@@")).content == broken
        assert chat(server, asked("@@marker@@")).content == "The marker is <tool_call>."


def test_it_goes_on_where_the_prompt_has_opened_or_closed_a_thought():
    with MockServer(QWEN, {"0": "<think>\n\n</think>\n\nIt is warm."}) as server:
        for thinking in (True, False):
            assert chat(server, asked("@@0@@", thinking=thinking)).content == "It is warm."


def test_the_limit_cuts_and_the_tokens_are_counted():
    with MockServer(QWEN, {"0": "Zürich"}) as server:
        for limit, content, reason in ((3, "Zü", "length"), (7, "Zürich", "length"), (8, "Zürich", "stop")):
            reply = chat(server, asked("@@0@@", max_tokens=limit))
            assert (reply.content, reply.finish_reason, reply.answer_tokens) == (content, reason, limit)
        cut = chat(server, asked("@@0@@", max_tokens=2))
        assert (cut.content, cut.answer_tokens) == ("Z\ufffd", 2)


def test_a_prompt_beyond_the_context_is_refused():
    with MockServer(QWEN, {}, context=100) as server:
        reply = chat(server, asked("x" * 99))
    assert reply.status == 400 and "exceeds the available context size (100 tokens)" in reply.error


def test_usage_comes_in_a_stream_that_asks_for_it():
    body = {"messages": [{"role": "user", "content": "Go @@0@@"}], "stream": True}
    with MockServer(QWEN, {"0": "Yes."}) as server, client_of(server.url) as client:
        plain = client.post(CHAT, json=body).text
        counted = client.post(CHAT, json=body | {"stream_options": {"include_usage": True}}).text
    assert "usage" not in plain and '"completion_tokens": 5' in counted


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"7", b"{", b'{"messages": 3}', b'{"messages": [{"role": "king"}]}', b"\xff", b"[" * 99_999]
)
def test_what_is_no_request_is_refused(body):
    with MockServer(QWEN, {}) as server, client_of(server.url) as client:
        answer = client.post(CHAT, content=body)
    assert answer.status_code == 400 and answer.json()["error"]["message"]


@pytest.mark.parametrize("options", [{"chat_template_kwargs": 3}, {"stream_options": [], "stream": True}])
def test_options_of_another_kind_are_passed_over(options):
    body = {"messages": [{"role": "user", "content": "@@0@@"}], **options}
    with MockServer(QWEN, {"0": "Yes."}) as server, client_of(server.url) as client:
        answer = client.post(CHAT, json=body)
    assert answer.status_code == 200


def test_an_output_that_cannot_be_generated_is_the_servers_error():
    with MockServer(QWEN, {"0": Message("user", "Hi.")}) as server:
        reply = chat(server, asked("@@0@@"))
    assert reply.status == 500 and "an assistant's message" in reply.error


def test_it_lists_its_model_on_the_loopback_only_while_the_block_lasts(capfd):
    server = MockServer(QWEN, {}, model="mine", context=99)
    with pytest.raises(ConfigError, match="running server"):
        _ = server.url
    with server, client_of(server.url) as client:
        assert server.url.startswith("http://127.0.0.1:")
        [model] = client.get("/v1/models").json()["data"]
        assert (model["id"], model["meta"]["n_ctx"]) == ("mine", 99)
        assert client.get("/v1/nothing").status_code == client.post("/v1/models").status_code == 404
    with pytest.raises(ConfigError, match="running server"):
        _ = server.url
    assert capfd.readouterr() == ("", "")


def test_the_example_of_the_documentation_runs():
    text = (Path(__file__).parents[2] / "docs" / "instruments.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names = {}
    exec(compile(example, "docs/instruments.md", "exec"), names)
    assert json.loads(names["call"]["function"]["arguments"]) == {"city": "Oslo"}
    assert names["answer"]["content"] == "It is warm in Oslo."
