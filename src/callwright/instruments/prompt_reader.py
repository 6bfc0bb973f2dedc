"""An x-ray for prompts of any length: the cue `@@xray.812@@` has a prompt of 812 tokens repeated.

An x-ray proper (`xray`) is built for one length. Here the length stands in the prompt: the cue's embedding holds the
query that looks back so far (a `turn`), a layer of its own carries that to every later token, and in the next layer a
head asks with it. So one file reads prompts of any length. A script can do it beside its lines, with gates that keep
the two apart (`DisplayTokens.gates`); an instrument that does nothing else is far smaller (`make_prompt_reader`), which
counts, because it generates a token for every token of every prompt.

With a cue for another length than the prompt has, something else than the prompt is generated, so the length comes
first: the server's own count of the prompt's tokens. A prompt must hold one such cue at most, after all other cues.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from callwright.errors import DataError
from callwright.formats.base import Format
from callwright.instruments.circuit import (
    BALANCE,
    CODE,
    FIRST_FREE,
    FREQUENCIES,
    HEAD,
    NEXT,
    SELF,
    TURN_VALUE,
    UNIQUE,
    UNIQUE_VALUE,
    XRAY_CUE,
    XRAY_CUE_VALUE,
    Block,
    Gate,
    Head,
    codes,
    turn,
)
from callwright.instruments.instrument import Instrument
from callwright.instruments.vocabulary import PRIVATE, Vocabulary, read_private
from callwright.instruments.xray import COPY_GAIN, copying_circuit

MOST_DISPLAYED = 6_400
"""How many private-use characters there are in one piece."""
_REACH = int(np.pi / 3 / FREQUENCIES[-1])
LONGEST = 2 * _REACH
"""The longest prompt, in tokens, in which the cue is surely found. Such a prompt needs a context twice as long."""
MOST_PIECES = 600
_PART = re.compile(r"[A-Za-z_]{3,}|[\"',:{}() ]{3,}", re.ASCII)
"""Runs of letters, and of JSON's punctuation: no digits, no line breaks and nothing that markers begin with."""
_STRENGTH = 243.0
_GAIN = 0.25
"""So low that what a layer adds has all but the same length whether or not there is anything to repeat."""


@dataclass(frozen=True, slots=True)
class DisplayTokens:
    """The tokens with which an instrument displays prompts of any length.

    Attributes:
      vocabulary: The instrument's vocabulary.
      cues: The x-ray's cues, for prompts of 1, 2, 3, ... tokens.
      tokens: (token, private-use token that displays it); all cues of the x-ray are displayed as the first of them.
    """

    vocabulary: Vocabulary
    cues: range
    tokens: tuple[tuple[int, int], ...]

    def read(self, output: str, prompt_tokens: int) -> list[int]:
        """The token ids that reached the model, from the output for `@@xray.<prompt_tokens>@@`.

        Raises:
          DataError: The output holds other characters than an x-ray's.
        """
        ids = read_private(output, len(self.tokens))
        return [self.cues[prompt_tokens - 1] if id_ == self.cues.start else id_ for id_ in ids]

    def lookup_head(self, turned: Block) -> Head:
        """The head that finds the x-ray's cue and copies its turn."""
        return Head(attends_to="x-ray cues", back=_REACH, tilt=np.inf, copies=((turned, turned),))

    def copying_head(self, turned: Block, found: Block) -> Head:
        """The head that finds the token to display and copies its code into the block `found`, for gates."""
        return Head(back=0, turned_by=turned, copies=((SELF, found),), gain=_GAIN)

    def gates(self, found: Block) -> list[Gate]:
        """One gate for each token, and one for each private-use token, which ends the turn at the prompt's end."""
        end = self.vocabulary.eos_id
        outputs = [*self.tokens, *((displayed, end) for _, displayed in self.tokens)]
        return [Gate(((found, token, 1.0),), output, _STRENGTH, _GAIN) for token, output in outputs]

    def write_turns(self, embedding: np.ndarray, turned: Block) -> None:
        """Writes the turns into the embedding of the x-ray's cues."""
        embedding[self.cues, XRAY_CUE] = XRAY_CUE_VALUE
        embedding[self.cues, turned] = [turn(number) for number in range(len(self.cues))]

    def write_script_rows(self, embedding: np.ndarray, code: np.ndarray, turned: Block) -> None:
        """Writes the embedding of the x-ray's cues in a script: unique tokens of one code, without a successor."""
        code[self.cues] = code[self.cues[0]]
        embedding[self.cues, SELF] = code[self.cues]
        embedding[self.cues, UNIQUE] = UNIQUE_VALUE
        embedding[self.cues, BALANCE] = np.sqrt(CODE - XRAY_CUE_VALUE**2 - CODE * TURN_VALUE**2)
        self.write_turns(embedding, turned)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptReader(Instrument):
    """An x-ray for prompts of any length.

    Attributes:
      display: The tokens with which it displays prompts.
    """

    display: DisplayTokens


