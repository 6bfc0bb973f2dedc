"""Causes before the model: what it was given is not what the reference was given."""

from collections.abc import Sequence

from callwright.bakeoff.trace import Step
from callwright.bakeoff.verdict.align import Parting, message_texts
from callwright.bakeoff.verdict.causes.registry import CauseFunctions, Explanation, Margins
from callwright.bakeoff.verdict.evidence import Excerpts, first_difference, text_excerpts, token_excerpts
from callwright.report.text import json_text

FUNCTIONS = CauseFunctions()
_LEAST_CUT = 64
"""Characters of a prompt's beginning that are missing where it was cut; a lost BOS is shorter."""
_KEPT = 64
"""Characters that may stand before the cut: a BOS, or the few tokens that some runtimes keep."""
_LEAST_TOLD = 8
"""Characters of a message from which it is recognized in a prompt."""
_LEAST_OWN = 16
"""Characters of the model's own text from which it is; the markers that end calls and results begin alike."""


@FUNCTIONS.explains("context")
def context(parting: Parting, _: Margins) -> Explanation | None:
    """Messages or the beginning of the prompt did not fit, and were dropped or refused."""
    halts = parting.reference.halt.halt_reason, parting.other.halt.halt_reason
    if "context_overflow" in halts and halts[0] != halts[1] and not _inputs_differ(parting):
        arm, error = _overflowed(parting)
        return Explanation(kind="overflow", sentence=f"The prompt does not fit into the context of {arm}{error}.")
    if parting.both is None:
        return None
    expected, seen = parting.both
    ours, theirs = message_texts(expected), message_texts(seen)
    if len(theirs) < len(ours) and _is_part(theirs, ours):
        number = len(ours) - len(theirs)
        sentence = f"{number} of {len(ours)} messages are missing from the request."
        return Explanation(
            kind="dropped", sentence=sentence, excerpts=text_excerpts("\n".join(ours), "\n".join(theirs))
        )
    if "prompt" not in parting.fields or "messages" in parting.fields:
        return None
    if expected.prompt is None or seen.prompt is None or len(seen.prompt) >= len(expected.prompt):
        return None
    if _is_cut_at_beginning(seen, expected.prompt, seen.prompt):
        kind, what = "cut", "The prompt lacks its beginning"
    elif _oldest_missing(parting, expected.prompt, seen.prompt):
        kind, what = "dropped", "Messages are missing from the prompt"
    else:
        return None
    sentence = f"{what}: it has {len(seen.prompt):,} characters in place of {len(expected.prompt):,}."
    return Explanation(kind=kind, sentence=sentence, excerpts=text_excerpts(expected.prompt, seen.prompt))


@FUNCTIONS.explains("tool")
def tool(parting: Parting, _: Margins) -> Explanation | None:
    """A tool gave back something else for the same call."""
    place = _message_place(parting)
    if parting.both is None:
        return None
    expected, seen = parting.both
    if place is not None:
        if any(_role(step, place) != "tool" for step in parting.both):
            return None
        sentence = f"Message {place} of the request has another result of a tool."
        return Explanation(sentence=sentence, excerpts=_message_excerpts(parting, place))
    if parting.fields[0] != "results":
        return None
    one, other = (text_of_results(step) for step in (expected, seen))
    return Explanation(
        sentence="The same call has another result from the stubbed tool.", excerpts=text_excerpts(one, other)
    )


@FUNCTIONS.explains("history")
def history(parting: Parting, _: Margins) -> Explanation | None:
    """The model's own earlier turn stands otherwise in the next request or prompt."""
    if parting.both is None or parting.step == 0:
        return None
    expected, seen = parting.both
    place = _message_place(parting)
    if place is not None:
        if place < len(parting.reference.steps[0].messages) or _role(expected, place) != "assistant":
            return None
        kept = not expected.messages[place].get("content") and _role(seen, place) == "assistant"
        kept = kept and bool(seen.messages[place].get("content"))
        sentence = "The model's own turn stands otherwise in the next request" + (
            ": text of its output is kept as content beside the calls." if kept else "."
        )
        kind = "content kept" if kept else "rewritten"
        return Explanation(kind=kind, sentence=sentence, excerpts=_message_excerpts(parting, place))
    if "prompt" not in parting.fields or expected.prompt is None or seen.prompt is None:
        return None
    before = parting.reference.steps[: parting.step]
    for number, step in enumerate(before):
        turn = (step.raw or "").strip()
        whole = len(turn) >= _LEAST_TOLD and (turn in expected.prompt) != (turn in seen.prompt)
        if whole or _is_own_text(parting, turn):
            sentence = f"The prompt does not hold the model's own turn of step {number} as it was generated."
            excerpts = text_excerpts(expected.prompt, seen.prompt)
            return Explanation(kind="rewritten", sentence=sentence, excerpts=excerpts)
    return None


