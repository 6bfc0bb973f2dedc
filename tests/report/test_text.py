"""Numbers as people write them, gold answers as people read them, and hostile text within its limit."""

import pytest

from callwright.report.text import call_text, duration, fact, gold_text, p_value, size, visible


def test_a_long_text_keeps_its_ends_and_counts_what_is_left_out() -> None:
    shown = visible("start" + "x" * 10_000 + "end", 100)
    assert shown.startswith("start")
    assert shown.endswith("end")
    assert "9,908 characters left out" in shown


@pytest.mark.parametrize("text", ["\x00" * 10_000, "\x00\x01" * 10_000, "<" * 10_000, "\u202e'" * 10_000])
def test_no_text_grows_beyond_its_limit(text: str) -> None:
    assert len(visible(text, 1500)) < 4 * 1500


def test_line_breaks_and_tabs_stay_and_carriage_returns_show() -> None:
    assert visible("a\tb\nc\r\n", 100) == "a\tb\nc<i>CR</i>\n"


def test_calls_and_gold_answers_read_like_calls() -> None:
    assert call_text("f", {"a": 1, "b": "é", "c": [True, None]}) == 'f(a=1, b="é", c=[true, null])'
    assert (
        gold_text([{"f": {"a": [1, 1.5], "b": ["x", ""], "c": [""]}}, {"g": {}}]) == 'f(a=1 | 1.5, b?="x", c?="")\ng()'
    )
    assert gold_text([]) == "no call: none of the tools fits"
    assert gold_text(["odd", {"f": "odd"}]) == '"odd"\nf()'


def test_numbers_read_as_people_write_them() -> None:
    assert [duration(s) for s in (0.44, 59.6, 61, 3_720)] == ["0.4 s", "1 min 00 s", "1 min 01 s", "1 h 02 min"]
    assert [size(n) for n in (None, 12_000_000, 6_712_000_000)] == ["–", "12 MB", "6.7 GB"]
    assert [p_value(p) for p in (0.0004, 0.0321, 0.45, 1.0)] == ["< 0.001", "0.032", "0.45", "1.00"]
    assert [fact(x) for x in (True, None, 1234, 0.12345, "a", [1])] == ["yes", "–", "1,234", "0.123", "a", "[1]"]
