"""A mix without any weight is refused before an example is made."""

import pytest

from callwright.data.registry import SOURCES, open_source
from callwright.errors import ConfigError


@pytest.mark.parametrize("name", [name for name, source in SOURCES.items() if "mix" in source.settings.model_fields])
def test_a_mix_without_any_weight_is_refused_by_every_source_that_has_one(name):
    mix = type(SOURCES[name].settings.model_fields["mix"].default)
    options = {"mix": dict.fromkeys(mix.model_fields, 0)}
    with pytest.raises(ConfigError, match=f"expected mix in the settings of {name}: every weight of mix is 0"):
        open_source(name, options | ({"path": "none.yaml"} if name == "tools" else {}))
