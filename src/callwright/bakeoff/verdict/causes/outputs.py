"""Causes in the model: the same tokens went in, and others came out, or fewer.

What a runtime's own numbers prefer is told by `top_ids`, or follows from the logarithm of a token's probability: above
a half it is the likeliest, and below a hundredth greedy decoding does not take it. How much the reference prefers its
token is the margin: from its logits where they can be computed, and else at least what the probability of its token
leaves to all others.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal

from callwright.bakeoff.trace import Step
from callwright.bakeoff.verdict.align import Parting, asked_sampling, delivered_calls, is_cut, is_drawn
from callwright.bakeoff.verdict.causes.registry import CauseFunctions, Explanation, Margins
from callwright.bakeoff.verdict.evidence import Excerpts, first_difference, text_excerpts, token_excerpts
from callwright.engines.sampling import GREEDY, SamplingParams
from callwright.evaluation.row import RowCall
from callwright.json_schema import violation

FUNCTIONS = CauseFunctions()
ROUNDING = 0.1
"""Logits: rounding to 16 bits moves the difference of two by less in models of this size."""
_LARGE = 3.0
"""Logits: quantization to 4 bits moves the difference of two by less, nearly always."""
_HALF, _HUNDREDTH = math.log(0.5), math.log(0.01)
_RECENT = 64
"""Tokens that a penalty for repetition looks back at by default."""
_LIMITS = ("step_budget", "truncated")


@FUNCTIONS.explains("limits")
def limits(parting: Parting, _: Margins) -> Explanation | None:
    """A limit on tokens, steps or time ended one arm and not the other."""
    halts = parting.reference.halt, parting.other.halt
    for halt in halts:
        if (
            halt.halt_reason == "timeout"
            and halts[0].halt_reason != halts[1].halt_reason
            and not _inputs_differ(parting)
        ):
            return Explanation(kind="timeout", sentence=f"{halt.arm} ran out of time at this step: {halt.error}.")
    if parting.both is None or parting.fields == ("end",):
        for halt in halts:
            if halt.halt_reason in _LIMITS and halts[0].halt_reason != halts[1].halt_reason:
                what = "its budget of steps" if halt.halt_reason == "step_budget" else "the limit on tokens"
                sentence = f"{halt.arm} was ended by {what} after {halt.steps_used} steps."
                return Explanation(kind=halt.halt_reason, sentence=sentence)
        return None
    if _inputs_differ(parting) or is_cut(parting.both[0]) == is_cut(parting.both[1]):
        return None
    cut, whole = sorted(parting.both, key=is_cut, reverse=True)
    if not _begins(cut, whole):
        return None
    length = f" after {cut.output_tokens} tokens" if cut.output_tokens else ""
    sentence = f"The token limit cut the output of {cut.arm}{length}; {whole.arm} went on."
    return Explanation(kind="tokens", sentence=sentence, excerpts=_output_excerpts(parting))


@FUNCTIONS.explains("grammar")
def grammar(parting: Parting, margins: Margins) -> Explanation | None:
    """The runtime's token is not its own likeliest one, inside a call that tools in the request allow it to force."""
    place = _place(parting)
    if place is None or parting.both is None:
        return None
    expected, seen = parting.both
    offers_tools = bool(seen.request and seen.request.get("tools"))
    if not offers_tools or not delivered_calls(seen) or _preferred(seen, place) != "another":
        return None
    if _settings_differ(expected, seen) or _is_penalized(expected, seen, place):
        return None
    sentence = f"At token {place} of the output {seen.arm} took a token that its own numbers did not prefer, in a call."
    return Explanation(
        sentence=sentence, excerpts=_output_excerpts(parting), numbers=_numbers(expected, seen, place, margins)
    )


