"""Puts phrases into a query, as a person would: the user's messages of the synthetic examples.

Most queries are one plain sentence. Some are polite, some come after a sentence of context that asks for nothing, and
several requests are either joined into one sentence or made one after the other.
"""

from collections.abc import Sequence

from callwright.data.rng import Rng
from callwright.data.synthetic.naming import OfferedTool
from callwright.data.synthetic.requests import NOUN, NOUNS, SENTENCE, VERB, Phrase, Request

_REQUESTS = (
    "{X}.", "{X}.", "{X}.", "{X}.", "{X}", "Please {x}.", "{X}, please.", "Can you {x}?", "Can you please {x}?",
    "Could you {x}?", "Could you please {x}?", "I need you to {x}.", "I'd like you to {x}.", "Help me {x}.",
    "Hi, could you {x}?", "You need to {x}.", "I want you to {x}.",
)  # fmt: skip
_LOOK_UPS = ("{X}.", "{X}.", "{X}.", "{X}", "Please {x}.", "Can you {x}?", "Could you {x}?", "I'd like you to {x}.")
_WANTS = ("I need {x}.", "I'd like to know {x}.", "Could you tell me {x}?")
_SINGULAR = ("What is {x}?", "What's {x}?", "What is {x}?", "What's {x}?", *_WANTS)
_PLURAL = ("What are {x}?", "What are {x}?", *_WANTS)
_LISTS = ("Please do the following: {x}.", "I need these things: {x}.", "Do this for me: {x}.")
_OPENERS = ("Also, {x}.", "Then {x}.", "After that, {x}.", "And please {x}.", "I also need you to {x}.", "Next, {x}.")
_CONTEXTS = (
    "Quick question.", "Hi!", "Hello,", "I'm working on something.", "Good morning.", "A friend asked me this.",
)  # fmt: skip
_INTROS = (
    "I have a few things for you.",
    "Could you help me with several things at once?",
    "I need more than one thing today.",
    "Can you do all of this for me?",
    "There are some things I would like to get done before lunch.",
    "Here is my list.",
)


def query(requests: Sequence[tuple[OfferedTool, Request]], rng: Rng) -> str:
    """The user's message that makes all the requests, in order."""
    phrases = [(offered, phrase) for offered, request in requests for phrase in request.phrases]
    if len(phrases) == 1:
        text = _sentence(*phrases[0], rng)
    elif all(map(_can_be_joined, (phrase for _, phrase in phrases))) and rng.chance(0.55):
        text = _one_sentence(phrases, rng)
    else:
        sentences = [_sentence(*phrase, rng, later=i > 0) for i, phrase in enumerate(phrases)]
        text = " ".join(s if s[-1] in ".?!" else f"{s}." for s in sentences)
        if rng.chance(0.25):
            text = f"{rng.pick(_INTROS)} {text}"
    if rng.chance(0.14):
        contexts = (phrases[0][0].group.contexts or _CONTEXTS) if rng.chance(0.7) else _CONTEXTS
        text = f"{rng.pick(contexts)} {text}"
    return f'"{text}"' if rng.chance(0.03) and '"' not in text else text


def _can_be_joined(phrase: Phrase) -> bool:
    return phrase.syntax != SENTENCE and ": " not in phrase.text and ". " not in phrase.text


def _imperative(offered: OfferedTool, phrase: Phrase, rng: Rng) -> str:
    if phrase.syntax == VERB:
        return phrase.text
    return f"{rng.pick(offered.group.request_verbs)} {phrase.text}"


def _one_sentence(phrases: Sequence[tuple[OfferedTool, Phrase]], rng: Rng) -> str:
    nouns = {phrase.syntax for _, phrase in phrases} <= {NOUN, NOUNS}
    if nouns and rng.chance(0.5):
        *most, last = [phrase.text for _, phrase in phrases]
        joined = f"{', '.join(most)} {rng.pick(('and', 'and', 'and also', 'as well as'))} {last}"
        return _sentence(phrases[0][0], Phrase(NOUNS, joined), rng)
    *most, last = [_imperative(offered, phrase, rng) for offered, phrase in phrases]
    if rng.chance(0.12):
        return _framed(rng.pick(_LISTS), "; ".join(f"{i}) {text}" for i, text in enumerate([*most, last], 1)))
    link = rng.pick((" and ", ", and ", ", and also ", ", then ", " and then "))
    return _framed(rng.pick(_REQUESTS), f"{', '.join(most)}{link}{last}")


def _sentence(offered: OfferedTool, phrase: Phrase, rng: Rng, *, later: bool = False) -> str:
    """A sentence for one phrase; a later one may begin with a word that continues the first."""
    if phrase.syntax == SENTENCE:
        continues = later and phrase.text.startswith(("Wh", "How"))
        return f"And {phrase.text[0].lower()}{phrase.text[1:]}" if continues else phrase.text
    if later and rng.chance(0.7):
        return _framed(rng.pick(_OPENERS), _imperative(offered, phrase, rng))
    if phrase.syntax == VERB:
        return _framed(rng.pick(_REQUESTS), phrase.text)
    if rng.chance(0.4) and ". " not in phrase.text:
        return _framed(rng.pick(_SINGULAR if phrase.syntax == NOUN else _PLURAL), phrase.text)
    return _framed(rng.pick(_LOOK_UPS), _imperative(offered, phrase, rng))


def _framed(frame: str, text: str) -> str:
    return frame.replace("{x}", text).replace("{X}", text[:1].upper() + text[1:])
