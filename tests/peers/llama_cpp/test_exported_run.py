"""A whole tiny run is exported, checked by a real llama.cpp, evaluated through it, and its exports compared."""

import json
import shutil

import pytest
from tests.orchestration.conftest import finished, inside, shared_cache, tiny  # noqa: F401

from callwright.engines.llama_program import build
from callwright.export.record import ExportRecord


@pytest.fixture
def run(finished, tmp_path, monkeypatch):  # noqa: F811
    """A copy of the run, as the working directory has it."""
    monkeypatch.setenv("LLAMA_SERVER", str(build()))
    shutil.copytree(finished.directory, tmp_path / "desk")
    return tmp_path / "desk" / "runs" / finished.path.name


@pytest.mark.peer("llama.cpp")
def test_a_run_is_exported_checked_evaluated_and_compared(run, inside):  # noqa: F811
    for quantization in ("f16", "q8_0"):
        code, out, err = inside(run.parent.parent, "export", run, "--to", "gguf", "--quantize", quantization)
        assert (code, err) == (0, ""), out
        for check in ("merged logits", "prompts", "tokens", f"{quantization.upper()} in llama.cpp", "calls"):
            assert f"ok: {check}" in out
        record = ExportRecord.read(run / "exports" / "stage5" / f"gguf-{quantization}")
        assert record.number("mean_kl") is not None
        assert record.files.tensor_types
    code, out, _ = inside(run.parent.parent, "export", "compare", run, "--json")
    assert code == 0
    found = json.loads(out)
    assert [one["quantization"] for one in found["exports"]] == ["f16", "q8_0"]
    for one in found["exports"]:
        assert one["generated_tokens_per_second"] > 0
        assert one["suites"].keys() == {"bfcl", "tools"}
        assert all(other["reason"] == "numbers" for other in one["other_calls"]), "random weights write no calls"
    assert found["sentence"]
    gguf = run / "exports" / "stage5" / "gguf-f16" / "tiny-f16.gguf"
    code, out, _ = inside(run.parent.parent, "eval", "tools", run, "--engine", "llamacpp", "--gguf", gguf)
    assert code == 0
    assert "served as llamacpp-tiny-f16" in out
    code, out, _ = inside(run.parent.parent, "export", "compare", run)
    assert code == 0
    assert found["sentence"] in out
