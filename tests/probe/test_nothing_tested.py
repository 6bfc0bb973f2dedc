"""A probe that could test nothing says so in one line and ends with 1, as its command line is typed."""

import json

import pytest
from tests.support.canned_server import Canned, as_json, canned_server
from tests.support.fake_llama import fake_llama
from tests.support.ollama_double import JSON, CannedResponse, OllamaDouble

from callwright.cli import main

FORMAT = "qwen3"
ONLY = ("rendering.one-tool", "parsing.one-call", "sampling.pure")
MODELS = {"data": [{"id": "tiny", "owned_by": "somebody"}]}
CHAT = "/v1/chat/completions"


def run(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main(["probe", *words])
    output = capsys.readouterr()
    progress = "  probing "
    return ended.value.code, output.out, [line for line in output.err.splitlines() if not line.startswith(progress)]


def check_one_line(ended, *parts):
    code, out, [line] = ended
    assert (code, out) == (1, "")
    assert line.startswith("callwright: expected ") and "; got " in line
    assert all(part in line for part in parts)


@pytest.mark.parametrize("more", [(), ("--json",), ("--format", "xml/args")])
def test_an_ollama_that_creates_no_model(double, more, capsys, tmp_path):
    double.instead["POST", "/api/create"] = CannedResponse(500, JSON, b'{"error": "no\\nquantizer"}')
    page = tmp_path / "page.html"
    words = (
        "ollama",
        "--set",
        f"host={double.address}",
        "--format",
        FORMAT,
        *more,
        "--only",
        *ONLY,
        "--html",
        str(page),
    )
    check_one_line(run(capsys, *words), "to create a model; got no quantizer; see the server's log")
    assert not page.exists()


def test_an_ollama_that_creates_models_of_some_formats_has_a_report(double, capsys):
    """What was not tested is said there, and faults decide the exit code."""
    answer, refused = double.answer, []

    def refusing_once(method, path, raw):
        if path != "/api/create" or refused:
            return answer(method, path, raw)
        refused.append(path)
        return CannedResponse(500, JSON, b'{"error": "not now"}')

    double.answer = refusing_once
    words = ("ollama", "--set", f"host={double.address}", "--set", "renderer=gemma4", "--set", "parser=gemma4")
    code, out, _ = run(capsys, *words, "--format", "xml/args", "gemma4/e2b", "--only", "rendering.one-tool", "--json")
    cases = json.loads(out)["cases"]
    assert [case["format"] for case in cases] == ["xml/args", "gemma4/e2b"]
    assert "not now" in cases[0]["cause"]
    assert code == 3 * any(case["result"] == "fault" for case in cases)


def test_a_server_that_answers_everything_with_500(capsys):
    with canned_server(as_json({"error": {"message": "on fire"}}, status=500)) as url:
        check_one_line(run(capsys, url, "--only", *ONLY), f"models listed at {url}/v1/models", "HTTP 500: on fire")


@pytest.mark.parametrize("more", [(), ("--format", FORMAT)])
def test_a_server_that_lists_models_and_fails_on_every_chat(more, capsys):
    def answer(path, body):
        return as_json(MODELS) if path.endswith("/models") else as_json({"error": {"message": "on fire"}}, status=500)

    with canned_server(answer) as url:
        check_one_line(run(capsys, url, *more), url, "on fire")


@pytest.mark.parametrize("more", [(), ("--format", FORMAT)])
def test_a_server_that_is_gone_after_its_first_answer(more, capsys):
    answered = []

    def answer(path, body):
        answered.append(path)
        return as_json(MODELS) if len(answered) == 1 else Canned(status=0)

    with canned_server(answer) as url:
        check_one_line(run(capsys, url, *more), url)


def test_an_ollama_that_is_gone_after_its_first_answer(capsys):
    answered = []

    def answer(path, body):
        answered.append(path)
        return as_json({"version": "0.33.0"}) if len(answered) == 1 else Canned(status=0)

    with canned_server(answer) as url:
        check_one_line(run(capsys, "ollama", "--set", f"host={url}", "--format", FORMAT), url)


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_llama_server_that_dies_at_its_start(more, capsys, tmp_path):
    program = fake_llama(tmp_path / "fake", bad="sys.exit('error: no such option: --props')")
    words = ("llamacpp", "--set", f"program={program}", "--format", "xml/args", *more)
    check_one_line(run(capsys, *words, "--only", "parsing.one-call"), "one that ended: no such option: --props; ")


@pytest.mark.parametrize("more", [("--format", FORMAT), ("--only", *ONLY)])
def test_another_model_behind_the_url(more, capsys):
    """What can be counted is not what was asked for."""
    answer = {"choices": [{"message": {"content": "I am another."}, "finish_reason": "stop"}]}
    answer["usage"] = {"prompt_tokens": 9, "completion_tokens": 4}
    with canned_server(lambda path, body: as_json(MODELS if path.endswith("/models") else answer)) as url:
        check_one_line(run(capsys, url, *more), url, "callwright instrument probe --format ")


def test_cases_that_the_format_cannot_say(capsys, tmp_path):
    case = "{id: mine.a, kind: prompt, fault_class: tools-dropped, why: x, formats: [qwen3], messages: Go.}"
    (tmp_path / "mine.yaml").write_text(f"cases: [{case}]\n", encoding="utf-8")
    with OllamaDouble() as double:
        words = ("ollama", "--set", f"host={double.address}", "--format", "xml/args", "--only", "mine")
        check_one_line(run(capsys, *words, "--cases", str(tmp_path / "mine.yaml")), "none of those chosen")
