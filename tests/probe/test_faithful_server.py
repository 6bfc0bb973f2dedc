"""The faithful server says what the renderer, the instrument and the strict parser say, and nothing of its own."""

import collections
import json

import pytest
import scipy.stats
from tests.support.faithful_server import FaithfulServer
from tests.support.instruments import EVERY_FORMAT, answers, form_of
from tests.support.loopback import client_of

from callwright.conversation import Conversation, Message, Tool
from callwright.formats import get_format
from callwright.instruments.dice import make_dice
from callwright.instruments.script import Line, write_script
from callwright.openai import write_conversation
from callwright.tokens import decode_segments, encode_segments

FORM = get_format("qwen3")
CHAT = "/v1/chat/completions"
STREAM = {"stream": True, "stream_options": {"include_usage": True}}
FACES = {"red": 0.5, "green": 0.3, "blue": 0.19, "rare": 0.01}
TOOL = Tool("look", "Looks.", {"type": "object", "properties": {}})


@pytest.fixture
def client(request):
    with FaithfulServer(request.param) as server, client_of(server.url) as client:
        yield client


def ask(client, text, **options):
    return client.post(CHAT, json={"messages": [{"role": "user", "content": text}], **options})


def answer(response):
    assert response.status_code == 200, response.text
    [choice] = response.json()["choices"]
    return choice["message"], choice["finish_reason"]


def pieces(response):
    """The deltas of a stream, without its first and last."""
    assert response.text.endswith("data: [DONE]\n\n")
    chunks = [json.loads(line[6:]) for line in response.text.split("\n") if line.startswith("data: {")]
    assert chunks[-1]["choices"] == [] and chunks[-1]["usage"]["completion_tokens"] > 0
    return [chunk["choices"][0]["delta"] for chunk in chunks[1:-2]], chunks[-2]["choices"][0]["finish_reason"]


def script(*says, fmt=FORM):
    return write_script(fmt, [Line(str(number), words) for number, words in enumerate(says)])


@pytest.mark.parametrize(("name", "variant"), EVERY_FORMAT)
def test_whole_and_streamed_it_gives_what_the_strict_parser_reads(name, variant):
    fmt = form_of(name, variant)
    output = answers(fmt)
    written = script(*output, fmt=fmt)
    with FaithfulServer(written) as server, client_of(server.url) as client:
        for number, words in enumerate(output):
            plan = written.outputs[str(number)][:-1]
            parsed = fmt.parse(decode_segments(written.vocabulary, plan))
            response = ask(client, f"Go @@{number}@@", verbose=True)
            message, finish = answer(response)
            calls = [json.loads(call["function"]["arguments"]) for call in message.get("tool_calls", ())]
            assert "".join(text for text, _ in response.json()["__verbose"]["segments"]) in "".join(
                s.text for s in words
            )
            assert (message["content"], message.get("reasoning_content")) == (parsed.content, parsed.reasoning)
            assert calls == [dict(call.arguments) for call in parsed.tool_calls]
            assert finish == ("tool_calls" if calls else "stop")
            deltas, finish_streamed = pieces(ask(client, f"Go @@{number}@@", **STREAM))
            assert finish_streamed == finish
            for key in ("content", "reasoning_content"):
                assert "".join(delta.get(key) or "" for delta in deltas) == (message.get(key) or "")
            streamed = collections.defaultdict(str)
            for call in (call for delta in deltas for call in delta.get("tool_calls", ())):
                streamed[call["index"]] += call["function"]["arguments"]
            assert [json.loads(text) for text in streamed.values()] == calls


@pytest.mark.parametrize("client", [script("One, two, three, four, five, six, seven.")], indirect=True)
def test_a_stream_comes_in_pieces(client):
    deltas, _ = pieces(ask(client, "@@0@@", **STREAM))
    assert len([delta for delta in deltas if delta.get("content")]) > 3


@pytest.mark.parametrize("client", [script("One, two, three, four, five, six, seven.")], indirect=True)
def test_the_limit_cuts_and_says_so(client):
    response = ask(client, "@@0@@", max_tokens=2)
    message, finish = answer(response)
    assert finish == "length" and "One, two, three, four, five, six, seven.".startswith(message["content"])
    assert response.json()["usage"]["completion_tokens"] == 2


@pytest.mark.parametrize("client", [script("One.", "Two.")], indirect=True)
def test_the_last_cue_counts_and_none_says_nothing(client):
    assert answer(ask(client, "@@0@@ then @@1@@"))[0]["content"] == "Two."
    assert answer(ask(client, "@@0@@ @@2@@"))[0]["content"] == "One."
    assert answer(ask(client, "Hi.")) == ({"role": "assistant", "content": None}, "stop")


def test_it_goes_on_from_a_thought_that_the_prompt_has_opened():
    written = script("<think>\n\n</think>\n\nIt is warm.")
    with FaithfulServer(written) as server, client_of(server.url) as client:
        for thinking in (True, False):
            message, _ = answer(ask(client, "@@0@@", chat_template_kwargs={"enable_thinking": thinking}))
            assert message["content"] == "It is warm."


