"""One tiny pipeline for all tests of whole runs, and ways to start it."""

import dataclasses

import pytest
from tests.support.runs import Desk, share_cache, tiny_configuration, write_data, write_talkative_model

from callwright import cli
from callwright.models.gemma3 import TINY


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory):
    """The session's CALLWRIGHT_CACHE."""
    return share_cache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The tiny pipeline's configuration; its model and data are read-only."""
    directory = tmp_path_factory.mktemp("tiny-pipeline")
    model = write_talkative_model(directory / "model", dataclasses.replace(TINY, num_layers=2))
    return tiny_configuration(model, write_data(directory / "data.jsonl"))


@pytest.fixture
def desk(tmp_path, shared_cache, tiny):
    """A fresh directory with the tiny pipeline's configuration."""
    return Desk(tmp_path / "desk", shared_cache, tiny)


@pytest.fixture(scope="session")
def finished(tmp_path_factory, shared_cache, tiny):
    """The tiny pipeline, run without interruption; its first run is read-only."""
    desk = Desk(tmp_path_factory.mktemp("finished"), shared_cache, tiny)
    desk.run()
    return desk


@pytest.fixture
def inside(monkeypatch, capsys, shared_cache):
    """Runs the command line in this process, at a desk: quick where nothing is computed."""
    import jax

    settings = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    kept = {name: jax.config.values[name] for name in settings}

    def run(directory, *arguments):
        monkeypatch.chdir(directory)
        with pytest.raises(SystemExit) as left:
            cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return left.value.code, out, err

    monkeypatch.setenv("CALLWRIGHT_CACHE", str(shared_cache))
    yield run
    for name, value in kept.items():
        jax.config.update(name, value)
