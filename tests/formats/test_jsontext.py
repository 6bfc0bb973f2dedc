"""Of JSON that breaks off and JSON that is wrong, the first may go on and the second never will."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.conversations import VALUES

from callwright.formats.grammar import Unfinished
from callwright.formats.jsontext import read_json


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_every_beginning_of_a_value_is_unfinished(value, ensure_ascii, indent):
    text = json.dumps({"key": [value]}, ensure_ascii=ensure_ascii, indent=indent)
    assert read_json(text, 0)[1] == len(text)
    for end in range(len(text)):
        with pytest.raises(Unfinished):
            read_json(text[:end], 0)


@pytest.mark.parametrize("size", [10, 5_000, 50_000])
def test_a_long_value_that_breaks_off_is_unfinished_and_one_that_goes_wrong_is_not(size):
    for cut in ('["', "[" + " " * 40, '["a", "b\\', '["\\u00'):
        with pytest.raises(Unfinished):
            read_json(f'["{"x" * size}", {cut}', 0)
        with pytest.raises(Unfinished):
            read_json(cut + "0" * size if cut == '["' else cut, 0)
    for wrong in ('["a" "', '{"a": 1, t', "[1 ."):
        with pytest.raises(ValueError, match=r"\S") as caught:
            read_json(f'["{"x" * size}", {wrong}', 0)
        assert caught.type is ValueError


@pytest.mark.parametrize(
    "text",
    ['["a" "b', '{"a" 1', '{"a": 1, t', "[1 .", '"a\n', '["\\u12x', '"\\x', "[1,]", '{"a": 1,}', "[truex", "[N", "{t"],
)
def test_what_no_further_text_can_mend_is_wrong(text):
    with pytest.raises(ValueError, match=r"\S") as caught:
        read_json(text, 0)
    assert caught.type is ValueError
