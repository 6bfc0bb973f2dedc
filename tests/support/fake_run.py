"""A run's directory as a real run leaves it, made up from a seed, with everything hostile that a model can say."""

import json
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

from callwright import storage
from callwright.evaluation.row import EvaluationRow, RowCall
from callwright.evaluation.statistics import McNemar, is_call_category, mcnemar
from callwright.report.schema import POOLED, Comparison, Cost, Model, Results, Run, Score, Stage, Suite, Versions

CATEGORIES = {"simple_python": 60, "multiple": 40, "parallel": 40, "parallel_multiple": 40, "irrelevance": 48}
TITLES = {"stage2": "base model", "stage3": "SFT small", "stage4": "SFT full", "stage5": "GRPO"}
SKILL = {
    "stage2": {"simple_python": 0.02, "multiple": 0.0, "parallel": 0.0, "parallel_multiple": 0.0, "irrelevance": 0.98},
    "stage3": {"simple_python": 0.3, "multiple": 0.2, "parallel": 0.1, "parallel_multiple": 0.05, "irrelevance": 0.9},
    "stage4": {"simple_python": 0.55, "multiple": 0.5, "parallel": 0.4, "parallel_multiple": 0.3, "irrelevance": 0.8},
    "stage5": {"simple_python": 0.6, "multiple": 0.52, "parallel": 0.45, "parallel_multiple": 0.3, "irrelevance": 0.78},
}
ERRORS = (
    "simple_function_checker:wrong_func_name",
    "simple_function_checker:missing_required",
    "type_error:simple",
    "value_error:string",
    "value_error:others",
    "parallel_function_checker_no_order:wrong_count",
    "an_error:that_nobody_has_explained",
)
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "</pre></style><style>body{display:none}</style>",
    "<!-- <iframe src=https://evil.example/></iframe>",
    "]]> {{ 7*7 }} {% raw %} ${7*7} &lt;b&gt;",
    "\x00\x07\x1b[31mred\x1b[0m\x7f\x85",
    "right-to-left \u202e txt.exe \u2066hidden\u2069 \u200b\u200d\ufeff",
    "A" * 50_000,
    "\x00" * 4000 + "\x00\x01" * 4000,
    "日本語 עברית العربية 👩‍👩‍👧 Z̡̛͓̲a͎̙l̜g̡o",
    "lone \ud800 surrogate, \u2028 and \U000e0041",
    "<a href=javascript:alert(1)>x</a><base href=//evil.example>",
)

CREATED = {
    "config_sha256": "ab",
    "resume": None,
    "command": "callwright run",
    "model": {"spec": "m", "name": "m", "sha256": "cd", "license": "gemma", "parameters": 1},
    "versions": {"callwright": "0", "python": "3", "platform": "x"},
}
"""What the first event of a run says."""


def results(stages: tuple[str, ...] = tuple(TITLES), seed: int = 7) -> Results:
    """The results that `fake_run` writes."""
    return _invent(stages, seed, hostile=False, entries=1)[0]


def fake_run(
    directory: Path,
    *,
    stages: tuple[str, ...] = tuple(TITLES),
    seed: int = 7,
    hostile: bool = False,
    entries: int = 1,
) -> Results:
    """Writes `results.json` and the rows under `directory`, and returns the results.

    Args:
      directory: The run's directory.
      stages: The stages that are done and evaluated.
      seed: Another seed is another run.
      hostile: Every text that a model, a user or a file supplies is an attack.
      entries: The sample, in multiples of the quickstart's.
    """
    made, rows = _invent(stages, seed, hostile=hostile, entries=entries)
    made.write(directory / "results.json")
    for (stage, category), lines in rows.items():
        path = directory / "evaluations" / stage / f"{category}.jsonl"
        storage.write_text(path, "".join(json.dumps(row.as_json()) + "\n" for row in lines))
    return made


