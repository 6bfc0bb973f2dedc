"""The verdict as one HTML file that opens offline: what it says, what the arms achieve, and each finding with evidence.

A finding has the conversations of both arms in columns, step beside step. Where they part, each part of the step is
compared to the byte and the token; before, they are the same and short, and after, each goes its own way. Of findings
with the same arm and cause a few are shown whole, and all are listed.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path

from jinja2 import Template
from markupsafe import Markup

from callwright import storage
from callwright.bakeoff.trace import Step, Trace
from callwright.bakeoff.trace_files import TraceKey
from callwright.bakeoff.verdict.align import calls_text, delivered_calls, message_texts
from callwright.bakeoff.verdict.statistics import Success
from callwright.bakeoff.verdict.terminal import place, pooled
from callwright.bakeoff.verdict.verdict import ArmVerdict, BakeoffFinding, BakeoffVerdict
from callwright.conversation import Json
from callwright.export.verify.forced import REGIONS
from callwright.html import page
from callwright.html.numbers import duration, interval, percent, plural, value
from callwright.html.text import safe_text, shortened
from callwright.probe.report.diff import compare
from callwright.probe.report.field_html import FieldDiff, field_diff
from callwright.report import text as report_text

ArmTraces = Mapping[str, Mapping[TraceKey, Trace]]
_WHOLE = 3
"""Findings of one arm and cause that are shown whole."""
_MOST_RUNS = 6
"""Runs that are shown with all arms side by side."""
_MOST_BYTES = 16_000_000
_LIMITS = (4000, 1000, 300)
"""Characters of one side of one field."""
_MOST_CELL = 600
_MOST_COMMAND = 20_000


@dataclass(frozen=True, slots=True)
class ColumnSide:
    """One step of one arm in a column; both texts are "" where it has ended."""

    made: Markup
    results: Markup


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step of both arms: `fields` where they part, else one side each."""

    step: int
    same: bool
    fields: Sequence[FieldDiff]
    reference: ColumnSide
    other: ColumnSide


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings of one arm and cause."""

    title: str
    rounding: bool
    findings: Sequence[BakeoffFinding]

    @property
    def whole(self) -> Sequence[BakeoffFinding]:
        """Those that are shown whole."""
        return self.findings[:_WHOLE]


def write_page(verdict: BakeoffVerdict, traces: ArmTraces, path: Path) -> None:
    """Writes the page, atomically.

    Args:
      verdict: The verdict.
      traces: By arm, those that it was made of.
      path: Where to.

    Raises:
      StorageError: The file cannot be written.
    """
    storage.write_text(path, render(verdict, traces))


def render(verdict: BakeoffVerdict, traces: ArmTraces) -> str:
    """The page, with as many characters of each field as fit."""
    tasks = list(dict.fromkeys(one.task for arm in verdict.arms for one in arm.successes if one.task))
    values = {
        "verdict": verdict,
        "tasks": tasks,
        "groups": _groups(verdict),
        "runs": _runs(verdict, traces),
        "regions": [region for region in REGIONS if any(f"same_top.{region}" in arm.agreement for arm in verdict.arms)],
        "longest_command": _MOST_COMMAND,
    }
    return page.fit(
        lambda limit: page.render(_template(), rows=lambda finding: _rows(verdict, finding, traces, limit), **values),
        _LIMITS,
        _MOST_BYTES,
    )


@cache
def _template() -> Template:
    filters: page.Functions = {
        "line": _line,
        "shown": safe_text,
        "plural": plural,
        "share": percent,
        "interval": lambda one: interval(one.low, one.high),
        "duration": duration,
        "value": value,
    }
    functions: page.Functions = {"pooled": pooled, "by_task": _by_task, "place": place, "numbers": _numbers}
    return page.load_template(Path(__file__).parent, filters, functions)


def _line(words: str) -> Markup:
    return safe_text(" ".join(words.split()))


def _by_task(arm: ArmVerdict) -> Mapping[str, Success | None]:
    """The arm's success by task; None for one that it was not asked."""
    return defaultdict(lambda: None, {one.task: one for one in arm.successes})


