"""One case against one server: asked in a session, read, explained, and classified as an outcome."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import cycle
from typing import Literal

from callwright.conversation import Conversation, Json, Message
from callwright.engines.chat import ChatReply, ChatRequest, ChatServer
from callwright.errors import CallwrightError
from callwright.formats.base import Format
from callwright.instruments.prompt_reader import DisplayTokens, xray_cue
from callwright.instruments.script import Script
from callwright.instruments.vocabulary import cue_text
from callwright.probe.cases.schema import Case, CaseKind
from callwright.probe.causes.output import ChatAnswer, ModelOutput, ScriptText, holds_other_output, reply_as_json
from callwright.probe.causes.registry import Cause
from callwright.probe.causes.reply import explain_reply, explain_stream
from callwright.probe.causes.search import explain_prompt
from callwright.probe.classify import classify
from callwright.probe.outcome import Outcome
from callwright.probe.plan import WHO, Part, not_tested, turn_cue
from callwright.probe.prompt import RenderedRequest, SeenPrompt, pieces_as_json, see_prompt, shows_prompt, with_cue
from callwright.probe.targets.base import Target
from callwright.tokens import decode_segments, encode_segments

SPARE = 64
"""Tokens that an answer may have beyond the output, so that one that does not stop is noticed."""
NO_ANSWER, NOT_IMPLEMENTED = 0, 501
"""Statuses of a server that is gone, and of one that refuses what it does not have."""
PLAIN = ChatRequest(conversation=Conversation((Message("user", "Go."),)), max_tokens=1)
Server = Literal["speaker", "reader"]


@dataclass(eq=False)
class ProbeSession:
    """What a case is checked with.

    Attributes:
      target: The runtime.
      speaker: It, with the script loaded that generates the outputs of all cases.
      script: That script.
      reader: It, with the x-ray loaded; the same server where one file is both.
      display: The x-ray's tokens.
      unreachable: Which of the two servers no longer answers, and the error that it gave instead.
    """

    target: Target
    speaker: ChatServer
    script: Script
    reader: ChatServer
    display: DisplayTokens
    unreachable: dict[Server, str] = field(default_factory=dict)

    @property
    def fmt(self) -> Format:
        """The format."""
        return self.script.fmt

    @cached_property
    def default_thinking(self) -> bool | None:
        """What the server does where a request says nothing of thinking, told by a plain prompt."""
        seen = self.see(PLAIN)
        for thinking in (None, True, False):
            request = RenderedRequest(self.fmt, self.display.vocabulary, seen.request.conversation, thinking)
            try:
                if seen.pieces is not None and request.pieces() == seen.pieces:
                    return thinking
            except CallwrightError:
                continue
        return None

    @cached_property
    def counts_beyond(self) -> int | None:
        """How many tokens more the server counts than an output has, as it may count the stop; None if it miscounts.

        It is told by an answer whose tokens are known.
        """
        request = ChatRequest(conversation=Conversation((Message("user", cue_text(WHO)),)), max_tokens=SPARE)
        reply, tokens = self.speaker.chat(request), len(self.script.outputs[WHO]) - 1
        beyond = (reply.answer_tokens or 0) - tokens
        return beyond if beyond in (0, 1) and not reply.error else None

    @cached_property
    def script_text(self) -> ScriptText:
        """All that the script generates."""
        return ScriptText.of("\n".join(map(self.script.vocabulary.decode, self.script.outputs.values())))

    @cached_property
    def other_cues(self) -> Iterator[str]:
        """Cues of outputs with calls, one after the other and round again: what may be asked between two requests."""
        openers = [region.opener for region in self.fmt.grammar.regions]
        outputs = {cue: self.script.vocabulary.decode(plan) for cue, plan in self.script.outputs.items()}
        return cycle([cue for cue, text in outputs.items() if any(opener in text for opener in openers)] or [WHO])

    def see(self, request: ChatRequest) -> SeenPrompt:
        """The prompt that the server makes of a request.

        A server that takes the request and then fails on the answer, because it is no call, is asked once more without
        leave to call.
        """
        seen = see_prompt(self.reader, self.fmt, self.display, request)
        if seen.reply.error and request.conversation.tools and self.takes(seen.request):
            without_calls = see_prompt(self.reader, self.fmt, self.display, replace(request, may_call=False))
            return seen if without_calls.pieces is None else without_calls
        return seen

    def takes(self, request: ChatRequest) -> bool:
        """Whether a server that gives an error has taken the request: then a stream begins, and fails on the output."""
        return self.reader.chat(replace(request, stream=True, max_tokens=1)).status == 200

    def note_if_gone(self, server: Server) -> None:
        """Remembers a server that does not even answer a plain request."""
        reply = (self.speaker if server == "speaker" else self.reader).chat(PLAIN)
        if reply.status == NO_ANSWER:
            self.unreachable.setdefault(server, reply.error)


_AGAIN = 4
"""How often a prompt that should always be the same is asked for once more: two keys keep their places by chance."""
TIGHT = 1024
"""The context that overflows are tried with, where the request can say one."""
_LEFT_TO_USERS = "it is left to the user to read calls and thoughts in what the model says"
_TOOLS_HIDDEN = "the server fails on the answer that shows the prompt, and shows no tools where none may be called"


def check_case(session: ProbeSession, case: Case) -> Outcome:
    """The outcome of one case; whatever the server does, there is one.

    The first case that finds a server gone may be why, and says what it saw; those after it are not tested.
    """
    check, servers = _CHECKS[case.kind]
    for server in servers:
        if server in session.unreachable:
            return not_tested(session.fmt, case, f"the server no longer answers: {session.unreachable[server]}")
    outcome = check(session, case.model_copy(update={"messages": session.speaker.as_sent(case.conversation).messages}))
    if isinstance(outcome.seen, dict) and outcome.seen.get("status") == NO_ANSWER:
        for server in servers:
            session.note_if_gone(server)
    return outcome


def _check_prompt(session: ProbeSession, case: Case) -> Outcome:
    """The prompt that reaches the model is read, several times where it is to be always the same."""
    request = ChatRequest(conversation=case.conversation, thinking=case.thinking)
    seen = session.see(request)
    if case.fault_class == Cause.UNSTABLE_PROMPT and seen.pieces is not None:
        for again in (session.see(request) for _ in range(_AGAIN)):
            if again.pieces is not None and again.pieces != seen.pieces:
                both = pieces_as_json(seen.pieces), pieces_as_json(again.pieces)
                return _outcome(session, case, [Cause.UNSTABLE_PROMPT], *both, seen.request, again.request)
    return _outcome_of_prompt(session, case, seen, _ideal_request(session, seen, request))


def _check_context(session: ProbeSession, case: Case) -> Outcome:
    """A prompt that does not fit: refused is faithful, and so is whatever keeps all of it."""
    limit = TIGHT if session.target.sets_context else session.target.context
    request = ChatRequest(
        conversation=case.conversation, thinking=case.thinking, context=limit if session.target.sets_context else None
    )
    seen = session.see(request)
    ideal = _ideal_request(session, seen, request)
    if len(encode_segments(session.display.vocabulary, ideal.segments())[0]) <= limit:
        return not_tested(session.fmt, case, f"the prompt fits into {limit} tokens")
    expected = pieces_as_json(ideal.pieces())
    if seen.pieces is not None:
        causes = explain_prompt(ideal, seen.pieces, target=session.target.name, in_context=True)
        return _outcome(session, case, causes, expected, pieces_as_json(seen.pieces), seen.request)
    if not _is_refused(seen):
        return not_tested(session.fmt, case, seen.problem)
    refused_for = [Cause.SERVER_ERROR] if seen.reply.status == NO_ANSWER else []
    return _outcome(session, case, refused_for, expected, reply_as_json(seen.reply), seen.request)


def _check_reply(session: ProbeSession, case: Case) -> Outcome:
    """What becomes of the model's output is read, whole and streamed."""
    request, output = _plan_turn(session, case, 0, case.conversation)
    whole = session.speaker.chat(request)
    if whole.status == NOT_IMPLEMENTED:
        return not_tested(session.fmt, case, whole.error)
    if not session.target.parses_calls and output.words != output.parsed.content:
        return not_tested(session.fmt, case, _LEFT_TO_USERS)
    streaming = replace(request, stream=True)
    streamed = session.speaker.chat(streaming)
    if streamed.status == NOT_IMPLEMENTED:
        streaming, streamed = request, whole
    causes = explain_stream(output, whole, streamed)
    only_streamed = bool(causes) and not explain_reply(output, whole)
    causes = _unless_of_another_output(session, output, causes, (request, whole), (streaming, streamed))
    seen = reply_as_json(streamed if only_streamed else whole)
    return _outcome(session, case, causes, output.as_json(), seen, streaming if only_streamed else request)


