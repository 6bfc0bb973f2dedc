"""A Modelfile keeps the calls or is not written, and a running Ollama serves the model just so, or not at all."""

import re
from contextlib import closing

import pytest
from tests.support.ollama_double import JSON, CannedResponse, OllamaDouble, real_ollama
from tests.support.ollama_recordings import rows_of
from tests.support.tiny import write_tiny_gguf

from callwright.engines.chat import ChatRequest
from callwright.engines.ollama_api import Ollama
from callwright.engines.ollama_chat import OllamaChat
from callwright.engines.ollama_modelfile import modelfile_lines, read_instructions
from callwright.errors import ConfigError, FormatError, WorkError
from callwright.export.go_templates import GO_TEMPLATES
from callwright.export.ollama import choose_way, create, serving, write_ollama
from callwright.formats import FORMATS, get_format
from callwright.instruments.files import write
from callwright.instruments.script import Line, write_script
from callwright.openai import read_conversation


@pytest.fixture
def exported(model_in, tmp_path):
    """A model of a format, and a GGUF with the format's template."""

    def make(name="xml"):
        gguf = tmp_path / f"{name.replace('/', '-')}.gguf"
        write(write_script(get_format(name), [Line("hello", "Hello.")]), gguf)
        return model_in(name), gguf

    return make


@pytest.fixture
def double():
    with OllamaDouble() as running:
        yield running


@pytest.fixture
def server(double):
    with closing(Ollama(double.address)) as server:
        yield server


def test_the_formats_of_our_own_are_served_by_the_template_inside_the_weights(exported, tmp_path):
    model, gguf = exported()
    found = write_ollama(model, gguf, tmp_path)
    lines = (tmp_path / "Modelfile").read_text().splitlines()
    assert lines[:2] == [
        "# There is no TEMPLATE here: Ollama uses the chat template inside the weights, by which calls are read.",
        "FROM ./xml.gguf",
    ]
    assert lines[2:9] == [
        "PARAMETER stop <end_of_turn>",
        "PARAMETER num_ctx 4096",
        "PARAMETER temperature 1.0",
        "PARAMETER top_k 0",
        "PARAMETER top_p 1.0",
        "PARAMETER min_p 0.0",
        "PARAMETER repeat_penalty 1.0",
    ]
    instructions = read_instructions((tmp_path / "Modelfile").read_text())
    assert "ai.google.dev/gemma/terms" in instructions["LICENSE"]
    assert instructions.keys().isdisjoint({"TEMPLATE", "RENDERER", "PARSER"})
    assert found.way == "jinja"


@pytest.mark.parametrize(
    ("name", "wanted", "reason"),
    [
        ("xml/args", "template", r"with `args` every call vanishes without an error; take the way jinja"),
        ("xml/args", "renderer", r"Ollama has no renderer and no parser for it; take the way jinja"),
        (
            "tool_code",
            None,
            r"llama\.cpp, which reads the calls there, answers them with an error; serve it raw: send /ap",
        ),
        ("tool_code", "template", r"reads only calls that are JSON objects with a name and `arguments`; serve it raw"),
        ("functiongemma", "jinja", r"answers them with an error; take the way renderer"),
        ("hermes3", "template", r"is written in Jinja only, not in Go; take the way jinja"),
    ],
)
def test_a_way_that_would_lose_calls_is_refused_with_the_reason(name, wanted, reason):
    with pytest.raises(FormatError, match=reason) as raised:
        choose_way(get_format(name), wanted)
    assert "\n" not in str(raised.value)


def test_every_format_has_a_way_or_a_reason():
    ways = {}
    for name, fmt in FORMATS.items():
        try:
            ways[name] = choose_way(fmt)
        except FormatError:
            ways[name] = None
    assert ways["xml/arguments"] == "jinja" and ways["gemma4/e2b"] == "renderer"
    assert [name for name, way in ways.items() if way is None] == ["tool_code", "llama4", "bfcl", "mistral/v11"]


def test_a_file_without_a_template_that_shows_tools_is_refused(model_in, tmp_path):
    gguf = write_tiny_gguf(tmp_path / "m.gguf", extra={"tokenizer.chat_template": "{{ messages[0].content }}"})
    with pytest.raises(FormatError, match="for Ollama to choose it; got one that shows none; export the GGUF again"):
        write_ollama(model_in(), gguf, tmp_path)
    assert not (tmp_path / "Modelfile").exists()


