"""One tiny pipeline for all tests of whole runs, and ways to start it."""

import dataclasses
import shutil

import pytest
from tests.support.runs import Desk, share_cache, tiny_configuration, write_data, write_talkative_model, write_tools
from tests.support.tiny import TINY

from callwright import cli
from callwright.storage import make_once


@pytest.fixture(scope="session")
def shared_cache(shared):
    """The session's CALLWRIGHT_CACHE."""
    return make_once(shared / "cache", lambda scratch: share_cache(scratch / "cache"))


@pytest.fixture(scope="session")
def tiny(shared):
    """The tiny pipeline's configuration; its model and data are read-only."""

    def make(scratch):
        write_talkative_model(scratch / "pipeline" / "model", dataclasses.replace(TINY, num_layers=1))
        write_tools(scratch / "pipeline" / "tools.yaml")
        return write_data(scratch / "pipeline" / "data.jsonl").parent

    place = make_once(shared / "pipeline", make)
    return tiny_configuration(place / "model", place / "data.jsonl", place / "tools.yaml")


@pytest.fixture
def desk(tmp_path, shared_cache, tiny):
    """A fresh directory with the tiny pipeline's configuration."""
    return Desk(tmp_path / "desk", shared_cache, tiny)


@pytest.fixture(scope="session")
def finished(shared, tmp_path_factory, shared_cache, tiny):
    """The tiny pipeline, run once without interruption; each worker has a copy, whose first run is read-only."""

    def make(scratch):
        desk = Desk(scratch / "finished", shared_cache, tiny)
        desk.run()
        return desk.directory

    place = make_once(shared / "finished", make)
    copy = tmp_path_factory.mktemp("finished") / "desk"
    shutil.copytree(place, copy)
    return Desk(copy, shared_cache, tiny)


@pytest.fixture
def inside(monkeypatch, capsys, shared_cache):
    """Runs the command line in this process, at a desk: quick where nothing is computed."""

    def run(directory, *arguments):
        monkeypatch.chdir(directory)
        with pytest.raises(SystemExit) as left:
            cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return left.value.code, out, err

    monkeypatch.setenv("CALLWRIGHT_CACHE", str(shared_cache))
    return run
