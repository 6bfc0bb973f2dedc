"""K-quants come from llama.cpp's own programs; here from ones that are told to succeed or to fail."""

import json
import stat
import sys

import pytest
from tests.support.tiny import write_tiny_gguf
from tests.support.trained_runs import tiny_trained

from callwright.engines import llama_program
from callwright.errors import ConfigError, DataError, StorageError, WorkError
from callwright.export.gguf import write_gguf
from callwright.export.quantize import importance_matrix, quantize

RECORD = """
import json, os, pathlib
names = [n for n in os.environ if n.startswith("LLAMA_")]
record = {"words": sys.argv[1:], "there": sorted(os.listdir(".")), "environment": names}
pathlib.Path(__file__).with_name("seen.json").write_text(json.dumps(record))
"""
COPY = RECORD + "open(sys.argv[-3], 'wb').write(b'quantized ' + open(sys.argv[-4], 'rb').read(4))\n"


def fake(folder, name, code):
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!{sys.executable} -S\nimport sys\n{code}")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Where the user's own llama-server is; nothing is cached, and nothing else on the path."""
    monkeypatch.setenv("CALLWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    server = fake(tmp_path / "tools", "llama-server", "")
    monkeypatch.setenv(llama_program.VARIABLE, str(server))
    return server.parent


@pytest.fixture
def source(tmp_path):
    return write_tiny_gguf(tmp_path / "whole.gguf")


def seen(tools):
    return json.loads((tools / "seen.json").read_text())


def test_the_quantizer_beside_the_users_server_makes_the_file(tools, source, tmp_path):
    fake(tools, "llama-quantize", COPY)
    quantize(source, tmp_path / "m.gguf", "q4_k_m")
    assert (tmp_path / "m.gguf").read_bytes() == b"quantized GGUF"
    record = seen(tools)
    assert record["words"][-2] == "Q4_K_M"
    assert int(record["words"][-1]) >= 1
    assert record["environment"] == []


def test_an_importance_matrix_is_named_without_its_directory(tools, source, tmp_path):
    """llama.cpp writes that name into the file."""
    fake(tools, "llama-quantize", COPY)
    matrix = tmp_path / "importance.gguf"
    matrix.write_bytes(b"matrix")
    quantize(source, tmp_path / "m.gguf", "q5_k_m", matrix=matrix)
    record = seen(tools)
    assert record["words"][:2] == ["--imatrix", "importance.gguf"]
    assert record["there"] == ["importance.gguf"]


def test_calibration_reads_special_tokens_as_such(tools, source, tmp_path):
    fake(tools, "llama-imatrix", RECORD + "open('importance.gguf', 'wb').write(b'm')\n")
    matrix = importance_matrix(source, ["<bos><start_of_turn>user", "é"])
    assert matrix.read_bytes() == b"m"
    words = seen(tools)["words"]
    assert "--parse-special" in words
    assert (tmp_path / "calibration.txt").read_text(encoding="utf-8") == "<bos><start_of_turn>user\né"


def test_a_llama_cpp_without_a_quantizer_says_so_before_anything_is_written(tools, source, tmp_path):
    with pytest.raises(ConfigError, match=r"llama-quantize beside .*llama-server or on the path.*LLAMA_SERVER"):
        quantize(source, tmp_path / "m.gguf", "q4_k_m")
    assert not (tmp_path / "m.gguf").exists()


def test_the_cached_builds_quantizer_serves_beside_a_users_server_without_one(tools, source, tmp_path):
    fake(llama_program.cached_program().parent, "llama-quantize", COPY)
    quantize(source, tmp_path / "m.gguf", "q6_k")
    assert (tmp_path / "m.gguf").exists()


def test_without_any_llama_cpp_it_is_built(monkeypatch, tools):
    monkeypatch.delenv(llama_program.VARIABLE)
    monkeypatch.setattr(llama_program, "build", lambda name: f"built {name}")
    assert llama_program.find_tool("llama-quantize") == "built llama-quantize"


@pytest.mark.parametrize(
    ("output", "error", "named"),
    [
        ("main: failed to quantize: tensor x has no imatrix", WorkError, "tensor x has no imatrix"),
        ("write: No space left on device", StorageError, "a full disk"),
        ("you need at least 1024 tokens for a context of 512", DataError, "at least 1024 tokens"),
        ("", WorkError, "exit code 3"),
    ],
)
def test_a_program_that_fails_is_told_in_its_own_words_and_leaves_no_file(
    tools, source, tmp_path, output, error, named
):
    fake(tools, "llama-quantize", f"print({output!r}, file=sys.stderr)\nsys.exit(3)\n")
    with pytest.raises(error, match=named):
        quantize(source, tmp_path / "m.gguf", "q4_k_m")
    assert not (tmp_path / "m.gguf").exists()
    assert not list(tmp_path.glob(".m.gguf*"))


def test_a_k_quant_of_a_trained_model_is_made_of_single_precision(tools, shallow_model, tmp_path):
    fake(tools, "llama-quantize", COPY)
    write_gguf(tiny_trained(shallow_model), tmp_path / "out/m.gguf", "q4_k_m")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["m.gguf"]
    assert (tmp_path / "out/m.gguf").read_bytes() == b"quantized GGUF"
    assert seen(tools)["words"][0].endswith("float32.gguf")
