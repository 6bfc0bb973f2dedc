"""The environment is built when the user agrees, whole or not at all."""

import os
import re
import sys

import pytest

from callwright.bakeoff import gemma_environment
from callwright.bakeoff.gemma_environment import REQUIREMENTS, VERSION, installed_environment
from callwright.cli import main

UV = """#!{python}
import os, pathlib, sys
words = sys.argv[1:]
if words[0] == "venv":
    folder = pathlib.Path(words[-1]) / "bin"
    folder.mkdir(parents=True)
    (folder / "python").write_text("#!/bin/sh\\n")
    (folder / "python").chmod(0o755)
else:
    pathlib.Path(__file__).with_name("words").write_text(" ".join(words))
    sys.exit({failure!r})
"""


@pytest.fixture
def uv(tmp_path, monkeypatch):
    """Puts a scripted uv in place of the real one."""
    monkeypatch.setenv("CALLWRIGHT_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "uv"
    monkeypatch.setattr(gemma_environment, "_uv", lambda: str(path))
    monkeypatch.setattr(gemma_environment, "ROOM", 0.0)

    def make(failure=None):
        path.write_text(UV.format(python=sys.executable, failure=failure))
        path.chmod(0o755)
        return path

    return make


def setup(*words):
    with pytest.raises(SystemExit) as ended:
        main(["bakeoff", "setup", *words])
    return ended.value.code


def test_it_is_built_once_of_the_pinned_versions(uv, tmp_path, capsys):
    program = uv()
    assert installed_environment() is None
    assert setup("gemma-jax", "--yes") == 0
    output = capsys.readouterr()
    assert f"installing gemma {VERSION}, once" in output.err and "is ready: " in output.out
    assert installed_environment() is not None and str(REQUIREMENTS) in program.with_name("words").read_text()
    program.unlink()
    assert setup("gemma-jax") == 0


def test_what_cannot_be_installed_leaves_nothing(uv, tmp_path, capsys):
    uv(failure="no such package")
    assert setup("gemma-jax", "--yes") == 1
    assert "no such package; connect to a registry" in capsys.readouterr().err
    assert installed_environment() is None
    assert [name for name in os.listdir(tmp_path / "cache") if not name.endswith(".lock")] == []


def test_without_consent_without_room_and_for_other_arms_nothing_is_done(uv, capsys, monkeypatch):
    uv()
    monkeypatch.setattr("builtins.input", lambda question: "n")
    assert setup("gemma-jax") == 2
    assert "add --yes" in capsys.readouterr().err
    assert setup("gema-jax", "--yes") == 2
    assert "did you mean gemma-jax?" in capsys.readouterr().err
    monkeypatch.setattr(gemma_environment, "ROOM", 1e9)
    assert setup("gemma-jax", "--yes") == 1
    assert "set CALLWRIGHT_CACHE" in capsys.readouterr().err
    assert installed_environment() is None


def test_every_package_is_pinned_by_name_version_and_hash():
    pinned = REQUIREMENTS.read_text().replace("\\\n", "").splitlines()
    assert all(re.fullmatch(r"[a-z0-9-]+==[a-z0-9.]+( +--hash=sha256:[0-9a-f]{64})+", line) for line in pinned)
    assert any(line.startswith(f"gemma=={VERSION} ") for line in pinned)
