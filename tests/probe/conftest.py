"""What tests of the probe share: an Ollama, the double or a real one, and a script to lend it."""

import pytest
from tests.support.ollama_double import OllamaDouble, real_ollama
from tests.support.ollama_recordings import SETUPS, rows_of

from callwright.formats import get_format
from callwright.instruments.script import Line, write_script


@pytest.fixture
def script():
    return write_script(get_format("gemma4"), [Line("hello", "Hello.")])


@pytest.fixture
def double():
    with OllamaDouble() as running:
        yield running


@pytest.fixture(params=["double", "real"])
def host(request, monkeypatch):
    """The address of an Ollama; the double's answers are those of scripts whose cues are `parse.CASE`."""
    if request.param == "double":
        cases = {f"parse.{row['case']}": row["case"] for setup in SETUPS for row in rows_of(setup, "parse")}
        with OllamaDouble(cases) as running:
            yield running.address
        return
    yield real_ollama()
