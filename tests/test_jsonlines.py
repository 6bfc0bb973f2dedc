"""Filters answer every line, whatever stands around it."""

import io
import json

import pytest

from callwright.jsonlines import answer_row, run_filter

MARK = b"\xef\xbb\xbf"


def answers(text):
    sink = io.BytesIO()
    run_filter(io.BufferedReader(io.BytesIO(text)), sink, lambda line: answer_row(line, lambda row: {"saw": row}))
    return [json.loads(line) for line in sink.getvalue().splitlines()]


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_byte_order_mark_before_the_first_line_is_no_part_of_it(end):
    text = b'{"id": 1}\n{"id": 2}' + end
    assert answers(MARK + text) == answers(text) == [{"id": 1, "saw": {"id": 1}}, {"id": 2, "saw": {"id": 2}}]


def test_a_byte_order_mark_elsewhere_is_an_error_of_its_line_alone():
    first, second = answers(b'{"id": 1}\n' + MARK + b'{"id": 2}\n')
    assert first["id"] == 1
    assert "a line that is not JSON" in second["error"]
