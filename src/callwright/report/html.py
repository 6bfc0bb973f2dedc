"""One HTML file that tells a run, opens offline and runs no script.

The page's policy forbids every script and every load, so that even a fault in escaping could not act; tabs and filters
are radio buttons and CSS. All of the model's words pass through `text.visible`, everything else through jinja2's
autoescape in its sandbox. The file stays below `MOST_BYTES`: if the outputs are too long, fewer and shorter ones are
embedded.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, Template, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from callwright import storage
from callwright.report import charts, story, text
from callwright.report.examples import Limits, Rows, cards, failures, read_rows
from callwright.report.schema import POOLED, Results

RESULTS, REPORT = "results.json", "report.html"
MOST_BYTES = 2_000_000
_HERE = Path(__file__).parent


def write_report(run_directory: Path) -> Path:
    """Writes `report.html` beside `results.json`, atomically, and returns its path.

    Raises:
      DataError: the results or the rows are missing or not what they should be.
    """
    run_directory = Path(run_directory)
    results = Results.read(run_directory / RESULTS)
    target = run_directory / REPORT
    storage.write_text(target, render(results, read_rows(run_directory, results)))
    return target


def render(results: Results, rows: Rows) -> str:
    """The page, with as many and as long outputs as fit."""
    limits = Limits()
    page = _render(results, rows, limits)
    while len(page.encode()) > MOST_BYTES and limits != limits.halved():
        limits = limits.halved()
        page = _render(results, rows, limits)
    return page


@pass_context
def _visible(context: Context, words: str) -> Markup:
    return text.visible(words, context["limits"].text)


@pass_context
def _visible_prompt(context: Context, words: str) -> Markup:
    return text.visible(words, context["limits"].prompt)


@cache
def _template() -> Template:
    """Compiled once: that takes longer than most pages."""
    environment = SandboxedEnvironment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= text.FILTERS | {
        "visible": _visible,
        "visible_prompt": _visible_prompt,
        "prose": lambda words: text.visible(words, 2000),
        "line": lambda words: text.visible(words, 200),
    }
    environment.globals.update(strip=charts.strip, verdict=story.verdict)
    return environment.get_template("template.html")


def _render(results: Results, rows: Rows, limits: Limits) -> str:
    style = (_HERE / "style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page = _template().render(
        results=results,
        title=results.title,
        style=Markup(style),  # noqa: S704 - our own file
        style_digest=digest,
        stages=results.evaluated,
        colour={key: f"s{min(index, 5)}" for index, key in enumerate(results.evaluated)},
        call_categories=[c for c in results.categories if c not in story.silent_categories(results)],
        silent_categories=story.silent_categories(results),
        pooled=POOLED,
        headline=story.headline(results),
        missing=story.missing(results, _without_rows(results, rows)),
        irrelevance_note=story.irrelevance(results),
        no_overall=story.NO_OVERALL,
        uncorrected=story.UNCORRECTED,
        curves=_curves(results),
        cards=cards(results, rows, limits),
        failures={key: failures(results, rows, key) for key in results.evaluated},
        limits=limits,
    )
    return page.encode("utf-8", "backslashreplace").decode()


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
