"""The suite `tools` of a made-up run: rows of some kinds of requests, drawn from a seed, and the results of them."""

import json
import random
from pathlib import Path

from tests.support.fake_run import HOSTILE

from callwright import storage
from callwright.evaluation.row import EvaluationRow, RowCall, RowCounts, RowStep
from callwright.evaluation.statistics import mcnemar
from callwright.report.results import score_of
from callwright.report.schema import NO_CALL, Comparison, Cost, Results, Suite

TOOLS = ("turn_on_light", "turn_off_light", "lock_door", "set_temperature", "play_music", "start_timer")
KINDS = {"single": 40, "several": 20, "no_tool": 20, "follow_up": 20, "flow": 10}
SKILL = {"stage2": 0.05, "stage3": 0.8, "stage4": 0.85, "stage5": 0.9}


def add_tools_suite(
    directory: Path, results: Results, *, tools: tuple[str, ...] = TOOLS, hostile: bool = False, seed: int = 3
) -> Results:
    """Adds the suite to the results of a run and to its files, after every stage that is evaluated there.

    Args:
      directory: The run's.
      results: Its results so far.
      tools: The tools that are asked for.
      hostile: Every text that a model, a user or a file supplies is an attack.
      seed: Another seed is another run.
    """
    data = results.model_dump()
    verdicts: dict[str, dict[str, bool]] = {}
    for stage in results.evaluations:
        draw = random.Random(f"{seed}/{stage}")
        rows = [
            _row(draw, SKILL[stage], kind, n, tools, hostile)
            for kind, count in KINDS.items()
            for n in range(min(count, len(HOSTILE)) if hostile else count)
        ]
        for kind in KINDS:
            lines = "".join(json.dumps(row.as_json()) + "\n" for row in rows if row.category == kind)
            storage.write_text(directory / "evaluations" / stage / "tools" / f"{kind}.jsonl", lines)
        data["evaluations"][stage]["tools"] = _suite(rows).model_dump()
        verdicts[stage] = {row.id: row.valid for row in rows}
    for before, after in zip(list(verdicts)[:-1], list(verdicts)[1:], strict=True):
        test = Comparison.of("tools", before, after, "calls", mcnemar(verdicts[before], verdicts[after]))
        data["comparisons"].append(test.model_dump())
    changed = Results.model_validate(data)
    changed.write(directory / "results.json")
    return changed


def _row(
    draw: random.Random, skill: float, kind: str, number: int, tools: tuple[str, ...], hostile: bool
) -> EvaluationRow:
    evil = HOSTILE[number % len(HOSTILE)] if hostile else ""
    tool = tools[number % len(tools)]
    room = ("kitchen", "hall", "attic")[number % 3]
    expected = [RowCall(name=tool + evil[:50], arguments={"room" + evil[:50]: room + evil, "level": number})]
    if kind == "several":
        expected.append(RowCall(name=tools[(number + 1) % len(tools)], arguments={"room": room}))
    if kind == "no_tool":
        expected = []
    valid = draw.random() < skill
    calls, error = _wrong(draw, expected, tools) if not valid else (tuple(expected), None)
    steps = (RowStep(raw="one" + evil, calls=calls, results=({"text": "done" + evil},)),) if kind == "flow" else ()
    question = f"You are helpful.\nhi\nHello!\n[09:30] Ann: the {room}, please, and make it {number}{evil}"
    return EvaluationRow(
        id=f"{kind}_{number}" + evil[:60],
        category=kind,
        question=question,
        expected=tuple(expected),
        prompt=f"<bos>user: {question}",
        prompt_ids=tuple(range(300)),
        token_ids=tuple(range(20)),
        raw="".join(map(repr, calls or ())) + evil,
        finish_reason="stop",
        calls=calls,
        complete=True,
        parse_errors=(),
        valid=valid,
        error_type="tools:goal_not_met" if error and kind == "flow" else error,
        error_detail="" if valid else f"room: expected {room!r}, got 'cellar'{evil}",
        seconds=0.2,
        tool=expected[0].name if len(expected) == 1 else "",
        steps=steps,
    )


def _wrong(
    draw: random.Random, expected: list[RowCall], tools: tuple[str, ...]
) -> tuple[tuple[RowCall, ...] | None, str]:
    if not expected:
        return (RowCall(name=draw.choice(tools), arguments={}),), "tools:unnecessary_call"
    first = expected[0]
    name, value = next(iter(first.arguments.items()))
    return draw.choice(
        [
            ((RowCall(name=first.name, arguments={**first.arguments, name: "cellar"}),), "tools:wrong_value"),
            ((RowCall(name=first.name, arguments={name: value}),), "tools:missing_argument"),
            ((RowCall(name=first.name, arguments={**first.arguments, "mood": "bright"}),), "tools:unexpected_argument"),
            ((RowCall(name=draw.choice(tools), arguments=first.arguments),), "tools:wrong_name"),
            ((), "tools:wrong_count"),
            (None, "tools:unreadable"),
        ]
    )


def _suite(rows: list[EvaluationRow]) -> Suite:
    kinds, tools = {kind: RowCounts() for kind in KINDS}, dict[str, RowCounts]()
    confusion: dict[str, dict[str, int]] = {}
    for row in rows:
        kinds[row.category].add(row)
        if row.tool:
            tools.setdefault(row.tool, RowCounts()).add(row)
        if len(row.expected) < 2 and not row.steps:
            line = confusion.setdefault(row.tool or NO_CALL, {})
            for name in {call.name for call in row.calls or ()} or {NO_CALL}:
                line[name] = line.get(name, 0) + 1
    return Suite(
        categories={kind: score_of(counts) for kind, counts in kinds.items()},
        by_tool={tool: score_of(tools[tool]) for tool in sorted(tools)},
        confusion=confusion,
        cost=Cost(seconds=31.0, tokens=41_000, peak_memory_bytes=3_100_000_000),
    )
