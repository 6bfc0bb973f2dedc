"""Which case of a probe of the same runtime shows what a finding says, with a model whose output is known.

A bake-off sees a trained model through a runtime; a probe sees the runtime alone, by instruments. Where both find a
fault at the same place on the way from messages to calls, the finding is not of this model or this conversation.
"""

from collections.abc import Mapping

from callwright.bakeoff.verdict.verdict import BakeoffFinding, BakeoffVerdict
from callwright.probe.outcome import OWN, Outcome, Report

_CASES: Mapping[str, str] = {
    "context": "rendering.",
    "history": "rendering.",
    "template": "rendering.",
    "tokenizer": "rendering.",
    "sampler": "sampling.",
    "grammar": "parsing.",
    "parser": "parsing.",
}
"""How the ids of the cases begin that test for a cause; the other causes are not the runtime's."""
_MOST = 3
"""Cases that are named."""


def with_proofs(verdict: BakeoffVerdict, reports: Mapping[str, Report], format_id: str) -> BakeoffVerdict:
    """The verdict, in which findings name the probe's cases that show them, too.

    Args:
      verdict: Without them.
      reports: Of probes of the runtimes behind the arms, by the arm's name.
      format_id: The format that the bake-off's conversations are written in.
    """
    findings = (
        finding.model_copy(update={"probe": _proof(finding, reports.get(finding.arm), format_id)})
        for finding in verdict.findings
    )
    return verdict.model_copy(update={"findings": tuple(findings)})


def _proof(finding: BakeoffFinding, report: Report | None, format_id: str) -> str | None:
    beginning = _CASES.get(finding.cause)
    if report is None or beginning is None:
        return None
    faults = [
        case
        for case in report.cases
        if case.result == "fault" and case.id.startswith(beginning) and case.format in (format_id, OWN)
    ]
    if not faults:
        return None
    alike = sorted(faults, key=lambda case: not _names(case, finding.kind))[:_MOST]
    named = ", ".join(f"{case.id} ({case.cause or case.fault_class})" for case in alike)
    return named if len(faults) <= _MOST else f"{named} and {len(faults) - _MOST} more"


def _names(case: Outcome, kind: str) -> bool:
    """Whether the fault is called what the finding is, such as "lost"."""
    return bool(kind) and kind in f"{case.cause} {case.fault_class}"
