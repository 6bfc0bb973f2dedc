"""The sampling cases: dice are asked through the chat endpoint, and their draws judged."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from callwright.conversation import Json
from callwright.engines.chat import ChatRequest, ChatServer
from callwright.engines.sampling import SamplingParams
from callwright.formats.base import Format
from callwright.instruments.dice import make_dice
from callwright.probe.cases.schema import Case, SamplingPlan
from callwright.probe.causes.registry import Cause
from callwright.probe.classify import classify, find_choice
from callwright.probe.outcome import Outcome
from callwright.probe.plan import not_tested
from callwright.probe.sampling.judge import FACES, judge
from callwright.probe.sampling.statistics import split_draws
from callwright.probe.targets.base import Target

SEED = 20_26
"""The seed where a case names none, so that a probe gives the same twice."""
_PROMPT = 1024
"""Tokens of the context that are left to the prompt."""


def check_sampling(target: Target, fmt: Format, cases: Sequence[Case]) -> Iterator[Outcome]:
    """The outcomes of the sampling cases in one format.

    Raises:
      UntestableError: The dice cannot be loaded.
    """
    if cases:
        with target.load(make_dice(fmt, FACES)) as server:
            yield from (_check(target, server, fmt, case) for case in cases)


def _check(target: Target, server: ChatServer, fmt: Format, case: Case) -> Outcome:
    """Draws must fit what was asked for; of two series the same seed must give the same draws, another seed others.

    The draws of one series are asked for in answers that fit into the context.
    """
    planned = case.sampling or SamplingPlan()
    asked = planned.options
    seed = SEED if asked.seed is None else asked.seed
    most = max(1, target.context - _PROMPT)
    limits = [min(most, planned.times - done) for done in range(0, planned.times, most)]
    runs = [(seed + number, limit) for number, limit in enumerate(limits)]
    if planned.seeds:
        runs = [(one, planned.times) for one in planned.seeds]
    requests = [
        ChatRequest(conversation=case.conversation, sampling=replace(asked, seed=one), max_tokens=limit)
        for one, limit in runs
    ]
    replies = [server.chat(request) for request in requests]
    problem = next((reply.error or "no draws came back" for reply in replies if reply.error or not reply.words), "")
    if problem:
        return not_tested(fmt, case, problem)
    if planned.seeds:
        same, expected = replies[0].words == replies[1].words, len(set(planned.seeds)) == 1
        causes = [] if same == expected else [Cause.SEED_IGNORED]
        words = ["other draws", "the same draws"]
        commands = "\n".join(map(server.curl, requests))
        return classify(target, fmt, case, causes, words[expected], words[same], commands, "dice")
    answers = [split_draws(FACES, reply.words) for reply in replies]
    verdict = judge(FACES, asked, answers, temperature_first=target.temperature_first)
    seen: dict[str, Json] = {
        "draws": dict(verdict.seen),
        "p_value": verdict.p_value,
        "chi_square": verdict.statistic,
        "explanation": verdict.explanation,
    }
    # Whatever it is that was applied where nothing was asked for, it is a default.
    default = bool(verdict.causes) and asked == SamplingParams()
    choice = find_choice(target.name, Cause.SAMPLER_DEFAULT)
    return classify(
        target,
        fmt,
        case,
        [Cause.SAMPLER_DEFAULT] if default else verdict.causes,
        {"draws": dict(verdict.expected)},
        seen,
        server.curl(requests[0]),
        "dice",
        documented=choice is not None and verdict.explanation.startswith(choice.draws),
    )