def with_tools(made: Results) -> Results:
    """The same run, whose models were also asked requests to their own tools after stages 3 and 5."""
    kinds = {"single": (18, 20), "several": (9, 10), "no_tool": (10, 10), "flow": (4, 5)}
    suite = Suite(
        categories={
            kind: Score(correct=correct, total=total, planned=total, called=0 if kind == "no_tool" else total)
            for kind, (correct, total) in kinds.items()
        },
        by_tool={"set_light": Score(correct=18, total=20, planned=20, called=20)},
        confusion={"set_light": {"set_light": 19, "lock": 1}, "none": {"none": 10}},
        cost=Cost(seconds=61.0, tokens=20_000, peak_memory_bytes=4_100_000_000),
    )
    asked = {key: suites | {"tools": suite} for key, suites in made.evaluations.items() if key in ("stage3", "stage5")}
    test = McNemar(gained=3, lost=1, both=24, neither=2, p_value=0.625)
    comparisons = [*made.comparisons, Comparison.of("tools", "stage3", "stage5", POOLED, test)]
    return made.model_copy(update={"evaluations": made.evaluations | asked, "comparisons": comparisons})


def _invent(
    stages: tuple[str, ...], seed: int, *, hostile: bool, entries: int
) -> tuple[Results, dict[tuple[str, str], list[EvaluationRow]]]:
    draw = random.Random(seed)
    rows = {
        (stage, category): [_row(draw, stage, category, i, hostile) for i in range(count * entries)]
        for stage in stages
        for category, count in CATEGORIES.items()
    }
    evil = HOSTILE[1] if hostile else ""
    start = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    finished = start + timedelta(minutes=19, seconds=42) if set(stages) == set(TITLES) else None
    return Results(
        run=Run(
            name="quickstart" + evil,
            created=start,
            finished=finished,
            config_sha256="6d0c" * 16,
            seed=17,
            command="callwright run config/quickstart.yaml" + evil,
        ),
        model=Model(
            spec="gemma3-270m" + evil,
            name="Gemma 3 270M" + evil,
            sha256="a5fd3b62" * 8,
            license="Gemma Terms of Use" + evil,
            parameters=268_098_176,
        ),
        versions=Versions(
            callwright="0.1.0",
            python="3.11.9",
            platform="Linux x86_64" + evil,
            packages={"jax": "0.10.2", "flax": "0.12.8", "google-tunix": "0.1.7", "optax": "0.2.8" + evil},
            git_commit="1380c99",
            bfcl_data_sha256="9e1f" * 16,
        ),
        stages=[_stage(key, stages, evil) for key in ("stage1", *TITLES)],
        curves={key: _curves(draw, key) for key in stages if key != "stage2"},
        evaluations={
            stage: {
                "bfcl": Suite(
                    categories={category: _score(rows[stage, category]) for category in CATEGORIES},
                    cost=Cost(seconds=143.2, tokens=91_244, peak_memory_bytes=3_900_000_000),
                )
            }
            for stage in stages
        },
        comparisons=[c for a, b in combinations(stages, 2) for c in _comparisons(rows, a, b)],
    ), rows


