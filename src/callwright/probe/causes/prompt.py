"""Edits: what a runtime does to a finished prompt. It takes BOS away, opens no turn, puts a system prompt in front."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from callwright.conversation import Message
from callwright.errors import CallwrightError
from callwright.probe.causes.registry import Cause, Explanations
from callwright.probe.prompt import PromptPieces, RenderedRequest, marked, text_of_pieces

Edit = Callable[[RenderedRequest, PromptPieces, PromptPieces], PromptPieces | None]
"""(the request, its prompt, the prompt seen) to the prompt after the edit; None, or the same, where it does not apply.

The prompt seen is for edits that add what can be anything.
"""
EDITS: Explanations[Edit] = Explanations()
explains = EDITS.explains

_MARKS = marked((("", True),))
_LOOSE = " \t\r\n" + _MARKS
"""What may stand around a stop in a marked prompt."""


@explains(Cause.BOS_DOUBLED)
def double_bos(request: RenderedRequest, pieces: PromptPieces, seen: PromptPieces) -> PromptPieces | None:
    """The prompt begins with one more BOS."""
    vocabulary = request.vocabulary
    return ((vocabulary.pieces[vocabulary.bos_id], True), *pieces)


@explains(Cause.BOS_MISSING)
def drop_bos(request: RenderedRequest, pieces: PromptPieces, seen: PromptPieces) -> PromptPieces | None:
    """The prompt begins without the BOS that the format writes."""
    bos = request.fmt.bos
    return pieces[1:] if bos and pieces[:1] == ((bos, True),) else None


@explains(Cause.THOUGHT_CUE_MISSING)  # before the generation prompt, which may be nothing but this cue
def open_no_thought_after_result(
    request: RenderedRequest, pieces: PromptPieces, seen: PromptPieces
) -> PromptPieces | None:
    """After a result, the model's turn lacks the thought that the family opens, or puts there empty."""
    return open_no_thought(request, pieces, seen) if request.conversation.messages[-1].role == "tool" else None


@explains(Cause.GENERATION_PROMPT_MISSING)
def open_no_turn(request: RenderedRequest, pieces: PromptPieces, seen: PromptPieces) -> PromptPieces | None:
    """The model's turn is not opened."""
    return request.pieces(generation_prompt=False)


@explains(Cause.THINKING_DEFAULT)
def open_no_thought(request: RenderedRequest, pieces: PromptPieces, seen: PromptPieces) -> PromptPieces | None:
    """The model's turn lacks the thought that the family puts there empty where thinking is off."""
    whole, got = marked(pieces), marked(seen)
    return seen if whole.startswith(got) and _is_opened_thought(request, whole[len(got) :]) else None


@explains(Cause.THINKING_DEFAULT)
def open_thought(request: RenderedRequest, pieces: PromptPieces, seen: PromptPieces) -> PromptPieces | None:
    """The model's turn has a thought opened, or put there empty, that the family leaves to the model."""
    whole, got = marked(pieces), marked(seen)
    return seen if got.startswith(whole) and _is_opened_thought(request, got[len(whole) :]) else None


@explains(Cause.ASSISTANT_CONTINUED)
def continue_answer(request: RenderedRequest, pieces: PromptPieces, seen: PromptPieces) -> PromptPieces | None:
    """The assistant's last message is left open, or begins the model's turn."""
    if request.conversation.messages[-1].role != "assistant":
        return None
    opening = marked(request.pieces())[len(marked(request.pieces(generation_prompt=False))) :]
    whole, got = marked(pieces).removesuffix(opening), marked(seen)
    closed = whole[len(got) :].strip(_LOOSE)
    if whole.startswith(got) and closed in request.fmt.stops:
        return seen
    return seen if _is_prefilled(request, got) else None


@explains(Cause.SYSTEM_INJECTED)
def add_system(request: RenderedRequest, pieces: PromptPieces, seen: PromptPieces) -> PromptPieces | None:
    """There is a system prompt that nobody wrote, or more of one: whatever stands where one would."""
    mark = "\x00system\x00"
    got = text_of_pieces(seen)
    if got == text_of_pieces(pieces):
        return None
    for first in (False, True):
        with suppress(CallwrightError):
            before, _, after = text_of_pieces(_with_system(request, mark, first=first).pieces()).partition(mark)
            more = got[len(before) : len(got) - len(after)]
            if more and got.startswith(before) and got.endswith(after):
                return _with_system(request, more, first=first).pieces()
    return None


def _with_system(request: RenderedRequest, more: str, *, first: bool) -> RenderedRequest:
    """The request with more of a system prompt, behind the one that is there, or `first`."""
    old, *rest = request.conversation.messages
    if old.role != "system":
        return request.with_messages((Message("system", more), old, *rest))
    text = f"{more}{old.content}" if first else f"{old.content}{more}"
    return request.with_messages((replace(old, content=text), *rest))


def _is_opened_thought(request: RenderedRequest, prompt: str) -> bool:
    """Whether a part of a marked prompt is an opened thought and nothing more, or an empty one."""
    thought, text = request.fmt.grammar.thought, _without_marks(prompt).strip()
    if thought is None or not text.startswith(thought.opener.strip()):
        return False
    return text.removeprefix(thought.opener.strip()).strip() in ("", thought.closer.strip())


def _is_prefilled(request: RenderedRequest, got: str) -> bool:
    """Whether the assistant's last message stands behind an opened turn, perhaps after an empty thought."""
    *before, last = request.conversation.messages
    try:
        opened = marked(request.with_messages(before).pieces())
    except CallwrightError:
        return False
    rest, thought = _without_marks(got[len(opened) :]), request.fmt.grammar.thought
    if thought is not None and rest.lstrip().startswith(thought.opener):
        inside, closer, behind = rest.lstrip().removeprefix(thought.opener).partition(thought.closer)
        rest = behind if closer and not inside.strip() else rest
    return got.startswith(opened) and rest.strip() == str(last.content or "").strip()


def _without_marks(prompt: str) -> str:
    return prompt.translate(dict.fromkeys(map(ord, _MARKS)))