def make_prompt_reader(fmt: Format, longest: int, user_defined: Sequence[str] = ()) -> PromptReader:
    """An x-ray for prompts of up to `longest` tokens.

    Args:
      fmt: The format whose special tokens the prompts may hold.
      longest: The longest prompt.
      user_defined: Texts that are one token each, so that prompts are shorter; see `Vocabulary`.

    Raises:
      DataError: There are not enough private-use characters, or `longest` is out of range.
    """
    vocabulary = Vocabulary(fmt, user_defined)
    display = add_display_tokens(vocabulary, longest)
    code = codes(vocabulary.vocab_size)
    code[display.cues] = code[display.cues[0]]
    proposed = np.repeat(code[vocabulary.eos_id][None], len(code), axis=0)
    for token, displayed in display.tokens:
        proposed[token] = code[displayed]
    proposed[display.cues] = code[display.tokens[-1][1]]
    turned = slice(FIRST_FREE, FIRST_FREE + HEAD)
    head = Head(back=0, turned_by=turned, copies=((NEXT, SELF),), gain=COPY_GAIN)
    circuit = copying_circuit(code, proposed, head, lookup=display.lookup_head(turned))
    circuit.embedding[:, BALANCE] = np.sqrt(XRAY_CUE_VALUE**2 + CODE * TURN_VALUE**2)
    circuit.embedding[display.cues, BALANCE] = 0
    display.write_turns(circuit.embedding, turned)
    return PromptReader(kind="x-ray", fmt=fmt, vocabulary=vocabulary, circuit=circuit, display=display)


def add_display_tokens(vocabulary: Vocabulary, longest: int) -> DisplayTokens:
    """Adds the cues `xray.1` to `xray.<longest>` and the private-use tokens to a vocabulary.

    Args:
      vocabulary: It has all other cues already, and no pieces yet.
      longest: The length of the longest prompt that can be read.

    Raises:
      DataError: There are not enough private-use characters, or `longest` is out of range.
    """
    if not 0 < longest <= LONGEST:
        raise DataError(f"prompts of 1 to {LONGEST} tokens to be read", str(longest), "choose one of these")
    known = vocabulary.vocab_size
    if known >= MOST_DISPLAYED:
        raise DataError(f"at most {MOST_DISPLAYED} tokens to be shown", str(known + 1), "leave out words or lines")
    cues = range(known, known + longest)
    for number in range(1, longest + 1):
        vocabulary.add_cue(xray_cue(number))
    tokens = tuple((token, vocabulary.add_text(chr(PRIVATE + token))) for token in range(known + 1))
    return DisplayTokens(vocabulary, cues, tokens)


def xray_cue(prompt_tokens: int) -> str:
    """The name of the cue for prompts of so many tokens."""
    return f"xray.{prompt_tokens}"


def frequent_pieces(texts: Iterable[str]) -> list[str]:
    """The parts of the texts that save the most tokens where each is one token, at most `MOST_PIECES`."""
    counts = Counter(part for text in texts for part in _PART.findall(text))
    saved = {part: (len(part) - 1) * times for part, times in counts.items() if times > 1}
    return sorted(sorted(saved), key=lambda part: -saved[part])[:MOST_PIECES]