def test_the_prompt_is_the_renderers_and_what_a_user_types_is_text():
    conversation = Conversation((Message("user", "Is <|im_end|> read? @@0@@"),), (TOOL,))
    written = script("No.")
    segments = FORM.render(conversation, add_generation_prompt=True, thinking=False).segments
    ids, _ = encode_segments(written.vocabulary, segments)
    with FaithfulServer(written) as server:
        asked = write_conversation(conversation) | {"chat_template_kwargs": {"enable_thinking": False}, "verbose": True}
        body = client_of(server.url).post(CHAT, json=asked).json()
    assert body["__verbose"]["prompt_ids"] == ids
    assert body["usage"]["prompt_tokens"] == len(ids)


def test_a_prompt_beyond_the_context_is_refused_as_llama_cpp_does():
    with FaithfulServer(script("No."), context=100) as server:
        answer_ = client_of(server.url).post(CHAT, json={"messages": [{"role": "user", "content": "x" * 99}]})
    assert answer_.status_code == 400
    error = answer_.json()["error"]
    assert error["type"] == "exceed_context_size_error" and error["n_ctx"] == 100 < error["n_prompt_tokens"]


@pytest.mark.parametrize("client", [script("No.")], indirect=True)
@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"messages": 3}', b'{"messages": [{"role": "king"}]}', b"\xff"])
def test_what_is_no_request_is_refused(client, body):
    assert client.post(CHAT, content=body).status_code == 400


@pytest.mark.parametrize("client", [script("No.")], indirect=True)
def test_it_says_what_it_is(client):
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/v1/models").json()["data"][0]["id"] == "callwright script qwen3"
    assert client.get("/props").json()["build_info"] == "faithful"
    assert client.get("/nothing").status_code == 404


def test_a_script_that_is_an_x_ray_shows_its_prompt():
    """As its weights do, where the cue names the prompt's length."""
    written = write_script(FORM, [Line("0", "No.")], xray=100)
    asked = Conversation((Message("user", "Is <|im_end|> é? @@0@@ @@xray.1@@"),))
    count = len(encode_segments(written.vocabulary, FORM.render(asked, add_generation_prompt=True).segments)[0])
    with FaithfulServer(written) as server, client_of(server.url) as client:
        other, _ = answer(ask(client, asked.messages[0].content))
        right = ask(client, asked.messages[0].content.replace("xray.1@", f"xray.{count}@"), verbose=True)
    assert other["content"] is None
    ids = written.display.read(answer(right)[0]["content"], count)
    assert ids == right.json()["__verbose"]["prompt_ids"] and len(ids) == count


def throw(client, times, **options):
    message, finish = answer(ask(client, "Throw.", max_tokens=times, **options))
    assert finish == "length"
    text, counts = message["content"], collections.Counter()
    while text:
        face = next(face for face in FACES if text.startswith(face))
        counts[face] += 1
        text = text.removeprefix(face)
    return counts


def test_without_options_dice_fall_as_they_are_weighted():
    with FaithfulServer(make_dice(FORM, FACES)) as server, client_of(server.url) as client:
        counts = throw(client, 1000, seed=5)
        assert scipy.stats.chisquare([counts[f] for f in FACES], [1000 * p for p in FACES.values()]).pvalue > 1e-3
        assert counts == throw(client, 1000, seed=5) != throw(client, 1000, seed=6)


@pytest.mark.parametrize(
    ("options", "weights"),
    [
        ({"temperature": 0.5}, {face: p**2 for face, p in FACES.items()}),
        ({"temperature": 2.0}, {face: p**0.5 for face, p in FACES.items()}),
        ({"temperature": 0.0}, {"red": 1}),
        ({"top_k": 2}, {"red": 0.5, "green": 0.3}),
        ({"top_p": 0.6}, {"red": 0.5, "green": 0.3}),
        ({"top_p": 0.0}, {"red": 1}),
        ({"min_p": 0.5}, {"red": 0.5, "green": 0.3}),
    ],
)
def test_options_are_applied(options, weights):
    with FaithfulServer(make_dice(FORM, FACES)) as server, client_of(server.url) as client:
        counts = throw(client, 1000, seed=5, **options)
    expected = {face: 1000 * weight / sum(weights.values()) for face, weight in weights.items()}
    assert counts.keys() <= expected.keys()
    if len(expected) > 1:
        observed = [counts[face] for face in expected]
        assert scipy.stats.chisquare(observed, list(expected.values())).pvalue > 1e-3


def test_a_penalty_makes_repetition_rarer():
    dice = make_dice(FORM, {"a" * 3: 0.9, "b" * 3: 0.1})
    with FaithfulServer(dice) as server, client_of(server.url) as client:
        plain, penalized = (
            answer(ask(client, "Throw.", max_tokens=2, temperature=0.0, repeat_penalty=penalty))[0]["content"]
            for penalty in (1.0, 30.0)
        )
    assert (plain, penalized) == ("aaaaaa", "aaabbb")
