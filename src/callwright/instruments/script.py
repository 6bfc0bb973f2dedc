"""The script: says planned outputs token for token, each chosen by the last cue in the prompt.

A cue, `@@name@@`, is a token of its own wherever it stands: in a user's message, or in a tool's result, so that each
step of an agent loop can choose the next. What is to be said is cut into the format's special tokens, pieces that occur
once in the whole script wherever there is text enough, and single bytes for what is shorter than a piece.

Cues and the pieces that occur once are *anchors*. The next token is a function of the last anchor and of the tokens
since: the anchor proposes its successor, and where other tokens stand between (a special token, a byte, a piece that
several outputs share), an AND gate that recognises the anchor and up to TAIL tokens since outvotes the proposal, the
gate with more tokens a shorter one. So nothing counts positions, and the prompt can be anything.

That is exact if no two places of a script look alike to it, which `write_script` checks, and refuses the script naming
the place. A prompt that ends with what an output begins with looks as if that had been said. Where a special token is
among it, it has been: templates open a thought, or put an empty one, and the output goes on from there. Where there is
none (a line break), the script is refused. Before any cue it says the end of its turn.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import DataError, FormatError
from callwright.formats.base import Format
from callwright.instruments.circuit import (
    ANCHOR,
    ANCHOR_VALUE,
    BALANCE,
    CODE,
    CONSTANT,
    CONSTANT_VALUE,
    FIRST_FREE,
    HEAD,
    NEXT,
    SELF,
    Circuit,
    Gate,
    Head,
    Units,
    codes,
    rounded,
)
from callwright.instruments.echo import Echo, add_echo
from callwright.instruments.echo import cue as echo_cue
from callwright.instruments.instrument import Instrument
from callwright.instruments.vocabulary import MIN_PIECE, Kind, Vocabulary, cue_text
from callwright.tokens import Segment, encode_segments

TAIL = 5
"""How many tokens since the last anchor are looked at, the current one included."""
RECENCY_TILT = 0.3
"""See `Head.tilt`: one token apart close by, a few per cent of the distance far away."""
LOGIT = 200.0
OTHERWISE, PROPOSAL, GATE, STEP = 3.0, 9.0, 27.0, 3.0
"""What the votes count, in multiples of the token's own code: the end of the turn, an anchor's successor, and gates by
the number of their tokens, each STEP times the one before."""
GAIN = 20 * np.sqrt(CODE)
_END = 16
_PIECE_LENGTHS = (3, 8)
_LONGEST_PIECE = 24
_ANCHOR_CODE = slice(FIRST_FREE, FIRST_FREE + CODE)
_BACK = [slice(FIRST_FREE + n * CODE, FIRST_FREE + (n + 1) * CODE) for n in range(1, TAIL)]
_WIDTH = rounded(FIRST_FREE + TAIL * CODE)
_FOUND, _TURNED = slice(_WIDTH, _WIDTH + CODE), slice(_WIDTH + CODE, _WIDTH + CODE + HEAD)
"""Where an echo keeps the code of the token to say, and the turn."""


@dataclass(frozen=True, slots=True)
class Line:
    """One output.

    Attributes:
      cue: The name of the cue that chooses it; in a prompt it is spelled `@@name@@`.
      says: What is said: text in which every special token of the format counts as one, or segments, where only
        control segments do. The end of the turn is added unless it ends with one.
    """

    cue: str
    says: str | tuple[Segment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Script(Instrument):
    """A script, ready to be written to files.

    Attributes:
      plans: What is said after each cue, as token ids, the end of the turn included.
      anchors: Cues, and pieces that occur once.
      echo: What makes it an x-ray as well; None for a script alone.
    """

    plans: Mapping[str, tuple[int, ...]]
    anchors: frozenset[int]
    echo: Echo | None = None

    def answer(self, name: str, prompt: Sequence[int]) -> tuple[int, ...]:
        """What it says to a prompt whose last cue is `name`, without the stop that ends the turn, or any after it.

        Args:
          name: The cue.
          prompt: The prompt's ids; what a special token at its end has begun is gone on with.
        """
        plan = self.plans[name]
        said = plan[_given(self.vocabulary, plan, prompt[-_END:]) :]
        stop = next((place for place, token in enumerate(said) if token in self.vocabulary.stop_ids), len(said))
        return said[:stop]


def loop(name: str, says: Iterable[str | tuple[Segment, ...]]) -> list[Line]:
    """The lines of an agent loop: the first is chosen by `@@name.1@@`, the second by `@@name.2@@`, and so on."""
    return [Line(f"{name}.{number}", words) for number, words in enumerate(says, 1)]


def write_script(form: Format, lines: Sequence[Line], *, xray: int = 0) -> Script:
    """The script of these lines for a format.

    Args:
      form: The format whose special tokens may be said.
      lines: What is said.
      xray: The longest prompt, in tokens, that is said back where the last cue is its length, as in `@@xray.812@@`; 0
        for a script alone. See `echo`.

    Raises:
      DataError: A cue comes twice, a line cannot be said, or two places of the script look alike.
    """
    vocabulary, reserved = Vocabulary(form), {echo_cue(number) for number in range(1, xray + 1)}
    for name, times in Counter(line.cue for line in lines).items():
        if times > 1:
            raise DataError(f"the cue {name!r} once", f"it {times} times", "give every line a cue of its own")
    for line in lines:
        if line.cue in reserved:
            raise DataError("another cue than those of the x-ray", repr(line.cue), "rename it")
    cues = {line.cue: vocabulary.add_cue(line.cue) for line in lines}
    echo = add_echo(vocabulary, xray) if xray else None
    cutter, ends = _Cutter(vocabulary, [*cues, *sorted(reserved)]), prompt_ends(form, vocabulary)
    cut: dict[tuple[tuple[str, bool], ...], tuple[int, ...]] = {}  # lines that say the same do it with the same tokens
    plans: dict[str, tuple[int, ...]] = {}
    for line in lines:
        parts = cutter.parts(line)
        if parts not in cut:
            cut[parts] = cutter.cut(parts, ends)
        plans[line.cue] = cut[parts]
    used = Counter(token for plan in cut.values() for token in plan)
    anchors = frozenset(cues.values()) | {
        token for token, times in used.items() if times == 1 and vocabulary.kinds[token] == Kind.NORMAL
    } - {vocabulary.space_id}
    transitions = _Transitions(vocabulary, anchors)
    for cue, plan in plans.items():
        transitions.learn(cue, cues[cue], plan)
    for cue, plan in plans.items():
        transitions.check_start(cue, cues[cue], plan, ends)
    return Script(
        kind="script",
        form=form,
        vocabulary=vocabulary,
        circuit=_circuit(vocabulary, transitions, echo),
        plans=plans,
        anchors=anchors,
        echo=echo,
    )


class _Cutter:
    """Cuts what is said into tokens, giving each text pieces that no other text has while there are any."""

    def __init__(self, vocabulary: Vocabulary, cues: Iterable[str]) -> None:
        self._vocabulary = vocabulary
        self._cues = [cue_text(cue) for cue in cues]
        self._used: set[str] = set()
        self._draw = np.random.default_rng(5)

    def parts(self, line: Line) -> tuple[tuple[str, bool], ...]:
        """What a line says, cut around its special tokens."""
        segments = (Segment(line.says, control=True),) if isinstance(line.says, str) else line.says
        parts: list[tuple[str, bool]] = []
        for segment in segments:
            for text, marker in self._vocabulary.cut(segment.text) if segment.control else [(segment.text, False)]:
                if segment.control and not marker and not isinstance(line.says, str):
                    raise DataError(
                        f"special tokens of the format as control text of line {line.cue!r}",
                        repr(text),
                        "say it as plain text",
                    )
                if parts and not marker and not parts[-1][1]:
                    parts[-1] = (parts[-1][0] + text, False)
                elif text:
                    parts.append((text, marker))
        for text, marker in parts:
            self._check(line.cue, text, marker)
        return tuple(parts)

    def _check(self, cue: str, text: str, marker: bool) -> None:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            came = f"half a surrogate pair at character {error.start} of {text[:40]!r}"
            raise DataError(
                f"text that UTF-8 can hold in line {cue!r}", came, "remove it: no token can say it"
            ) from error
        if not marker and "@@" in text:
            for other in self._cues:
                if other in text:
                    raise DataError(
                        f"no cue in what line {cue!r} says",
                        other,
                        "rename the cue: said and sent back as history, it would choose a line",
                    )

    def cut(self, parts: Sequence[tuple[str, bool]], ends: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
        """Token ids, the end of the turn included; what a prompt may have said already is spelled as in a prompt."""
        spelled = [
            id_
            for text, marker in parts
            for id_ in ([self._vocabulary.token_id(text)] if marker else self._vocabulary.spell(text))
        ]
        given = max((_given(self._vocabulary, spelled, end) for end in ends), default=0)
        ids: list[int] = []
        for text, marker in parts:
            if marker:
                ids.append(self._vocabulary.token_id(text))
                continue
            done = 0
            while len(ids) < given and done < len(text):
                ids += self._vocabulary.spell(text[done])
                done += 1
            ids += self._text(text[done:])
        if not ids or ids[-1] not in self._vocabulary.stop_ids:
            ids.append(self._vocabulary.eos_id)
        return tuple(ids)

    def _text(self, text: str) -> list[int]:
        ids: list[int] = []
        start = 0
        while start < len(text):
            piece = self._piece(text[start : start + _LONGEST_PIECE + MIN_PIECE])
            if self._vocabulary.can_be_piece(piece):
                self._used.add(piece)
                ids.append(self._vocabulary.add_text(piece))
            else:
                ids += self._vocabulary.spell(piece)
            start += len(piece)
        return ids

    def _piece(self, rest: str) -> str:
        """The beginning of the rest that becomes a piece, or is spelled in bytes."""
        if len(rest) < 2 * MIN_PIECE:
            lengths = [len(rest)]  # never leave behind what is too short for a piece
        else:
            drawn = int(self._draw.integers(*_PIECE_LENGTHS))
            lengths = [*range(drawn, _LONGEST_PIECE + 1), *range(drawn - 1, MIN_PIECE - 1, -1)]
            lengths = [n for n in lengths if n == len(rest) or n <= len(rest) - MIN_PIECE]
        fit = [rest[:n] for n in lengths if self._vocabulary.can_be_piece(rest[:n])]
        return next((piece for piece in fit if piece not in self._used), fit[0] if fit else rest[:1])


class _Transitions:
    """What follows what: successors of anchors, and gates for all other contexts."""

    def __init__(self, vocabulary: Vocabulary, anchors: frozenset[int]) -> None:
        self._vocabulary = vocabulary
        self._anchors = anchors
        self.successors: dict[int, int] = {}
        self.gates: dict[tuple[int, ...], int] = {}  # (anchor, current token, the one before, ...) -> next

    def learn(self, cue: str, anchor: int, plan: Sequence[int]) -> None:
        """Adds a line; DataError where a context has another successor already."""
        since: list[int] = []
        for place, token in enumerate(plan):
            if since:
                key = (anchor, *since[: -TAIL - 1 : -1])
                known = self.gates.setdefault(key, token)
            else:
                known = self.successors.setdefault(anchor, token)
            if known != token:
                self._refuse(cue, plan[:place], since, known, token)
            if token in self._anchors:
                anchor, since = token, []
            else:
                since.append(token)

    def check_start(self, cue: str, anchor: int, plan: Sequence[int], ends: Iterable[tuple[int, ...]]) -> None:
        """Checks that no end of a prompt makes a gate of the line's first tokens open too early."""
        mine = {key[1:]: token for key, token in self.gates.items() if key[0] == anchor}
        for end in ends:
            before = end
            for token in plan[_given(self._vocabulary, plan, end) :]:
                matching = [key for key in mine if before[: -len(key) - 1 : -1] == key]
                found = mine[max(matching, key=len)] if matching else self.successors[anchor]
                if found != token:
                    self._refuse(cue, before, before, found, token)
                if token in self._anchors:
                    break
                before = (*before, token)

    def _refuse(self, cue: str, before: Sequence[int], since: Sequence[int], known: int, token: int) -> None:
        text, one, other = (self._vocabulary.decode(ids) for ids in (before, [known], [token]))
        looks = self._vocabulary.decode(since[-TAIL:])
        raise DataError(
            f"one way to go on from every context of the script, in line {cue!r} too",
            f"{one!r} and {other!r} after {text[-60:]!r}, where the last {TAIL} tokens, {looks!r}, have stood before",
            "say it with a few more or other characters between the special tokens",
        )


