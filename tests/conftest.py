"""What every test stands on: the CPU, none of the caller's JAX settings, and one tiny model for all.

Compiling is most of what a small test costs, and the same step is compiled again by every trainer and every child
process, so all of a session, its workers too, share one compilation cache, which ends with it.
"""

import dataclasses
import os
import tempfile

import hypothesis
import pytest

# Deadlines measure the machine, and a test that draws anew each time fails on somebody else's change.
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.load_profile("repeatable")


def pytest_configure(config):
    if hasattr(config, "workerinput"):  # what the session has set is inherited
        return
    for name in [name for name in os.environ if name.startswith(("JAX_", "XLA_"))]:
        del os.environ[name]
    cache = tempfile.TemporaryDirectory(prefix="callwright-tests-jax-", ignore_cleanup_errors=True)
    config.add_cleanup(cache.cleanup)
    os.environ |= {
        "JAX_PLATFORMS": "cpu",
        "JAX_COMPILATION_CACHE_DIR": cache.name,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def pytest_collection_modifyitems(items):
    # Workers take whole files, in this order; when the longest come last, one worker waits for the other.
    items.sort(key=lambda item: not item.nodeid.startswith(("tests/orchestration/", "tests/training/")))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """The tiny random Gemma as `ModelFiles`; read-only."""
    return _resolved(tmp_path_factory.mktemp("tiny") / "model", {})


@pytest.fixture(scope="session")
def shallow_model(tmp_path_factory):
    """The same with two layers, both local, for what depends on no architecture; read-only."""
    return _resolved(tmp_path_factory.mktemp("shallow") / "model", {"num_layers": 2})


def _resolved(directory, changes):
    from tests.support.tiny import write_tiny_model

    from callwright.models.gemma3 import TINY
    from callwright.models.sources import resolve_model

    return resolve_model(str(write_tiny_model(directory, dataclasses.replace(TINY, **changes))))


@pytest.fixture(scope="session")
def tiny_params(tiny_model):
    """The parameter tree of `tiny_model`; read-only."""
    from callwright.models.load import load_model, make_mesh, parameters

    return parameters(load_model(tiny_model, make_mesh()))
