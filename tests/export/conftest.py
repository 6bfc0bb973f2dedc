"""A trained model for the tests of exports: the tiny base with nothing learned yet, in any format."""

import pytest

from callwright.export.trained import Trained
from callwright.formats import get_format
from callwright.models.settings import LoraSettings


@pytest.fixture
def model_in(tiny_model, tmp_path):
    """Makes a model of a format, by the format's name."""

    def make(name="xml", *, run=tmp_path / "runs" / "quick"):
        return Trained(run=run, stage=4, base=tiny_model, adapter=None, lora=LoraSettings(), format=get_format(name))

    return make
