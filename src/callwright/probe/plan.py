"""What is tested in one format, and the instruments for it.

A script generates the outputs of all cases, and an x-ray reads prompts of any length. One file can be both, for a
server that somebody else has started. It is several times as large as the x-ray alone, and an x-ray generates a token
for every token of a prompt, so two files are made where instruments can be loaded.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from callwright.errors import CallwrightError, DataError
from callwright.formats.base import Format
from callwright.instruments.instrument import Instrument
from callwright.instruments.prompt_reader import DisplayTokens, frequent_pieces, make_prompt_reader
from callwright.instruments.script import Line, Script, write_script
from callwright.probe.cases.schema import Case
from callwright.probe.cases.speak import applies, check, words
from callwright.probe.outcome import NO_WORDS, Outcome

WHO = "callwright.who"
"""The cue to which every script of the probe answers with its own name, which has a digest of all other lines."""
XRAY = 4096
"""The longest prompt that is read, in tokens; the x-ray repeats it, so it takes up twice as much of the context."""


Part = Literal["both", "speaker", "reader", "dice"]
"""The instruments of a format: the script (`speaker`), the x-ray (`reader`), both in one file, and the dice."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A format's part of a probe.

    Attributes:
      fmt: The format.
      speaker: Generates the cases' outputs.
      reader: Reads prompts; the same as `speaker` where one file is both.
      display: The tokens with which the reader repeats a prompt.
      cases: What is tested, in the order of the fidelity set.
      left_out: The outcomes of the cases that the format cannot say.
    """

    fmt: Format
    speaker: Script
    reader: Instrument
    display: DisplayTokens
    cases: tuple[Case, ...]
    left_out: tuple[Outcome, ...]


def turn_cue(case: Case, turn: int) -> str:
    """The cue that has the model say `case.says[turn]`."""
    return case.id if case.kind == "reply" else f"{case.id}.{turn + 1}"


def make_plan(fmt: Format, cases: Sequence[Case], *, one_file: bool = False) -> Plan:
    """The cases that the format can say, and their instruments.

    A case whose words cannot stand in a script beside those before it is left out too, with the reason. The same cases
    give the same instruments to the bit, so that what was seen can be shown again.

    Args:
      fmt: The format.
      cases: The whole set, whatever of it is to be run.
      one_file: Whether one instrument is to be both speaker and reader.
    """
    lines: dict[str, list[Line]] = {}
    left_out: list[Outcome] = []
    tested = [case for case in cases if applies(case, fmt)]
    for case in tested:
        try:
            check(fmt, case)
            lines[case.id] = [Line(turn_cue(case, turn), words(fmt, case, turn)) for turn in range(len(case.says))]
        except CallwrightError as error:
            left_out.append(not_tested(fmt, case, f"{NO_WORDS}: {error.got}, not {error.expected}"))
    speaker, refused = _speaker(fmt, lines, XRAY if one_file else 0)
    left_out += [not_tested(fmt, case, refused[case.id]) for case in tested if case.id in refused]
    left = {outcome.id for outcome in left_out}
    kept = tuple(case for case in tested if case.id not in left)
    if speaker.display is not None:
        return Plan(fmt, speaker, speaker, speaker.display, kept, tuple(left_out))
    reader = make_prompt_reader(fmt, XRAY, frequent_pieces(_prompts(fmt, kept)))
    return Plan(fmt, speaker, reader, reader.display, kept, tuple(left_out))


def _prompts(fmt: Format, cases: Sequence[Case]) -> Iterator[str]:
    """Prompts much like those that the reader will be given, without a cue."""
    for case in cases:
        if case.kind != "context":
            yield fmt.render(case.conversation, add_generation_prompt=True, thinking=case.thinking).text


def not_tested(fmt: Format, case: Case, reason: str) -> Outcome:
    """The outcome of a case that was not run."""
    return Outcome(id=case.id, format=fmt.id, fault_class=case.fault_class, result="not_tested", cause=reason)


def _speaker(fmt: Format, lines: dict[str, list[Line]], xray: int) -> tuple[Script, dict[str, str]]:
    """The script, and by case id why a case is not in it."""

    def written(ids: Sequence[str]) -> Script:
        output = [line for id_ in ids for line in lines[id_]]
        digest = hashlib.sha256(repr(output).encode("utf-8", "surrogatepass")).hexdigest()[:10]
        return write_script(fmt, [Line(WHO, f"callwright script {fmt.id} {digest}"), *output], xray=xray)

    try:
        return written(list(lines)), {}
    except DataError:
        pass
    taken: list[str] = []
    refused: dict[str, str] = {}
    script = written([])
    for id_ in lines:
        try:
            script = written([*taken, id_])
            taken.append(id_)
        except DataError as error:
            refused[id_] = str(error)
    return script, refused
