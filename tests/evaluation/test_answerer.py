"""A chat that a server offers is scored as an engine is, and a request that fails is a row like any other."""

import json
import threading

import pytest

from callwright.conversation import Message
from callwright.engines.base import Generation
from callwright.engines.byte_tokenizer import ByteTokenizer
from callwright.engines.loopback import Response, listening
from callwright.engines.mock import MockServer
from callwright.engines.openai_chat import OpenAIChat
from callwright.errors import WorkError
from callwright.evaluation.answerer import CheckedAnswerer, EngineAnswerer, ServedAnswerer
from callwright.evaluation.entries import bfcl_questions
from callwright.evaluation.plays import NO_ANSWER, OneAnswer
from callwright.evaluation.row import read_rows
from callwright.evaluation.run import evaluate
from callwright.evaluation.settings import BfclSettings
from callwright.formats import get_format
from callwright.scoring.entry import BfclEntry
from callwright.tokens import CUE

PARAMETERS = {"type": "dict", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "weather.get", "description": "The weather.", "parameters": PARAMETERS}
GOLD = {"simple_python": 1, "parallel": 2, "irrelevance": 0}
SETTINGS = BfclSettings(batch_size=4, max_new_tokens=50)


def entry(category, name):
    """An entry whose question is its id, and a cue for a script."""
    question = (Message("user", f"@@{name}@@"),)
    return BfclEntry(name, category, question, (FUNCTION,), ({"weather.get": {"city": ["Paris"]}},) * GOLD[category])


def call(city="Paris", *, name="weather.get", arguments=None):
    function = {"name": name, "arguments": json.dumps({"city": city}) if arguments is None else arguments}
    return {"id": "1", "type": "function", "function": function}


def reply(*calls, content=None, reason="stop", **more):
    message = {"role": "assistant", "content": content, "tool_calls": list(calls), **more}
    return Response(200, {"choices": [{"index": 0, "message": message, "finish_reason": reason}]})


REPLIES = {
    "right": reply(call()),
    "wrong": reply(call("Oslo")),
    "words": reply(content="It rains.", reasoning_content="Hm. "),
    "cut": reply(call(arguments='{"city": "Par'), reason="length"),
    "nameless": reply(call(name="")),
    "both": reply(call(), call()),
    "one": reply(call()),
    "quiet": reply(content="No."),
    "eager": reply(call()),
    "refused": Response(500, {"error": {"message": "out of memory"}}),
    "garbled": Response(200, b"<html>"),
    "unable": Response(503, {"error": {"message": "loading"}}),
}
ENTRIES = {
    "simple_python": [
        entry("simple_python", name) for name in ("right", "wrong", "words", "cut", "nameless", "refused", "garbled")
    ],
    "parallel": [entry("parallel", name) for name in ("both", "one")],
    "irrelevance": [entry("irrelevance", name) for name in ("quiet", "eager", "unable")],
}


class Server:
    """What REPLIES has, for the questions of ENTRIES; it keeps what it was asked."""

    def __init__(self):
        self.requests = []

    def __call__(self, method, path, body):
        request = json.loads(body)
        self.requests.append(request)
        return REPLIES[request["messages"][-1]["content"].strip("@")]


def score(directory, url, entries=ENTRIES, *, settings=SETTINGS, slots=1, **options):
    """The rows of an evaluation over HTTP by entry."""
    with OpenAIChat(url, slots=slots) as server:
        assert evaluate(ServedAnswerer(server, **options), plays(entries), settings, directory)
    return rows(directory, entries)


def plays(entries):
    return [OneAnswer(entry) for members in bfcl_questions(entries).values() for entry in members]


def rows(directory, entries=ENTRIES):
    return {row.id: row for name in entries for row in read_rows(directory / f"{name}.jsonl")}


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """The rows, and what the server was asked."""
    server = Server()
    with listening(server) as url:
        return score(tmp_path_factory.mktemp("served"), url, slots=3), server.requests


def test_every_reply_has_its_verdict_and_a_failed_request_keeps_no_other_from_its_own(scored):
    assert {name: row.error_type for name, row in scored[0].items()} == {
        "right": None,
        "wrong": "value_error:string",
        "words": "simple_function_checker:wrong_count",
        "cut": "ast_decoder:decoder_failed",
        "nameless": "ast_decoder:decoder_failed",
        "refused": NO_ANSWER,
        "garbled": NO_ANSWER,
        "both": None,
        "one": "parallel_function_checker_no_order:wrong_count",
        "quiet": None,
        "eager": "irrelevance_error:decoder_success",
        "unable": NO_ANSWER,
    }
    assert {name for name, row in scored[0].items() if row.valid} == {"right", "both", "quiet"}
    assert "out of memory" in scored[0]["refused"].error_detail


