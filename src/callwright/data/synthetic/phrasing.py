"""Puts clauses into a query, as a person would: the user's messages of the synthetic examples.

Most queries are one plain sentence. Some are polite, some come after a sentence of context that asks for nothing, and
several requests are either joined into one sentence or made one after the other.
"""

from collections.abc import Sequence

from callwright.data.synthetic.draw import Draw
from callwright.data.synthetic.naming import Offer
from callwright.data.synthetic.requests import NOUN, NOUNS, QUESTION, VERB, Clause, Request
from callwright.data.synthetic.values import options

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
_CONTEXTS = "Quick question.|Hi!|Hello,|I'm working on something.|Good morning.|A friend asked me this."
_INTROS = (
    "I have a few things for you.|Could you help me with several things at once?|I need more than one thing today.|"
    "Can you do all of this for me?|There are some things I would like to get done before lunch.|Here is my list."
)


def query(requests: Sequence[tuple[Offer, Request]], draw: Draw) -> str:
    """The user's message that makes all the requests, in order."""
    clauses = [(offer, clause) for offer, request in requests for clause in request.clauses]
    if len(clauses) == 1:
        text = _sentence(*clauses[0], draw)
    elif all(map(_can_be_joined, (clause for _, clause in clauses))) and draw.chance(0.55):
        text = _one_sentence(clauses, draw)
    else:
        sentences = [_sentence(*clause, draw, later=i > 0) for i, clause in enumerate(clauses)]
        text = " ".join(s if s[-1] in ".?" else f"{s}." for s in sentences)
        if draw.chance(0.25):
            text = f"{draw.pick(options(_INTROS))} {text}"
    if draw.chance(0.14):
        contexts = clauses[0][0].domain.contexts if draw.chance(0.7) else _CONTEXTS
        text = f"{draw.pick(options(contexts))} {text}"
    return f'"{text}"' if draw.chance(0.03) and '"' not in text else text


def _can_be_joined(clause: Clause) -> bool:
    return clause.form != QUESTION and ": " not in clause.text and ". " not in clause.text


def _imperative(offer: Offer, clause: Clause, draw: Draw) -> str:
    if clause.form == VERB:
        return clause.text
    return f"{draw.pick(options(offer.domain.asking))} {clause.text}"


def _one_sentence(clauses: Sequence[tuple[Offer, Clause]], draw: Draw) -> str:
    nouns = {clause.form for _, clause in clauses} <= {NOUN, NOUNS}
    if nouns and draw.chance(0.5):
        *most, last = [clause.text for _, clause in clauses]
        joined = f"{', '.join(most)} {draw.pick(('and', 'and', 'and also', 'as well as'))} {last}"
        return _sentence(clauses[0][0], Clause(NOUNS, joined), draw)
    *most, last = [_imperative(offer, clause, draw) for offer, clause in clauses]
    if draw.chance(0.12):
        return _framed(draw.pick(_LISTS), "; ".join(f"{i}) {text}" for i, text in enumerate([*most, last], 1)))
    link = draw.pick((" and ", ", and ", ", and also ", ", then ", " and then "))
    return _framed(draw.pick(_REQUESTS), f"{', '.join(most)}{link}{last}")


def _sentence(offer: Offer, clause: Clause, draw: Draw, *, later: bool = False) -> str:
    """A sentence for one clause; a later one may say that it goes on."""
    if clause.form == QUESTION:
        goes_on = later and clause.text.startswith(("Wh", "How"))
        return f"And {clause.text[0].lower()}{clause.text[1:]}" if goes_on else clause.text
    if later and draw.chance(0.7):
        return _framed(draw.pick(_OPENERS), _imperative(offer, clause, draw))
    if clause.form == VERB:
        return _framed(draw.pick(_REQUESTS), clause.text)
    if draw.chance(0.4) and ". " not in clause.text:
        return _framed(draw.pick(_SINGULAR if clause.form == NOUN else _PLURAL), clause.text)
    return _framed(draw.pick(_LOOK_UPS), _imperative(offer, clause, draw))


def _framed(frame: str, text: str) -> str:
    return frame.replace("{x}", text).replace("{X}", text[:1].upper() + text[1:])