def _row(draw: random.Random, stage: str, category: str, index: int, hostile: bool) -> EvaluationRow:
    key = f"{category}_{index}"
    difficulty = random.Random(key).random()
    skill = SKILL[stage][category]
    valid = difficulty + draw.uniform(-0.25, 0.25) * (0.05 < skill < 0.95) < skill
    asks = is_call_category(category)
    calls = (stage != "stage2" or valid) if asks else not valid
    city = draw.choice(["Lisbon", "São Paulo", "Oslo"])
    call = RowCall(name="weather.forecast", arguments={"city": city, "days": 3 if valid else "3"})
    many = 2 if "parallel" in category else 1
    error = "irrelevance_error:decoder_success" if not asks else draw.choice(ERRORS)
    output = f'<tool_call>\n{{"name": "weather.forecast", "args": {{"city": "{city}", "days": 3}}}}\n</tool_call>'
    raw = (
        "\n".join([output] * many)
        if calls
        else "I am a language model and the weather in the city is the weather in " * 3
    )
    question = f"How will the weather be in {city} over the next three days, and should I take an umbrella?"
    evil = draw.choice(HOSTILE) if hostile else ""
    expected = RowCall(name="weather.forecast", arguments={"city": city, "days": 3})
    return EvaluationRow(
        id=key + evil[:60],
        category=category,
        question=question + evil,
        expected=(expected,) * many if asks else (),
        prompt=f'<bos><start_of_turn>user\n<tools>\n{{"name": "weather.forecast"}}\n</tools>\n{question}{evil}',
        prompt_ids=tuple(range(180)),
        token_ids=tuple(range(40)),
        raw=raw + evil,
        finish_reason=draw.choice(["stop", "stop", "length"]),
        calls=(call,) * many if calls else None,
        complete=draw.random() > 0.05,
        parse_errors=(),
        valid=valid,
        error_type=None if valid else error + (evil[:40] if evil.startswith("<") else ""),
        error_detail="" if valid else f"Expected type integer, got str. Parameter value: '3'.{evil}",
        seconds=0.4,
    )


def _score(rows: list[EvaluationRow]) -> Score:
    return Score(
        correct=sum(row.valid for row in rows),
        total=len(rows),
        planned=len(rows),
        called=sum(bool(row.calls) for row in rows),
        errors=Counter(row.error_type for row in rows if not row.valid),
    )


def _stage(key: str, done: tuple[str, ...], evil: str) -> Stage:
    title = TITLES.get(key, "format")
    kinds = {"stage1": "format", "stage2": "evaluation", "stage5": "grpo"}
    finished = key == "stage1" or key in done
    return Stage(
        key=key,
        title=title + evil,
        kind=kinds.get(key, "sft"),  # type: ignore[arg-type]
        status="done" if finished else "pending",
        suites=() if key == "stage1" else ("bfcl",),
        cost=Cost(seconds=412.7, tokens=133_120, peak_memory_bytes=6_712_000_000) if finished else None,
        summary={"examples": 520, "updates": 65, "longer_than_sequence": 3} if finished and key != "stage2" else {},
    )


def _curves(draw: random.Random, key: str) -> dict[str, list[tuple[int, float | None]]]:
    steps = range(1, 66)
    if key == "stage5":
        noisy = [(s, 0.4 + 0.004 * s + draw.gauss(0, 0.08)) for s in steps]
        return {
            "reward": noisy,
            "reward/exact": [(s, v - 0.2) for s, v in noisy],
            "reward/well_formed": [(s, min(1.0, 0.9 + draw.gauss(0, 0.05))) for s in steps],
            "kl": [(s, 0.001 * s + abs(draw.gauss(0, 0.005))) for s in steps],
            "entropy": [(s, 0.6 - 0.003 * s + draw.gauss(0, 0.02)) for s in steps],
            "zero_variance_share": [(s, max(0.0, min(1.0, 0.5 + draw.gauss(0, 0.2)))) for s in steps],
        }
    return {
        "learning_rate": [(s, 4e-4 * (1 - s / 66)) for s in steps],
        "loss": [(s, 0.08 + 1.4 * 0.93**s + abs(draw.gauss(0, 0.04))) for s in steps],
        "gradient_norm": [(s, None if s == 30 else 1 + draw.random()) for s in steps],
    }


def _comparisons(rows: dict[tuple[str, str], list[EvaluationRow]], before: str, after: str) -> list[Comparison]:
    made, pools = [], ({}, {})
    for category in CATEGORIES:
        pair = [{f"{category}_{i}": row.valid for i, row in enumerate(rows[s, category])} for s in (before, after)]
        made.append(Comparison.of("bfcl", before, after, category, mcnemar(*pair)))
        if is_call_category(category):
            for pool, verdicts in zip(pools, pair, strict=True):
                pool.update(verdicts)
    return [Comparison.of("bfcl", before, after, POOLED, mcnemar(*pools)), *made]
