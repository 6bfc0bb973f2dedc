"""What `--set` names is what an Ollama is lent an instrument with, or it is told why not.

The same tests run against the double and, where OLLAMA_HOST names one that answers, against a real Ollama.
"""

import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.command_lines import parsed
from tests.support.ollama_double import JSON, CannedResponse, names_at
from tests.support.ollama_recordings import GO

from callwright.cli import main
from callwright.engines.ollama_api import Ollama
from callwright.engines.ollama_modelfile import read_instructions
from callwright.errors import ConfigError, WorkError
from callwright.instruments.files import write
from callwright.probe.targets.ollama import BY_HAND, OllamaTarget


@pytest.mark.parametrize(
    ("settings", "lacks"),
    [
        (["renderer=gemma9", "parser=gemma4"], "renderer 'gemma9'; got unknown renderer \"gemma9\""),
        (["renderer=gemma4", "parser=gemma9"], "parser 'gemma9'; got one that reads neither calls nor thoughts"),
        (["parser=gemma9", f"template={GO % 'args'}"], "parser 'gemma9'; got one"),
        (["renderer=gemma9"], "renderer 'gemma9'; got unknown"),
    ],
)
def test_a_renderer_or_parser_that_the_server_lacks_ends_the_probe_before_its_cases(host, settings, lacks, capsys):
    before = names_at(host)
    words = [word for setting in settings for word in ("--set", setting)]
    with pytest.raises(SystemExit) as ended:
        main(["probe", "ollama", "--set", f"host={host}", *words, "--format", "xml/args", "qwen3", "--only", "parsing"])
    output = capsys.readouterr()
    [line] = output.err.splitlines()
    assert (ended.value.code, output.out) == (1, "")
    assert line.startswith(f"callwright: expected an Ollama that has the {lacks}")
    assert "; update Ollama (this is version " in line
    assert names_at(host) == before


@pytest.fixture
def installed(host, script, tmp_path):
    """Makes a model of these fields at the host; it is gone afterwards."""
    write(script, tmp_path / "i.gguf")
    name = "callwright-installed:latest"
    with closing(Ollama(host)) as server:
        yield lambda **fields: server.create(name, server.upload(tmp_path / "i.gguf"), **fields) or name
        server.delete(name)


@pytest.mark.parametrize(
    "fields",
    [
        {"renderer": "gemma4", "parser": "gemma4", "parameters": {"num_ctx": 512, "temperature": 0.1}},
        {"parser": "gemma4", "template": 'a "template"\nof <|turn> {{ .Prompt }}, two lines '},
    ],
)
def test_an_installed_model_lends_its_renderer_parser_and_template(host, installed, script, fields):
    target = OllamaTarget([f"host={host}", f"from={installed(**fields)}"])
    before = names_at(host)
    with target.load(script), closing(Ollama(host)) as server:
        [made] = set(names_at(host)) - set(before)
        told = read_instructions(str(server.show(made)["modelfile"]))
        assert told.get("RENDERER") == fields.get("renderer")
        assert told["PARSER"] == fields["parser"]
        assert server.show(made)["template"] == fields.get("template", "{{ .Prompt }}")
    assert names_at(host) == before
    assert f"PARSER {fields['parser']}" in target.reproduce_with("gemma4/31b", "speaker")


def test_what_is_named_beside_an_installed_model_is_used_in_its_place(host, installed):
    model = installed(renderer="gemma4", parser="gemma4")
    target = OllamaTarget([f"host={host}", f"from={model}", "parser=functiongemma"])
    lines = target.reproduce_with("gemma4/31b", "speaker")
    assert "'RENDERER gemma4' 'PARSER functiongemma'" in lines


def test_an_installed_model_that_is_not_there_or_lends_nothing_is_told(host, installed, double):
    with pytest.raises(WorkError, match="to show nosuch; got model 'nosuch:latest' not found; name a model that"):
        OllamaTarget([f"host={host}", "from=nosuch"])
    weights = CannedResponse(200, JSON, b'{"modelfile": "FROM x\\nTEMPLATE {{ .Prompt }}\\n", "template": "{% if %}"}')
    double.instead["POST", "/api/show"] = weights
    with pytest.raises(ConfigError, match=r"of mine; got only the chat template in.*ollama show --template mine > F"):
        OllamaTarget([f"host={double.address}", "from=mine"])


def test_a_template_that_is_ignored_is_told(double, script):
    double.instead["POST", "/api/show"] = CannedResponse(200, JSON, b'{"template": "{% if %}"}')
    with (
        pytest.raises(WorkError, match=r"that serves the template; got version 0.0.0, which uses the chat template in"),
        OllamaTarget([f"host={double.address}", f"template={GO % 'args'}"]).load(script),
    ):
        pytest.fail("it never came to this")
    assert not double.models


def test_the_instructions_of_a_modelfile_are_read_as_ollama_shows_them():
    template = 'RENDERER not\n"this" one '
    shown = f'# FROM me\n\nFROM /blobs/x\nTEMPLATE """{template}"""\nSYSTEM "two\nlines"\nPARSER p\nPARAMETER stop x\n'
    assert read_instructions(shown) == {
        "FROM": "/blobs/x",
        "TEMPLATE": template,
        "SYSTEM": "two\nlines",
        "PARSER": "p",
        "PARAMETER": "stop x",
    }


def test_settings_are_checked(double, tmp_path):
    here = f"host={double.address}"
    for wrong, message in (
        ("gemma4", "expected --set key=value"),
        ("rendrer=gemma4", "got rendrer; did you mean renderer\\? use one of: host, renderer, parser"),
        ("context=many", "context in .*'many'"),
        ("context=1", "context in .*'1'"),
        (f"template=@{tmp_path / 'none'}", "template in .*cannot be read"),
        ("host=[::", "an address as 127.0.0.1:11434"),
    ):
        with pytest.raises(ConfigError, match=message):
            OllamaTarget([here, wrong])
    file = tmp_path / "Template"
    file.write_text("{{ .Prompt }}")
    assert OllamaTarget([here, f"template=@{file}"]).settings.template == "{{ .Prompt }}"


def test_by_hand_it_is_made_the_same_way(double, tmp_path, script):
    template = GO % "args" + "\n'quoted' $HOME\n"
    target = OllamaTarget([f"host={double.address}", "renderer=gemma4", "parser=gemma4", f"template={template}"])
    for program in ("callwright", "ollama"):
        (tmp_path / program).write_text('#!/bin/sh\necho "$0" "$@" $OLLAMA_HOST\n')
        (tmp_path / program).chmod(0o755)
    lines, path = target.reproduce_with("gemma4/e2b", "reader"), {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    run = subprocess.run(["sh", "-ec", lines], cwd=tmp_path, env=path, capture_output=True, text=True, check=True)
    build, create = run.stdout.replace(f"{tmp_path}/", "").splitlines()
    output = {"format": "gemma4/e2b", "part": "reader", "output": Path("probe.gguf"), "context": 8192}
    assert parsed(build) == ("probe_instrument", output)
    assert create == f"ollama create {BY_HAND} -f Modelfile {double.address}"
    assert (tmp_path / "Modelfile").read_text() == (
        f'FROM ./probe.gguf\nTEMPLATE """{template}"""\nRENDERER gemma4\nPARSER gemma4\nPARAMETER num_ctx 8192\n'
    )
