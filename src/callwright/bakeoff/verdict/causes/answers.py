"""Causes behind the model: what was made of the same output, and what no cause explains."""

import re
from collections.abc import Sequence

from callwright.bakeoff.trace import Halt, Step
from callwright.bakeoff.verdict.align import Parting, calls_text, content_text, delivered_calls, same_output
from callwright.bakeoff.verdict.causes.registry import CauseFunctions, Explanation, Margins
from callwright.bakeoff.verdict.evidence import Excerpts, text_excerpts
from callwright.evaluation.row import RowCall

FUNCTIONS = CauseFunctions()
_FAILURES = ("http_error", "sampler_error", "arm_error", "env_missing", "parse_lost", "context_overflow")
_LEAST_TOLD = 8
"""Characters of an output from which it is recognized in content."""

_MARKER = re.compile(r"<[^<>\s]*>|\[[A-Z_/]+\]")
_SENTENCES = {
    "lost": "does not deliver a call or text that the output has",
    "leaked": "leaves in the content what is a call or a marker",
    "repaired": "delivers a call that the output spells wrongly",
    "altered": "delivers something else than the output says",
    "invented": "delivers a call that the output does not have",
}


@FUNCTIONS.explains("parser")
def parser(parting: Parting, _: Margins) -> Explanation | None:
    """The same text gave other calls, or other content."""
    if parting.both is None or parting.fields == ("end",):
        lost = [halt.arm for halt in _halts(parting) if halt.halt_reason == "parse_lost"]
        if len(lost) != 1:
            return None
        return Explanation(kind="lost", sentence=f"The text of {lost[0]} has a call that its parser did not deliver.")
    if parting.fields[0] not in ("calls", "content", "error"):
        return None
    for expected, seen in (parting.both, parting.both[::-1]):
        kind = _kind(expected, seen)
        if kind is not None:
            sentence = f"{seen.arm} {_SENTENCES[kind]}."
            return Explanation(kind=kind, sentence=sentence, excerpts=_excerpts(*parting.both))
    return None


@FUNCTIONS.explains("failure")
def failure(parting: Parting, _: Margins) -> Explanation | None:
    """One arm ended with an error."""
    ours, theirs = _halts(parting)
    failed = [halt for halt in (theirs, ours) if halt.halt_reason in _FAILURES]
    errors = [step for step in (parting.seen, parting.expected) if step and step.error]
    if ours.halt_reason == theirs.halt_reason and len(errors) != 1:
        return None
    if parting.fields[0] not in ("end", "error", "calls", "content", "stop") or not (failed or errors):
        return None
    arm, kind = (failed[0].arm, failed[0].halt_reason) if failed else (errors[0].arm, "error")
    reason = (failed[0].error if failed else None) or (errors[0].error if errors else None) or "no reason is given"
    return Explanation(kind=kind, sentence=f"{arm} failed: {reason}.")


@FUNCTIONS.explains("unexplained")
def unexplained(parting: Parting, _: Margins) -> Explanation:
    """No known cause explains it."""
    known = {
        "messages": "the requests",
        "prompt": "the prompts",
        "prompt_ids": "the prompts' ids",
        "output": "the outputs",
        "calls": "the calls",
        "content": "the content",
        "stop": "why the outputs ended",
        "results": "the results",
        "error": "the errors",
        "end": "how the traces end",
    }
    differing = ", ".join(known[name] for name in parting.fields)
    sentence = f"No known cause explains what differs: {differing}."
    if parting.both is None:
        ours, theirs = _halts(parting)
        return Explanation(sentence=f"{sentence[:-1]} ({ours.halt_reason}, {theirs.halt_reason}).")
    expected, seen = parting.both
    hidden = [
        f"{step.arm} tells {' or '.join(names)}"
        for step in parting.both
        if (names := [name for name, part in (("no prompt", step.prompt), ("no output", step.raw)) if part is None])
    ]
    if hidden:
        sentence += f" {'; '.join(hidden)}, so what lies between is not seen."
    numbers = {}
    if expected.prompt_tokens is not None and seen.prompt_tokens is not None:
        numbers = {"reference_prompt_tokens": float(expected.prompt_tokens), "prompt_tokens": float(seen.prompt_tokens)}
    return Explanation(sentence=sentence, excerpts=_any_excerpts(parting, expected, seen), numbers=numbers)


