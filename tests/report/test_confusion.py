"""The matrix counts every request once in its cell, is readable at any number of tools, and no name of it acts."""

import re
from html import unescape
from itertools import pairwise

import pytest
from tests.support.fake_run import HOSTILE

from callwright.report.confusion import OTHERS, confusion_matrix


def cells(picture):
    """Expected and called tool to how often, of all cells that are not empty, as the pointer reads them."""
    found = re.findall(r"<g><title>expected (.*?), called (.*?): (\d[\d,]*) of", str(picture), re.DOTALL)
    return {(unescape(a), unescape(b)): int(n.replace(",", "")) for a, b, n in found if n != "0"}


def labels(picture, kind):
    pattern = r'<text class="end" [^>]*><title>(.*?)</title>' if kind == "rows" else r"rotate[^>]*><title>(.*?)</title>"
    return [unescape(name) for name in re.findall(pattern, str(picture))]


COUNTS = {"light": {"light": 7, "lock": 2}, "lock": {"none": 1}, "none": {"none": 4, "light": 1}}


def test_each_cell_says_how_often_which_tool_was_called_where_which_was_expected():
    picture = confusion_matrix(COUNTS)
    assert cells(picture) == {(row, column): n for row, line in COUNTS.items() for column, n in line.items()}
    assert re.findall(r'class="number[^>]*>(\d+)<', str(picture)) == ["7", "2", "1", "1", "4"]
    assert "expected light, called lock: 2 of 9" in picture


def test_tools_stand_in_the_same_order_down_and_across_and_no_call_at_the_end():
    picture = confusion_matrix(COUNTS | {"fan": {"heater": 1}})
    assert labels(picture, "rows") == ["light", "lock", "fan", "none"]
    assert labels(picture, "columns") == ["light", "lock", "fan", "heater", "none"]


def test_right_and_wrong_differ_in_color_and_shares_in_depth():
    picture = str(confusion_matrix(COUNTS))
    assert re.findall(r'<rect class="(\w+)" fill-opacity="([\d.]+)"', picture) == [
        ("hit", "0.80"), ("miss", "0.32"), ("miss", "1.00"), ("miss", "0.30"), ("hit", "0.82")
    ]  # fmt: skip


@pytest.mark.parametrize("tools", [1, 2, 8, 9, 16, 17, 30])
def test_up_to_thirty_tools_have_lines_of_their_own_whose_numbers_and_names_do_not_overlap(tools):
    counts = {f"tool_with_a_long_name_{n}": {f"tool_with_a_long_name_{n}": 120} for n in range(tools)}
    picture = str(confusion_matrix(counts))
    assert len(labels(picture, "rows")) == tools + 1
    sides = {int(side) for side in re.findall(r'<rect[^>]* width="(\d+)"', picture)}
    assert min(sides) >= 3 * 6.6  # three digits of 11 px
    rows = [float(y) for y in re.findall(r'<text class="end" [^>]* y="([\d.]+)"', picture)]
    assert all(b - a >= 14 for a, b in pairwise(rows))


def test_of_more_tools_the_most_frequent_are_shown_and_the_others_are_added_up():
    counts = {f"t{n}": {f"t{n}": 50 - n, f"made_up_{n}": 1} for n in range(40)}
    picture = confusion_matrix(counts)
    rows, columns = labels(picture, "rows"), labels(picture, "columns")
    assert rows == [*(f"t{n}" for n in range(30)), OTHERS, "none"]
    assert columns[:30] == rows[:30]
    assert columns[-2:] == [OTHERS, "none"]
    assert sum(cells(picture).values()) == sum(map(sum, (line.values() for line in counts.values())))


def test_every_label_and_cell_lies_within_the_picture():
    picture = str(confusion_matrix({"a": {"a_called_tool_with_a_very_long_name": 2}}))
    width, height = (float(n) for n in re.search(r'width="([\d.]+)" height="([\d.]+)">', picture).groups())
    x, y = (
        float(n)
        for n in re.search(r'<text x="([\d.]+)" y="([\d.]+)" transform="rotate[^>]*><title>a_c', picture).groups()
    )
    reach = 0.71 * 7.3 * 28
    assert y - reach >= 0
    assert x + reach <= width
    for corner, side in re.findall(r'<rect[^>]* y="([\d.]+)" width="\d+" height="(\d+)"', picture):
        assert float(corner) + float(side) <= height


@pytest.mark.parametrize("attack", HOSTILE, ids=range(len(HOSTILE)))
def test_no_name_acts_or_hides(attack):
    picture = str(confusion_matrix({"light": {attack: 1}, attack: {"light": 1}}))
    assert set(re.findall(r"<(\w+)", picture)) == {"svg", "text", "title", "g", "rect"}
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", picture)
