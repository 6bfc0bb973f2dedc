"""Targets are found by name or URL, and whatever is wrong with one is a single line."""

import contextlib
import json
import shlex
import sys
import types
from pathlib import Path

import pytest
from tests.support.canned_server import Canned, as_json, canned_server
from tests.support.command_lines import parsed
from tests.support.faithful_server import FaithfulServer
from tests.support.fake_llama import fake_llama, is_running

from callwright.conversation import Conversation, Message
from callwright.engines.chat import ChatRequest
from callwright.errors import ConfigError, InputError, WorkError
from callwright.formats import FORMATS, get_format
from callwright.instruments.dice import make_dice
from callwright.instruments.script import Line, write_script
from callwright.probe import targets
from callwright.probe.plan import WHO
from callwright.probe.targets import find_target
from callwright.probe.targets.base import UntestableError

ASKED = ChatRequest(conversation=Conversation((Message("user", "Go."),)))


@pytest.fixture(scope="module")
def instrument():
    return write_script(
        get_format("xml", "args"), [Line("x", "It is warm."), Line(WHO, "callwright script xml/args 0123456789")]
    )


def refusal(kind, run):
    with pytest.raises(kind) as raised:
        run()
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_an_unknown_target_is_told_what_there_is():
    said = refusal(InputError, lambda: find_target("lmstudio"))
    assert said == (
        "expected a target to probe; got 'lmstudio'; use one of: llamacpp, ollama, transformers, or the URL of a server"
    )


def test_only_the_target_that_is_asked_for_is_imported(monkeypatch):
    module = types.ModuleType("a_target_of_a_test")
    module.Mine = lambda overrides: ("made", overrides)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(targets, "TARGETS", {"other": ("no_such_module", "Other"), "mine": (module.__name__, "Mine")})
    assert find_target("mine", ["a=b"]) == ("made", ["a=b"])


class TestLlamaCpp:
    @pytest.fixture
    def program(self, tmp_path):
        return fake_llama(tmp_path / "fake")

    def test_an_instrument_is_served_for_as_long_as_the_block(self, program, instrument, tmp_path, monkeypatch):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
        (tmp_path / "scratch").mkdir()
        (tmp_path / "t.jinja").write_text("{{ messages }}")
        words = ["slots=2", "context=1024", "jinja=false", f"template={tmp_path}/t.jinja", "options=--temp 0.3"]
        target = find_target("llamacpp", [f"program={program}", *words])
        assert (target.name, target.version, target.context) == ("llama.cpp", "9 (abcdef0)", 1024)
        assert not target.shares_instruments
        with target.load(instrument) as chat:
            about = json.loads(program.with_name("about.json").read_text())
            assert chat.slots == 2
            assert chat.chat(ASKED).content == "Hi"
            assert "http://127.0.0.1:8080/v1/chat/completions" in chat.curl(ASKED)
            [folder] = (tmp_path / "scratch").iterdir()
            assert (folder / "instrument.gguf").stat().st_size > 10_000
        assert not list((tmp_path / "scratch").iterdir())
        assert not is_running(about["id"])
        build, serve = target.reproduce_with("xml/args", "both").split("\n")
        said = {"format": "xml/args", "part": "both", "output": Path("probe.gguf"), "context": 1024}
        assert parsed(build) == ("probe_instrument", said)
        # By hand it is started with the very words, but for the file and the port.
        started = about["words"]
        assert started[4:6] == ["-m", str(folder / "instrument.gguf")]
        assert shlex.split(serve) == ["llama-server", "-m", "probe.gguf", *started[6:]]
        assert started[6:] == shlex.split(
            f"-c 2048 -np 2 -t 1 --no-jinja --props --slots --chat-template-file {tmp_path}/t.jinja --temp 0.3"
        )

    def test_a_server_that_does_not_load_it_is_untestable_in_one_line(self, tmp_path, instrument):
        program = fake_llama(tmp_path / "bad", bad="sys.exit('0.1 E loader: unknown architecture')")
        target = find_target("llamacpp", [f"program={program}"])
        said = refusal(UntestableError, lambda: contextlib.ExitStack().enter_context(target.load(instrument)))
        assert "loader: unknown architecture" in said

    def test_a_place_that_cannot_be_written_is_untestable_in_one_line(self, program, instrument, monkeypatch):
        target = find_target("llamacpp", [f"program={program}"])
        monkeypatch.setattr("tempfile.tempdir", "/nowhere")
        said = refusal(UntestableError, lambda: contextlib.ExitStack().enter_context(target.load(instrument)))
        assert "to write to /nowhere" in said

    def test_what_fails_while_it_is_served_is_not_the_targets_fault(self, program, instrument):
        target = find_target("llamacpp", [f"program={program}"])
        with pytest.raises(WorkError, match="mine") as raised, target.load(instrument):
            raise WorkError("mine", "came", "fix")
        assert not isinstance(raised.value, UntestableError)

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (
                ["colour=red"],
                "a known key in --set for llamacpp; got colour; use one of: program, template, jinja, options, slots",
            ),
            (["slots=0"], "slots in --set for llamacpp: a number of at least 1"),
            (["slots=many"], "slots in .*: a whole number"),
            (["jinja"], "expected --set key=value; got 'jinja'"),
            (["template=/nowhere.jinja"], "no file /nowhere.jinja"),
            (["program=/nowhere"], "llama.cpp server at /nowhere; got no such file"),
            (['options=--temp "0.3'], "options in .*No closing quotation"),
        ],
    )
    def test_a_wrong_setting_is_named(self, words, said, program):
        with pytest.raises(ConfigError, match=said):
            find_target("llamacpp", [f"program={program}", *words])


