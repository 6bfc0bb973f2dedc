"""The probe of a recorded Ollama: each setup in the format nearest to it, for tests and for the documentation.

    python -m tests.support.ollama_probe FOLDER

writes the reports that docs/probes has of the recordings there, for `python docs/generate.py --add-probe`.
"""

import json
import sys
from functools import cache
from pathlib import Path

from tests.support.ollama_double import OllamaDouble
from tests.support.ollama_recordings import BUILTIN

from callwright.formats import get_format
from callwright.probe.cases.load import read_cases
from callwright.probe.outcome import Report
from callwright.probe.run import run_probe
from callwright.probe.targets import find_target

LINE = "0.33"
FORMATS = {
    "gemma4": "gemma4/e2b",
    "functiongemma": "functiongemma",
    "qwen3-coder": "qwen3-xml",
    "qwen3.5": "qwen3-xml",
    "qwen3-vl-instruct": "qwen3",
    "xml-args-go": "xml/args",
    "xml-arguments-go": "xml/arguments",
    "xml-args-jinja": "xml/args",
    "xml-arguments-jinja": "xml/arguments",
}
WITHOUT_PROMPTS = ("qwen3.5", "xml-args-go", "xml-arguments-go", "xml-args-jinja", "xml-arguments-jinja")
"""Setups with a chat template that is none of ours: the recorder's own, and Qwen 3.5's."""
GO = '<start_of_turn>{{ range .ToolCalls }}<tool_call>{"name": "x", "%s": {{ .Function.Arguments }}}{{ end }}'
"""A TEMPLATE that is told from others by its markers and its key; the double plays nothing else of it."""
_MODELS = [*(name for name in BUILTIN if name != "qwen3.5"), "xml-args-jinja", "xml-arguments-jinja"]
_GO_TEMPLATES = ["xml-args-go", "xml-arguments-go"]
SAVED = {
    f"{LINE} line (recorded)": ("native", _MODELS),
    f"{LINE} line, Go TEMPLATE (recorded)": ("native", _GO_TEMPLATES),
    f"{LINE} line, /v1 (recorded)": ("openai", _MODELS),
    f"{LINE} line, Go TEMPLATE, /v1 (recorded)": ("openai", _GO_TEMPLATES),
}
"""The reports for the documentation: version to endpoint and setups, of which no two may have the same format."""


def recorded():
    """The cases that recordings exist of."""
    return [case for case in read_cases().cases if case.recorded]


def overrides(setup):
    """What `--set` says for a setup."""
    if setup in BUILTIN:
        return [f"renderer={setup}", f"parser={setup}"]
    return [f"template={GO % setup.split('-')[1]}"] if setup.endswith("-go") else []


def probe(host, setup, cases, fmt=None, endpoint="native"):
    """The report of a setup."""
    asked = [case for case in cases if case.kind == "reply" or setup not in WITHOUT_PROMPTS]
    target = find_target("ollama", [f"host={host}", f"endpoint={endpoint}", *overrides(setup)])
    return run_probe(target, [get_format(fmt or FORMATS[setup])], asked)


@cache
def probe_recordings(setup, endpoint="native"):
    """The report of all recorded cases, and the rows that were asked for."""
    cases = recorded()
    with OllamaDouble({case.id: case.recorded for case in cases}) as double:
        report = probe(double.address, setup, cases, endpoint=endpoint)
        own = [
            case.model_copy(update={"reproduce": case.reproduce.replace(double.address, "http://127.0.0.1:11434")})
            for case in report.cases
        ]
        return report.model_copy(update={"cases": tuple(own)}), frozenset(double.replayed)


def saved(version):
    """A report for the documentation: what was not recorded is left out."""
    endpoint, setups = SAVED[version]
    found = [case for setup in setups for case in probe_recordings(setup, endpoint)[0].cases]
    return Report(
        target="Ollama",
        version=version,
        cases=tuple(case for case in found if not case.cause.startswith("never recorded")),
    )


if __name__ == "__main__":
    for number, name in enumerate(SAVED):
        path = Path(sys.argv[1]) / f"{number}.json"
        path.write_text(json.dumps(saved(name).as_json(), ensure_ascii=False), encoding="utf-8")
        print(path)