def _groups(verdict: BakeoffVerdict) -> list[tuple[str, list[FindingGroup]]]:
    """The findings of each arm, by cause and kind, the most frequent first."""
    arms: dict[str, dict[tuple[str, bool], list[BakeoffFinding]]] = {}
    for finding in verdict.findings:
        arms.setdefault(finding.arm, {}).setdefault((finding.title, finding.rounding), []).append(finding)
    return [
        (
            arm,
            sorted(
                (FindingGroup(*key, findings) for key, findings in found.items()),
                key=lambda group: -len(group.findings),
            ),
        )
        for arm, found in arms.items()
    ]


def _numbers(finding: BakeoffFinding) -> list[tuple[str, str]]:
    """What was measured, in words."""
    numbers = finding.numbers
    more = " or more" if "margin_is_a_bound" in numbers else ""
    names = {
        "margin": f"logits by which the reference prefers its token{more}",
        "reference_logprob": "log probability of the reference's token",
        "logprob": "log probability of the other's token",
        "reference_prompt_tokens": "tokens of the reference's prompt",
        "prompt_tokens": "tokens of the other's prompt",
    }
    return [(names[key], value(number)) for key, number in numbers.items() if key in names]


def _runs(
    verdict: BakeoffVerdict, traces: ArmTraces
) -> list[tuple[str, list[str], list[list[tuple[ColumnSide, str]]]]]:
    """Of each task the first run that has a finding, with all arms side by side: its name, the arms, and by step what
    each arm made, with the cause where it parts.
    """
    runs = []
    keys: dict[str, TraceKey] = {}
    for finding in verdict.findings:
        keys.setdefault(finding.task, finding.key)
    parted = {(one.arm, one.key, one.step): one.title for one in verdict.findings}
    for key in [*keys.values()][:_MOST_RUNS]:
        arms = [arm.arm for arm in verdict.arms if key in traces.get(arm.arm, {}) and traces[arm.arm][key].steps]
        steps = zip_longest(*(traces[arm][key].steps for arm in arms))
        rows = [
            [(_side(step), parted.get((arm, key, number), "")) for arm, step in zip(arms, row, strict=True)]
            for number, row in enumerate(steps)
        ]
        runs.append((f"{key.task}, wording {key.wording}, seed {key.seed}", arms, rows))
    return runs


def _rows(verdict: BakeoffVerdict, finding: BakeoffFinding, traces: ArmTraces, limit: int) -> list[StepRow]:
    """Both conversations, step beside step."""
    sides = [traces.get(arm, {}).get(finding.key) for arm in (verdict.reference, finding.arm)]
    steps = zip_longest(*(trace.steps if trace else () for trace in sides))
    return [
        StepRow(
            number,
            number < finding.step,
            _fields(expected, seen, limit) if number == finding.step and expected and seen else (),
            _side(expected),
            _side(seen),
        )
        for number, (expected, seen) in enumerate(steps)
    ]


def _fields(expected: Step, seen: Step, limit: int) -> list[FieldDiff]:
    """The step in which they part, field by field; what is the same on both sides has one line."""
    fields = compare(_parts(expected), _parts(seen))
    return [field_diff(field, limit) for field in fields if field.expected or field.seen]


def _parts(step: Step) -> dict[str, Json]:
    """What an arm tells of a step, by name."""
    calls = delivered_calls(step)
    parts: dict[str, Json] = {
        "messages": "\n".join(message_texts(step)),
        "prompt": step.prompt,
        "prompt ids": _ids(step.prompt_ids),
        "output": step.raw,
        "output ids": _ids(step.output_ids),
        "calls": None if calls is None else calls_text(calls),
        "content": step.content or "",
        "reasoning": step.reasoning or "",
        "results": "\n".join(map(report_text.json_text, step.results)),
        "stop reason": step.stop_reason,
        "error": step.error or "",
    }
    return {name: part for name, part in parts.items() if part is not None}


def _ids(ids: Sequence[int] | None) -> Json:
    """Ids as pieces that are compared whole; a token is never marked in part."""
    return [[str(id_), True] for id_ in ids] if ids else None


def _side(step: Step | None) -> ColumnSide:
    if step is None:
        return ColumnSide(Markup(""), Markup(""))
    calls = report_text.calls_text(delivered_calls(step))
    made = "\n".join(filter(None, (step.content, calls, f"error: {step.error}" if step.error else "")))
    results = "\n".join(map(report_text.json_text, step.results))
    return ColumnSide(shortened(made or "nothing", _MOST_CELL), shortened(results, _MOST_CELL))
