"""A layout holds every prompt once, and is worth it."""

from hypothesis import given
from hypothesis import strategies as st

from callwright.engines.prefixes import arrange, common_beginning, unshared
from callwright.engines.shapes import rounded_rows, rounded_slots, rounded_width

beginnings = st.lists(st.integers(0, 1), max_size=60).map(tuple)


@st.composite
def prompt_lists(draw):
    """Prompts of a few beginnings, some of them equal."""
    begin = draw(st.lists(beginnings, min_size=1, max_size=3))
    rest = st.lists(st.integers(0, 3), min_size=1, max_size=9).map(tuple)
    return draw(
        st.lists(
            st.tuples(st.sampled_from(begin), rest).map(lambda pair: pair[0] * 3 + pair[1]), min_size=1, max_size=20
        )
    )


@given(prompt_lists(), st.integers(1, 100))
def test_every_prompt_has_one_row_and_begins_with_its_groups_prefix_and_ends_in_its_row(prompts, max_new_tokens):
    layout = arrange(prompts, max_new_tokens)
    assert sorted(number for group in layout.groups for number in group) == list(range(len(prompts)))
    assert len(layout.groups) == len(layout.prefixes)
    for group, length in zip(layout.groups, layout.prefixes, strict=True):
        assert 0 < len(group) <= layout.rows
        assert len({prompts[number][:length] for number in group}) == 1
        assert all(len(prompts[number]) > length for number in group)


@given(prompt_lists())
def test_less_is_computed_than_without_sharing_or_nothing_is_shared(prompts):
    layout, alone = arrange(prompts, 16), unshared(prompts)
    if layout != alone:
        rests = [len(prompts[n]) - p for g, p in zip(layout.groups, layout.prefixes, strict=True) for n in g]
        groups = rounded_rows(len(layout.groups))
        shared = groups * (rounded_width(max(layout.prefixes)) + layout.rows * (rounded_width(max(rests)) + 16))
        assert shared < alone.rows * (rounded_width(max(map(len, prompts))) + 16)


def test_completions_of_a_few_prompts_are_a_group_for_each_prompt():
    prompts = [tuple(range(start, start + 250)) for start in (0, 1000)]
    layout = arrange([prompts[number % 2] for number in range(16)], 96)
    assert sorted(layout.groups) == [tuple(range(0, 16, 2)), tuple(range(1, 16, 2))]
    assert (layout.prefixes, layout.rows) == ((249, 249), 8)


def test_requests_with_the_same_tools_are_one_group():
    prompts = [(*range(577), 1000 + number, 5, 6) for number in range(24)]
    layout = arrange(prompts, 64)
    assert (layout.groups, layout.prefixes, layout.rows) == ((tuple(range(24)),), (577,), 24)


def test_groups_of_uneven_sizes_are_cut_into_even_ones():
    prompts = [(tools, *range(500), number) for number in range(20) for tools in ((1, 2) if number < 4 else (1,))]
    layout = arrange(prompts, 96)
    assert sum(map(len, layout.groups)) == 24
    assert set(layout.prefixes) == {501}
    assert len(layout.groups) * layout.rows < 2 * 24


def test_a_short_common_beginning_is_not_worth_a_further_shape():
    prompts = [(*range(13), *[20 + number] * 200) for number in range(16)]
    assert arrange(prompts, 160) == unshared(prompts)


def test_a_common_beginning_ends_where_one_of_the_two_does():
    assert [common_beginning(*pair) for pair in (((1, 2), (1, 3)), ((1, 2), (1, 2, 3)), ((), (1,)))] == [1, 2, 0]


def test_sizes_are_rounded_up_by_little_to_few():
    for rounded, most, share in ((rounded_width, 1024, 1.25), (rounded_rows, 128, 1.5), (rounded_slots, 2048, 1.5)):
        sizes = [rounded(count) for count in range(1, most + 1)]
        assert all(size >= count for count, size in enumerate(sizes, 1))
        assert all(size < share * max(count, 64) for count, size in enumerate(sizes, 1))
        assert sizes == sorted(sizes) and len(set(sizes)) <= 22
        assert [rounded(size) for size in sizes] == sizes
    assert rounded_width(0) == 0
