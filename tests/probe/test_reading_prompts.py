"""How a prompt is read where a server fails on every answer that is no call, once tools are offered."""

from dataclasses import replace

from tests.support.wrapped_target import WrappedTarget

from callwright.engines.chat import ChatReply
from callwright.formats import get_format
from callwright.probe.cases.load import read_cases
from callwright.probe.run import run_probe

CASES = {"rendering.one-tool", "rendering.bare", "loops.one-call"}
ERROR = "The model produced output that does not match the expected format"


def calls_only(chat, request):
    reply = chat.chat(request)
    if request.conversation.tools and request.may_call and not reply.calls:
        return ChatReply(status=200 if request.stream else 500, error=ERROR)
    return reply


def hiding_tools(chat, request):
    """The same, and tools are not in the prompt where none may be called."""
    if not request.may_call:
        request = replace(request, conversation=replace(request.conversation, tools=()))
    return calls_only(chat, request)


def outcomes(answer):
    assert {case.id for case in read_cases().cases} >= CASES
    cases = run_probe(WrappedTarget(answer), [get_format("qwen3")], read_cases().cases, only=CASES).cases
    return {outcome.id: outcome for outcome in cases}


def test_it_is_asked_again_without_leave_to_call():
    found = outcomes(calls_only)
    assert {outcome.result for outcome in found.values()} == {"faithful"}, found


def test_a_server_that_then_hides_the_tools_is_not_blamed_for_it():
    found = outcomes(hiding_tools)
    assert found["rendering.bare"].result == "faithful"
    for name in CASES - {"rendering.bare"}:
        assert found[name].result == "not_tested"
        assert "shows no tools where none may be called" in found[name].cause