@FUNCTIONS.explains("template")
def template(parting: Parting, _: Margins) -> Explanation | None:
    """The same messages made another prompt."""
    if parting.both is None or parting.fields[0] != "prompt":
        return None
    expected, seen = parting.both
    if expected.prompt is None or seen.prompt is None or expected.prompt == seen.prompt:
        excerpts = token_excerpts(expected.prompt_ids or (), seen.prompt_ids or ())
    else:
        excerpts = text_excerpts(expected.prompt, seen.prompt)
    known = " (it was reconstructed from the request)" if seen.prompt_source == "reconstructed" else ""
    sentence = f"The same messages make another prompt{known}, from {excerpts[0].unit} {excerpts[0].place:,} on."
    return Explanation(sentence=sentence, excerpts=excerpts)


@FUNCTIONS.explains("tokenizer")
def tokenizer(parting: Parting, _: Margins) -> Explanation | None:
    """The same prompt became other ids."""
    if parting.both is None or parting.fields[0] != "prompt_ids":
        return None
    expected, seen = parting.both
    excerpts = token_excerpts(expected.prompt_ids or (), seen.prompt_ids or ())
    sentence = f"The same prompt has other ids from token {excerpts[0].place:,} on."
    return Explanation(sentence=sentence, excerpts=excerpts)


def text_of_results(step: Step) -> str:
    """The results of a step's calls as JSON, one a line."""
    return "\n".join(map(json_text, step.results))


def _is_own_text(parting: Parting, turn: str) -> bool:
    """Whether prompts part in what was added since the one before, and with text that the model generated in a turn,
    and that no result of a tool holds.
    """
    expected, seen = ((step and step.prompt) or "" for step in (parting.expected, parting.seen))
    earlier = parting.reference.steps[: parting.step]
    place = first_difference(expected, seen)
    results = "\n".join(map(text_of_results, earlier))
    texts = (text[place : place + _LEAST_OWN] for text in (expected, seen))
    own = any(len(text) == _LEAST_OWN and text in turn and text not in results for text in texts)
    return own and place >= first_difference(earlier[-1].prompt or "", expected)


def _overflowed(parting: Parting) -> tuple[str, str]:
    halts = (parting.reference.halt, parting.other.halt)
    halt = next(halt for halt in halts if halt.halt_reason == "context_overflow")
    return halt.arm, f" ({halt.error})" if halt.error else ""


def _inputs_differ(parting: Parting) -> bool:
    return bool({"messages", "prompt", "prompt_ids"} & set(parting.fields))


def _is_part(some: Sequence[str], of: Sequence[str]) -> bool:
    """Whether these messages are all among those, in the same order."""
    rest = iter(of)
    return all(one in rest for one in some)


def _is_cut_at_beginning(step: Step, expected: str, seen: str) -> bool:
    """Whether a prompt is the end of another, behind a few tokens at most, and what is missing had been there before,
    or is part of the messages or of the tools.

    (In a first prompt that has all messages and no tool, a template dropped the tools.)
    """
    if len(expected) - len(seen) < _LEAST_CUT:
        return False
    kept = range(min(_KEPT, len(seen)))
    if not any(expected.endswith(seen[start:]) and expected[:start] == seen[:start] for start in kept):
        return False
    missing = [(role, content) for role, content in _messages_in(step, expected) if content not in seen]
    if step.step > 0 or any(role != "system" or content[-_LEAST_TOLD:] in seen for role, content in missing):
        return True
    names = [name for name in _tool_names(step) if name in expected]
    return 0 < sum(name in seen for name in names) < len(names)


def _tool_names(step: Step) -> list[str]:
    """What the tools of a request are called."""
    tools = (step.request or {}).get("tools")
    functions = [tool.get("function", tool) for tool in tools if isinstance(tool, dict)] if tools else []
    return [function["name"] for function in functions if isinstance(function.get("name"), str)]


def _oldest_missing(parting: Parting, expected: str, seen: str) -> bool:
    """Whether a message of the first request is missing that had been there before; in a first prompt, whether the
    oldest one behind the system prompt is missing, and the last one is not.
    """
    first, step = parting.reference.steps[0], parting.reference.steps[parting.step]
    if parting.step > 0:
        return any(content not in seen for _, content in _messages_in(first, expected))
    contents = [content for role, content in _messages_in(step, expected) if role != "system"]
    return len(contents) > 1 and contents[0] not in seen and contents[-1] in seen


def _messages_in(step: Step, prompt: str) -> list[tuple[object, str]]:
    """Role and content of the messages that are found in a prompt."""
    contents = ((message.get("role"), message.get("content")) for message in step.messages)
    return [
        (role, content)
        for role, content in contents
        if isinstance(content, str) and len(content) >= _LEAST_TOLD and content in prompt
    ]


def _message_place(parting: Parting) -> int | None:
    """The first message that differs; None where none does."""
    if parting.both is None or "messages" not in parting.fields:
        return None
    return first_difference(*map(message_texts, parting.both))


def _role(step: Step, place: int) -> object:
    return step.messages[place].get("role") if place < len(step.messages) else None


def _message_excerpts(parting: Parting, place: int) -> Excerpts | None:
    if parting.both is None:
        return None
    texts = (message_texts(step)[place : place + 1] for step in parting.both)
    return text_excerpts(*("".join(text) for text in texts))
