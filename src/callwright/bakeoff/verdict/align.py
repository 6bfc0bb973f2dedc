"""Two arms' traces of one task, step by step, up to the first step where they part.

What differs at that step is told in the order in which a runtime works: the messages, the prompt and its ids, the
output, then what was made of it. What an arm does not tell is not compared, and `compared_by` says how much is.
Notations of the same thing are no difference: a result as text or as JSON, arguments as an object or in a string, ids
of calls, a stop token that one arm counts and the other does not, white space around content, and, where an arm tells
its text alone, a BOS that its tokenizer adds and control tokens that its text leaves out.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from callwright.bakeoff.trace import Step, Trace
from callwright.engines.sampling import SamplingParams
from callwright.evaluation.row import RowCall
from callwright.report.text import json_text

StepField = Literal["messages", "prompt", "prompt_ids", "output", "calls", "content", "stop", "results", "error", "end"]
"""`prompt_ids` are other ids of the same text; at `end` one trace goes on, or they end for other reasons."""
ComparedBy = Literal["tokens", "text", "calls"]
"""What is known of both arms: ids of prompts and outputs, at least their text, or only what was delivered."""
_CUT = ("length", "limit", "max_tokens", "truncated", "loop")
_STOP = re.compile(r"\s*(<[^<>\s]*>|\[[A-Z_/]+\])?\s*")
"""What may stand behind an output in one arm alone."""
_BOS = re.compile(r"<[^<>\s]*>|\[[A-Z_/]+\]")
_MARKER = re.compile(r"<[^<>\s]*>")


@dataclass(frozen=True, slots=True)
class Parting:
    """The first step at which two arms part.

    Attributes:
      step: From 0. Where one trace has ended already, the step that only the other has.
      fields: What differs there, furthest upstream first.
      reference: The trace of the reference.
      other: The trace of the other arm.
    """

    step: int
    fields: tuple[StepField, ...]
    reference: Trace
    other: Trace

    @property
    def expected(self) -> Step | None:
        """The reference's step; None where it has ended."""
        return _at(self.reference, self.step)

    @property
    def seen(self) -> Step | None:
        """The other arm's step; None where it has ended."""
        return _at(self.other, self.step)

    @property
    def both(self) -> tuple[Step, Step] | None:
        """Both steps, where neither arm has ended."""
        return (self.expected, self.seen) if self.expected and self.seen else None


@dataclass(frozen=True, slots=True)
class Alignment:
    """How far two traces go together.

    Attributes:
      parting: Where they part; None where they do not.
      compared_by: What was known of both at every step that was compared.
      drawn: Both drew at a temperature and got other tokens, which says nothing about either; the rest is not compared.
    """

    parting: Parting | None
    compared_by: ComparedBy
    drawn: bool = False


def align(reference: Trace, other: Trace) -> Alignment:
    """Compares two traces of the same task, wording and seed; it ends at the first step where they part."""
    known: ComparedBy = "tokens"
    for number, (expected, seen) in enumerate(zip(reference.steps, other.steps, strict=False)):
        known = _weaker(known, _known(expected, seen))
        if fields := tuple(_differing(expected, seen)):
            if fields[0] in ("output", "calls", "content") and is_drawn(expected) and is_drawn(seen):
                return Alignment(None, known, drawn=True)
            return Alignment(Parting(number, fields, reference, other), known)
    lengths = len(reference.steps), len(other.steps)
    if lengths[0] != lengths[1]:
        return Alignment(Parting(min(lengths), ("end",), reference, other), known)
    if reference.halt.halt_reason != other.halt.halt_reason:
        return Alignment(Parting(max(lengths[0] - 1, 0), ("end",), reference, other), known)
    return Alignment(None, known)


def asked_sampling(step: Step) -> SamplingParams | None:
    """What the sampler was asked for, if need be from the request; None where nobody knows."""
    if step.sampling is not None or step.request is None:
        return step.sampling
    options = step.request.get("options")
    asked = {**step.request, **(options if isinstance(options, dict) else {})}

    def number(*names: str) -> float | None:
        found = next((asked[name] for name in names if name in asked), None)
        return found if isinstance(found, int | float) else None

    top_k = number("top_k")
    return SamplingParams(
        temperature=number("temperature"),
        top_k=None if top_k is None else int(top_k),
        top_p=number("top_p"),
        min_p=number("min_p"),
        repeat_penalty=number("repeat_penalty", "repetition_penalty"),
    )


def is_drawn(step: Step) -> bool:
    """Whether chance chose the tokens."""
    sampling = asked_sampling(step)
    return sampling is not None and bool(sampling.temperature)


def is_cut(step: Step) -> bool:
    """Whether the output was ended by a limit, or because it repeated itself."""
    return step.stop_reason is not None and step.stop_reason.lower() in _CUT


def delivered_calls(step: Step) -> tuple[RowCall, ...] | None:
    """The calls that were acted upon; None where the runtime delivered one that cannot be read, or nobody knows."""
    if step.runtime_calls is not None:
        return step.runtime_calls
    return None if step.error and not step.results else step.strict_calls


