"""The verdict in words, from its numbers."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from callwright.html.numbers import plural

if TYPE_CHECKING:
    from callwright.bakeoff.verdict.align import ComparedBy
    from callwright.bakeoff.verdict.statistics import PairedSuccess
    from callwright.bakeoff.verdict.verdict import ArmVerdict, Judgment

PAIRS = (("ollama-json", "ollama-raw"), ("llamacpp-chat", "llamacpp-raw"))
"""Two arms of one runtime: by chat, where it translates messages and calls, and by prompt, where it does not."""
_AS_FAR: Mapping["ComparedBy", str] = {
    "tokens": "token for token",
    "text": "in prompt and output as text",
    "calls": "as far as calls and content show, for it tells neither prompt nor output",
}

_TRANSLATOR = "the runtime's translator, between messages and prompt or output and calls"


def arm_sentence(
    arm: str,
    reference: str,
    judgment: "Judgment",
    compared: int,
    parted: int,
    known: "ComparedBy | None",
    causes: Mapping[str, int],
) -> str:
    """What is said of one arm."""
    runs = plural(compared, "run")
    if judgment == "reference":
        return f"{arm} is the reference."
    if judgment == "not compared" or known is None:
        return f"{arm} was not compared: no run of it is finished that {reference} has too."
    if judgment == "faithful":
        return f"{arm} is faithful to {reference}: the same in {runs}, {_AS_FAR[known]}."
    if judgment == "faithful within rounding":
        rounded = f"{causes.get('rounding', 0)} of {runs} part where rounding decides"
        return f"{arm} is faithful to {reference} where margins allow: {rounded}."
    listed = [f"{cause} ({number})" for cause, number in causes.items() if cause != "rounding"]
    return f"{arm} is not faithful to {reference}: {parted} of {runs} part, by {', '.join(listed)}."


def paired_sentence(arm: str, paired: "PairedSuccess") -> str:
    """What the goals that were reached say."""
    counted = f"{paired.gained} won and {paired.lost} lost of {plural(paired.runs, 'run')}"
    match paired.decision:
        case "better" | "worse":
            return f"It reaches {'more' if paired.decision == 'better' else 'fewer'} goals: {counted}."
        case "within 5 points":
            return f"Its success is within 5 points at 95%: {counted}."
        case _:
            enough = f"{paired.runs_needed} runs would decide if the others went as these"
            return f"Its success is INCONCLUSIVE: {counted}; {enough}."


def whole_sentence(reference: str, arms: Sequence["ArmVerdict"]) -> str:
    """The one sentence that says it all."""
    others = [arm for arm in arms if arm.arm != reference]
    by_judgment = {
        judgment: [arm.arm for arm in others if arm.judgment == judgment]
        for judgment in ("not faithful", "faithful within rounding", "faithful", "not compared")
    }
    unfaithful = [
        f"{arm.arm} ({next((cause for cause in arm.causes if cause != 'rounding'), 'unexplained')})"
        for arm in others
        if arm.judgment == "not faithful"
    ]
    parts = [f"{_listed(unfaithful)} {_are(unfaithful)} not faithful to {reference}"] if unfaithful else []
    faithful = by_judgment["faithful"] + by_judgment["faithful within rounding"]
    if faithful:
        margins = ", where margins allow" if by_judgment["faithful within rounding"] else ""
        to = "" if unfaithful else f" to {reference}"
        parts.append(f"{_listed(faithful)} {_are(faithful)} faithful{to}{margins}")
    if missing := by_judgment["not compared"]:
        parts.append(f"{_listed(missing)} {'was' if len(missing) == 1 else 'were'} not compared")
    return f"{'; '.join(parts)}." if parts else f"{reference} alone was run, so nothing is compared."


def rule_sentences(reference: str, arms: Sequence["ArmVerdict"], parted: Mapping[tuple[str, str], int]) -> list[str]:
    """What an arm by chat, one by prompt and the reference say together.

    Args:
      reference: The reference.
      arms: All arms.
      parted: For each two of `PAIRS` that were both run, how many runs part between them.
    """
    judged = {arm.arm: arm for arm in arms}
    sentences = []
    for (chat, raw), number in parted.items():
        against = judged[raw].judgment
        faithful = raw == reference or against.startswith("faithful")
        if number:
            sentence = f"{chat} and {raw} part in {plural(number, 'run')}: that is {_TRANSLATOR}."
        else:
            sentence = f"{chat} and {raw} never part: the runtime's translator is faithful."
        if against == "not faithful":
            sentence += f" {raw} and {reference} part too: that is weights, quantization or scheduler."
        elif number == 0 and faithful:
            sentence = f"{chat}, {raw} and {reference} never part: the runtime is faithful."
        sentences.append(sentence)
    return sentences


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
