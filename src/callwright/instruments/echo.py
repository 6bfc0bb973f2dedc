"""An x-ray for prompts of any length: a cue for each, `@@xray.812@@`, has the prompt that it stands in said back.

An x-ray proper (`xray`) is built for one length. Here the length stands in the prompt: the cue's embedding holds the
query that looks back so far (a `turn`), a layer of its own carries that to every later token, and in the next layer a
head asks with it. So one file reads prompts of any length. A script can do it beside its lines, with gates that keep
the two apart (`Echo.gates`); an instrument that does nothing else is far smaller (`make_reader`), which counts, because
it says a token for every token of every prompt.

Asked with a cue for another length than the prompt has, it says something else than the prompt, so the length comes
first: the server's own count of the prompt's tokens. A prompt must hold one such cue at most, after all other cues.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from callwright.errors import DataError
from callwright.formats.base import Format
from callwright.instruments.circuit import (
    ANCHOR,
    ANCHOR_VALUE,
    BALANCE,
    CODE,
    FIRST_FREE,
    FREQUENCIES,
    HEAD,
    NEXT,
    POINTER,
    POINTER_VALUE,
    SELF,
    TURN_VALUE,
    Block,
    Gate,
    Head,
    codes,
    turn,
)
from callwright.instruments.instrument import Instrument
from callwright.instruments.vocabulary import PRIVATE, Vocabulary, read_private
from callwright.instruments.xray import ECHO_GAIN, echo_circuit

MOST_SHOWN = 6_400
"""How many private-use characters there are in one piece."""
_REACH = int(np.pi / 3 / FREQUENCIES[-1])
LONGEST = 2 * _REACH
"""The longest prompt, in tokens, in which a lookup surely finds the cue. Prompt and echo need twice as much room."""
_VOTES = 243.0
_GAIN = 0.25
"""So low that a layer brings all but the same length whether or not there is anything to say back."""


@dataclass(frozen=True, slots=True)
class Echo:
    """The tokens of an echo.

    Attributes:
      vocabulary: Whose.
      pointers: The cues, for prompts of 1, 2, 3, ... tokens.
      shows: (token, private-use token that shows it); all pointers are shown as the first of them.
    """

    vocabulary: Vocabulary
    pointers: range
    shows: tuple[tuple[int, int], ...]

    def read(self, said: str, prompt_tokens: int) -> list[int]:
        """The ids that reached the model, of what it said to `@@xray.<prompt_tokens>@@`.

        Raises:
          DataError: Something else than an x-ray's characters came back.
        """
        ids = read_private(said, len(self.shows))
        return [self.pointers[prompt_tokens - 1] if id_ == self.pointers.start else id_ for id_ in ids]

    def lookup(self, turned: Block) -> Head:
        """The head that finds the pointer and keeps its turn in the block."""
        return Head(sees="pointers", back=_REACH, tilt=np.inf, copies=((turned, turned),))

    def head(self, turned: Block, found: Block) -> Head:
        """The head that finds the token to say and puts its code into a block, for gates."""
        return Head(back=0, turned_by=turned, copies=((SELF, found),), gain=_GAIN)

    def gates(self, found: Block) -> list[Gate]:
        """One gate a token; one for each private-use token too, which ends the turn, for the prompt is over there."""
        end = self.vocabulary.eos_id
        says = [*self.shows, *((shown, end) for _, shown in self.shows)]
        return [Gate(((found, token, 1.0),), said, _VOTES, _GAIN) for token, said in says]

    def point(self, embedding: np.ndarray, turned: Block) -> None:
        """Writes what makes the pointers' rows point."""
        embedding[self.pointers, POINTER] = POINTER_VALUE
        embedding[self.pointers, turned] = [turn(number) for number in range(len(self.pointers))]

    def fill(self, embedding: np.ndarray, code: np.ndarray, turned: Block) -> None:
        """Writes the pointers' rows of a script, and makes their code one: anchors without a successor."""
        code[self.pointers] = code[self.pointers[0]]
        embedding[self.pointers, SELF] = code[self.pointers]
        embedding[self.pointers, ANCHOR] = ANCHOR_VALUE
        embedding[self.pointers, BALANCE] = np.sqrt(CODE - POINTER_VALUE**2 - CODE * TURN_VALUE**2)
        self.point(embedding, turned)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader(Instrument):
    """An x-ray for prompts of any length.

    Attributes:
      echo: Its tokens.
    """

    echo: Echo


def make_reader(form: Format, longest: int, words: Sequence[str] = ()) -> Reader:
    """An x-ray for prompts of up to `longest` tokens.

    Args:
      form: The format whose control tokens the prompts may hold.
      longest: The longest prompt.
      words: Texts that are to be one token wherever they stand, so that prompts are shorter; see `Vocabulary`.

    Raises:
      DataError: There is no room for so many.
    """
    vocabulary = Vocabulary(form, words)
    echo = add_echo(vocabulary, longest)
    code = codes(vocabulary.vocab_size)
    code[echo.pointers] = code[echo.pointers[0]]
    proposed = np.repeat(code[vocabulary.eos_id][None], len(code), axis=0)
    for token, shown in echo.shows:
        proposed[token] = code[shown]
    proposed[echo.pointers] = code[echo.shows[-1][1]]
    turned = slice(FIRST_FREE, FIRST_FREE + HEAD)
    head = Head(back=0, turned_by=turned, copies=((NEXT, SELF),), gain=ECHO_GAIN)
    circuit = echo_circuit(code, proposed, head, lookup=echo.lookup(turned))
    circuit.embedding[:, BALANCE] = np.sqrt(POINTER_VALUE**2 + CODE * TURN_VALUE**2)
    circuit.embedding[echo.pointers, BALANCE] = 0
    echo.point(circuit.embedding, turned)
    return Reader(kind="x-ray", form=form, vocabulary=vocabulary, circuit=circuit, echo=echo)


def add_echo(vocabulary: Vocabulary, longest: int) -> Echo:
    """The cues `xray.1` to `xray.<longest>` and the private-use tokens, as the next of the vocabulary.

    Args:
      vocabulary: It has all other cues already, and no pieces yet.
      longest: The length of the longest prompt that can be read.

    Raises:
      DataError: There is no room for so many.
    """
    if not 0 < longest <= LONGEST:
        raise DataError(f"prompts of 1 to {LONGEST} tokens to be read", str(longest), "choose one of these")
    known = vocabulary.vocab_size
    if known >= MOST_SHOWN:
        raise DataError(f"at most {MOST_SHOWN} tokens to be shown", str(known + 1), "leave out words or lines")
    pointers = range(known, known + longest)
    for number in range(1, longest + 1):
        vocabulary.add_cue(cue(number))
    shows = tuple((token, vocabulary.add_text(chr(PRIVATE + token))) for token in range(known + 1))
    return Echo(vocabulary, pointers, shows)


def cue(prompt_tokens: int) -> str:
    """The name of the cue for prompts of so many tokens."""
    return f"xray.{prompt_tokens}"
