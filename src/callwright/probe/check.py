"""One case against one server: asked, read, explained, and settled as an outcome."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import cycle
from typing import Literal

from callwright.conversation import Conversation, Json, Message, ToolCall
from callwright.engines.chat import ChatReply, ChatRequest, ChatServer
from callwright.errors import CallwrightError
from callwright.formats.base import Format
from callwright.instruments.echo import Echo, cue
from callwright.instruments.script import Script
from callwright.instruments.vocabulary import cue_text
from callwright.probe.explain.foreign import Lines, holds_others, read_lines
from callwright.probe.explain.prompt import explain_prompt
from callwright.probe.explain.reply import explain_reply, explain_stream
from callwright.probe.explain.said import Said, arguments_of, reply_as_json
from callwright.probe.explain.touches import Asked
from callwright.probe.faults import UNEXPLAINED
from callwright.probe.fidelity.case import Case, Kind
from callwright.probe.outcome import Outcome
from callwright.probe.plan import WHO, not_tested, turn_cue
from callwright.probe.prompt import SeenPrompt, pairs_as_json, see_prompt, with_cue
from callwright.probe.settle import settle
from callwright.probe.targets.base import Target
from callwright.tokens import decode_segments, encode_segments

SPARE = 64
"""Tokens that an answer may have beyond the words, so that one that goes on is seen to."""
_AGAIN = 4
"""How often a prompt that should always be the same is asked for once more: two keys keep their places by chance."""
NO_ANSWER, NOT_IMPLEMENTED = 0, 501
Server = Literal["speaker", "reader"]
_PLAIN = ChatRequest(conversation=Conversation((Message("user", "Go."),)), max_tokens=1)
_LEFT_TO_USERS = "it is left to the user to read calls and thoughts in what the model says"
_TOOLS_HIDDEN = "the server fails on the answer that shows the prompt, and shows no tools where none may be called"
TIGHT = 1024
"""The context that overflows are tried with, where the request can say one."""


@dataclass(frozen=True, eq=False)
class Bench:
    """What a case is checked with.

    Attributes:
      target: The runtime.
      speaker: It, with the script loaded that says the words of all cases.
      script: That script.
      reader: It, with the x-ray loaded; the same server where one file is both.
      echo: The x-ray's tokens.
      gone: Which of the two no longer answers, and what came instead.
    """

    target: Target
    speaker: ChatServer
    script: Script
    reader: ChatServer
    echo: Echo
    gone: dict[Server, str] = field(default_factory=dict)

    @property
    def form(self) -> Format:
        """The format."""
        return self.script.form

    @cached_property
    def default_thinking(self) -> bool | None:
        """What the server does where a request says nothing of thinking, told by a plain prompt."""
        seen = self.see(_PLAIN)
        for thinking in (None, True, False):
            asked = Asked(self.form, self.echo.vocabulary, seen.request.conversation, thinking)
            try:
                if seen.pairs is not None and asked.pairs() == seen.pairs:
                    return thinking
            except CallwrightError:
                continue
        return None

    @cached_property
    def counts_beyond(self) -> int | None:
        """How many tokens more the server counts than the words have, as it may count the stop; None if it miscounts.

        It is told by an answer whose tokens are known.
        """
        request = ChatRequest(conversation=Conversation((Message("user", cue_text(WHO)),)), max_tokens=SPARE)
        reply, words = self.speaker.chat(request), len(self.script.plans[WHO]) - 1
        beyond = (reply.answer_tokens or 0) - words
        return beyond if beyond in (0, 1) and not reply.error else None

    @cached_property
    def lines(self) -> Lines:
        """All that the script says."""
        return read_lines("\n".join(map(self.script.vocabulary.decode, self.script.plans.values())))

    @cached_property
    def other_cues(self) -> Iterator[str]:
        """Cues of lines with calls, one after the other and round again: what may be asked between two requests."""
        openers = [region.opener for region in self.form.grammar.regions]
        lines = {cue: self.script.vocabulary.decode(plan) for cue, plan in self.script.plans.items()}
        return cycle([cue for cue, words in lines.items() if any(opener in words for opener in openers)] or [WHO])

    def see(self, request: ChatRequest) -> SeenPrompt:
        """The prompt that the server makes of a request.

        A server that takes the request and then fails on the answer, because it is no call, is asked once more without
        leave to call.
        """
        seen = see_prompt(self.reader, self.form, self.echo, request)
        if seen.reply.error and request.conversation.tools and self.takes(seen.request):
            quiet = see_prompt(self.reader, self.form, self.echo, replace(request, may_call=False))
            return seen if quiet.pairs is None else quiet
        return seen

    def takes(self, request: ChatRequest) -> bool:
        """Whether a server that gives an error has taken the request: then a stream begins, and fails on the words."""
        return self.reader.chat(replace(request, stream=True, max_tokens=1)).status == 200

    def check(self, case: Case) -> Outcome:
        """The outcome of one case; whatever the server does, there is one.

        The first case that finds a server gone may be why, and says what it saw; those after it are not tested.
        """
        check, servers = _CHECKS[case.kind]
        for server in servers:
            if server in self.gone:
                return not_tested(self.form, case, f"the server no longer answers: {self.gone[server]}")
        outcome = check(self, replace(case, conversation=self.speaker.carried(case.conversation)))
        if isinstance(outcome.seen, dict) and outcome.seen.get("status") == NO_ANSWER:
            for server in servers:
                reply: ChatReply = getattr(self, server).chat(_PLAIN)
                if reply.status == NO_ANSWER:
                    self.gone.setdefault(server, reply.error)
        return outcome

    def outcome(self, case: Case, causes: Sequence[str], expected: Json, seen: Json, *requests: ChatRequest) -> Outcome:
        """See `settle`."""
        asked = "\n".join(map(self.speaker.curl, requests))
        return settle(self.target, self.form, case, causes, expected, seen, asked)


def _check_prompt(bench: Bench, case: Case) -> Outcome:
    request = ChatRequest(conversation=case.conversation, thinking=case.thinking)
    seen = bench.see(request)
    if case.fault_class == "unstable-prompt" and seen.pairs is not None:
        for again in (bench.see(request) for _ in range(_AGAIN)):
            if again.pairs is not None and again.pairs != seen.pairs:
                both = pairs_as_json(seen.pairs), pairs_as_json(again.pairs)
                return bench.outcome(case, ["unstable-prompt"], *both, seen.request, again.request)
    return _settled(bench, case, seen, request)


def _settled(bench: Bench, case: Case, seen: SeenPrompt, ideal: ChatRequest) -> Outcome:
    """The outcome of a prompt that was read, or could not be.

    Args:
      bench: Where.
      case: What.
      seen: What came to light.
      ideal: The request whose prompt should have come to light, without the cue.
    """
    asked = _asked_alike(bench, seen, ideal)
    expected = asked.pairs()
    if seen.pairs is None:
        if seen.reply.error and seen.reply.status != NOT_IMPLEMENTED:
            if bench.takes(seen.request):
                reason = f"the server fails on the answer that shows the prompt: {seen.problem}"
                return not_tested(bench.form, case, reason)
            cause = "server-error" if seen.reply.status == NO_ANSWER else "request-refused"
            return bench.outcome(case, [cause], pairs_as_json(expected), _failure(seen), seen.request)
        return not_tested(bench.form, case, seen.problem)
    causes = list(explain_prompt(asked, seen.pairs))
    if "tools-dropped" in causes and not seen.request.may_call:
        return not_tested(bench.form, case, _TOOLS_HIDDEN)
    if seen.before and "assistant-continued" not in causes:
        causes.append(UNEXPLAINED)
    causes = list(dict.fromkeys(causes))
    return bench.outcome(case, causes, pairs_as_json(expected), pairs_as_json(seen.pairs), seen.request)


def _failure(seen: SeenPrompt) -> Json:
    """What came in place of a prompt, as `Outcome.seen` has it."""
    return {"status": seen.reply.status, "error": seen.reply.error}


def _asked_alike(bench: Bench, seen: SeenPrompt, ideal: ChatRequest) -> Asked:
    """The ideal request with the cue that the real one had."""
    conversation = with_cue(ideal.conversation, cue(seen.cue))
    return Asked(bench.form, bench.echo.vocabulary, conversation, ideal.thinking)


def _check_reply(bench: Bench, case: Case) -> Outcome:
    conversation = with_cue(case.conversation, turn_cue(case, 0))
    request, said = _spoken(bench, case, 0, conversation)
    whole = bench.speaker.chat(request)
    if whole.status == NOT_IMPLEMENTED:
        return not_tested(bench.form, case, whole.error)
    if not bench.target.parses_calls and said.words != said.parsed.content:
        return not_tested(bench.form, case, _LEFT_TO_USERS)
    streaming = replace(request, stream=True)
    streamed = bench.speaker.chat(streaming)
    if streamed.status == NOT_IMPLEMENTED:
        streaming, streamed = request, whole
    calls = bench.target.says_tool_calls
    causes = explain_stream(said, whole, streamed, says_tool_calls=calls)
    only_streamed = bool(causes) and not explain_reply(said, whole, says_tool_calls=calls)
    causes = _told_apart(bench, said, causes, (request, whole), (streaming, streamed))
    seen = reply_as_json(streamed if only_streamed else whole)
    return bench.outcome(case, causes, said.as_json(), seen, streaming if only_streamed else request)


def _spoken(bench: Bench, case: Case, turn: int, conversation: Conversation) -> tuple[ChatRequest, Said]:
    """The request for a turn, and what the model says to it."""
    form, script = bench.form, bench.script
    thinking = bench.default_thinking if case.thinking is None else case.thinking
    prompt = form.render(conversation, add_generation_prompt=True, thinking=thinking)
    tokens = script.answer(turn_cue(case, turn), encode_segments(script.vocabulary, prompt)[0])
    limit = case.max_tokens if turn == 0 else None
    cut = limit is not None and limit < len(tokens)
    tokens = tokens[:limit] if cut else tokens
    said = decode_segments(script.vocabulary, tokens)
    parsed = form.parse(
        said,
        tools=conversation.tools,
        finish_reason="length" if cut else "stop",
        generation_prompt=form.generation_prompt(conversation, thinking=thinking),
    )
    words = "".join(segment.text for segment in said)
    request = ChatRequest(
        conversation=conversation,
        thinking=case.thinking,
        max_tokens=limit if limit is not None else len(tokens) + SPARE,
    )
    counted = None if bench.counts_beyond is None else len(tokens) + (0 if cut else bench.counts_beyond)
    return request, Said(form=form, words=words, parsed=parsed, tokens=counted, cut=cut, tools=conversation.tools)


def _told_apart(
    bench: Bench, said: Said, causes: tuple[str, ...], *answers: tuple[ChatRequest, ChatReply]
) -> tuple[str, ...]:
    """The causes, or that an answer is another's: of an earlier request, or of a line that the model was forced to.

    A model that has been forced off its script goes on anywhere in it, and does so each time that it is asked; what is
    left of an earlier request is something else when another one has come between.
    """
    others = any(holds_others(said, request.conversation, reply, bench.lines) for request, reply in answers)
    more = any(len(reply.calls) > len(said.parsed.tool_calls) for _, reply in answers)
    if not causes or not (others or more):
        return causes
    for request, reply in answers * 2:
        between = next(bench.other_cues)
        bench.speaker.chat(replace(request, conversation=with_cue(request.conversation, between)))
        if reply_as_json(bench.speaker.chat(request)) != reply_as_json(reply):
            return ("state-leaks",)
    if not others:
        return causes
    return ("state-leaks",) if more and _holds_own(said, answers[0][1]) else ("tokens-forced",)


def _holds_own(said: Said, reply: ChatReply) -> bool:
    """Whether all that the model said is there, to the token, so that what else is there was added."""
    calls = [(call.name, dict(call.arguments)) for call in said.parsed.tool_calls]
    came = [(call.name, arguments_of(call)) for call in reply.calls]
    return bool(calls) and all(call in came for call in calls) and said.is_counted_by(reply) is not False


def _check_loop(bench: Bench, case: Case) -> Outcome:
    """Each answer goes back with the results; the prompt that this leads to is read after each.

    A request has the cue of its own turn only: two that stand close together are hard to tell apart from far away.
    """
    if not bench.target.parses_calls:
        return not_tested(bench.form, case, _LEFT_TO_USERS)
    real = ideal = case.conversation
    outcome: Outcome | None = None
    for turn, results in enumerate(case.results):
        conversation = with_cue(real, turn_cue(case, turn))
        request, said = _spoken(bench, case, turn, conversation)
        reply = bench.speaker.chat(request)
        causes = explain_reply(said, reply, says_tool_calls=bench.target.says_tool_calls)
        causes = _told_apart(bench, said, causes, (request, reply))
        answer = _as_message(reply)
        if causes or answer is None:
            return bench.outcome(case, causes or [UNEXPLAINED], said.as_json(), reply_as_json(reply), request)
        spoken = Message(
            "assistant",
            said.parsed.content,
            reasoning=said.parsed.reasoning,
            tool_calls=tuple(
                replace(call, id=came.id) for call, came in zip(said.parsed.tool_calls, answer.tool_calls, strict=True)
            ),
        )
        given = [
            Message("tool", result, name=call.name, tool_call_id=call.id)
            for call, result in zip(answer.tool_calls, results, strict=False)
        ]
        real = bench.speaker.carried(replace(real, messages=(*real.messages, answer, *given)))
        ideal = bench.speaker.carried(replace(ideal, messages=(*ideal.messages, spoken, *given)))
        asked = ChatRequest(conversation=real, thinking=case.thinking)
        seen = bench.see(asked)
        outcome = _settled(bench, case, seen, replace(asked, conversation=ideal))
        if outcome.result == "fault":
            return outcome
    return outcome or not_tested(bench.form, case, "a loop without results")


def _as_message(reply: ChatReply) -> Message | None:
    """What a client would send back; None where a call's arguments are no object."""
    calls = []
    for call in reply.calls:
        try:
            arguments = json.loads(call.arguments or "{}")
        except (ValueError, RecursionError):
            return None
        if not isinstance(arguments, dict) or not call.name:
            return None
        calls.append(ToolCall(call.name, arguments, id=call.id))
    return Message("assistant", reply.content or None, reasoning=reply.reasoning or None, tool_calls=tuple(calls))


