"""Which arms a comparison forces: those whose very weights are at hand, in this process or in a llama.cpp server."""

import contextlib
import json
import types
from pathlib import Path

import pytest
from tests.support.tiny import write_tiny_model
from tests.support.trained_runs import write_trained_run

from callwright.models.sources import resolve_model
from callwright.orchestration import bakeoff_compare
from callwright.storage import sha256_file


def written(directory, run, *, model=None, gguf=None, options=None):
    """A bake-off of this run, or of a base model, of which only the record is there."""
    kinds = {"jax": "jax", "again": "jax", "jax-bf16": "jax-bf16", "llamacpp-raw": "llamacpp-raw"}
    record = dict.fromkeys(("wordings", "max_new_tokens", "max_steps"), 1) | {"context": 2048}
    record |= dict.fromkeys(("context_share", "temperature", "step_seconds", "task_seconds"), 1.0)
    record |= dict.fromkeys(("callwright", "chat_template_sha256", "tasks_file"), "x")
    record |= {"model": str(model.directory) if model else "x", "model_sha256": model.sha256 if model else "x"}
    record |= {"format": "xml", "gguf_sha256": sha256_file(gguf) if gguf else None}
    record |= dict.fromkeys(("adapter_sha256", "history_sha256"))
    record |= {"run": run, "arms": {name: {"kind": kind, "options": options or {}} for name, kind in kinds.items()}}
    record |= {"tasks": [], "seeds": [1], "tools": [], "tasks_sha256": {}, "thinking": False}
    directory.mkdir(parents=True)
    (directory / "bakeoff.json").write_text(json.dumps(record))
    return directory


@pytest.fixture
def base(tmp_path):
    return resolve_model(str(write_tiny_model(tmp_path / "tiny")))


@pytest.fixture
def run(tmp_path, base):
    return write_trained_run(tmp_path / "runs" / "mine", base)


def exported(run, contents=b"weights"):
    """A file where an export of the run would be."""
    path = run / "exports" / "stage4" / "gguf-f16" / "mine.gguf"
    path.parent.mkdir(parents=True)
    path.write_bytes(contents)
    return path


@pytest.fixture
def started(monkeypatch):
    """The files that a server was started on, in place of one."""
    files = []

    @contextlib.contextmanager
    def start(gguf, program, options):
        files.append((gguf, options.context))
        yield types.SimpleNamespace(url="http://127.0.0.1:9")

    monkeypatch.setattr(bakeoff_compare, "served", start)
    monkeypatch.setattr(bakeoff_compare, "installed_program", lambda: Path("llama-server"))
    return files


def forced_arms(directory):
    with bakeoff_compare._forced(directory) as forced:
        return None if forced is None else set(forced.arms)


def test_arms_with_the_trained_weights_are_forced_whatever_they_are_called(run):
    assert forced_arms(written(run / "bakeoffs" / "stage4", "mine/stage4")) == {"jax", "again"}


def test_the_file_that_the_server_had_is_served_again_and_forced(run, started):
    gguf = exported(run)
    directory = written(run / "bakeoffs" / "stage4", "mine/stage4", gguf=gguf)
    assert forced_arms(directory) == {"jax", "again", "llamacpp-raw"}
    assert started == [(gguf, 2048)]


def test_another_file_or_somebody_elses_server_is_not_forced(run, started):
    gguf = exported(run)
    elsewhere = written(run / "bakeoffs" / "url", "mine/stage4", gguf=gguf, options={"url": "http://127.0.0.1:8"})
    replaced = written(run / "bakeoffs" / "stage4", "mine/stage4", gguf=gguf)
    gguf.write_bytes(b"other weights")
    assert forced_arms(elsewhere) == forced_arms(replaced) == {"jax", "again"}
    assert started == []


def test_a_base_model_is_forced_if_it_is_the_same(base, run, tmp_path):
    assert forced_arms(written(tmp_path / "of_base", None, model=base)) == {"jax", "again"}
    changed = types.SimpleNamespace(directory=base.directory, sha256="another")
    assert forced_arms(written(tmp_path / "changed", None, model=changed)) is None


def test_elsewhere_no_weights_are_guessed(run, tmp_path):
    assert forced_arms(written(tmp_path / "elsewhere" / "out", "mine/stage4")) is None
