"""One HTML file that tells a run, opens offline and runs no script.

It has no script; tabs and filters are radio buttons and CSS. All of the model's words pass through `html.text`. The
file stays below `MOST_BYTES`: if the outputs are too long, fewer and shorter ones are embedded.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Template, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from callwright import storage
from callwright.evaluation.settings import SuiteName
from callwright.html import numbers, page
from callwright.html.text import shortened
from callwright.report import charts, sentences
from callwright.report.examples import Limits, Rows, failures, pairs, read_outputs
from callwright.report.own_tools import request_text, tools_stage
from callwright.report.run_files import RunFiles
from callwright.report.schema import POOLED, SUITES, Results
from callwright.report.text import calls_text, ending, expected_text, fact, fact_name, json_text

MOST_BYTES = 2_000_000


def write_report(run_directory: Path) -> Path:
    """Writes `report.html` beside `results.json`, atomically, and returns its path.

    Raises:
      DataError: The results are missing, or they or the rows are not what they should be.
    """
    run = RunFiles(run_directory)
    results = Results.read(run.results_path)
    outputs = {name: read_outputs(run, results.suite(name)) for name in SUITES}
    storage.write_text(run.report_path, render(results, outputs))
    return run.report_path


def render(results: Results, outputs: Mapping[SuiteName, Rows]) -> str:
    """The page, with as many and as long outputs of each suite as fit."""
    return page.fit(lambda limits: _render(results, outputs, limits), _limits(), MOST_BYTES)


def _limits() -> Iterator[Limits]:
    limits, smaller = Limits(), Limits().halved()
    yield limits
    while smaller != limits:
        yield smaller
        limits, smaller = smaller, smaller.halved()


@pass_context
def _visible(context: Context, words: str) -> Markup:
    return shortened(words, context["limits"].text)


@pass_context
def _visible_prompt(context: Context, words: str) -> Markup:
    return shortened(words, context["limits"].prompt)


@cache
def _template() -> Template:
    named = (numbers.count, numbers.duration, numbers.interval, numbers.moment, numbers.p_value, numbers.percent)
    ours = (calls_text, ending, expected_text, fact, fact_name, json_text, request_text)
    filters: page.Functions = {
        **{function.__name__: function for function in (*named, numbers.size, numbers.value, *ours)},
        "visible": _visible,
        "visible_prompt": _visible_prompt,
        "prose": lambda words: shortened(words, 2000),
        "line": lambda words: shortened(words, 200),
    }
    return page.load_template(
        Path(__file__).parent, filters, {"interval_bar": charts.interval_bar, "reading": sentences.reading}
    )


def _render(results: Results, outputs: Mapping[SuiteName, Rows], limits: Limits) -> str:
    bfcl, rows = results.suite("bfcl"), outputs["bfcl"]
    tools = results.suite("tools")
    relevance = sentences.relevance_categories(bfcl)
    evaluated = [stage.key for stage in results.stages if stage.key in {*bfcl.evaluated, *tools.evaluated}]
    return page.render(
        _template(),
        results=results,
        bfcl=bfcl,
        title=results.title,
        stages=bfcl.evaluated,
        color={key: f"s{min(index, 5)}" for index, key in enumerate(evaluated)},
        call_categories=[c for c in bfcl.categories if c not in relevance],
        relevance_categories=relevance,
        pooled=POOLED,
        headline=sentences.headline(results),
        missing=sentences.missing(results, _without_rows(results, outputs)),
        relevance_note=sentences.relevance(bfcl),
        no_overall=sentences.NO_OVERALL,
        loops=sentences.loops(bfcl),
        uncorrected=sentences.UNCORRECTED,
        curves=_curves(results),
        pairs=pairs(bfcl, rows, limits),
        failures={key: failures(bfcl, rows, key) for key in bfcl.evaluated},
        suite_title=sentences.suite_title,
        tools=tools,
        tool_names=sorted({name for key in tools.evaluated for name in tools.evaluations[key].by_tool}),
        tools_stages={
            key: tools_stage(tools, key, outputs["tools"].get(key, {}), limits.requests) for key in tools.evaluated
        },
        limits=limits,
    )


def _without_rows(results: Results, outputs: Mapping[SuiteName, Rows]) -> list[str]:
    return [
        f"{stage}/{name}" if suite == "bfcl" else f"{stage}/{suite}/{name}"
        for suite, rows in outputs.items()
        for stage, found in results.suite(suite).evaluations.items()
        for name, score in found.categories.items()
        if score.total and not rows[stage].get(name)
    ]


def _curves(results: Results) -> dict[str, list[tuple[str, charts.Curve]]]:
    """Stage to its charts, the metrics that decide first."""
    rank = ("loss", "reward", "kl", "entropy")
    found: dict[str, list[tuple[str, Any]]] = {}
    for key, metrics in results.curves.items():
        order = sorted(metrics, key=lambda m: (next((i for i, r in enumerate(rank) if m.startswith(r)), len(rank)), m))
        drawn = [(name, charts.curve(metrics[name])) for name in order]
        found[key] = [(name, chart) for name, chart in drawn if chart]
    return {key: drawn for key, drawn in found.items() if drawn}
