"""`callwright export`, `serve` and `chat` on a whole tiny run, as a user starts them."""

import io
import json

import pytest
from tests.support.fake_llama import fake_llama

from callwright.export.snippets import snippets
from callwright.export.target import read_sums
from callwright.orchestration import export as exporting
from callwright.orchestration import serve as serving
from callwright.storage import sha256_file

pytestmark = pytest.mark.slow


@pytest.fixture
def alone(monkeypatch, tmp_path):
    """No llama.cpp anywhere."""
    monkeypatch.delenv("LLAMA_SERVER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr("sys.stdin", io.StringIO(""))


@pytest.mark.parametrize("kind", ["hf", "lora"])
def test_an_export_is_checked_listed_and_described(finished, inside, tmp_path, kind):
    target = tmp_path / kind
    code, out, err = inside(finished.directory, "export", finished.path, "--to", kind, "--output", target)
    assert (code, err) == (0, "")
    assert "ok: merged logits" in out
    assert "ok: prompts" in out
    assert "FAILED" not in out
    card = (target / "README.md").read_text()
    assert "| merged logits | passed |" in card
    for heading in ("What it is", "How well it calls", "How to call it", "License"):
        assert f"## {heading}" in card
    sums = read_sums(target)
    assert sums
    assert all(sha256_file(target / name) == digest for name, digest in sums.items())
    assert {"README.md", "NOTICE", "chat_template.jinja", "tokenizer.json"} <= sums.keys()


def test_a_gguf_that_is_not_checked_says_so(finished, inside, alone, tmp_path):
    out = inside(finished.directory, "export", finished.path, "--to", "gguf", "--no-verify", "-o", tmp_path / "g")[1]
    assert (tmp_path / "g" / "tiny-q8_0.gguf").is_file()
    assert "tiny-q8_0.gguf" in out
    assert "were not checked" in (tmp_path / "g" / "README.md").read_text()


def test_the_snippets_of_a_card_ask_for_the_runs_own_tool(finished, inside, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr("callwright.export.card.snippets", lambda *given: asked.append(given[-1]) or snippets(*given))
    inside(finished.directory, "export", finished.path, "--to", "lora", "--no-verify", "-o", tmp_path / "l")
    assert [tool.name for tool in asked[0].conversation.tools] == ["get"]


def test_an_export_without_llama_cpp_is_refused_before_anything_is_written(finished, inside, alone, tmp_path):
    code, _, err = inside(finished.directory, "export", finished.path, "--to", "gguf", "-o", tmp_path / "g")
    assert code == 2
    assert "expected a llama-server; got none" in err
    assert not (tmp_path / "g").exists()


def test_a_failed_check_fails_the_export_and_leaves_nothing(finished, inside, monkeypatch, tmp_path):
    broken = exporting.write_hf

    def write_other(trained, target, **options):
        broken(trained, target, **options)
        (target / "chat_template.jinja").write_text("{{ messages[0].content }}")

    monkeypatch.setattr(exporting, "write_hf", write_other)
    code, out, err = inside(finished.directory, "export", finished.path, "--to", "hf", "-o", tmp_path / "hf")
    assert code == 1
    assert "FAILED: prompts" in out
    assert "prompts as they were trained" in err
    assert list(tmp_path.glob("**/hf*")) == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--to", "hf", "--quantize", "q8_0"], "--quantize with --to gguf or --to ollama; got --to hf"),
        (["--to", "gguf", "--dtype", "float16"], "--dtype with --to hf; got --to gguf"),
        (["--to", "gguf", "--create", "mine"], "--create with --to ollama"),
        (["--to", "ollama", "--url", "http://127.0.0.1:1"], "--url with --create NAME"),
        (["--to", "gguf", "--quantize", "q4"], "a quantization that can be written"),
        (["--to", "hf", "--format", "gpt"], "gpt"),
    ],
)
def test_options_that_contradict_each_other_are_refused(finished, inside, tmp_path, options, told):
    code, _, err = inside(finished.directory, "export", finished.path, *options, "-o", tmp_path / "x")
    assert code == 2
    assert told in err
    assert not (tmp_path / "x").exists()


def test_the_ollama_of_the_environment_is_asked_before_anything_is_computed(finished, inside, monkeypatch, tmp_path):
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:1")
    command = ("export", finished.path, "--to", "ollama", "--create", "mine", "--no-verify", "-o", tmp_path / "o")
    code, _, err = inside(finished.directory, *command)
    assert code != 0
    assert "an Ollama at http://127.0.0.1:1;" in err
    assert not (tmp_path / "o").exists()


def test_an_export_that_is_there_is_replaced_only_by_force(finished, inside, tmp_path):
    command = ("export", finished.path, "--to", "lora", "--no-verify", "-o", tmp_path / "l")
    assert inside(finished.directory, *command)[0] == 0
    code, _, err = inside(finished.directory, *command)
    assert code == 2
    assert "--force" in err
    assert inside(finished.directory, *command, "--force")[0] == 0


def test_serve_asks_for_the_runs_own_tool(finished, inside, monkeypatch, tmp_path):
    served = []
    monkeypatch.setenv("LLAMA_SERVER", str(fake_llama(tmp_path / "bin")))
    monkeypatch.setattr(serving, "serve_export", lambda *given, request: served.append((given, request)))
    target = tmp_path / "g"
    inside(finished.directory, "export", finished.path, "--to", "gguf", "--no-verify", "-o", target)
    inside(finished.directory, "serve", target / "tiny-q8_0.gguf")
    assert served[0][1] is None
    monkeypatch.setattr(serving, "find_gguf", lambda path: target / "tiny-q8_0.gguf")
    inside(finished.directory, "serve", finished.path, "--port", "0")
    assert served[1][0][2].port == 0
    assert [tool.name for tool in served[1][1].conversation.tools] == ["get"]


def test_a_chat_without_llama_cpp_is_held_in_this_process(finished, inside, alone, monkeypatch, tmp_path):
    (tmp_path / "mine.py").write_text('def look(city: str) -> str:\n    """Looks."""\n    return city\n')
    monkeypatch.setattr("sys.stdin", io.StringIO("/tools\nthe Paris\n/quit\n"))
    code, out, _ = inside(finished.directory, "chat", finished.path, "--tools", tmp_path / "mine.py")
    assert code == 0
    assert "answers in this process: it was not exported as a GGUF" in out
    assert "get: Get." in out
    assert "look (yours): Looks." in out
    assert "model>" in out or "call>" in out or "cut" in out


def test_a_chat_goes_through_llama_cpp_where_there_is_a_gguf(finished, inside, monkeypatch, tmp_path):
    program = fake_llama(tmp_path / "bin", says="Good day")
    inside(finished.directory, "export", finished.path, "--to", "gguf", "--no-verify", "-o", tmp_path / "g")
    monkeypatch.setenv("LLAMA_SERVER", str(program))
    monkeypatch.setattr("sys.stdin", io.StringIO("hello\n"))
    out = inside(finished.directory, "chat", tmp_path / "g" / "tiny-q8_0.gguf")[1]
    assert "answers through llama.cpp" in out
    assert "model> Good day" in out
    assert json.loads((program.parent / "about.json").read_text())["words"]
