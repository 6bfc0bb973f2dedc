"""Ctrl-C ends a probe at once, whatever the server does meanwhile; what was found until then is kept, and said."""

import json
import os
import signal
import time
from threading import Event

import pytest
from tests.support.canned_server import as_json, canned_server
from tests.support.faithful_server import FaithfulServer
from tests.support.fake_llama import fake_llama, is_running
from tests.support.ollama_double import OllamaDouble
from tests.support.processes import Process

from callwright.formats import get_format
from callwright.probe.cases.load import read_cases
from callwright.probe.measure import ABORTED
from callwright.probe.plan import make_plan

FORMAT = "xml/arguments"
ONLY = ("rendering.one-tool", "parsing.three-calls", "loops.one-call")
NOTHING = "callwright: aborted; no case was tested yet, so nothing is kept"
AT_ONCE = 5.0
"""Two seconds, and what a busy machine adds; a request may take 120."""
SILENT = """
import http.server
parse_request = http.server.BaseHTTPRequestHandler.parse_request
def hang(self):
    while parse_request(self) and self.command == "POST":
        open({asked!r}, "w").write(str(os.getpid()))
        time.sleep(600)
    return True
http.server.BaseHTTPRequestHandler.parse_request = hang
signal.signal(signal.SIGTERM, signal.SIG_IGN)
"""
"""A server that has become ready, never answers a question, and does not end when it is asked to."""


class Hanging:
    """Wraps what answers requests: the first one that holds `words` is not answered until the block ends."""

    def __init__(self, words):
        self.words, self.asked, self.over = words.encode(), Event(), Event()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()

    def __call__(self, answer):
        def hanging(method, path, body):
            if self.words in body:
                self.asked.set()
                self.over.wait()
            return answer(method, path, body)

        return hanging


def start(folder, *words):
    return Process("callwright.cli:main", ["callwright", "probe", *map(str, words)], folder)


def abort(process, moment, number=signal.SIGINT):
    process.wait_for(moment)
    begun = time.monotonic()
    process.send_signal(number)
    output = process.finish(130)
    assert time.monotonic() - begun < AT_ONCE
    assert "Traceback" not in output.err
    return output


def test_a_server_of_ours_is_out_of_ctrl_cs_reach_and_ended_with_the_probe(tmp_path):
    asked = tmp_path / "asked"
    program = fake_llama(tmp_path / "fake", bad=SILENT.format(asked=str(asked)))
    process = start(tmp_path, "llamacpp", "--set", f"program={program}", "--format", FORMAT, "--only", "parsing.one")
    process.wait_for(lambda: asked.exists() and asked.read_text())
    server = int(asked.read_text())
    assert os.getsid(server) == server
    assert abort(process, lambda: True).err.splitlines()[-1] == NOTHING
    assert not is_running(server)


@pytest.fixture(scope="module")
def instrument():
    return make_plan(get_format(FORMAT), read_cases().cases, one_file=True).speaker


def test_the_report_so_far_is_kept(instrument, tmp_path):
    server = FaithfulServer(instrument)
    with Hanging("parsing.three-calls") as hanging:
        server.answer = hanging(server.answer)
        with server:
            process = start(tmp_path, server.url, "--only", *ONLY, "--json", "--html", tmp_path / "page.html")
            process.wait_for(hanging.asked.is_set)
            time.sleep(0.1)  # in which at least one of the other two cases is done
            output = abort(process, lambda: True)
    results = {case["id"]: (case["result"], case["cause"]) for case in json.loads(output.out)["cases"]}
    assert list(results) == list(ONLY)
    assert results["parsing.three-calls"] == ("not_tested", ABORTED)
    tested = [result for result, _ in results.values()].count("faithful")
    last = output.err.splitlines()[-1]
    assert last.startswith(f"callwright: aborted; the report has what was found until then, with {tested} case")
    assert ABORTED in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_server_with_its_own_model_is_aborted_between_two_questions(tmp_path):
    with Hanging("Answer in French") as hanging:
        reply = {"choices": [{"message": {"content": "Yes."}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 9}}
        listed = {"data": [{"id": "tiny"}]}
        answer = hanging(lambda _, path, body: as_json(listed if path.endswith("/models") else reply))
        with canned_server(lambda path, body: answer("POST", path, json.dumps(body).encode())) as url:
            process = start(tmp_path, url)
            output = abort(process, hanging.asked.is_set)
    assert "1 fault of 1 kind, 7 not tested" in output.out
    assert output.err.splitlines()[-1].endswith("with 1 case tested")


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/api/chat", "/api/delete"])
def test_an_ollama_is_rid_of_the_model_unless_it_hangs(path, tmp_path):
    """Where it does not even remove a model, a line says how to do so."""
    with OllamaDouble() as double, Hanging('"model"') as hanging:
        answer, slow = double.answer, hanging(double.answer)
        double.answer = lambda method, where, body: (slow if where in (path, "/api/chat") else answer)(
            method, where, body
        )
        words = ("--set", f"host={double.address}", "--set", "renderer=gemma4", "--set", "parser=gemma4")
        process = start(tmp_path, "ollama", *words, "--format", "gemma4/e2b", "--only", "rendering.one-tool")
        lines = abort(process, hanging.asked.is_set).err.splitlines()
        assert lines[-1] == NOTHING
        assert bool(double.models) == (path == "/api/delete")
        assert any("ollama rm callwright-probe-" in line for line in lines) == (path == "/api/delete")