def _given(vocabulary: Vocabulary, plan: Sequence[int], end: Sequence[int]) -> int:
    """How many tokens of the plan, a special token among them, the prompt's end has said already."""
    for count in range(min(len(plan), len(end)), 0, -1):
        if tuple(plan[:count]) == tuple(end[-count:]) and any(map(vocabulary.is_control, plan[:count])):
            return count
    return 0


def prompt_ends(form: Format, vocabulary: Vocabulary) -> list[tuple[int, ...]]:
    """The ends of the format's prompts: after a user's message, after a result, thinking or not."""
    tool = Tool("look", "Looks.", {"type": "object", "properties": {}})
    call = ToolCall("look", {}, id="call00001")
    user, result = Message("user", "Go."), Message("tool", "Seen.", name="look", tool_call_id="call00001")
    rounds = ((user,), (user, Message("assistant", None, tool_calls=(call,)), result))
    ends = set()
    for messages in rounds:
        for thinking in (None, False, True):
            try:
                prompt = form.render(Conversation(messages, (tool,)), add_generation_prompt=True, thinking=thinking)
            except FormatError:
                continue
            ends.add(tuple(encode_segments(vocabulary, prompt)[0][-_END:]))
    return sorted(ends)


def _circuit(vocabulary: Vocabulary, transitions: _Transitions, echo: Echo | None) -> Circuit:
    code = codes(vocabulary.vocab_size)
    width = rounded(_TURNED.stop) if echo else _WIDTH
    embedding = np.zeros((vocabulary.vocab_size, width), np.float16)
    embedding[:, SELF] = code
    embedding[:, CONSTANT] = CONSTANT_VALUE
    embedding[:, BALANCE] = np.sqrt(CODE + ANCHOR_VALUE**2)
    for anchor, token in transitions.successors.items():
        embedding[anchor, NEXT] = code[token]
        embedding[anchor, [ANCHOR, BALANCE]] = ANCHOR_VALUE, 0
    heads = [
        Head(sees="anchors", back=0, tilt=RECENCY_TILT, copies=((SELF, _ANCHOR_CODE), (NEXT, NEXT))),
        *(Head(back=back, copies=((SELF, block),)) for back, block in enumerate(_BACK, 1)),
    ]
    gates = _gates(transitions)
    if echo:
        echo.fill(embedding, code, _TURNED)
        heads.append(echo.head(_TURNED, _FOUND))
        gates += echo.gates(_FOUND)
    otherwise = np.zeros(width, np.float32)
    otherwise[SELF] = OTHERWISE * code[vocabulary.eos_id]
    return Circuit(
        embedding=embedding,
        lookup=echo.lookup(_TURNED) if echo else None,
        heads=tuple(heads),
        units=Units(width=width, code=code, constants=[otherwise], copies=[(NEXT, SELF, PROPOSAL)], gates=gates),
        speaks=SELF,
        amplitude=LOGIT / np.sqrt(CODE),
        gain=GAIN,
    )


def _gates(transitions: _Transitions) -> list[Gate]:
    gates = []
    for (anchor, *tail), token in transitions.gates.items():
        since = [(block, one, 1.0) for block, one in zip((SELF, *_BACK), tail, strict=False)]
        # The anchor counts twice, so that no number of half matches makes up for it.
        gates.append(Gate(((_ANCHOR_CODE, anchor, 2.0), *since), token, GATE * STEP ** (len(tail) - 1)))
    return gates
