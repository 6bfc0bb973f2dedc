"""`callwright formats detect` tells the format of a model's files by its chat template, and how sure that is."""

import hashlib
import importlib
import json
import re
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.formats.test_every_format import every_format

from callwright import cli
from callwright.errors import WeightsError
from callwright.formats import FORMATS, confined, detection
from callwright.instruments.command import build_script
from callwright.models.gguf_header import chat_templates

FOREIGN = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)
ENDLESS = "{% for a in range(99999) %}" * 4 + "{% endfor %}" * 4


@pytest.fixture
def detect(capsys, tmp_path):
    """Detects a file, or a template's text, and gives exit code, output and errors."""

    def run(template, *options):
        path = template
        if isinstance(template, str):
            path = tmp_path / "given.jinja"
            path.write_text(template, encoding="utf-8")
        with pytest.raises(SystemExit) as left:
            cli.main(["formats", "detect", str(path), *options])
        out, err = capsys.readouterr()
        return left.value.code, out, err

    return run


@pytest.fixture
def here(monkeypatch):
    """Renders in this process, which is quicker."""
    monkeypatch.setattr(detection, "render_confined", confined.render_here)


@every_format
def test_an_emitted_template_is_of_its_format_by_its_bytes(fmt, detect):
    assert detect(fmt.chat_template()) == (0, f"{fmt.id}: the same bytes as the template of Callwright itself\n", "")


@every_format
def test_a_template_with_other_white_space_is_of_its_format_by_what_it_writes(fmt, detect, here):
    code, out, _ = detect("{#- Spaced. -#}\n" + fmt.chat_template().replace("{%- ", "{%-    "))
    first, *others = out.splitlines()
    assert (code, first) == (0, f"{fmt.id}: renders the same for 6 of 6 conversations")
    assert all("for 6 of" not in line for line in others), "no two formats are the same"


def test_json_has_the_rank(detect):
    source = FORMATS["xml/arguments"].chat_template()
    exact = {"format": "xml/arguments", "same_bytes_as": "Callwright itself", "same_prompts": None}
    assert json.loads(detect(source, "--json")[1]) == [exact]
    code, out, err = detect("{#- Changed. -#}" + source, "--json")  # in a process of its own
    assert (code, err) == (0, "")
    assert [(one["format"], one["same_prompts"]) for one in json.loads(out)] == [("xml/arguments", 6), ("xml/args", 4)]


@pytest.mark.parametrize("source", [FOREIGN, "", "Hello.", "{{ raise_exception('never') }}", "{{ messages[9].role }}"])
def test_what_writes_no_tools_as_a_format_does_is_of_none(detect, here, source):
    code, out, err = detect(source)
    assert (code, err) == (1, "")
    assert out.startswith("no format: ")
    assert detect(source, "--json") == (1, "[]\n", "")


def test_a_known_sha256_tells_whose_template_it_is(detect, monkeypatch):
    sha256 = hashlib.sha256(FOREIGN.encode()).hexdigest()
    monkeypatch.setitem(detection.PUBLISHED, sha256, ("qwen3", "Somebody"))
    assert detect(FOREIGN)[1] == "qwen3: the same bytes as the template of Somebody\n"


@pytest.mark.parametrize(("sha256", "whose"), detection.PUBLISHED.items())
def test_a_published_template_is_one_that_its_format_cites(sha256, whose):
    module = importlib.import_module(type(FORMATS[whose[0]]).__module__)
    assert sha256 in re.sub(r"\s", "", module.__doc__)


@pytest.mark.parametrize("name", ["tokenizer_config.json", "chat_template.json"])
def test_json_files_are_read_with_one_template_and_with_named_ones(detect, tmp_path, name):
    source = FORMATS["hermes3"].chat_template()
    for held in (source, [{"name": "default", "template": FOREIGN}, {"name": "tool_use", "template": source}]):
        (tmp_path / name).write_text(json.dumps({"chat_template": held}), encoding="utf-8")
        for path in (tmp_path / name, tmp_path):
            assert detect(path)[1].startswith("hermes3: the same bytes")


