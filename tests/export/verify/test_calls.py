"""The calls that a client gets are compared with those that we read in what the model generated."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from tests.support.fake_llama import fake_llama
from tests.support.tiny import tiny_tokenizer
from tests.support.trained_runs import tiny_trained

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.engines.chat import ChatReply, ChatServer, RawToolCall
from callwright.engines.llama_completion import LlamaOutput
from callwright.export.gguf import write_gguf
from callwright.export.verify.calls import (
    AskedRequest,
    TokenDifference,
    check_calls,
    same_calls,
    token_difference,
)
from callwright.export.verify.instruments import check_arrival, check_reading
from callwright.formats import get_format
from callwright.formats.example import EXAMPLE, ONE_CALL
from callwright.instruments.script_file import expected_output
from callwright.tokens import encode_segments

FMT = get_format("xml")
CALL = ToolCall("get", {"city": "Paris", "days": 3})
TOOL = Tool("get", "Gets.", {"type": "object", "properties": {"city": {"type": "string"}}})
CONVERSATION = Conversation((Message("user", "the weather in Paris"),), (TOOL,))
ANSWER = Message("assistant", None, tool_calls=(CALL,))


@dataclass
class Chat(ChatServer):
    """A chat that always replies the same."""

    reply: ChatReply
    slots: int = 1

    def chat(self, request):
        return self.reply

    def curl(self, request):
        return ""


class Server:
    """A model that always generates the same."""

    def __init__(self, message):
        output = expected_output(FMT, Conversation((*CONVERSATION.messages, message), CONVERSATION.tools))
        self._ids = encode_segments(tiny_tokenizer(), output)[0]

    def generated(self, prompt, most):
        return LlamaOutput(tuple(self._ids), "stop")


def said(*calls, **fields):
    raw = tuple(RawToolCall(call.name, json.dumps(call.arguments)) for call in calls)
    return ChatReply(status=200, calls=raw, **fields)


def checked(reply, message=ANSWER, recorded=None):
    requests = [AskedRequest(id="one", conversation=CONVERSATION, recorded=recorded)]
    return check_calls(Chat(reply), Server(message), FMT, tiny_tokenizer(), requests)


def test_the_same_calls_pass_and_are_compared_with_the_runs():
    check = checked(said(CALL), recorded=(CALL,))
    assert check.passed
    assert check.numbers == {
        "asked": 1,
        "with_calls": 1,
        "same_as_parsed": 1,
        "recorded": 1,
        "same_as_recorded": 1,
    }


@pytest.mark.parametrize(
    "reply", [said(content="<tool_call>"), ChatReply(status=500, error="Unexpected empty grammar stack")]
)
def test_a_call_that_the_client_does_not_get_fails(reply):
    check = checked(reply)
    assert not check.passed
    assert check.detail.startswith("one: the model calls get, and the client gets")


def test_a_call_that_is_changed_is_counted():
    check = checked(said(ToolCall("get", {"city": "Paris", "days": 3.0})), recorded=(CALL,))
    assert check.passed
    assert (check.numbers["same_as_parsed"], check.numbers["same_as_recorded"]) == (0, 0)


def test_words_without_calls_are_the_same_as_none():
    check = checked(said(content="the tool"), Message("assistant", "the tool"), recorded=())
    assert (check.passed, check.numbers["same_as_recorded"]) == (True, 1)


class Unsure:
    """A reference that prefers token 7 to all others by a quarter of a logit."""

    def logits(self, forced):
        found = np.zeros((len(forced.output), 512), np.float32)
        found[:, 7] = 0.25
        return found


def test_outputs_that_part_are_told_with_the_margin_of_the_tokens():
    assert token_difference(Unsure(), [2], [5, 7, 9], [5, 8, 9]) == TokenDifference(1, 0.25)
    assert token_difference(Unsure(), [2], [5, 9], [5, 9, 10]) is None
    server = Server(ANSWER)
    ids = server.generated([], 0).tokens
    other = (*ids[:3], 7 if ids[3] != 7 else 8, *ids[4:])
    request = AskedRequest(id="one", conversation=CONVERSATION, recorded=(CALL,), output=other)
    check = check_calls(Chat(said(CALL)), server, FMT, tiny_tokenizer(), [request], reference=Unsure())
    assert (check.numbers["other_tokens"], check.numbers["largest_margin"]) == (1, 0.25)
    assert "margins of 0.25 logits at most" in check.detail


def test_nothing_asked_is_no_success():
    assert not check_calls(Chat(said()), Server(ANSWER), FMT, tiny_tokenizer(), []).passed


def test_types_and_order_of_arguments_count():
    assert same_calls([CALL], [ToolCall("get", {"city": "Paris", "days": 3}, id="x")])
    for arguments in ({"days": 3, "city": "Paris"}, {"city": "Paris", "days": 3.0}, {"city": "Paris", "days": True}):
        assert not same_calls([CALL], [ToolCall("get", arguments)])


def test_a_server_that_reads_no_calls_fails_with_a_script(tmp_path):
    planned = {"one": ONE_CALL.tool_calls}
    check = check_reading(FMT, planned, EXAMPLE, program=fake_llama(tmp_path, says="<tool_call>"))
    assert not check.passed
    assert check.detail == "the planned calls of one come as 0 calls and the text '<tool_call>' (1 of 1)"


def test_a_server_that_alters_the_prompt_fails_with_an_x_ray(tmp_path, shallow_model):
    write_gguf(tiny_trained(shallow_model), tmp_path / "m.gguf", "f16")
    program = fake_llama(tmp_path / "program", says="\ue000\ue080\ue102")
    check = check_arrival(tmp_path / "m.gguf", FMT, tiny_tokenizer(), CONVERSATION, program=program)
    assert check.detail == "token 1 is '', where '<start_of_turn>' was trained"
    program = fake_llama(tmp_path / "program", says="Hi")
    check = check_arrival(tmp_path / "m.gguf", FMT, tiny_tokenizer(), CONVERSATION, program=program)
    assert not check.passed
