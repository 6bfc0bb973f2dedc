"""Curves keep every spike, show every gap, and do not move a slope."""

import re

from callwright.report.charts import curve, interval_bar


def path_of(svg: str, kind: str) -> str:
    found = re.search(rf'class="{kind}" d="([^"]*)"', svg)
    assert found
    return found[1]


def test_a_spike_survives_thinning() -> None:
    chart = curve([(i, 1.0 if i == 7_777 else 0.0) for i in range(20_000)])
    assert chart is not None
    raw = path_of(chart.svg, "raw")
    assert len(re.findall("[ML]", raw)) <= 301
    assert re.search(r"L38\.8\d 0\.00", raw)


def test_the_running_mean_of_a_slope_is_the_slope() -> None:
    chart = curve([(i, float(100 - i)) for i in range(101)])
    assert chart is not None
    assert path_of(chart.svg, "mean") == path_of(chart.svg, "raw")


def test_a_value_that_is_not_finite_breaks_the_line_and_is_counted() -> None:
    chart = curve([(1, 1.0), (2, None), (3, 2.0)])
    assert chart is not None
    assert chart.not_finite == 1
    assert path_of(chart.svg, "raw").count("M") == 2


def test_a_lone_point_is_a_dot_and_none_is_no_chart() -> None:
    lone = curve([(1, 0.5)])
    assert lone is not None
    assert path_of(lone.svg, "raw") == "M50.00 50.00h0"
    assert curve([]) is None
    assert curve([(1, None)]) is None


def test_an_interval_bar_says_its_numbers_to_those_who_cannot_see_it() -> None:
    assert 'aria-label="41.7%, 95% interval 30.1 to 54.3"' in interval_bar(0.417, 0.301, 0.543)