def test_of_a_directory_the_template_in_a_file_of_its_own_counts(detect, tmp_path):
    config, own = tmp_path / "tokenizer_config.json", tmp_path / "chat_template.jinja"
    config.write_text(json.dumps({"chat_template": FORMATS["qwen3"].chat_template()}), encoding="utf-8")
    assert detect(tmp_path)[1].startswith("qwen3: ")
    own.write_text(FORMATS["llama31"].chat_template(), encoding="utf-8")
    assert detect(tmp_path)[1].startswith("llama31: ")
    (tmp_path / "additional_chat_templates").mkdir()
    further = tmp_path / "additional_chat_templates" / "tool_use.jinja"
    further.write_text(FORMATS["hermes3"].chat_template(), encoding="utf-8")
    assert detect(tmp_path)[1].startswith("hermes3: ")


def test_a_gguf_alone_under_any_name_and_in_a_directory(detect, gguf, tmp_path):
    (tmp_path / "tokenizer_config.json").write_text("{}", encoding="utf-8")
    for name in ("model.gguf", "sha256-of-a-blob"):
        path = shutil.copy(gguf, tmp_path / name)
        assert detect(path)[1].startswith("gemma4/e2b: the same bytes")
    assert detect(tmp_path)[1].startswith("gemma4/e2b: the same bytes")


@pytest.fixture(scope="session")
def gguf(tmp_path_factory):
    directory = tmp_path_factory.mktemp("instrument")
    (directory / "lines.jsonl").write_text('{"cue": "a", "says": "b"}\n', encoding="utf-8")
    build_script(directory / "lines.jsonl", "gemma4/e2b", directory / "a.gguf", architecture="llama", context=64)
    return directory / "a.gguf"


@given(data=st.data())
def test_a_broken_gguf_is_refused_whatever_is_broken(gguf, tmp_path_factory, data):
    header = gguf.read_bytes()[: data.draw(st.integers(0, 1500))]
    at = data.draw(st.integers(0, len(header)))
    path = tmp_path_factory.getbasetemp() / "broken.gguf"
    path.write_bytes(header[:at] + data.draw(st.binary(max_size=9)) + header[at:])
    with pytest.raises(WeightsError, match="a whole GGUF at"):
        chat_templates(path)


@pytest.mark.parametrize("content", [None, "{}", "[]", '{"chat_template": 3}', "{", "[" * 100_000, "\udcff"])
def test_what_holds_no_template_is_refused(detect, tmp_path, content):
    path = tmp_path / "tokenizer_config.json"
    if content is not None:
        path.write_bytes(content.encode("utf-8", "surrogateescape"))
    for named in (path, tmp_path):
        code, out, err = detect(named)
        assert (code, out) == (2, "")
        assert re.fullmatch("callwright: expected .*; got .*; .*\n", err)


def test_what_is_no_jinja_is_refused(detect):
    code, _, err = detect("{% if %}")
    assert code == 2
    assert "a Jinja chat template" in err


@pytest.mark.parametrize(
    "hostile",
    [
        ENDLESS,
        pytest.param("{{ 'x' * 10 ** 10 }}", marks=pytest.mark.slow),
        pytest.param("{{ 10 ** 10 ** 10 }}", marks=pytest.mark.slow),
        pytest.param("{{ 'x' * 10 ** 8 }}", marks=pytest.mark.slow),
        pytest.param("{{ [" + "[" * 5000, marks=pytest.mark.slow),
    ],
)
def test_a_hostile_template_ends_soon(detect, monkeypatch, hostile):
    monkeypatch.setattr(confined, "SECONDS", 0.4 if hostile is ENDLESS else 3)
    code, out, err = detect(hostile)
    assert code in (1, 2)
    assert out.startswith("no format: ") or "expected a" in err
