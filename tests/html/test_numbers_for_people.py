"""Numbers as people write them."""

from callwright.html.numbers import duration, p_value, plural, size


def test_numbers_read_as_people_write_them() -> None:
    assert [duration(s) for s in (0.44, 59.6, 61, 3_720)] == ["0.4 s", "1 min 00 s", "1 min 01 s", "1 h 02 min"]
    assert [size(n) for n in (None, 12_000_000, 6_712_000_000)] == ["–", "12 MB", "6.7 GB"]
    assert [p_value(p) for p in (0.0004, 0.0321, 0.45, 1.0)] == ["< 0.001", "0.032", "0.45", "1.00"]
    assert [plural(n, "case") for n in (0, 1, 1500)] == ["0 cases", "1 case", "1,500 cases"]
