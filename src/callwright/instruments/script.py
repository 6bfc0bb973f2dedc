"""The script: generates planned outputs token for token, each chosen by the last cue in the prompt.

A cue, `@@name@@`, is a token of its own wherever it stands: in a user's message, or in a tool's result, so that each
step of an agent loop can choose the next. An output is cut into the format's special tokens, pieces that occur once in
the whole script wherever there is enough text, and single bytes for what is shorter than a piece.

Cues and the pieces that occur once are *unique tokens*. The next token is a function of the last unique token and of
the tokens since: the unique token proposes its successor, and where other tokens stand between (a special token, a
byte, a piece that several outputs share), an AND gate that recognizes the unique token and up to TAIL tokens since
outweighs the proposal, and a gate with more tokens one with fewer. So nothing counts positions, and the prompt can be
anything.

That is exact if no two places of a script look alike; `write_script` refuses a script where two do, and names the
place. A prompt that ends as an output begins looks as if that part had been generated. Where it holds a special token,
it has been: templates open a thought, or put an empty one, and the output continues from there. Where it holds none (a
line break), the script is refused. Without a cue in the prompt the end of the turn is generated.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import DataError, FormatError
from callwright.formats.base import Format
from callwright.instruments.circuit import (
    BALANCE,
    CODE,
    CONSTANT,
    CONSTANT_VALUE,
    FIRST_FREE,
    HEAD,
    NEXT,
    SELF,
    UNIQUE,
    UNIQUE_VALUE,
    Circuit,
    Gate,
    Head,
    Units,
    codes,
    rounded,
)
from callwright.instruments.instrument import Instrument
from callwright.instruments.output_tokenizer import OutputTokenizer
from callwright.instruments.prompt_reader import DisplayTokens, add_display_tokens, xray_cue
from callwright.instruments.vocabulary import PieceType, Vocabulary
from callwright.tokens import Segment, count_given, encode_segments

TAIL = 5
"""How many tokens since the last unique one are looked at, the current one included."""
RECENCY_TILT = 0.3
"""See `Head.tilt`: one token apart close by, a few per cent of the distance far away."""
LOGIT = 200.0
OTHERWISE, PROPOSAL, GATE, STEP = 3.0, 9.0, 27.0, 3.0
"""The strengths of outputs, in multiples of the token's own code: the end of the turn, a unique token's successor, and
gates by the number of their tokens, each STEP times the one before."""
GAIN = 20 * np.sqrt(CODE)
_END = 16
_UNIQUE_CODE = slice(FIRST_FREE, FIRST_FREE + CODE)
_BACK = [slice(FIRST_FREE + n * CODE, FIRST_FREE + (n + 1) * CODE) for n in range(1, TAIL)]
_WIDTH = rounded(FIRST_FREE + TAIL * CODE)
_FOUND, _TURNED = slice(_WIDTH, _WIDTH + CODE), slice(_WIDTH + CODE, _WIDTH + CODE + HEAD)
"""Where the heads of a script that displays prompts keep the code of the token to display, and the turn."""


@dataclass(frozen=True, slots=True)
class Line:
    """One output of a script.

    Attributes:
      cue: The name of the cue that chooses it; in a prompt it is written `@@name@@`.
      says: The output: text in which every special token of the format counts as one, or segments, where only those
        in control segments do. The end of the turn is added unless it ends with one.
    """

    cue: str
    says: str | tuple[Segment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Script(Instrument):
    """A script, ready to be written to files.

    Attributes:
      outputs: The output for each cue, as token ids, the end of the turn included.
      display: The tokens with which it displays prompts, as an x-ray does; None where it does not.
    """

    outputs: Mapping[str, tuple[int, ...]]
    display: DisplayTokens | None = None

    def answer(self, name: str, prompt: Sequence[int]) -> tuple[int, ...]:
        """What it generates for a prompt whose last cue is `name`, up to the first stop, which is left out.

        Args:
          name: The cue.
          prompt: The prompt's token ids; what its end has begun, a special token included, is not generated again.
        """
        output = self.outputs[name]
        output = output[count_given(self.vocabulary, output, prompt[-_END:]) :]
        stop = next((place for place, token in enumerate(output) if token in self.vocabulary.stop_ids), len(output))
        return output[:stop]


def write_script(fmt: Format, lines: Sequence[Line], *, xray: int = 0) -> Script:
    """The script of these lines for a format.

    Args:
      fmt: The format whose special tokens may occur in outputs.
      lines: The outputs.
      xray: The longest prompt, in tokens, that is repeated where the last cue is its length, as in `@@xray.812@@`; 0
        for a script alone. See `prompt_reader`.

    Raises:
      DataError: A cue occurs twice, a line cannot be generated, or two places of the script look alike.
    """
    vocabulary, reserved = Vocabulary(fmt), {xray_cue(number) for number in range(1, xray + 1)}
    for name, times in Counter(line.cue for line in lines).items():
        if times > 1:
            raise DataError(f"the cue {name!r} once", f"it {times} times", "give every line a cue of its own")
    for line in lines:
        if line.cue in reserved:
            raise DataError("another cue than those of the x-ray", repr(line.cue), "rename it")
    cues = {line.cue: vocabulary.add_cue(line.cue) for line in lines}
    display = add_display_tokens(vocabulary, xray) if xray else None
    tokenizer, ends = OutputTokenizer(vocabulary, [*cues, *sorted(reserved)]), prompt_ends(fmt, vocabulary)
    cut: dict[tuple[tuple[str, bool], ...], tuple[int, ...]] = {}  # the same output has the same tokens
    outputs: dict[str, tuple[int, ...]] = {}
    for line in lines:
        parts = tokenizer.parts(line.cue, line.says)
        if parts not in cut:
            cut[parts] = tokenizer.encode(parts, ends)
        outputs[line.cue] = cut[parts]
    used = Counter(token for output in cut.values() for token in output)
    unique = frozenset(cues.values()) | {
        token for token, times in used.items() if times == 1 and vocabulary.kinds[token] == PieceType.NORMAL
    } - {vocabulary.space_id}
    transitions = _Transitions(vocabulary, unique)
    for cue, output in outputs.items():
        transitions.learn(cue, cues[cue], output)
    for cue, output in outputs.items():
        transitions.check_start(cue, cues[cue], output, ends)
    return Script(
        kind="script",
        fmt=fmt,
        vocabulary=vocabulary,
        circuit=_circuit(vocabulary, transitions, display),
        outputs=outputs,
        display=display,
    )


class _Transitions:
    """What follows what: successors of unique tokens, and gates for all other contexts."""

    def __init__(self, vocabulary: Vocabulary, unique: frozenset[int]) -> None:
        self._vocabulary = vocabulary
        self._unique = unique
        self.successors: dict[int, int] = {}
        self.gates: dict[tuple[int, ...], int] = {}  # (unique token, current token, the one before, ...) -> next

    def learn(self, cue: str, unique: int, output: Sequence[int]) -> None:
        """Adds a line; DataError where a context has another successor already."""
        since: list[int] = []
        for place, token in enumerate(output):
            if since:
                key = (unique, *since[: -TAIL - 1 : -1])
                known = self.gates.setdefault(key, token)
            else:
                known = self.successors.setdefault(unique, token)
            if known != token:
                self._refuse(cue, output[:place], since, known, token)
            if token in self._unique:
                unique, since = token, []
            else:
                since.append(token)

    def check_start(self, cue: str, unique: int, output: Sequence[int], ends: Iterable[tuple[int, ...]]) -> None:
        """Checks that no end of a prompt makes a gate of the line's first tokens open too early."""
        mine = {key[1:]: token for key, token in self.gates.items() if key[0] == unique}
        for end in ends:
            before = end
            for token in output[count_given(self._vocabulary, output, end) :]:
                matching = [key for key in mine if before[: -len(key) - 1 : -1] == key]
                found = mine[max(matching, key=len)] if matching else self.successors[unique]
                if found != token:
                    self._refuse(cue, before, before, found, token)
                if token in self._unique:
                    break
                before = (*before, token)

    def _refuse(self, cue: str, before: Sequence[int], since: Sequence[int], known: int, token: int) -> None:
        text, one, other = (self._vocabulary.decode(ids) for ids in (before, [known], [token]))
        looks = self._vocabulary.decode(since[-TAIL:])
        raise DataError(
            f"one way to go on from every context of the script, in line {cue!r} too",
            f"{one!r} and {other!r} after {text[-60:]!r}, where the last {TAIL} tokens, {looks!r}, have stood before",
            "change a few characters between the special tokens, or add some",
        )


