"""Rewards: only the right calls earn the top, junk never helps, and what nearly right earns fades away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwright.conversation import ToolCall
from callwright.formats import get_format
from callwright.formats.base import Parsed, ParseIssue
from callwright.training.rewards import RewardSettings, reward

COMPONENTS = {"well_formed", "exact", "unnecessary_call", "partial"}
PARIS, OSLO = (ToolCall("weather", {"city": city, "days": 3}) for city in ("Paris", "Oslo"))
SETTINGS = RewardSettings()
TOP = SETTINGS.well_formed + SETTINGS.exact

values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([-2.0, 0.5, 1.0]) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=1), inner, max_size=2),
    max_leaves=4,
)
calls = st.lists(
    st.builds(ToolCall, st.sampled_from("fg"), st.dictionaries(st.sampled_from("xyz"), values)), max_size=3
)


def output(*made: ToolCall, **changes) -> Parsed:
    return Parsed(None, None, made, **changes)


def earned(parsed: Parsed, expected, progress: float = 0.0):
    return reward(parsed, expected, SETTINGS, progress)


def same(one, other) -> bool:
    """Equal in value and in kind: Python finds 1, 1.0 and True equal, a tool called with them may not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def fulfils(made, expected) -> bool:
    left = list(expected)
    for call in made:
        found = [i for i, c in enumerate(left) if c.name == call.name and same(dict(c.arguments), dict(call.arguments))]
        if not found:
            return False
        del left[found[0]]
    return not left


@given(calls, calls, st.floats(0, 1))
def test_the_expected_calls_and_nothing_else_earn_the_top_score(made, expected, progress):
    total = earned(output(*made), expected, progress).total
    assert total == pytest.approx(TOP) if fulfils(made, expected) else total < TOP / 2


@given(calls, st.randoms())
def test_the_order_of_calls_and_of_arguments_does_not_matter(expected, draw):
    shuffled = draw.sample(expected, len(expected))
    made = [ToolCall(c.name, dict(draw.sample(list(c.arguments.items()), len(c.arguments)))) for c in shuffled]
    assert earned(output(*made), expected).components["exact"] == SETTINGS.exact


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ((PARIS, OSLO, ToolCall("weather", {"city": "Rome", "days": 3})), (PARIS, OSLO)),
        ((PARIS, PARIS), (PARIS,)),
        ((PARIS,), (PARIS, PARIS)),
        ((PARIS, PARIS, OSLO), (PARIS, OSLO, OSLO)),
        ((ToolCall("weather", {"city": "Paris", "days": 3, "unit": "C"}),), (PARIS,)),
        ((ToolCall("forecast", {"city": "Paris", "days": 3}),), (PARIS,)),
    ],
    ids=["one more", "one twice", "one of two the same", "others twice", "one argument more", "another name"],
)
def test_too_much_or_too_little_is_not_exact(made, expected):
    got = earned(output(*made), expected)
    assert got.components["exact"] == 0
    assert got.total < TOP / 2


def test_all_calls_of_many_are_worth_more_than_the_same_with_junk():
    junk = [ToolCall("weather", {"city": str(n)}) for n in range(3)]
    shares = [earned(output(PARIS, OSLO, *junk[:n]), (PARIS, OSLO)).total for n in range(4)]
    assert shares == sorted(shares, reverse=True)
    assert len(set(shares)) == 4


@pytest.mark.parametrize("value", [3.0, "3", True, [3], None])
def test_an_argument_of_another_kind_is_another_argument(value):
    call, other = ToolCall("f", {"n": 3}), ToolCall("f", {"n": value})
    assert earned(output(other), (call,)).components["exact"] == 0
    assert earned(output(ToolCall("f", {"n": 1})), (ToolCall("f", {"n": True}),)).components["exact"] == 0


def test_calling_when_nothing_fits_costs_as_much_as_a_right_call_earns():
    unnecessary, silent, right = (
        earned(output(*m), e).total for m, e in (((PARIS,), ()), ((), ()), ((PARIS,), (PARIS,)))
    )
    assert unnecessary == pytest.approx(SETTINGS.well_formed - SETTINGS.exact)
    assert silent == right == pytest.approx(TOP)
    assert earned(output(PARIS), ()).components["unnecessary_call"] == -SETTINGS.exact


def test_an_unnecessary_call_is_punished_even_if_something_else_is_malformed():
    broken = output(PARIS, errors=(ParseIssue("not JSON", 0),))
    assert earned(broken, ()).total == SETTINGS.unnecessary_call


@pytest.mark.parametrize("flaw", [{"complete": False}, {"errors": (ParseIssue("not JSON", 0),)}], ids=["cut", "broken"])
def test_a_completion_with_a_flaw_is_neither_well_formed_nor_exact(flaw):
    got = earned(output(PARIS, **flaw), (PARIS,))
    assert got.components["well_formed"] == got.components["exact"] == 0
    assert got.total == got.components["partial"] == SETTINGS.partial


def test_words_alone_earn_only_for_being_well_formed_where_a_call_is_due():
    assert earned(output(), (PARIS,)).components == {
        "well_formed": SETTINGS.well_formed,
        "exact": 0,
        "unnecessary_call": 0,
        "partial": 0,
    }


def test_partial_credit_fades_linearly_to_nothing():
    half_right = output(ToolCall("weather", {"city": "Paris", "days": 4}))
    course = [earned(half_right, (PARIS,), progress).components["partial"] for progress in (0, 0.25, 0.5, 0.75, 1)]
    first = SETTINGS.partial * 2 / 3  # name and city of name, city and days
    assert course == pytest.approx([first * left for left in (1, 0.75, 0.5, 0.25, 0)])


@given(calls, calls, st.floats(0, 1))
def test_every_component_is_named_and_they_add_up(made, expected, progress):
    got = earned(output(*made), expected, progress)
    assert got.components.keys() == COMPONENTS
    assert got.total == pytest.approx(sum(got.components.values()))
    assert 0 <= got.components["partial"] <= SETTINGS.partial


def test_what_the_format_reads_is_what_is_rewarded():
    text = '<tool_call>\n{"name": "weather", "args": {"days": 3, "city": "Paris"}}\n</tool_call>'
    fmt = get_format("xml")
    assert earned(fmt.parse(text), (PARIS,)).total == pytest.approx(TOP)
    assert earned(fmt.parse(text, finish_reason="length"), (PARIS,)).components["exact"] == 0
    assert earned(fmt.parse(text[:-1]), (PARIS,)).total == 0
