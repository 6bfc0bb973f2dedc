"""How a prompt is read where a server fails on every answer that is no call, once tools are offered."""

from contextlib import contextmanager
from dataclasses import replace

from tests.support.faithful_target import FaithfulTarget

from callwright.engines.chat import ChatReply
from callwright.formats import get_format
from callwright.probe.fidelity.reading import load_cases
from callwright.probe.run import run_probe

CASES = {"rendering.one-tool", "rendering.bare", "loops.one-call"}
ERROR = "The model produced output that does not match the expected format"


class CallsOnly:
    """A faithful server but for that; `drops` also leaves the tools out of the prompt where none may be called."""

    def __init__(self, chat, drops):
        self.inner, self.drops = chat, drops

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def chat(self, request):
        offered = bool(request.conversation.tools)
        if self.drops and not request.may_call:
            request = replace(request, conversation=replace(request.conversation, tools=()))
        reply = self.inner.chat(request)
        if offered and request.may_call and not reply.calls:
            return ChatReply(status=200 if request.stream else 500, error=ERROR)
        return reply


class Target(FaithfulTarget):
    def __init__(self, drops):
        super().__init__()
        self.drops = drops

    @contextmanager
    def load(self, instrument):
        with super().load(instrument) as chat:
            yield CallsOnly(chat, self.drops)


def outcomes(drops):
    assert {case.id for case in load_cases()} >= CASES
    cases = run_probe(Target(drops), [get_format("qwen3")], load_cases(), only=CASES).cases
    return {outcome.id: outcome for outcome in cases}


def test_it_is_asked_again_without_leave_to_call():
    found = outcomes(drops=False)
    assert {outcome.result for outcome in found.values()} == {"faithful"}, found


def test_a_server_that_then_hides_the_tools_is_not_blamed_for_it():
    found = outcomes(drops=True)
    assert found["rendering.bare"].result == "faithful"
    for name in CASES - {"rendering.bare"}:
        assert found[name].result == "not_tested"
        assert "shows no tools where none may be called" in found[name].cause