@FUNCTIONS.explains("sampler")
def sampler(parting: Parting, margins: Margins) -> Explanation | None:
    """The runtime did not take its likeliest token, or was asked to draw otherwise, or had no reason in its numbers."""
    if not _same_in_other_out(parting) or parting.both is None:
        return None
    expected, seen = parting.both
    place = _place(parting)
    preferred = "unknown" if place is None else _preferred(seen, place)
    if preferred == "own":
        return None
    differ = _settings_differ(expected, seen)
    numbers = {} if place is None else _numbers(expected, seen, place, margins)
    if preferred == "another":
        kind = "penalty" if place is not None and _is_penalized(expected, seen, place) else "draw"
        sentence = f"{seen.arm} did not take the token that its own numbers prefer."
        if kind == "penalty":
            sentence = f"{sentence[:-1]}, and the preferred one occurs shortly before: repetition is penalized."
    elif differ:
        kind, sentence = "settings", f"{seen.arm} was asked to draw otherwise: {differ}."
    elif numbers.get("margin", 0.0) >= _LARGE:
        kind, margin = "margin", f"{numbers['margin']:.1f} logits or more"
        sentence = f"The reference prefers its token by {margin}, and greedy decoding took another."
    else:
        return None
    if differ and kind != "settings":
        sentence = f"{sentence[:-1]} ({differ})."
    return Explanation(kind=kind, sentence=sentence, excerpts=_output_excerpts(parting), numbers=numbers)


@FUNCTIONS.explains("quantization")
def quantization(parting: Parting, margins: Margins) -> Explanation | None:
    """The same ids went in and other ids came out, greedily: the numbers of the weights are others."""
    if not _same_in_other_out(parting) or parting.both is None:
        return None
    expected, seen = parting.both
    place = _place(parting)
    if place is None:
        sentence = "The same prompt has another greedy output; which tokens, the runtime does not tell."
        return Explanation(kind="text", sentence=sentence, excerpts=_output_excerpts(parting))
    numbers = _numbers(expected, seen, place, margins)
    exact = numbers.get("margin")
    if exact is not None and exact < ROUNDING and "margin_is_a_bound" not in numbers:
        sentence = (
            f"At token {place} the reference prefers its token by {exact:.2g} logits alone, which rounding decides."
        )
        return Explanation(sentence=sentence, excerpts=_output_excerpts(parting), numbers=numbers, rounding=True)
    led = ""
    if exact is not None:
        more = " or more" if "margin_is_a_bound" in numbers else ""
        led = f", where the reference prefers its own by {exact:.2g} logits{more}"
    sentence = f"The same ids went in, and token {place} of the output is another{led}."
    return Explanation(sentence=sentence, excerpts=_output_excerpts(parting), numbers=numbers)


def _inputs_differ(parting: Parting) -> bool:
    return bool({"messages", "prompt", "prompt_ids"} & set(parting.fields))


def _same_in_other_out(parting: Parting) -> bool:
    """Whether both prompts are known to be the same, and the outputs to differ."""
    if parting.both is None or parting.fields[0] != "output":
        return False
    expected, seen = parting.both
    ids_known = expected.prompt_ids is not None and seen.prompt_ids is not None
    return ids_known or (expected.prompt is not None and seen.prompt is not None)


def _place(parting: Parting) -> int | None:
    """The first token of the output that differs; None where not both arms tell their ids, or one ends there."""
    if parting.both is None or not _same_in_other_out(parting):
        return None
    expected, seen = parting.both
    if expected.output_ids is None or seen.output_ids is None:
        return None
    place = first_difference(expected.output_ids, seen.output_ids)
    return place if place < min(len(expected.output_ids), len(seen.output_ids)) else None


def _preferred(step: Step, place: int) -> Literal["own", "another", "unknown"]:
    """Whether the numbers of the runtime prefer the token that it took."""
    if step.top_ids is not None and place < len(step.top_ids) and step.output_ids is not None:
        return "own" if step.top_ids[place] == step.output_ids[place] else "another"
    if step.logprobs is None or place >= len(step.logprobs):
        return "unknown"
    logprob = step.logprobs[place]
    return "own" if logprob > _HALF else "another" if logprob < _HUNDREDTH else "unknown"


def _is_penalized(expected: Step, seen: Step, place: int) -> bool:
    """Whether the reference's token occurs among those shortly before it, which a penalty for repetition makes less
    likely, and no grammar made of the tools had a reason to refuse the reference's calls.
    """
    if expected.output_ids is None:
        return False
    before = (*(expected.prompt_ids or ()), *expected.output_ids[:place])[-_RECENT:]
    tools = (seen.request or {}).get("tools")
    return expected.output_ids[place] in before and all(
        _fits(call, tools if isinstance(tools, list) else []) for call in delivered_calls(expected) or ()
    )


