"""What a runtime does to a finished prompt: takes BOS away, opens no turn, puts a system prompt in front.

Each touch is a hypothesis of `explain.prompt`. It gives the prompt that it would lead to, and where what was added can
be anything, it looks at the prompt seen.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from callwright.conversation import Conversation, Message
from callwright.errors import CallwrightError
from callwright.formats.base import Format
from callwright.instruments.vocabulary import Vocabulary
from callwright.probe.prompt import Pairs, marked, pairs_of, text_of_pairs
from callwright.tokens import Segment


@dataclass(frozen=True, slots=True)
class Asked:
    """What the prompt is of.

    Attributes:
      form: The format.
      vocabulary: The instrument's.
      conversation: Tools and messages, the x-ray's cue included.
      thinking: What was asked.
    """

    form: Format
    vocabulary: Vocabulary
    conversation: Conversation
    thinking: bool | None = None

    def segments(self, *, generation_prompt: bool = True) -> list[Segment]:
        """The prompt as our renderer gives it."""
        return self.form.render(self.conversation, add_generation_prompt=generation_prompt, thinking=self.thinking)

    def pairs(self, *, generation_prompt: bool = True) -> Pairs:
        """The same as pairs."""
        return pairs_of(self.vocabulary, self.segments(generation_prompt=generation_prompt))


Touch = Callable[[Asked, Pairs, Pairs], Pairs | None]
"""(what was asked, its prompt, the prompt seen) to the prompt after the touch; None where it does not apply."""

_MARKS = marked((("", True),))
_LOOSE = " \t\r\n" + _MARKS
"""What may stand around a stop in a marked prompt."""


def _begins(prompt: str, text: str) -> bool:
    """Whether a marked prompt begins with a text, control tokens in it or not, white space aside."""
    return prompt.translate(dict.fromkeys(map(ord, _MARKS))).lstrip().startswith(text)


def _bos_doubled(asked: Asked, pairs: Pairs, seen: Pairs) -> Pairs | None:
    vocabulary = asked.vocabulary
    bos = (vocabulary.pieces[vocabulary.bos_id], True)
    return (bos, *pairs)


def _bos_missing(asked: Asked, pairs: Pairs, seen: Pairs) -> Pairs | None:
    return pairs[1:] if asked.form.bos and pairs[:1] == ((asked.form.bos, True),) else None


def _not_opened(asked: Asked, pairs: Pairs, seen: Pairs) -> Pairs | None:
    return asked.pairs(generation_prompt=False)


def _thought_not_opened(asked: Asked, pairs: Pairs, seen: Pairs) -> Pairs | None:
    """After a result, the model's turn without the thought that the family opens, or puts there empty."""
    return _without_thought(asked, pairs, seen) if asked.conversation.messages[-1].role == "tool" else None


def _without_thought(asked: Asked, pairs: Pairs, seen: Pairs) -> Pairs | None:
    """The model's turn without the thought that the family puts there empty where thinking is switched off."""
    thought = asked.form.grammar.thought
    if thought is None:
        return None
    whole, came = marked(pairs), marked(seen)
    missing = whole[len(came) :]
    return seen if whole.startswith(came) and _begins(missing, thought.opener) else None


def _thought_opened(asked: Asked, pairs: Pairs, seen: Pairs) -> Pairs | None:
    """The model's turn with a thought opened, or put there empty, that the family leaves to the model."""
    thought = asked.form.grammar.thought
    whole, came = marked(pairs), marked(seen)
    extra = came[len(whole) :]
    return seen if thought and came.startswith(whole) and _begins(extra, thought.opener) else None


def _continued(asked: Asked, pairs: Pairs, seen: Pairs) -> Pairs | None:
    """The assistant's last message left open."""
    if asked.conversation.messages[-1].role != "assistant":
        return None
    opening = marked(asked.pairs())[len(marked(asked.pairs(generation_prompt=False))) :]
    whole, came = marked(pairs).removesuffix(opening), marked(seen)
    closed = whole[len(came) :].strip(_LOOSE)
    if whole.startswith(came) and closed in asked.form.stops:
        return seen
    return seen if _is_prefilled(asked, came) else None


def _is_prefilled(asked: Asked, came: str) -> bool:
    """Whether the assistant's last message stands behind an opened turn, perhaps after an empty thought."""
    *before, last = asked.conversation.messages
    try:
        opened = marked(replace(asked, conversation=replace(asked.conversation, messages=tuple(before))).pairs())
    except CallwrightError:
        return False
    rest, thought = came[len(opened) :].translate(dict.fromkeys(map(ord, _MARKS))), asked.form.grammar.thought
    if thought is not None and rest.lstrip().startswith(thought.opener):
        inside, closer, behind = rest.lstrip().removeprefix(thought.opener).partition(thought.closer)
        rest = behind if closer and not inside.strip() else rest
    return came.startswith(opened) and rest.strip() == str(last.content or "").strip()


def _injected(asked: Asked, pairs: Pairs, seen: Pairs) -> Pairs | None:
    """A system prompt that nobody wrote, or more of one: what stands where one would."""
    mark = "\x00system\x00"
    came = text_of_pairs(seen)
    if came == text_of_pairs(pairs):
        return None
    for first in (False, True):
        with suppress(CallwrightError):
            before, _, after = text_of_pairs(_told(asked, mark, first=first).pairs()).partition(mark)
            more = came[len(before) : len(came) - len(after)]
            if more and came.startswith(before) and came.endswith(after):
                return _told(asked, more, first=first).pairs()
    return None


def _told(asked: Asked, more: str, *, first: bool) -> Asked:
    """The same with more of a system prompt, behind the one that is there, or `first`."""
    old, *rest = asked.conversation.messages
    if old.role == "system":
        messages = (replace(old, content=f"{more}{old.content}" if first else f"{old.content}{more}"), *rest)
    else:
        messages = (Message("system", more), old, *rest)
    return replace(asked, conversation=replace(asked.conversation, messages=messages))


TOUCHES: Sequence[tuple[str, Touch]] = (
    ("bos-doubled", _bos_doubled),
    ("bos-missing", _bos_missing),
    ("thought-cue-missing", _thought_not_opened),  # first, as the cue may be all of the generation prompt
    ("generation-prompt-missing", _not_opened),
    ("thinking-default", _without_thought),
    ("thinking-default", _thought_opened),
    ("assistant-continued", _continued),
    ("system-injected", _injected),
)