def test_a_context_beyond_the_models_own_is_refused(exported):
    model, gguf = exported()
    with pytest.raises(ConfigError, match="a context of 1 to 4096 tokens, the model's own; got 8192"):
        serving(model, gguf, context=8192)


def test_the_marker_of_a_call_is_the_first_text_that_ollama_finds_in_the_go_template():
    for template in GO_TEMPLATES.values():
        inside = template.partition("{{- if .ToolCalls }}")[2]
        [first, *_] = [text for text in re.split(r"\{\{.*?\}\}", inside, flags=re.DOTALL) if text.strip()]
        assert first.strip().partition("{")[0] == "<tool_call>"
        assert template.count("if .ToolCalls") == 1 and 'eq .Role "tool"' in template


def test_a_template_in_go_is_written_on_request(exported, tmp_path):
    model, gguf = exported("xml/arguments")
    write_ollama(model, gguf, tmp_path, way="template")
    text = (tmp_path / "Modelfile").read_text()
    assert read_instructions(text)["TEMPLATE"] == GO_TEMPLATES["xml/arguments"]
    assert text.startswith("# Ollama prints tools and arguments in its own way: the prompts are other bytes")


def test_quotes_in_the_terms_do_not_end_them():
    [_, line] = modelfile_lines("m", license='say """yes"""\nPARAMETER stop x')
    assert line.count('"""') == 2 and read_instructions(line)["LICENSE"].endswith("PARAMETER stop x")


def test_a_model_is_created_with_its_terms_and_without_traces(exported, server, double):
    model, gguf = exported()
    create(serving(model, gguf), "mine", server)
    assert server.models() == ["mine:latest"]
    made = [body for _, path, body in double.asked if path == "/api/create"][-1]
    assert made["model"] == "mine"
    assert made["parameters"]["stop"] == ["<end_of_turn>"] and made["parameters"]["top_k"] == 0
    assert "ai.google.dev/gemma/terms" in made["license"][0]
    assert made.keys().isdisjoint({"template", "renderer", "parser"})


def test_a_model_that_is_there_is_replaced_only_on_demand(exported, server):
    model, gguf = exported()
    create(serving(model, gguf), "mine", server)
    with pytest.raises(ConfigError, match="got mine, which is there; name another model, or replace it with --force"):
        create(serving(model, gguf), "mine", server)
    create(serving(model, gguf), "mine", server, force=True)
    assert server.models() == ["mine:latest"]


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (
            '{"template": "{{ .Prompt }}", "capabilities": ["completion"]}',
            r"version 0\.0\.0, which finds completion in",
        ),
        ('{"template": "{{ .System }}", "capabilities": ["tools"]}', "which puts a template of its own in its place"),
    ],
)
def test_an_ollama_that_would_serve_it_in_another_way_gets_no_model(exported, server, double, shown, told):
    model, gguf = exported()
    double.instead["POST", "/api/show"] = CannedResponse(200, JSON, shown.encode())
    with pytest.raises(WorkError, match=told):
        create(serving(model, gguf), "mine", server)
    assert server.models() == []


@pytest.fixture(params=["double", "real"])
def host(request):
    """The address of an Ollama: the double's, which answers what was recorded, or a real one's."""
    if request.param == "double":
        with OllamaDouble({"simple": "simple"}) as running:
            yield running.address
        return
    yield real_ollama()


@pytest.mark.parametrize(
    ("name", "way"),
    [("xml/args", None), ("xml/arguments", None), ("xml/arguments", "template"), ("functiongemma", None)],
)
def test_a_created_model_keeps_its_calls(model_in, tmp_path, host, name, way):
    model, mine = model_in(name), "callwright-test-export"
    setup = f"{name.replace('/', '-')}-{'go' if way else 'jinja'}" if "/" in name else name
    [row] = [one for one in rows_of(setup, "parse") if one["case"] == "simple"]
    write(write_script(model.format, [Line("simple", row["raw"])]), tmp_path / "m.gguf")
    asked = {"messages": [{"role": "user", "content": "Go. @@simple@@"}], "tools": row["tools"]}
    with closing(Ollama(host)) as server:
        create(serving(model, tmp_path / "m.gguf", way=way), mine, server, force=True)
        reply = OllamaChat(server, mine).chat(ChatRequest(conversation=read_conversation(asked)))
        server.delete(mine)
        assert f"{mine}:latest" not in server.models()
    assert not reply.error
    expected = model.format.parse(row["raw"], tools=read_conversation(asked).tools).tool_calls
    calls = [(call.name, call.arguments) for call in reply.message().tool_calls]
    assert calls == [(call.name, call.arguments) for call in expected]
