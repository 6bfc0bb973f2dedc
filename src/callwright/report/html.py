"""One HTML file that tells a run, opens offline and runs no script.

It has no script; tabs and filters are radio buttons and CSS. All of the model's words pass through `html.text`. The
file stays below `MOST_BYTES`: if the outputs are too long, fewer and shorter ones are embedded.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Template, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from callwright import storage
from callwright.html import numbers, page
from callwright.html.text import shortened
from callwright.report import charts, sentences
from callwright.report.examples import Limits, Rows, failures, pairs, read_outputs
from callwright.report.run_files import RunFiles
from callwright.report.schema import POOLED, Results
from callwright.report.text import calls_text, ending, expected_text, fact, fact_name

MOST_BYTES = 2_000_000


def write_report(run_directory: Path) -> Path:
    """Writes `report.html` beside `results.json`, atomically, and returns its path.

    Raises:
      DataError: The results are missing, or they or the rows are not what they should be.
    """
    run = RunFiles(run_directory)
    results = Results.read(run.results_path)
    storage.write_text(run.report_path, render(results, read_outputs(run.path, results)))
    return run.report_path


def render(results: Results, rows: Rows) -> str:
    """The page, with as many and as long outputs as fit."""
    return page.fit(lambda limits: _render(results, rows, limits), _limits(), MOST_BYTES)


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
    ours = (calls_text, ending, expected_text, fact, fact_name)
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


def _render(results: Results, rows: Rows, limits: Limits) -> str:
    return page.render(
        _template(),
        results=results,
        title=results.title,
        stages=results.evaluated,
        color={key: f"s{min(index, 5)}" for index, key in enumerate(results.evaluated)},
        call_categories=[c for c in results.categories if c not in sentences.relevance_categories(results)],
        relevance_categories=sentences.relevance_categories(results),
        pooled=POOLED,
        headline=sentences.headline(results),
        missing=sentences.missing(results, _without_rows(results, rows)),
        relevance_note=sentences.relevance(results),
        no_overall=sentences.NO_OVERALL,
        loops=sentences.loops(results),
        uncorrected=sentences.UNCORRECTED,
        curves=_curves(results),
        pairs=pairs(results, rows, limits),
        failures={key: failures(results, rows, key) for key in results.evaluated},
        limits=limits,
    )


def _without_rows(results: Results, rows: Rows) -> list[str]:
    scores = ((stage, name, score) for stage, e in results.evaluations.items() for name, score in e.categories.items())
    return [f"{stage}/{name}" for stage, name, score in scores if score.total and not rows[stage].get(name)]


def _curves(results: Results) -> dict[str, list[tuple[str, charts.Curve]]]:
    """Stage to its charts, the metrics that decide first."""
    rank = ("loss", "reward", "kl", "entropy")
    found: dict[str, list[tuple[str, Any]]] = {}
    for key, metrics in results.curves.items():
        order = sorted(metrics, key=lambda m: (next((i for i, r in enumerate(rank) if m.startswith(r)), len(rank)), m))
        drawn = [(name, charts.curve(metrics[name])) for name in order]
        found[key] = [(name, chart) for name, chart in drawn if chart]
    return {key: drawn for key, drawn in found.items() if drawn}
