"""The sampling cases: dice are thrown through the chat endpoint, and the throws judged."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from callwright.conversation import Json
from callwright.engines.chat import ChatReply, ChatRequest, ChatSampling, ChatServer
from callwright.formats.base import Format
from callwright.instruments.dice import make_dice
from callwright.probe.choices import find_choice
from callwright.probe.dice import FACES, judge
from callwright.probe.fidelity.case import Case
from callwright.probe.outcome import Outcome
from callwright.probe.plan import not_tested
from callwright.probe.settle import settle
from callwright.probe.targets.base import Target, UntestableError
from callwright.probe.throws import split

SEED = 20_26
"""The seed where a case names none, so that a probe gives the same twice."""
_ROOM = 1024
"""Tokens of the context that are left to the prompt."""


def throw_dice(target: Target, form: Format, cases: Sequence[Case]) -> Iterator[Outcome]:
    """The outcomes of the sampling cases in one format."""
    if not cases:
        return
    try:
        with target.load(make_dice(form, FACES)) as server:
            yield from (_thrown(target, server, form, case) for case in cases)
    except UntestableError as error:
        yield from (not_tested(form, case, str(error)) for case in cases)


def _thrown(target: Target, server: ChatServer, form: Format, case: Case) -> Outcome:
    options: dict[str, Any] = dict(case.sampling.get("options") or {})  # type: ignore[arg-type]
    sampling = ChatSampling(**({"seed": SEED} | options))
    times, seeds = int(case.sampling["times"]), case.sampling.get("seeds")  # type: ignore[arg-type]
    request = ChatRequest(conversation=case.conversation, sampling=sampling, max_tokens=times)
    if seeds:
        return _compared(target, server, form, case, request, list(seeds))  # type: ignore[arg-type]
    most = max(1, target.context - _ROOM)
    limits = [min(most, times - done) for done in range(0, times, most)]
    requests = [
        replace(request, max_tokens=limit, sampling=replace(sampling, seed=(sampling.seed or 0) + number))
        for number, limit in enumerate(limits)
    ]
    replies = [server.chat(one) for one in requests]
    problem = _problem(replies)
    if problem:
        return not_tested(form, case, problem)
    answers = [split(FACES, reply.words) for reply in replies]
    verdict = judge(FACES, sampling, answers, temperature_first=target.temperature_first)
    seen: dict[str, Json] = {
        "draws": dict(verdict.seen),
        "p_value": verdict.p_value,
        "chi_square": verdict.statistic,
        "explanation": verdict.explanation,
    }
    causes = verdict.cause.split(" + ") if verdict.cause else []
    if causes and not options:
        causes = ["sampler-default"]  # whatever it is that was applied, nobody asked for it
    choice = find_choice(target.name, "sampler-default")
    return settle(
        target,
        form,
        case,
        causes,
        {"draws": dict(verdict.expected)},
        seen,
        server.curl(requests[0]),
        documented=choice is not None and verdict.explanation.startswith(choice.draws),
    )


def _compared(
    target: Target, server: ChatServer, form: Format, case: Case, request: ChatRequest, seeds: Sequence[int]
) -> Outcome:
    """Two series of draws: the same seed must give the same ones, another seed others."""
    requests = [replace(request, sampling=replace(request.sampling, seed=seed)) for seed in seeds]
    replies = [server.chat(one) for one in requests]
    problem = _problem(replies)
    if problem:
        return not_tested(form, case, problem)
    alike = replies[0].words == replies[1].words
    wanted = len(set(seeds)) == 1
    words = ["other draws", "the same draws"]
    return settle(
        target,
        form,
        case,
        [] if alike == wanted else ["seed-ignored"],
        words[wanted],
        words[alike],
        "\n".join(map(server.curl, requests)),
    )


def _problem(replies: Sequence[ChatReply]) -> str:
    """Why the throws cannot be judged; "" when they can."""
    return next((reply.error or "no draws came back" for reply in replies if reply.error or not reply.words), "")