def calls_text(calls: Sequence[RowCall] | None) -> str:
    """The calls as JSON, in which 1 is not 1.0 and the order of arguments counts; "" for None."""
    return "" if calls is None else json_text([[call.name, call.arguments] for call in calls])


def content_text(step: Step) -> str:
    """The content without white space around it."""
    return (step.content or "").strip()


def message_texts(step: Step) -> list[str]:
    """Each message of the request, in a notation that is the same for all interfaces."""
    return [json_text(_message(message)) for message in step.messages]


def same_output(one: Step, other: Step) -> bool | None:
    """Whether both generated the same, up to where both were cut; None where that is not known."""
    both_cut = is_cut(one) and is_cut(other)
    if one.output_ids is not None and other.output_ids is not None:
        if one.output_ids == other.output_ids:
            return True
        short, long = sorted((one.output_ids, other.output_ids), key=len)
        one_more = len(long) == len(short) + 1 and not is_cut(one) and not is_cut(other)
        return long[: len(short)] == short and (one_more or both_cut)
    if one.raw is None or other.raw is None:
        return None
    if not both_cut and _MARKER.sub("", one.raw).strip() == _MARKER.sub("", other.raw).strip():
        return True
    short_text, long_text = sorted((one.raw, other.raw), key=len)
    return long_text.startswith(short_text) and (both_cut or bool(_STOP.fullmatch(long_text, len(short_text))))


def _at(trace: Trace, step: int) -> Step | None:
    return trace.steps[step] if step < len(trace.steps) else None


def _differing(one: Step, other: Step) -> Iterator[StepField]:
    if message_texts(one) != message_texts(other):
        yield "messages"
    if field := _prompt_difference(one, other):
        yield field
    if same_output(one, other) is False:
        yield "output"
    both_cut = is_cut(one) and is_cut(other)  # at different lengths, maybe
    if not both_cut and _calls_differ(one, other):
        yield "calls"
    if not both_cut and content_text(one) != content_text(other):
        yield "content"
    if is_cut(one) != is_cut(other):
        yield "stop"
    if json_text(one.results) != json_text(other.results):
        yield "results"
    if bool(one.error) != bool(other.error):
        yield "error"


def _prompt_difference(one: Step, other: Step) -> Literal["prompt", "prompt_ids"] | None:
    texts_known = one.prompt is not None and other.prompt is not None
    if one.prompt_ids is not None and other.prompt_ids is not None:
        if one.prompt_ids == other.prompt_ids:
            return None
        return "prompt_ids" if texts_known and one.prompt == other.prompt else "prompt"
    return "prompt" if texts_known and not _same_prompt(one, other) else None


def _same_prompt(one: Step, other: Step) -> bool:
    """Whether the texts are the same, but for a BOS in one that the other's tokenizer adds.

    (Where the count of tokens differs by one as well, it did not.)
    """
    short, long = sorted((one.prompt or "", other.prompt or ""), key=len)
    if long == short:
        return True
    before_tokens = any(step.prompt_source in ("revealed", "reconstructed") for step in (one, other))
    lead = long.removesuffix(short) if long.endswith(short) else ""
    counts = one.prompt_tokens, other.prompt_tokens
    one_more = None not in counts and abs((counts[0] or 0) - (counts[1] or 0)) == 1
    return before_tokens and bool(_BOS.fullmatch(lead)) and not one_more


def _calls_differ(one: Step, other: Step) -> bool:
    ours, theirs = delivered_calls(one), delivered_calls(other)
    if ours is None or theirs is None:
        return (ours is None) != (theirs is None)
    return calls_text(ours) != calls_text(theirs)


def _known(one: Step, other: Step) -> ComparedBy:
    def both(*names: str) -> bool:
        return all(getattr(step, name) is not None for step in (one, other) for name in names)

    if both("prompt_ids", "output_ids"):
        return "tokens"
    prompts, outputs = both("prompt") or both("prompt_ids"), both("raw") or both("output_ids")
    return "text" if prompts and outputs else "calls"


def _weaker(one: ComparedBy, other: ComparedBy) -> ComparedBy:
    order: tuple[ComparedBy, ...] = ("calls", "text", "tokens")
    return min(one, other, key=order.index)


def _message(message: Mapping[str, Any]) -> list[Any]:
    """Role, content, reasoning and calls."""
    content = message.get("content")
    reasoning = next((message[key] for key in ("reasoning_content", "reasoning", "thinking") if message.get(key)), "")
    role, text = message.get("role"), _content(content)
    calls = [_call(call) for call in message.get("tool_calls") or ()]
    return [role, text.strip() if role == "assistant" else text, reasoning, calls]


def _content(content: Any) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list) and content and all(isinstance(part, dict) and "text" in part for part in content):
        return "".join(str(part["text"]) for part in content)
    return json_text(content)


def _call(call: Any) -> Any:
    function = call.get("function", call) if isinstance(call, dict) else None
    if not isinstance(function, dict):
        return call
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        with suppress(ValueError, RecursionError):
            arguments = json.loads(arguments)
    return [function.get("name"), arguments]
