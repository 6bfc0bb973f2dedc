"""One tiny pipeline for all tests of whole runs, and ways to start it."""

import dataclasses
import shutil

import pytest
from tests.support.house import PROJECT
from tests.support.runs import Desk, share_cache, tiny_configuration, write_data, write_talkative_model, write_tools
from tests.support.tiny import TINY

from callwright import cli
from callwright.orchestration import stages
from callwright.orchestration.config import PipelineConfig
from callwright.orchestration.environment import describe_environment
from callwright.orchestration.provenance import describe_versions
from callwright.orchestration.start import begin, prepare
from callwright.storage import make_once
from callwright.yaml_files import format_yaml


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


@pytest.fixture
def house(tmp_path, tiny_model, monkeypatch, shared_cache):
    """Makes a run, with nothing trained, whose suite `tools` asks about `project`; without it if `suite` is None."""
    monkeypatch.setenv("CALLWRIGHT_CACHE", str(shared_cache))

    def make(suite=(2,), bfcl=None, project=PROJECT, **tools):
        (tmp_path / "house.yaml").write_text(format_yaml(project))
        section = {"path": str(tmp_path / "house.yaml"), "requests": 6, "baseline_requests": 6, "batch_size": 2}
        own = None if suite is None else section | tools | {"after": list(suite)}
        config = PipelineConfig.model_validate(
            {
                "name": "house",
                "model": {"source": str(tiny_model.directory)},
                "evaluation": {"bfcl": bfcl or {"after": [], "batch_size": 2}, "tools": own},
            }
        )
        context = prepare(config, tmp_path / "runs", None)
        with context.run:
            begin(context, describe_versions(), describe_environment())
        return tmp_path

    return make


@pytest.fixture
def asked(monkeypatch):
    """Puts an answerer in the model's place; None where no model may be loaded."""

    def use(answerer):
        def after(context, stage):
            assert answerer is not None, "the model is loaded"
            return answerer

        monkeypatch.setattr(stages, "answerer_after", after)
        return answerer

    return use