def _check_loop(session: ProbeSession, case: Case) -> Outcome:
    """Each answer goes back with the results; the prompt that this leads to is read after each.

    A documented choice does not end the loop, as a fault does: what comes after it is looked at too.
    A request has the cue of its own turn only: two that stand close together are hard to tell apart from far away.
    """
    if not session.target.parses_calls:
        return not_tested(session.fmt, case, _LEFT_TO_USERS)
    real = ideal = case.conversation
    outcome = chosen = None
    for turn, results in enumerate(case.results):
        request, output = _plan_turn(session, case, turn, real)
        reply = session.speaker.chat(request)
        causes = explain_reply(output, reply)
        causes = _unless_of_another_output(session, output, causes, (request, reply))
        answer = reply.message()
        generated = Message("assistant", output.parsed.content, reasoning=output.parsed.reasoning)
        if causes or answer is None:
            causes = causes or (Cause.UNEXPLAINED,)
            outcome = _outcome(session, case, causes, output.as_json(), reply_as_json(reply), request)
            if answer is None or outcome.result == "fault":
                return outcome
            chosen, generated = chosen or outcome, answer
        calls = zip(output.parsed.tool_calls, answer.tool_calls, strict=True)
        generated = replace(generated, tool_calls=tuple(replace(call, id=got.id) for call, got in calls))
        answered = [
            Message("tool", result, name=call.name, tool_call_id=call.id)
            for call, result in zip(answer.tool_calls, results, strict=False)
        ]
        real = session.speaker.as_sent(replace(real, messages=(*real.messages, answer, *answered)))
        ideal = session.speaker.as_sent(replace(ideal, messages=(*ideal.messages, generated, *answered)))
        next_request = ChatRequest(conversation=real, thinking=case.thinking)
        seen = session.see(next_request)
        expected = _ideal_request(session, seen, replace(next_request, conversation=ideal))
        outcome = _outcome_of_prompt(session, case, seen, expected)
        if outcome.result == "fault":
            return outcome
        chosen = chosen or (outcome if outcome.result == "choice" else None)
    return chosen or outcome or not_tested(session.fmt, case, "a loop without results")


