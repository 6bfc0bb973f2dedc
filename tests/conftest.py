"""What every test stands on: the CPU, none of the caller's JAX settings, and one tiny model for all.

Compiling is most of what a small test costs, and the same step is compiled again by every trainer and every child
process, so all of a session, its workers too, share one compilation cache, which ends with it. A worker computes in one
thread: several would spin against those of its neighbors. So bits are compared within this one setting.
"""

import dataclasses
import os
import tempfile
from pathlib import Path

import hypothesis
import pytest

SHARED = "CALLWRIGHT_TESTS"
"""The environment variable by which workers know the directory that they share."""
# Deadlines measure the machine, and a test that draws anew each time fails on somebody else's change.
_repeatable = {"deadline": None, "derandomize": True, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("quick", max_examples=15, **_repeatable)
hypothesis.settings.register_profile("thorough", max_examples=100, **_repeatable)
hypothesis.settings.load_profile("quick")


def pytest_addoption(parser):
    help_ = "compile quickly what then computes slowly: less in all where nothing large is computed, as in `make test`"
    parser.addoption("--compile-quickly", action="store_true", help=help_)


def pytest_configure(config):
    if hasattr(config, "workerinput"):  # what the session has set is inherited
        return
    for name in [name for name in os.environ if name.startswith(("JAX_", "XLA_"))]:
        del os.environ[name]
    shared = tempfile.TemporaryDirectory(prefix="callwright-tests-", ignore_cleanup_errors=True)
    config.add_cleanup(shared.cleanup)
    os.environ |= {
        SHARED: shared.name,
        "JAX_PLATFORMS": "cpu",
        "JAX_COMPILATION_CACHE_DIR": f"{shared.name}/xla",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"
        + " --xla_backend_optimization_level=0" * config.option.compile_quickly,
        "PJRT_NPROC": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


ALIKE = ("qwen3-xml/qwen35-small", "qwen3-xml/qwen36", "qwen3-xml/qwen38")
"""Formats that differ from `qwen3-xml/qwen35` in what its own tests look at; `make test-all` has them in every test."""


def pytest_collection_modifyitems(items):
    """The longest come first, and what makes the finished run before all: otherwise one worker waits for the other."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        if callspec and any(name in callspec.id for name in ALIKE) and item.path.name != "test_qwen35.py":
            item.add_marker(pytest.mark.slow)
    places = ("orchestration/test_pipeline", "training/", "orchestration/", "probe/", "instruments/", "", "peers/")

    def rank(item):
        return max((place for place in places if item.nodeid.startswith(f"tests/{place}")), key=len)

    items.sort(key=lambda item: places.index(rank(item)))


@pytest.fixture(scope="session")
def shared():
    """A directory that all workers of the session share."""
    return Path(os.environ[SHARED])


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """The tiny random Gemma as `ModelFiles`; read-only."""
    return _resolved(tmp_path_factory.mktemp("tiny") / "model", {})


@pytest.fixture(scope="session")
def shallow_model(tmp_path_factory):
    """The same with a single layer, for what depends on no architecture; read-only."""
    return _resolved(tmp_path_factory.mktemp("shallow") / "model", {"num_layers": 1})


def _resolved(directory, changes):
    from tests.support.tiny import TINY, write_tiny_model

    from callwright.models.sources import resolve_model

    return resolve_model(str(write_tiny_model(directory, dataclasses.replace(TINY, **changes))))


@pytest.fixture(scope="session")
def tiny_params(tiny_model):
    """The parameter tree of `tiny_model`; read-only."""
    from callwright.models.load import load_model, make_mesh, parameters

    return parameters(load_model(tiny_model, make_mesh()))
