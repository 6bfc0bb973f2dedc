"""`callwright instrument` as a user meets it."""

import io
import json
import sys
from types import SimpleNamespace

import gguf
import pytest
from tests.support.instruments import form_of
from tests.support.tiny import write_tiny_gguf

from callwright import cli
from callwright.instruments.vocabulary import Vocabulary
from callwright.instruments.xray import PRIVATE

CALL = {"type": "function", "function": {"name": "f", "arguments": '{"city": "Paris"}'}}
LINES = [
    {"cue": "trip.1", "message": {"role": "assistant", "content": None, "tool_calls": [CALL]}},
    {"cue": "trip.2", "says": "It is <|im_end|> warm."},
    {"cue": "typed", "says": [{"text": "No <tool_call> here."}, {"text": "<|im_end|>", "control": True}]},
]


@pytest.fixture
def call(capsys):
    """Runs the command line in this process: the exit code, what it printed, and the line with which it refused."""

    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            cli.main(["instrument", *map(str, arguments)])
        return left.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_text("\n\n".join(map(json.dumps, LINES)) + "\n")
    return path


def header(path):
    return {key: field.contents() for key, field in gguf.GGUFReader(path).fields.items()}


def test_a_script_is_built_from_a_file(call, lines, tmp_path):
    for output, architecture in (("s.gguf", "llama"), ("g.gguf", "gemma3"), ("directory", "llama")):
        path = tmp_path / output
        code, out, err = call("script", lines, "--format", "qwen3", "-o", path, "--architecture", architecture)
        assert (code, err) == (0, "")
        assert out.startswith("callwright script qwen3: ")
        assert str(path) in out
    assert header(tmp_path / "g.gguf")["general.architecture"] == "gemma3"
    assert {"@@trip.1@@", "@@trip.2@@", "@@typed@@"} <= set(header(tmp_path / "s.gguf")["tokenizer.ggml.tokens"])
    assert (tmp_path / "directory" / "tokenizer.json").is_file()


def test_an_x_ray_is_as_long_as_it_must_be_and_what_it_says_is_read(call, tmp_path, monkeypatch):
    path = tmp_path / "x.gguf"
    assert call("xray", "--format", "xml/arguments", "--prompt-tokens", 900, "--start", 100, "-o", path)[0] == 0
    assert header(path)["llama.context_length"] == 900 + 800 + 64
    vocabulary = Vocabulary(form_of("xml", "arguments"))
    ids = vocabulary.encode("<bos>é <end_of_turn>", control=True) + vocabulary.encode("<bos>")
    said = "".join(chr(PRIVATE + token) for token in ids) + "\n"
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(said.encode())))
    code, out, _ = call("read", "--format", "xml")
    assert code == 0
    parts = [json.loads(line) for line in out.splitlines()]
    assert [(part["text"], part["control"]) for part in parts] == [
        ("<bos>", True),
        ("é ", False),
        ("<end_of_turn>", True),
        ("<bos>", False),
    ]


@pytest.mark.parametrize(
    ("words", "least"),
    [
        (["xray", "--format", "qwen3", "--prompt-tokens", 10], 20),
        (["xray", "--format", "qwen3", "--prompt-tokens", 10, "--start", 4], 16),
        (["xray", "--model", "tiny.gguf", "--prompt-tokens", 10, "--start", 4], 16),
        (["dice", "red=0.5", "blue=0.5", "--format", "xml"], 1),
        (["script", "lines.jsonl", "--format", "qwen3"], 1),
    ],
)
@pytest.mark.parametrize("output", ["x.gguf", "directory"])
def test_a_context_too_short_to_work_is_refused(call, lines, tmp_path, monkeypatch, words, least, output):
    monkeypatch.chdir(tmp_path)
    write_tiny_gguf(tmp_path / "tiny.gguf")
    for context in (-3, least - 1, 2**31):
        code, out, err = call(*words, "-o", output, f"--context={context}")
        assert (code, out, err.count("\n")) == (2, "", 1)
        wanted = f"a context of {least} to 2147483647 tokens for this instrument" if context > 0 else "a number >= 1"
        assert err.startswith(f"callwright: expected {wanted}")
        assert f"; got {context}; " in err
        assert not (tmp_path / output).exists()
    if output == "x.gguf":
        assert call(*words, "-o", output, "--context", least)[0] == 0
        assert header(tmp_path / output)["llama.context_length"] == least


def test_dice_are_built_from_their_faces(call, tmp_path):
    assert call("dice", "red=0.5", "green=0.5", "--format", "xml", "-o", tmp_path / "d.gguf")[0] == 0
    assert "green" in header(tmp_path / "d.gguf")["tokenizer.ggml.tokens"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "lines in"),
        ("{", ":1"),
        ('{"cue": "a", "says": "x"}\n{"cue": "a"}', ":2"),
        ('{"cue": "a", "says": [{"texts": "x"}]}', ":1"),
        ('{"cue": "a", "message": {"role": "assistant", "tool_calls": [3]}}', ":1"),
        ('{"cue": "a", "says": "x"}\n{"cue": "a", "says": "y"}', "'a'"),
    ],
)
def test_a_bad_script_file_is_one_line_that_names_the_place(call, tmp_path, text, says):
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    code, out, err = call("script", path, "--format", "xml", "-o", tmp_path / "s.gguf")
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1
    assert not (tmp_path / "s.gguf").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("script", "nowhere.jsonl", "--format", "xml", "-o", "x.gguf"),
        ("dice", "red", "--format", "xml", "-o", "x.gguf"),
        ("dice", "red=0.5", "blue=0.5", "--format", "cobol", "-o", "x.gguf"),
        ("xray", "--format", "xml", "--prompt-tokens", "0", "-o", "x.gguf"),
    ],
)
def test_wrong_input_is_one_line(call, arguments):
    code, out, err = call(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("callwright: ")


def test_an_x_ray_over_a_models_own_vocabulary_is_built_and_read(call, tmp_path, monkeypatch):
    model, made = write_tiny_gguf(tmp_path / "tiny.gguf"), tmp_path / "x.gguf"
    assert call("xray", "--model", model, "--format", "xml", "--prompt-tokens", 9, "-o", made)[0] == 0
    header = {key: field.contents() for key, field in gguf.GGUFReader(made).fields.items()}
    assert header["tokenizer.chat_template"] == form_of("xml", "args").chat_template()
    said = "".join(header["tokenizer.ggml.tokens"][512 + id_] for id_ in (2, 8, 300))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(said.encode())))
    code, out, _ = call("read", "--model", model)
    pieces = header["tokenizer.ggml.tokens"]
    assert [json.loads(line) for line in out.splitlines()] == [{"id": n, "piece": pieces[n]} for n in (2, 8, 300)]
    assert code == 0


@pytest.mark.parametrize("words", [["xray", "--prompt-tokens", 9, "-o", "x.gguf"], ["read"]])
def test_without_a_format_or_a_model_nothing_is_built(call, words):
    code, _, refused = call(*words)
    assert code == 2
    assert "--format NAME or --model FILE.gguf" in refused
