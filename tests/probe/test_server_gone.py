"""A server that goes away in the middle is told apart from one that fails on what is asked of it."""

import pytest
from tests.support.wrapped_target import WrappedTarget

from callwright.engines.chat import ChatReply
from callwright.formats import get_format
from callwright.probe.cases.load import read_cases
from callwright.probe.run import run_probe

ERROR = "no answer from http://127.0.0.1:1: Connection refused"
THREE = {
    "reply": ("@@parsing.two-calls@@", ["parsing.one-call", "parsing.two-calls", "parsing.three-calls"]),
    "prompt": ("Hello there.", ["rendering.no-tools", "rendering.bare", "rendering.no-system"]),
    "loop": ("Ping until it answers.", ["loops.parallel", "loops.two-rounds", "loops.numbers"]),
    "context": ("word and more words, word", ["context.system-kept", "context.long-message", "context.long-result"]),
}
"""What the second of three cases of a kind says and no other does."""


class Failing:
    """Gives no answer to what says `words`, and to nothing after it where the server is `stopped`."""

    def __init__(self, words, *, stopped):
        self.words, self.stopped, self.down, self.requests = words, stopped, False, 0

    def __call__(self, chat, request):
        hit = any(self.words in str(message.content) for message in request.conversation.messages)
        self.down = self.down or (self.stopped and hit)
        self.requests += self.down
        return ChatReply(status=0, error=ERROR) if hit or self.down else chat.chat(request)


def probed(kind, *, stopped):
    words, ids = THREE[kind]
    answer = Failing(words, stopped=stopped)
    cases = run_probe(WrappedTarget(answer), [get_format("qwen3")], read_cases().cases, only=set(ids)).cases
    assert [case.id for case in cases] == ids
    return cases, answer


@pytest.mark.parametrize("kind", THREE)
def test_a_server_that_fails_on_one_case_has_a_fault_there_and_is_tested_on(kind):
    cases, _ = probed(kind, stopped=False)
    assert [case.result for case in cases] == ["faithful", "fault", "faithful"]
    assert (cases[1].cause, cases[1].seen["error"]) == ("server-error", ERROR)


@pytest.mark.parametrize("kind", THREE)
def test_a_server_that_went_away_is_not_blamed_for_the_cases_after(kind):
    cases, answer = probed(kind, stopped=True)
    assert [case.result for case in cases] == ["faithful", "fault", "not_tested"]
    assert cases[2].cause == f"the server no longer answers: {ERROR}"
    assert answer.requests < 12