_CHECKS: dict[CaseKind, tuple[Callable[[ProbeSession, Case], Outcome], tuple[Server, ...]]] = {
    "prompt": (_check_prompt, ("reader",)),
    "context": (_check_context, ("reader",)),
    "reply": (_check_reply, ("speaker",)),
    "loop": (_check_loop, ("speaker", "reader")),
}
"""What checks a case of each kind, and which servers it asks."""


def _outcome(
    session: ProbeSession, case: Case, causes: Sequence[Cause], expected: Json, seen: Json, *requests: ChatRequest
) -> Outcome:
    """See `classify`; the part is the one that the requests are for."""
    part: Part = "reader" if any(map(shows_prompt, requests)) else "speaker"
    if session.target.shares_instruments:
        part = "both"
    commands = "\n".join(_command(session, request, part) for request in requests)
    return classify(session.target, session.fmt, case, causes, expected, seen, commands, part)


def _command(session: ProbeSession, request: ChatRequest, part: Part) -> str:
    """The shell lines that ask the same; what shows a prompt is read too."""
    command = session.speaker.curl(request)
    if not shows_prompt(request):
        return command
    command = f"{{ {command}\n}}" if "\n" in command else command
    return f"{command} | {session.target.read_command(session.fmt.id, part)}"


def _outcome_of_prompt(session: ProbeSession, case: Case, seen: SeenPrompt, ideal: RenderedRequest) -> Outcome:
    """The outcome of a prompt that was read, or could not be; `ideal` is the request whose prompt is expected."""
    expected = pieces_as_json(ideal.pieces())
    if seen.pieces is None:
        if not _is_refused(seen):
            return not_tested(session.fmt, case, seen.problem)
        if session.takes(seen.request):
            reason = f"the server fails on the answer that shows the prompt: {seen.problem}"
            return not_tested(session.fmt, case, reason)
        cause = Cause.SERVER_ERROR if seen.reply.status == NO_ANSWER else Cause.REQUEST_REFUSED
        return _outcome(session, case, [cause], expected, reply_as_json(seen.reply), seen.request)
    causes = list(explain_prompt(ideal, seen.pieces, target=session.target.name))
    if Cause.TOOLS_DROPPED in causes and not seen.request.may_call:
        return not_tested(session.fmt, case, _TOOLS_HIDDEN)
    if seen.before and not {Cause.ASSISTANT_CONTINUED, Cause.UNEXPLAINED} & {*causes}:
        causes.append(Cause.UNEXPLAINED)
    return _outcome(session, case, causes, expected, pieces_as_json(seen.pieces), seen.request)


