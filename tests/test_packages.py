"""Where pip comes from."""

import sys

import pytest

from callwright import packages
from callwright.errors import FetchError


def test_uv_runs_pip_where_the_interpreter_has_none(monkeypatch):
    assert packages.pip_command()[0] == sys.executable
    monkeypatch.setattr(packages.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(packages.shutil, "which", lambda name: "/bin/uv")
    assert packages.pip_command()[:3] == ["/bin/uv", "tool", "run"]
    monkeypatch.setattr(packages.shutil, "which", lambda name: None)
    with pytest.raises(FetchError, match="ensurepip"):
        packages.pip_command()