def _halts(parting: Parting) -> tuple[Halt, Halt]:
    return parting.reference.halt, parting.other.halt


def _kind(expected: Step, seen: Step) -> str | None:
    """What the parser did to the output; None where it is not known to be the parser.

    The text says what the calls should be where the strict parser read it; the reference's text stands for it where
    the runtime keeps its own, and shows by what it delivers that it generated the same.
    """
    content, words = content_text(seen), content_text(seen) + (seen.reasoning or "")
    output = (seen.raw if seen.raw is not None else expected.raw or "").strip()
    same = same_output(expected, seen)
    if same is False:
        return None
    strict = delivered_calls(expected) if seen.strict_calls is None and same is None else seen.strict_calls
    got = seen.runtime_calls
    if same is None and not _shows_same_text(expected, seen, words):
        return None
    if strict is None:
        return "repaired" if got else None
    if got is None:
        return "lost" if strict and seen.error else None
    if calls_text(strict) == calls_text(got):
        return _content_kind(content_text(expected), content, output)
    if len(got) > len(strict):
        return "invented"
    if len(got) < len(strict):
        return "leaked" if _is_told(strict, got, words) else "lost"
    return "altered"


def _content_kind(expected: str, content: str, output: str) -> str | None:
    """What was made of the text beside the calls."""
    if content == expected:
        return None
    if len(content) > len(expected):
        marker = _MARKER.fullmatch(content.removeprefix(expected).strip())
        return "leaked" if marker or content in output or not output else "altered"
    return "lost" if not content else "altered"


def _shows_same_text(expected: Step, seen: Step, words: str) -> bool:
    """Whether an arm that keeps its output shows that it is the reference's: it stands in the content, or what was
    delivered has the reference's values in another spelling, or nothing was delivered for as many tokens.
    """
    output = (expected.raw or "").strip()
    calls, got = delivered_calls(expected) or (), seen.runtime_calls or ()
    if len(output) >= _LEAST_TOLD and (output in words or (words.strip() and words.strip() in output)):
        return True
    if calls and any(call.name in words and call.name not in content_text(expected) for call in calls):
        return True
    same_names = bool(calls) and [call.name for call in calls][: len(got)] == [call.name for call in got]
    delivered = [calls_text((call,)) for call in got]
    all_there = bool(got) and all(calls_text((call,)) in delivered for call in calls)
    counts = expected.output_tokens, seen.output_tokens
    as_many = counts[0] is not None and counts[1] is not None and abs(counts[0] - counts[1]) <= 1
    return as_many and (same_names or all_there or not got)


def _is_told(strict: Sequence[RowCall], got: Sequence[RowCall], words: str) -> bool:
    """Whether a call that was not delivered stands in content or reasoning."""
    delivered = [calls_text((call,)) for call in got]
    return any(call.name in words for call in strict if calls_text((call,)) not in delivered)


def _excerpts(expected: Step, seen: Step) -> Excerpts:
    """Where what was delivered parts: content, and the calls behind it."""
    return text_excerpts(_delivered(expected), _delivered(seen))


def _delivered(step: Step) -> str:
    calls = [calls_text((call,)) for call in delivered_calls(step) or ()]
    return "\n".join(filter(None, (content_text(step), *calls)))


def _any_excerpts(parting: Parting, expected: Step, seen: Step) -> Excerpts | None:
    if "messages" in parting.fields:
        return text_excerpts(*(str(list(step.messages)) for step in (expected, seen)))
    if expected.raw is not None and seen.raw is not None and "output" in parting.fields:
        return text_excerpts(expected.raw, seen.raw)
    return _excerpts(expected, seen)