def _is_refused(seen: SeenPrompt) -> bool:
    """Whether there is no prompt because the server gives an error, or no answer."""
    return bool(seen.reply.error) and seen.reply.status != NOT_IMPLEMENTED


def _ideal_request(session: ProbeSession, seen: SeenPrompt, request: ChatRequest) -> RenderedRequest:
    """A request without a cue as our renderer gives it, with the cue of the one that showed the prompt."""
    conversation = with_cue(request.conversation, xray_cue(seen.cue))
    return RenderedRequest(session.fmt, session.display.vocabulary, conversation, request.thinking)


def _plan_turn(
    session: ProbeSession, case: Case, turn: int, conversation: Conversation
) -> tuple[ChatRequest, ModelOutput]:
    """The request for a turn of a conversation, its cue added, and what the model generates for it."""
    fmt, script = session.fmt, session.script
    conversation = with_cue(conversation, turn_cue(case, turn))
    thinking = session.default_thinking if case.thinking is None else case.thinking
    prompt = fmt.render(conversation, add_generation_prompt=True, thinking=thinking).segments
    tokens = script.answer(turn_cue(case, turn), encode_segments(script.vocabulary, prompt)[0])
    limit = case.max_tokens if turn == 0 else None
    cut = limit is not None and limit < len(tokens)
    tokens = tokens[:limit] if cut else tokens
    segments = decode_segments(script.vocabulary, tokens)
    opened = fmt.generation_prompt(conversation, thinking=thinking)
    parsed = fmt.parse(
        segments,
        tools=conversation.tools,
        finish_reason="length" if cut else "stop",
        generation_prompt=opened,
    )
    request = ChatRequest(
        conversation=conversation,
        thinking=case.thinking,
        max_tokens=limit if limit is not None else len(tokens) + SPARE,
    )
    beyond = session.counts_beyond
    output = ModelOutput(
        fmt=fmt,
        words="".join(segment.text for segment in segments),
        parsed=parsed,
        tokens=None if beyond is None else len(tokens) + (0 if cut else beyond),
        cut=cut,
        tools=conversation.tools,
        says_tool_calls=session.target.says_tool_calls,
        generation_prompt=opened,
    )
    return request, output


def _unless_of_another_output(
    session: ProbeSession, output: ModelOutput, causes: tuple[Cause, ...], *answers: tuple[ChatRequest, ChatReply]
) -> tuple[Cause, ...]:
    """The causes, or that of an answer that holds another output: left of an earlier request, or forced on the model.

    A model that has been forced off its script continues anywhere in it, and does so each time that it is asked;
    what is left of an earlier request is something else when another one has come between.
    """
    others = any(holds_other_output(output, request.conversation, one, session.script_text) for request, one in answers)
    more = any(len(reply.calls) > len(output.parsed.tool_calls) for _, reply in answers)
    if not causes or not (others or more):
        return causes
    for request, reply in answers * 2:
        between = next(session.other_cues)
        session.speaker.chat(replace(request, conversation=with_cue(request.conversation, between)))
        if reply_as_json(session.speaker.chat(request)) != reply_as_json(reply):
            return (Cause.STATE_LEAKS,)
    if not others:
        return causes
    return (Cause.STATE_LEAKS,) if more and _holds_all_calls(output, answers[0][1]) else (Cause.TOKENS_FORCED,)


def _holds_all_calls(output: ModelOutput, reply: ChatReply) -> bool:
    """Whether every call of the output is there, to the token, so that what else is there was added."""
    calls, got = output.answer.calls, ChatAnswer.of_reply(reply).calls
    return bool(calls) and all(call in got for call in calls) and output.is_counted_by(reply) is not False