def prompt_ends(fmt: Format, vocabulary: Vocabulary) -> list[tuple[int, ...]]:
    """The ends of the format's prompts: after a user's message, after a result, thinking or not."""
    tool = Tool("look", "Looks.", {"type": "object", "properties": {}})
    call = ToolCall("look", {}, id="call00001")
    user, result = Message("user", "Go."), Message("tool", "Seen.", name="look", tool_call_id="call00001")
    rounds = ((user,), (user, Message("assistant", None, tool_calls=(call,)), result))
    ends = set()
    for messages in rounds:
        for thinking in (None, False, True):
            try:
                prompt = fmt.render(Conversation(messages, (tool,)), add_generation_prompt=True, thinking=thinking)
            except FormatError:
                continue
            ends.add(tuple(encode_segments(vocabulary, prompt.segments)[0][-_END:]))
    return sorted(ends)


def _circuit(vocabulary: Vocabulary, transitions: _Transitions, display: DisplayTokens | None) -> Circuit:
    code = codes(vocabulary.vocab_size)
    width = rounded(_TURNED.stop) if display else _WIDTH
    embedding = np.zeros((vocabulary.vocab_size, width), np.float16)
    embedding[:, SELF] = code
    embedding[:, CONSTANT] = CONSTANT_VALUE
    embedding[:, BALANCE] = np.sqrt(CODE + UNIQUE_VALUE**2)
    for unique, token in transitions.successors.items():
        embedding[unique, NEXT] = code[token]
        embedding[unique, [UNIQUE, BALANCE]] = UNIQUE_VALUE, 0
    heads = [
        Head(attends_to="unique", back=0, tilt=RECENCY_TILT, copies=((SELF, _UNIQUE_CODE), (NEXT, NEXT))),
        *(Head(back=back, copies=((SELF, block),)) for back, block in enumerate(_BACK, 1)),
    ]
    gates = _gates(transitions)
    if display:
        display.write_script_rows(embedding, code, _TURNED)
        heads.append(display.copying_head(_TURNED, _FOUND))
        gates += display.gates(_FOUND)
    otherwise = np.zeros(width, np.float32)
    otherwise[SELF] = OTHERWISE * code[vocabulary.eos_id]
    return Circuit(
        embedding=embedding,
        lookup=display.lookup_head(_TURNED) if display else None,
        heads=tuple(heads),
        units=Units(width=width, code=code, constants=[otherwise], copies=[(NEXT, SELF, PROPOSAL)], gates=gates),
        output_block=SELF,
        amplitude=LOGIT / np.sqrt(CODE),
        gain=GAIN,
    )


def _gates(transitions: _Transitions) -> list[Gate]:
    gates = []
    for (unique, *tail), token in transitions.gates.items():
        since = [(block, one, 1.0) for block, one in zip((SELF, *_BACK), tail, strict=False)]
        # The unique token counts twice, so that no number of half matches makes up for it.
        gates.append(Gate(((_UNIQUE_CODE, unique, 2.0), *since), token, GATE * STEP ** (len(tail) - 1)))
    return gates
