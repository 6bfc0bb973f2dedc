"""The x-ray: repeats its own prompt, which shows the tokens that reached the model.

Each token of the prompt is displayed as one private-use character, which no parser, stop string, escaping or grammar
changes. Special tokens are displayed as other characters than text that only looks like them, and a special token in a
wrong place (BOS twice, say) like any other token.

One head looks back a fixed distance, the prompt's length less one, so that the first answer token repeats the first
prompt token, the second the second, and so on. An x-ray is therefore built for one prompt length, which the server
itself reports (ask once with a limit of one token), and is built again in a second for another. When it would have to
repeat its own output, at the prompt's end, it ends its turn; so the output is the whole prompt, exactly. Where the
context is too short for a prompt and its repetition, the prompt is read in windows, which begin with a later token.

A private-use character that stands in the prompt itself cannot be told from an answer and ends the turn early, which
shows: fewer characters come back than the prompt has tokens.
"""

from dataclasses import dataclass

import numpy as np

from callwright.errors import DataError
from callwright.formats.base import Format
from callwright.instruments.circuit import (
    CODE,
    CONSTANT,
    CONSTANT_VALUE,
    FIRST_FREE,
    HEAD,
    NEXT,
    SELF,
    Circuit,
    Head,
    Units,
    codes,
    rounded,
)
from callwright.instruments.instrument import Instrument
from callwright.instruments.vocabulary import PRIVATE, Vocabulary, read_private

LONGEST = 32_768
COPY_GAIN = 8.0
_LOGIT = 200.0


@dataclass(frozen=True, kw_only=True)
class PromptWindow:
    """What part of a prompt an x-ray repeats.

    Attributes:
      prompt_tokens: The length of the prompts that it is built for, BOS included.
      start: The first token that it repeats, counted from 0.
    """

    prompt_tokens: int
    start: int

    @property
    def answer_tokens(self) -> int:
        """How many tokens it generates, the end of the turn left out."""
        return self.prompt_tokens - self.start

    @property
    def least_context(self) -> int:
        """The tokens of a prompt and its repetition."""
        return self.prompt_tokens + self.answer_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class XRay(PromptWindow, Instrument):
    """An x-ray, ready to be written to files."""


def read_xray(vocabulary: Vocabulary, output: str) -> list[int]:
    """The ids that reached the model; `tokens.decode_segments` tells text and control tokens apart.

    Raises:
      DataError: The output holds other characters than those of an x-ray with this vocabulary.
    """
    return read_private(output, displayable_tokens(vocabulary))


def displayable_tokens(vocabulary: Vocabulary) -> int:
    """How many tokens, from 0, can be displayed: all that a prompt can hold, an instrument's own pieces left out."""
    return vocabulary.space_id + 1


def make_xray(fmt: Format, prompt_tokens: int, start: int = 0) -> XRay:
    """An x-ray for prompts of exactly `prompt_tokens` tokens.

    Args:
      fmt: The format whose special tokens the prompts may hold.
      prompt_tokens: The prompt's length as the server counts it, BOS included.
      start: The first token to repeat.

    Raises:
      DataError: The numbers do not fit each other, or are beyond what the head can point to.
    """
    head = look_back_head(prompt_tokens, start)
    vocabulary = Vocabulary(fmt)
    count = displayable_tokens(vocabulary)
    displayed = [vocabulary.add_text(chr(PRIVATE + token)) for token in range(count)]
    code = codes(vocabulary.vocab_size)
    proposals = [*displayed, *[vocabulary.eos_id] * len(displayed)]
    circuit = copying_circuit(code, code[proposals], head)
    return XRay(kind="x-ray", fmt=fmt, vocabulary=vocabulary, circuit=circuit, prompt_tokens=prompt_tokens, start=start)


def look_back_head(prompt_tokens: int, start: int) -> Head:
    """The head for prompts of so many tokens, repeated from `start`; see `make_xray`."""
    if not 0 < prompt_tokens <= LONGEST:
        raise DataError(f"a prompt of 1 to {LONGEST} tokens", str(prompt_tokens), "shorten the prompt")
    if not 0 <= start < prompt_tokens:
        raise DataError(f"a first token from 0 to {prompt_tokens - 1}", str(start), "choose one in the prompt")
    return Head(back=prompt_tokens - 1 - start, copies=((NEXT, SELF),), gain=COPY_GAIN)


def copying_circuit(own: np.ndarray, proposed: np.ndarray, head: Head, *, lookup: Head | None = None) -> Circuit:
    """Generates the token that is proposed by the one that a head finds.

    Args:
      own: (V, CODE) the tokens' own codes.
      proposed: (V, CODE) the codes of what they propose.
      head: Copies NEXT to SELF from the token sought.
      lookup: The head of a layer before, which finds the turn; None for no layer.
    """
    width = rounded(FIRST_FREE + (HEAD if lookup else 0))
    embedding = np.zeros((len(own), width), np.float16)
    embedding[:, SELF] = own
    embedding[:, NEXT] = proposed
    embedding[:, CONSTANT] = CONSTANT_VALUE
    return Circuit(
        embedding=embedding,
        heads=(head,),
        lookup=lookup,
        units=Units(width=width, code=own),
        output_block=SELF,
        amplitude=_LOGIT / np.sqrt(CODE),
        gain=1.0,
    )
