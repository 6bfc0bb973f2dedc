"""What an instrument says, without its weights: the definition of script, x-ray and dice over token ids.

The weights approximate these few lines; here they are the lines themselves, so that a server which plays them has no
tensor that could be wrong, and needs no runtime.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from callwright.instruments.dice import NEVER, Dice
from callwright.instruments.instrument import Instrument
from callwright.instruments.prompt_reader import PromptReader
from callwright.instruments.script import Script
from callwright.tokens import count_given

RECENT = 64
"""How many tokens a repetition penalty looks back, as in llama.cpp."""


def generate(instrument: Instrument, ids: Sequence[int], sampling: dict[str, Any]) -> Iterator[int]:
    """The tokens that follow the prompt `ids`, without end for dice, else with the end of the turn.

    Args:
      instrument: A script or dice.
      ids: The prompt.
      sampling: Options of the request, under the wire's names; a script has no choice and minds none.
    """
    if isinstance(instrument, Dice):
        yield from _throw(instrument, ids, sampling)
    elif isinstance(instrument, Script | PromptReader):
        yield from _recite(instrument, ids)
        yield instrument.vocabulary.eos_id
    else:
        raise TypeError(f"no player for {instrument.kind}")


def _recite(instrument: Script | PromptReader, ids: Sequence[int]) -> Sequence[int]:
    """What the last cue chooses."""
    vocabulary, plans = instrument.vocabulary, getattr(instrument, "outputs", {})
    pointers = instrument.display.cues if instrument.display else range(0)
    for id_ in reversed(ids):
        if id_ in pointers:
            return shown(instrument, ids) if id_ - pointers.start + 1 == len(ids) else ()
        piece = vocabulary.pieces[id_]
        if piece.startswith("@@") and (plan := plans.get(piece.strip("@"))) is not None:
            return plan[count_given(vocabulary, plan, ids) :]
    return ()


def shown(instrument: Script | PromptReader, ids: Sequence[int]) -> list[int]:
    """The prompt as private-use tokens, one a token; all cues of an x-ray look alike."""
    display = instrument.display
    assert display is not None, "a script that is no x-ray"
    pieces = dict(display.tokens)
    return [pieces[min(id_, display.cues.start)] for id_ in ids]


def _throw(dice: Dice, ids: Sequence[int], sampling: dict[str, Any]) -> Iterator[int]:
    """Draws in llama.cpp's order: penalty, top-k, top-p, min-p, temperature. What is not asked for is not applied."""

    def option(name: str, default: float) -> float:
        value = sampling.get(name)
        return default if value is None else value

    logits = np.full(dice.vocabulary.vocab_size, NEVER)
    for face, probability in dice.faces.items():
        logits[dice.ids[face]] = np.log(probability)
    draw = np.random.default_rng(sampling.get("seed"))
    temperature, penalty = option("temperature", 1.0), option("repeat_penalty", 1.0)
    top_k, top_p, min_p = int(option("top_k", 0)), option("top_p", 1.0), option("min_p", 0.0)
    output = list(ids)
    while True:
        scores = logits.copy()
        recent = list(set(output[-RECENT:]))
        scores[recent] = np.where(scores[recent] > 0, scores[recent] / penalty, scores[recent] * penalty)
        order = np.argsort(-scores, kind="stable")
        if top_k > 0:
            order = order[:top_k]
        likely = softmax(scores[order])
        order = order[: max(1, int(np.sum(np.cumsum(likely) - likely < top_p)))]
        order = order[scores[order] >= scores[order[0]] + np.log(max(min_p, 1e-30))]
        if temperature <= 0:
            output.append(int(order[0]))
        else:
            output.append(int(draw.choice(order, p=softmax(scores[order] / temperature))))
        yield output[-1]


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities of logits, the highest of which comes first."""
    weights = np.exp(scores - scores[0])
    return np.asarray(weights / weights.sum())