def _fits(call: RowCall, tools: Sequence[Any]) -> bool:
    """Whether a tool's schema allows a call, with its arguments in the order of the schema, which grammars follow."""
    functions = [tool.get("function", tool) for tool in tools if isinstance(tool, dict)]
    for function in functions:
        if isinstance(function, dict) and function.get("name") == call.name:
            schema = function.get("parameters") or {}
            known = [key for key in schema.get("properties") or {} if key in call.arguments]
            return known == list(call.arguments) and not violation(dict(call.arguments), schema, schema)
    return not functions


def _settings_differ(expected: Step, seen: Step) -> str:
    """How the settings of the samplers differ, in words; "" where they do not, or are not known."""
    asked = asked_sampling(expected), asked_sampling(seen)
    if asked[1] is None:
        return ""
    one, other = _effective(expected, asked[0] or GREEDY), _effective(seen, asked[1])
    names = [name for name in one | other if one.get(name) != other.get(name)]
    return ", ".join(f"{name} {_setting(other.get(name))} in place of {_setting(one.get(name))}" for name in names)


def _effective(step: Step, sampling: SamplingParams) -> dict[str, float | str]:
    """What bears on the next token: of greedy decoding the penalty alone."""
    in_process = step.request is None
    temperature: float | str = "left to the runtime"
    if sampling.temperature is not None or in_process:
        temperature = sampling.temperature or 0.0
    penalty = 1.0 if sampling.repeat_penalty is None else sampling.repeat_penalty
    found: dict[str, float | str] = {"temperature": temperature, "repeat_penalty": penalty}
    if is_drawn(step):
        given = {"top_k": sampling.top_k, "top_p": sampling.top_p, "min_p": sampling.min_p}
        found |= {name: value for name, value in given.items() if value is not None}
    return found


def _setting(value: float | str | None) -> str:
    return "not set" if value is None else value if isinstance(value, str) else f"{value:g}"


def _numbers(expected: Step, seen: Step, place: int, margins: Margins) -> dict[str, float]:
    """The margin of the reference, and the logarithms of probability of both tokens where the arms tell them."""
    numbers: dict[str, float] = {"token": float(place)}
    ids = expected.output_ids, seen.output_ids
    if ids[0] is None or ids[1] is None:
        return numbers
    ours, theirs = ids[0][place], ids[1][place]
    for name, step in (("reference_logprob", expected), ("logprob", seen)):
        if step.logprobs is not None and place < len(step.logprobs) and math.isfinite(step.logprobs[place]):
            numbers[name] = step.logprobs[place]
    likeliest = margins(expected, place)
    if likeliest is not None and ours in likeliest.logprobs:
        listed = likeliest.logprobs
        numbers["margin"] = listed[ours] - listed.get(theirs, min(listed.values()))
        if theirs not in listed:
            numbers["margin_is_a_bound"] = 1.0
    elif (logprob := numbers.get("reference_logprob", -math.inf)) > _HALF:
        rest = max(-math.expm1(logprob), 1e-9)
        numbers |= {"margin": logprob - math.log(rest), "margin_is_a_bound": 1.0}
    return numbers


def _begins(cut: Step, whole: Step) -> bool:
    """Whether what was cut is the beginning of the other output, as far as is known."""
    if cut.output_ids is not None and whole.output_ids is not None:
        return whole.output_ids[: len(cut.output_ids)] == cut.output_ids
    if cut.raw is not None and whole.raw is not None:
        return whole.raw.startswith(cut.raw)
    return True


def _output_excerpts(parting: Parting) -> Excerpts | None:
    if parting.both is None:
        return None
    expected, seen = parting.both
    if expected.output_ids is not None and seen.output_ids is not None:
        return token_excerpts(expected.output_ids, seen.output_ids)
    if expected.raw is not None and seen.raw is not None:
        return text_excerpts(expected.raw, seen.raw)
    return None
