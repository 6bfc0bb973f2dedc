"""Durations are read as they are written, and written one way."""

import pytest

from callwright.errors import ConfigError
from callwright.orchestration.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds", "written"),
    [
        ("25m", 1500, "25m"),
        ("1h30m", 5400, "1h30m"),
        ("90m", 5400, "1h30m"),
        ("90s", 90, "1m30s"),
        (" 2h ", 7200, "2h"),
        ("1h1s", 3601, "1h1s"),
    ],
)
def test_a_duration_has_one_way_to_be_written(text, seconds, written):
    assert parse_duration(text) == seconds
    assert format_duration(seconds) == written


@pytest.mark.parametrize(
    "text", ["", "25", "m", "0m", "-5m", "1.5h", "5m1h", "5 min", "25M", "1٣m", "9999999s", 25, None, True]
)
def test_what_is_no_duration_is_refused_with_examples(text):
    with pytest.raises(ConfigError, match="expected a duration such as 25m, 1h30m or 90s; got "):
        parse_duration(text)
