"""What every test stands on: the CPU, none of the caller's JAX settings, and one tiny model for all.

Compiling is most of what a small test costs, and the same step is compiled again by every trainer and every child
process, so all of a session share one compilation cache, which ends with it.
"""

import os
import tempfile

import pytest


def pytest_configure(config):
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


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """The tiny random Gemma as `ModelFiles`; read-only."""
    from tests.support.tiny import write_tiny_model

    from callwright.models.sources import resolve_model

    return resolve_model(str(write_tiny_model(tmp_path_factory.mktemp("tiny") / "model")))


@pytest.fixture(scope="session")
def tiny_params(tiny_model):
    """Its parameter tree; read-only."""
    from callwright.models.load import load_model, make_mesh, parameters

    return parameters(load_model(tiny_model, make_mesh()))