def models(*entries):
    return as_json({"object": "list", "data": list(entries)})


LLAMA = {
    "/v1/models": models({"id": "script", "owned_by": "llamacpp"}),
    "/props": as_json({"build_info": "b6000-abc", "total_slots": 3, "default_generation_settings": {"n_ctx": 2048}}),
}
VLLM = {
    "/v1/models": models({"id": "/models/probe", "owned_by": "vllm", "max_model_len": 4096}),
    "/version": as_json({"version": "0.11.0"}),
}
OTHER = {"/v1/models": models({"id": "a"}, {"id": "b"})}


def serving(pages, says="callwright script xml/args 0123456789"):
    """A server of these pages, whose model says the same whatever it is asked; what it was asked is kept."""
    asked = []

    def answer(path, body):
        if body is None:
            return pages.get(path, as_json({"error": "not found"}, status=404))
        asked.append(body)
        if isinstance(says, Canned):
            return says
        return as_json({"choices": [{"message": {"content": says}, "finish_reason": "stop"}]})

    server = canned_server(answer)
    server.asked = asked
    return server


class TestServer:
    @pytest.mark.parametrize(
        ("pages", "name", "version", "context", "slots", "model"),
        [
            (LLAMA, "llama.cpp", "b6000-abc", 2048, 3, "script"),
            (VLLM, "vLLM", "0.11.0", 4096, 4, "/models/probe"),
            (OTHER, None, "canned", 8192, 4, "a"),
            ({**LLAMA, "/props": Canned(b"<html>")}, "llama.cpp", "canned", 8192, 4, "script"),
            (
                {**LLAMA, "/props": as_json({"build_info": 7, "total_slots": -1})},
                "llama.cpp",
                "canned",
                8192,
                4,
                "script",
            ),
        ],
    )
    def test_a_server_is_asked_what_it_is(self, instrument, pages, name, version, context, slots, model):
        server = serving(pages)
        with server as url:
            for given in (url, url + "/", url + "/v1", url + "/v1/chat/completions"):
                target = find_target(given)
                assert (target.name, target.version, target.context) == (name or url, version, context)
                assert target.shares_instruments
            with target.load(instrument) as chat:
                assert chat.slots == slots
                assert chat.chat(ASKED).content == "callwright script xml/args 0123456789"
                assert f"{url}/v1/chat/completions" in chat.curl(ASKED)
        assert server.asked[0]["messages"] == [{"role": "user", "content": "@@callwright.who@@"}]
        assert {body["model"] for body in server.asked} == {model}

    def test_what_cannot_be_asked_can_be_said(self, instrument):
        server = serving(OTHER)
        with server as url:
            target = find_target(url, ["model=b", "slots=2", "context=1000"])
            with target.load(instrument) as chat:
                assert (chat.slots, target.context) == (2, 1000)
        assert server.asked[0]["model"] == "b"
        server = serving({})
        with server as url, find_target(url, ["model=c"]).load(instrument):
            assert server.asked[0]["model"] == "c"

    @pytest.mark.parametrize(
        ("says", "got"),
        [
            ("Hello! How can I help\nyou today?", "got 'Hello! How can I help you today?' when asked"),
            ("callwright script xml/args 9", "got 'callwright script xml/args 9' when asked"),
            ("", "got no text when asked"),
            (as_json({"error": {"message": "no such model"}}, status=404), "got no such model; correct this"),
            (Canned(b"<html>"), "got expected JSON; got '<html>'"),
            (Canned(status=0), "disconnected"),
        ],
    )
    def test_another_model_is_found_out(self, instrument, says, got):
        with serving(LLAMA, says) as url:
            target = find_target(url)
            said = refusal(UntestableError, lambda: contextlib.ExitStack().enter_context(target.load(instrument)))
        assert got in said
        if "when asked" in got:
            assert said.endswith(
                "build and load it: callwright instrument probe --format xml/args --part both -o probe.gguf; "
                "llama-server -m probe.gguf --jinja"
            )

    @pytest.mark.parametrize(
        ("pages", "line"),
        [
            (LLAMA, "llama-server -m probe.gguf --jinja"),
            (VLLM, "vllm serve ./probe --enable-auto-tool-choice --tool-call-parser hermes --reasoning-parser qwen3"),
            (OTHER, "# load probe.gguf in the server at http://127.0.0.1:"),
        ],
    )
    def test_how_to_load_an_instrument_is_said_for_the_runtime(self, pages, line):
        with serving(pages) as url:
            build, load = find_target(url).reproduce_with("qwen3", "dice").split("\n")
        output = Path("probe" if pages is VLLM else "probe.gguf")
        assert parsed(build) == ("probe_instrument", {"format": "qwen3", "part": "dice", "output": output})
        assert load.startswith(line)

    def test_an_instrument_of_a_template_file_is_recognized_whatever_its_path(self, tmp_path):
        path = tmp_path / "a folder" / "chat.jinja"
        path.parent.mkdir()
        path.write_text("{{ messages }}", encoding="utf-8")
        fmt = get_format(f"template:{path}/qwen3")
        with FaithfulServer(write_script(fmt, [Line(WHO, f"callwright script {fmt.id} 0123456789")])) as server:
            assert find_target(server.url).loaded_format() == fmt.id

    @pytest.mark.parametrize("fmt", FORMATS.values(), ids=lambda fmt: fmt.id)
    def test_a_template_file_is_read_as_the_format_that_is_declared(self, fmt, tmp_path):
        path = tmp_path / "a folder" / "chat.jinja"
        path.parent.mkdir()
        path.write_text("{{ messages }}", encoding="utf-8")
        template = get_format(f"template:{path}/{fmt.id}")
        with serving(VLLM) as url:
            (build, load), (_, plain) = (
                find_target(url).reproduce_with(id, "both").split("\n") for id in (template.id, fmt.id)
            )
        assert parsed(build)[1]["format"] == template.id
        assert load == plain

    @pytest.mark.parametrize(("family", "variant"), [(fmt.name, fmt.variant) for fmt in FORMATS.values()])
    def test_vllm_is_started_so_that_it_reads_what_it_has_a_parser_for(self, family, variant):
        with serving(VLLM) as url:
            command = find_target(url).reproduce_with(f"{family}/{variant}".removesuffix("/"), "both")
        assert ("--tool-call-parser" in command) is (family != "tool_code")
        assert ("--reasoning-parser" in command) is (get_format(family, variant).grammar.thought is not None)

    @pytest.mark.parametrize(
        ("canned", "got"),
        [
            (Canned(b"<html>", kind="text/html"), "got HTTP 200: no list of models; start it"),
            (as_json([]), "HTTP 200: no list of models"),
            (as_json({"data": [{"id": 7}, "x"]}), "HTTP 200: no list of models"),
            (as_json({"error": {"message": "Invalid API\nkey"}}, status=401), "got HTTP 401: Invalid API key;"),
            (Canned(status=0), "disconnected"),
        ],
    )
    def test_a_server_that_is_none_is_one_line(self, canned, got):
        with canned_server(canned) as url:
            assert got in refusal(WorkError, lambda: find_target(url))

    def test_a_server_that_does_not_answer_is_one_line(self):
        with canned_server(Canned(b"{}", wait=5)) as url:
            said = refusal(WorkError, lambda: find_target(url, ["timeout=0.3"]))
        assert f"got no whole answer from {url} within 0.3 seconds" in said

    def test_a_server_that_is_down_is_one_line(self):
        with canned_server(Canned()) as url:
            pass
        said = refusal(WorkError, lambda: find_target(url))
        assert "Connection refused" in said and "start it, or correct the URL" in said

    def test_a_model_that_the_server_has_not_is_one_line(self):
        with serving(OTHER) as url:
            assert "got only a, b; use one of: a, b: --set model=NAME" in refusal(
                WorkError, lambda: find_target(url, ["model=c"])
            )

    @pytest.mark.parametrize("url", ["http://", "http://[::1", "http://h:99999", "http://h/?q=1", "https:///v1"])
    def test_a_url_that_is_none_is_one_line(self, url):
        assert "expected the URL of a server" in refusal(ConfigError, lambda: find_target(url))

    @pytest.mark.parametrize(
        ("says", "loaded"),
        [
            ("callwright script xml/args 0123456789", "xml/args"),
            ("callwright script qwen3 0123456789\n", "qwen3"),
            ("I am a helpful assistant.", None),
            ("", None),
        ],
    )
    def test_the_format_that_is_loaded_is_known(self, says, loaded):
        with serving(LLAMA, says) as url:
            assert find_target(url).loaded_format() == loaded

    def test_dice_are_known_by_their_faces(self):
        dice = make_dice(get_format("qwen3"), {"one": 0.5, "two": 0.5})
        with serving(LLAMA, "onetwotwo") as url, find_target(url).load(dice):
            pass
        with serving(LLAMA, "callwright") as url:
            target = find_target(url)
            said = refusal(UntestableError, lambda: contextlib.ExitStack().enter_context(target.load(dice)))
        assert "--part dice" in said
