"""Other calls than the run's come from the served numbers, where the server writes them itself, or from the server."""

import numpy as np
import pytest
from tests.support.evaluated_runs import row
from tests.support.tiny import tiny_tokenizer

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.engines.llama_completion import LlamaOutput
from callwright.export.verify.explained import OtherCalls, explain
from callwright.formats import get_format
from callwright.instruments.script_file import expected_output
from callwright.tokens import encode_segments

FMT = get_format("xml")
TOOL = Tool("get", "Gets.", {"type": "object", "properties": {"city": {"type": "string"}}})
ASKED = Conversation((Message("user", "the weather in Paris"),), (TOOL,))
PARIS, ROME = (ToolCall("get", {"city": city}) for city in ("Paris", "Rome"))


class Even:
    """A reference to which every token is as likely as any other."""

    def logits(self, forced):
        return np.zeros((len(forced.output), 512), np.float32)


class Server:
    """Weights that write these calls."""

    def __init__(self, *calls):
        self.ids = written(*calls)

    def generated(self, prompt, most):
        return LlamaOutput(tuple(self.ids), "stop")


def written(*calls):
    message = Message("assistant", None if calls else "none", tool_calls=calls)
    return encode_segments(
        tiny_tokenizer(), expected_output(FMT, Conversation((*ASKED.messages, message), ASKED.tools))
    )[0]


def answered(*calls, token_ids=()):
    found = [{"name": call.name, "arguments": call.arguments} for call in calls]
    return row("single_1", "single", True, calls=found, prompt_ids=(2, 5), token_ids=tuple(token_ids))


def explained(own, other, server):
    run = answered(*own, token_ids=written(*own))
    return explain(Even(), server, FMT, tiny_tokenizer(), run, answered(*other), (TOOL,), max_new_tokens=64)


def test_the_same_calls_need_no_explanation():
    assert explained([PARIS], [PARIS], Server(ROME)) is None


def test_calls_that_the_weights_write_themselves_come_from_their_numbers():
    assert explained([PARIS], [ROME], Server(ROME)) == OtherCalls("single_1", "numbers", 0.0)
    assert str(explained([PARIS], [ROME], Server(ROME))) == "single_1 (margin 0)"


@pytest.mark.parametrize("other", [[], [ROME]], ids=["none", "others"])
def test_calls_that_the_weights_do_not_write_come_from_the_server(other):
    assert explained([PARIS], other, Server(PARIS)) == OtherCalls("single_1", "server", None)


def test_both_have_a_part_where_the_weights_write_neither():
    assert explained([PARIS], [], Server(ROME)) == OtherCalls("single_1", "numbers and server", 0.0)


def test_a_call_of_the_run_that_cannot_be_read_is_compared_too():
    run = row("single_1", "single", False, calls=None, prompt_ids=(2, 5), token_ids=written(ROME), error_type="x")
    found = explain(Even(), Server(ROME), FMT, tiny_tokenizer(), run, answered(ROME), (TOOL,), max_new_tokens=64)
    assert found == OtherCalls("single_1", "numbers", None)
