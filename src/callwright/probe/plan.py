"""What is tested in one format, and the instruments for it.

A script says the words of all cases, and an x-ray reads prompts of any length. One file can be both, for a server that
somebody else has started; it is several times as large as the x-ray alone, and an x-ray speaks a token for every token
of a prompt, so where instruments can be loaded there are two.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from callwright.errors import CallwrightError, DataError
from callwright.formats.base import Format
from callwright.instruments.echo import Echo, make_reader
from callwright.instruments.instrument import Instrument
from callwright.instruments.script import Line, Script, write_script
from callwright.instruments.words import common_words
from callwright.probe.fidelity.case import Case
from callwright.probe.fidelity.words import applies, check, words
from callwright.probe.outcome import Outcome

WHO = "callwright.who"
"""The cue to which every script of the probe says what it is."""
XRAY = 4096
"""The longest prompt that is read; it is said back, so it takes up twice as much of the context."""


Part = Literal["both", "speaker", "reader", "dice"]
"""The instruments of a format: what says the words, what reads prompts, both in one file, and the dice."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A format's part of a probe.

    Attributes:
      form: The format.
      speaker: Says the cases' words.
      reader: Reads prompts; the same where one file is both.
      echo: The reader's tokens.
      cases: What is tested, in the order of the fidelity set.
      left_out: What the format cannot say.
    """

    form: Format
    speaker: Script
    reader: Instrument
    echo: Echo
    cases: tuple[Case, ...]
    left_out: tuple[Outcome, ...]


def format_name(form: Format) -> str:
    """`NAME` or `NAME/VARIANT`, as outcomes have it."""
    return f"{form.name}/{form.variant}".removesuffix("/")


def turn_cue(case: Case, turn: int) -> str:
    """The cue that has the model say `case.says[turn]`."""
    return case.id if case.kind == "reply" else f"{case.id}.{turn + 1}"


def make_plan(form: Format, cases: Sequence[Case], *, one_file: bool = False) -> Plan:
    """The cases that the format can say, and their instruments.

    A case whose words cannot stand in a script beside those before it is left out too, with the reason. The same cases
    give the same instruments to the bit, so that what was seen can be shown again.

    Args:
      form: The format.
      cases: The whole set, whatever of it is to be run.
      one_file: Whether one instrument is to be both speaker and reader.
    """
    lines: dict[str, list[Line]] = {}
    left_out: list[Outcome] = []
    tested = [case for case in cases if applies(case, form)]
    for case in tested:
        try:
            check(form, case)
            lines[case.id] = [Line(turn_cue(case, n), words(form, says, case)) for n, says in enumerate(case.says)]
        except CallwrightError as error:
            left_out.append(
                not_tested(form, case, f"no words for it in this format: {error.came}, not {error.expected}")
            )
    speaker, refused = _speaker(form, lines, XRAY if one_file else 0)
    left_out += [not_tested(form, case, refused[case.id]) for case in tested if case.id in refused]
    left = {outcome.id for outcome in left_out}
    kept = tuple(case for case in tested if case.id not in left)
    if speaker.echo is not None:
        return Plan(form, speaker, speaker, speaker.echo, kept, tuple(left_out))
    reader = make_reader(form, XRAY, common_words(_prompts(form, kept)))
    return Plan(form, speaker, reader, reader.echo, kept, tuple(left_out))


def _prompts(form: Format, cases: Sequence[Case]) -> Iterator[str]:
    """The prompts that the reader will meet, more or less."""
    for case in cases:
        if case.kind != "context":
            segments = form.render(case.conversation, add_generation_prompt=True, thinking=case.thinking)
            yield "".join(segment.text for segment in segments)


def not_tested(form: Format, case: Case, reason: str) -> Outcome:
    """The outcome of a case that was not run."""
    name = format_name(form)
    return Outcome(id=case.id, format=name, fault_class=case.fault_class, result="not_tested", cause=reason)


def _name_line(form: Format, lines: Iterable[Line]) -> Line:
    """The line with which a script of the probe says what it is, down to its words."""
    digest = hashlib.sha256(repr(list(lines)).encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return Line(WHO, f"callwright script {format_name(form)} {digest}")


def _speaker(form: Format, lines: dict[str, list[Line]], xray: int) -> tuple[Script, dict[str, str]]:
    """The script, and why which cases are not in it."""

    def written(ids: Sequence[str]) -> Script:
        said = [line for id_ in ids for line in lines[id_]]
        return write_script(form, [_name_line(form, said), *said], xray=xray)

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
