"""Hostile text is safe, every character of it is seen, and it keeps its limit."""

import pytest

from callwright.html.text import safe_text, shortened


def test_a_long_text_keeps_its_ends_and_counts_what_is_left_out() -> None:
    shown = shortened("start" + "x" * 10_000 + "end", 100)
    assert shown.startswith("start")
    assert shown.endswith("end")
    assert "9,908 characters left out" in shown


@pytest.mark.parametrize("text", ["\x00" * 10_000, "\x00\x01" * 10_000, "<" * 10_000, "\u202e'" * 10_000])
def test_no_text_grows_beyond_its_limit(text: str) -> None:
    assert len(shortened(text, 1500)) < 4 * 1500


def test_line_breaks_and_tabs_stay_and_carriage_returns_show() -> None:
    assert shortened("a\tb\nc\r\n", 100) == "a\tb\nc<i>CR</i>\n"


def test_breaks_tabs_and_spaces_get_marks_where_they_are_asked_for() -> None:
    assert safe_text("a\n\t b", also="\n\t") == 'a<i class="nl">⏎</i>\n<i class="nl">→</i>\t b'
    assert safe_text("a b", also=" ") == "a<i>·</i>b"


def test_a_repeated_mark_is_counted() -> None:
    assert safe_text("\x1b" * 3) == "<i>ESC</i>" * 3
    assert safe_text("<" + "\x1b" * 1500) == "&lt;<i>ESC ×1,500</i>"
