"""`callwright bakeoff compare`: from a bake-off's directory to its verdict."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from callwright.bakeoff.trace import Step, Trace
from callwright.bakeoff.trace_files import TraceKey
from callwright.bakeoff.verdict import reproduce
from callwright.bakeoff.verdict.align import Alignment, ComparedBy, Parting, align
from callwright.bakeoff.verdict.causes import find_cause
from callwright.bakeoff.verdict.evidence import plain
from callwright.bakeoff.verdict.sentences import PAIRS, arm_sentence, paired_sentence, rule_sentences, whole_sentence
from callwright.bakeoff.verdict.statistics import pair, speed, successes
from callwright.bakeoff.verdict.teacher_forcing import ForcedArms
from callwright.bakeoff.verdict.traces_on_disk import TracesOnDisk, read_all_traces
from callwright.bakeoff.verdict.verdict import ArmVerdict, BakeoffFinding, BakeoffVerdict, Judgment
from callwright.errors import DataError, suggest

Traces = Mapping[TraceKey, Trace]
_MOST_FORCED = 32
"""Outputs of the reference along which an arm is forced: about 1,000 tokens, which tell a mean divergence."""
_WEAKEST: tuple[ComparedBy, ...] = ("calls", "text", "tokens")


def compare(directory: Path, reference_arm: str = "jax", forced: ForcedArms | None = None) -> BakeoffVerdict:
    """Compares every arm of a bake-off with one of them.

    Args:
      directory: The bake-off's, which has `traces/ARM/TASK.jsonl`.
      reference_arm: The arm that the others are compared with.
      forced: Arms whose weights can be asked, for margins and agreement; without them the traces have to do.

    Raises:
      DataError: There are no traces, none of the reference, or a line that is none.
      StorageError: A file cannot be read.
    """
    return compare_traces(read_all_traces(directory), directory, reference_arm, forced)


def compare_traces(
    found: TracesOnDisk, directory: Path, reference_arm: str, forced: ForcedArms | None = None
) -> BakeoffVerdict:
    """The same of traces that were read; `directory` is where they are, for errors and commands.

    Raises:
      DataError: There are none of the reference.
    """
    ran = {arm: _ran(traces) for arm, traces in found.arms.items()}
    if not ran.get(reference_arm):
        expected = f"traces of the reference, arm {reference_arm}, in {directory}"
        got = "none that ran" if reference_arm in ran else f"arms {', '.join(ran)}"
        raise DataError(expected, got, suggest(reference_arm, [arm for arm, traces in ran.items() if traces]))
    reference = ran[reference_arm]
    arms, findings = [], list[BakeoffFinding]()
    for arm in sorted(found.arms, key=lambda name: (name != reference_arm, name)):
        alignments = {} if arm == reference_arm else _aligned(reference, ran[arm])
        found_here = [
            _finding(key, one.parting, directory, forced) for key, one in alignments.items() if one.parting is not None
        ]
        findings += found_here
        causes = Counter("rounding" if one.rounding else one.cause for one in found_here)
        parted = sum(not one.rounding for one in found_here)
        judgment: Judgment = "reference" if arm == reference_arm else _judgment(alignments, found_here)
        known = min((one.compared_by for one in alignments.values()), key=_WEAKEST.index, default=None)
        paired = None if arm == reference_arm else pair(reference, ran[arm])
        by_frequency = dict(causes.most_common())
        sentence = arm_sentence(arm, reference_arm, judgment, len(alignments), parted, known, by_frequency)
        arms.append(
            ArmVerdict(
                arm=arm,
                judgment=judgment,
                sentence=f"{sentence} {paired_sentence(arm, paired)}" if paired else sentence,
                finished=len(found.arms[arm]),
                unfinished=found.unfinished.get(arm, 0),
                not_run=len(found.arms[arm]) - len(ran[arm]),
                compared=len(alignments),
                parted=parted,
                drawn=sum(one.drawn for one in alignments.values()),
                compared_by=known,
                causes=by_frequency,
                successes=tuple(successes(ran[arm])),
                paired=paired,
                speed=speed(ran[arm].values()),
                agreement=_agreement(reference_arm, arm, reference, alignments, forced),
            )
        )
    return BakeoffVerdict(
        reference=reference_arm,
        sentence=whole_sentence(reference_arm, arms),
        rules=tuple(rule_sentences(reference_arm, arms, _parted_pairs(ran))),
        arms=tuple(arms),
        findings=tuple(findings),
    )


def _ran(traces: Traces) -> Traces:
    """The traces of an arm whose environment was there."""
    return {key: trace for key, trace in sorted(traces.items()) if trace.halt.halt_reason != "env_missing"}


def _aligned(reference: Traces, other: Traces) -> dict[TraceKey, Alignment]:
    return {key: align(trace, other[key]) for key, trace in reference.items() if key in other}


def _finding(key: TraceKey, parting: Parting, directory: Path, forced: ForcedArms | None) -> BakeoffFinding:
    cause, why = find_cause(parting, forced.margins) if forced else find_cause(parting)
    expected, seen = why.excerpts or (None, None)
    return BakeoffFinding(
        arm=parting.other.halt.arm,
        task=key.task,
        wording=key.wording,
        seed=key.seed,
        step=parting.step,
        fields=parting.fields,
        cause=cause,
        kind=why.kind,
        sentence=plain(why.sentence),
        reference=expected,
        seen=seen,
        numbers=dict(why.numbers),
        rounding=why.rounding,
        reproduce=reproduce.command(parting, directory),
    )


def _judgment(alignments: Mapping[TraceKey, Alignment], findings: list[BakeoffFinding]) -> Judgment:
    if not alignments:
        return "not compared"
    if not findings:
        return "faithful"
    return "faithful within rounding" if all(one.rounding for one in findings) else "not faithful"


def _parted_pairs(ran: Mapping[str, Traces]) -> dict[tuple[str, str], int]:
    """How many runs part between the two arms of one runtime."""
    parted = {}
    for chat, raw in PAIRS:
        alignments = _aligned(ran.get(raw, {}), ran.get(chat, {}))
        if alignments:
            parted[chat, raw] = sum(one.parting is not None for one in alignments.values())
    return parted


def _agreement(
    reference_arm: str,
    arm: str,
    reference: Traces,
    alignments: Mapping[TraceKey, Alignment],
    forced: ForcedArms | None,
) -> dict[str, float]:
    """How the weights agree along outputs of the reference, first of all where the arms part in them."""
    if forced is None or not alignments:
        return {}
    parted: list[Step] = [
        one.parting.expected
        for one in alignments.values()
        if one.parting and one.parting.expected and "output" in one.parting.fields
    ]
    rest = (step for key in alignments for step in reference[key].steps)
    steps = list(dict.fromkeys((step.task, step.wording, step.seed, step.step) for step in (*parted, *rest)))
    chosen = [reference[TraceKey(task, wording, seed)].steps[step] for task, wording, seed, step in steps]
    agreement = forced.agreement(reference_arm, arm, chosen[:_MOST_FORCED])
    return {} if agreement is None else agreement.numbers()