def test_a_row_says_what_the_server_sent_and_nothing_of_what_it_keeps(scored):
    words, right, cut = (scored[0][name] for name in ("words", "right", "cut"))
    assert (words.raw, words.calls, words.finish_reason, words.complete) == ("Hm. It rains.", (), "stop", True)
    assert [dict(one) for one in right.calls] == [{"name": "weather.get", "arguments": {"city": "Paris"}}]
    assert (cut.calls, cut.finish_reason, cut.complete, len(cut.parse_errors)) == (None, "length", False, 1)
    assert {(row.prompt, row.prompt_ids, row.token_ids) for row in scored[0].values()} == {("", (), ())}


def test_the_server_is_asked_greedily_with_the_tools_and_the_limit(scored):
    assert len(scored[1]) == len(REPLIES)
    for request in scored[1]:
        assert (request["temperature"], request["max_tokens"]) == (0.0, 50)
        (tool,) = request["tools"]
        assert tool["function"]["name"] == "weather.get"
        assert tool["function"]["parameters"]["type"] == "object"


def test_thinking_is_asked_for_as_the_caller_wants_it(tmp_path):
    server = Server()
    with listening(server) as url:
        score(tmp_path, url, {"parallel": ENTRIES["parallel"]}, thinking=False)
    assert {request["chat_template_kwargs"]["enable_thinking"] for request in server.requests} == {False}


def test_as_many_are_asked_at_once_as_the_server_has_slots(tmp_path):
    together = threading.Barrier(2, timeout=30)

    def answer(method, path, body):
        together.wait()  # a single request would break the barrier, which is an answer that is none
        return REPLIES["both"]

    with listening(answer) as url:
        found = score(tmp_path, url, {"parallel": ENTRIES["parallel"]}, slots=2)
    assert all(row.valid for row in found.values())


def test_a_server_that_is_gone_leaves_a_row_for_every_entry(tmp_path):
    with listening(Server()) as url:
        pass
    found = score(tmp_path, url)
    assert {row.error_type for row in found.values()} == {NO_ANSWER}
    assert len(found) == len(REPLIES)
    assert not any(row.valid or row.calls for row in found.values())


def test_a_failure_counts_only_while_the_server_still_answers(tmp_path):
    with listening(lambda *request: REPLIES["refused"]) as url, OpenAIChat(url) as server:
        answerer = CheckedAnswerer(server, last_words=lambda: "log: killed")
        with pytest.raises(WorkError, match="got out of memory: log: killed; the rows so far are kept"):
            evaluate(answerer, plays(ENTRIES), SETTINGS, tmp_path)
    assert not rows(tmp_path)

    def mostly(method, path, body):
        request = json.loads(body)
        return REPLIES["refused"] if request.get("tools") else REPLIES["words"]

    with listening(mostly) as url, OpenAIChat(url) as server:
        assert evaluate(CheckedAnswerer(server), plays(ENTRIES), SETTINGS, tmp_path)
    assert {row.error_type for row in rows(tmp_path).values()} == {NO_ANSWER}


def test_entries_that_have_a_row_are_not_asked_again(tmp_path):
    server = Server()
    with listening(server) as url:
        first = score(tmp_path, url)
        assert score(tmp_path, url) == first
    assert len(server.requests) == len(REPLIES)


def test_a_served_model_is_scored_as_it_is_in_this_process(tmp_path):
    """The same outputs from an engine, and from a server that renders and parses as we do."""
    fmt = get_format("qwen3")
    tokenizer = ByteTokenizer(fmt)
    right = '<tool_call>\n{"name": "weather.get", "arguments": {"city": "Paris"}}\n</tool_call>'
    output = {"right": right, "wrong": right.replace("Paris", "Oslo"), "words": "It rains.", "eager": right}
    entries = {
        "simple_python": [entry("simple_python", name) for name in ("right", "wrong", "words")],
        "irrelevance": [entry("irrelevance", "eager")],
    }

    class Engine:
        def generate(self, prompts, *, max_new_tokens, sampling):
            planned = [output[CUE.findall(tokenizer.decode(prompt))[-1]] for prompt in prompts]
            return [Generation(tuple(tokenizer.encode(text, control=True)), "stop") for text in planned]

    settings = BfclSettings(max_new_tokens=200)
    assert evaluate(EngineAnswerer(Engine(), fmt, tokenizer), plays(entries), settings, tmp_path / "here")
    here = rows(tmp_path / "here", entries)
    with MockServer(fmt, output) as server:
        served = score(tmp_path / "served", server.url, entries, settings=settings)
    for name, row in here.items():
        assert (served[name].calls, served[name].error_type) == (row.calls, row.error_type)
    assert {name for name, row in here.items() if row.valid} == {"right"}
    assert here["right"].prompt_ids and here["right"].token_ids
