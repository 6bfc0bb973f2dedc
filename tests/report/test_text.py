"""Calls and values as people read them."""

from callwright.evaluation.row import RowCall
from callwright.report.text import calls_text, fact


def test_calls_read_like_calls() -> None:
    calls = [RowCall(name="f", arguments={"a": 1, "b": "é", "c": [True, None]}), RowCall(name="g", arguments={})]
    assert calls_text(calls) == 'f(a=1, b="é", c=[true, null])\ng()'
    assert calls_text([]) == calls_text(None) == ""


def test_values_read_as_people_write_them() -> None:
    assert [fact(x) for x in (True, None, 1234, 0.12345, "a", [1])] == ["yes", "–", "1,234", "0.123", "a", "[1]"]
