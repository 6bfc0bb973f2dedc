"""Batches follow from the prompts alone, keep those together that begin alike, and stay within both limits.

Where prompts grow, each finds others of its new length.
"""

from hypothesis import given
from hypothesis import strategies as st

from callwright.engines.shapes import rounded_rows, rounded_width
from callwright.evaluation.batches import Queue

prompt_lists = st.lists(st.lists(st.integers(0, 2), max_size=40).map(tuple), max_size=30)


def computed(prompts):
    """What an engine holds of these prompts at most: each in a row, what all begin with apart from the rest."""
    longest, prefix = max(map(len, prompts)), 0
    while all(len(prompt) > prefix + 1 and prompt[prefix] == prompts[0][prefix] for prompt in prompts):
        prefix += 1
    rows = rounded_rows(len(prompts))
    return min(rounded_width(prefix) + rows * rounded_width(longest - prefix), rows * rounded_width(longest))


def batches(prompts, *, rows, tokens, growing=False):
    """All batches of prompts that are asked once."""
    queue = Queue(prompts, growing=growing, rows=rows, tokens=tokens)
    return list(iter(queue.take, ()))


@given(prompt_lists, st.integers(1, 9), st.integers(1, 400), st.booleans())
def test_every_prompt_is_in_one_batch_and_no_batch_is_beyond_a_limit_unless_it_is_one_prompt(
    prompts, rows, tokens, growing
):
    found = batches(prompts, rows=rows, tokens=tokens, growing=growing)
    assert sorted(number for batch in found for number in batch) == list(range(len(prompts)))
    for batch in found:
        assert len(batch) <= rows
        assert len(batch) == 1 or computed([prompts[number] for number in batch]) <= tokens


@given(prompt_lists)
def test_the_longest_prompt_is_the_first(prompts):
    found = batches(prompts, rows=4, tokens=200)
    if prompts:
        assert len(prompts[found[0][0]]) == max(map(len, prompts))


def test_prompts_with_the_same_tools_are_asked_together_and_counted_once():
    tools = {name: [name] * 300 for name in (1, 2, 3)}
    prompts = [(*tools[name], *[9 + index] * (10 + index)) for index in range(8) for name in tools]
    found = batches(prompts, rows=8, tokens=700)
    assert [{prompts[number][0] for number in batch} for batch in found] == [{1}, {2}, {3}]


def test_prompts_of_similar_length_are_asked_together():
    prompts = [tuple([index] + [5] * (20 * index)) for index in range(16)]
    found = [[len(prompts[number]) for number in batch] for batch in batches(prompts, rows=4, tokens=10**6)]
    assert found == [[1 + 20 * index for index in range(top, top - 4, -1)] for top in (15, 11, 7, 3)]


def test_prompts_that_a_server_makes_are_batched_by_number():
    assert batches([()] * 5, rows=2, tokens=1) == [(0, 1), (2, 3), (4,)]


def test_where_prompts_grow_the_shortest_are_asked_first_and_a_grown_one_beside_others_of_its_length():
    queue = Queue([(1,) * (50 + 10 * number) for number in range(9)], growing=True, rows=3, tokens=10**6)
    assert queue.take() == (0, 1, 2)
    queue.put(1, (1,) * 95)
    assert queue.take() == (3, 4, 1)
    queue.put(1, (1,) * 500)
    assert list(iter(queue.take, ())) == [(5, 6, 7), (8, 1)]


def test_a_grown_prompt_that_begins_like_no_other_is_asked_beside_others_of_its_length_too():
    queue = Queue([(number,) * (50 + 10 * number) for number in range(9)], growing=True, rows=3, tokens=10**6)
    assert queue.take() == (0, 1, 2)
    queue.put(1, (1,) * 95)
    assert queue.take() == (3, 4, 1)


def test_a_prompt_that_has_grown_stays_with_those_that_began_as_it_did():
    tools = {name: [name] * 300 for name in (1, 2)}
    prompts = [(*tools[name], *[9 + index] * (10 + index)) for name in tools for index in range(4)]
    queue = Queue(prompts, growing=True, rows=3, tokens=600)
    assert queue.take() == (0, 1, 2)
    queue.put(0, (*prompts[0], *[5] * 100))
    assert list(iter(queue.take, ())) == [(4, 5, 6), (7,), (3, 0)]


def test_what_was_taken_waits_no_longer_and_nothing_waits_in_the_end():
    queue = Queue([(1, 2)], growing=True, rows=3, tokens=10)
    assert (queue.take(), queue.take()) == ((0,), ())
    queue.put(0, (1, 2, 3))
    assert (queue.take(), queue.take()) == ((0,), ())
