"""A loop is found at the first token at which it is one."""

from hypothesis import given
from hypothesis import strategies as st

from callwright.engines.loops import is_loop

tokens = st.integers(0, 3)


@given(st.lists(tokens, max_size=20), st.lists(tokens, min_size=1, max_size=24))
def test_a_loop_is_the_last_64_tokens_in_at_least_four_equal_periods(start, period):
    output = [*start, *(period * 70)[:64]]
    shortest = next(n for n in range(1, len(period) + 1) if (period[:n] * 70)[:64] == output[-64:])
    assert is_loop(output) == (shortest <= 16)
    assert not is_loop(output[len(start) + 1 :])


def test_one_other_token_among_the_last_64_is_no_loop():
    for place in range(64):
        output = [1, 2, 3, 4] * 16
        output[place] = 9
        assert not is_loop(output)
    assert is_loop([9, *[1, 2, 3, 4] * 16])