def _check_context(bench: Bench, case: Case) -> Outcome:
    """A prompt that does not fit: refused is faithful, and so is whatever keeps all of it."""
    limit = TIGHT if bench.target.sets_context else bench.target.context
    request = ChatRequest(
        conversation=case.conversation, thinking=case.thinking, context=limit if bench.target.sets_context else None
    )
    seen = bench.see(request)
    asked = _asked_alike(bench, seen, request)
    expected = asked.pairs()
    if len(encode_segments(bench.echo.vocabulary, asked.segments())[0]) <= limit:
        return not_tested(bench.form, case, f"the prompt fits into {limit} tokens")
    if seen.pairs is None:
        if seen.reply.error and seen.reply.status != NOT_IMPLEMENTED:
            causes = ["server-error"] if seen.reply.status == NO_ANSWER else []
            return bench.outcome(case, causes, pairs_as_json(expected), _failure(seen), seen.request)
        return not_tested(bench.form, case, seen.problem)
    found = explain_prompt(asked, seen.pairs, in_context=True)
    return bench.outcome(case, found, pairs_as_json(expected), pairs_as_json(seen.pairs), seen.request)


_CHECKS: dict[Kind, tuple[Callable[[Bench, Case], Outcome], tuple[Server, ...]]] = {
    "prompt": (_check_prompt, ("reader",)),
    "reply": (_check_reply, ("speaker",)),
    "loop": (_check_loop, ("speaker", "reader")),
    "context": (_check_context, ("reader",)),
}
"""What checks a case of each kind, and whom it asks."""
