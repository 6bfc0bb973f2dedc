"""What is held out is a fifth, the same everywhere, and nothing of it is on the other side."""

import pytest

from callwright.data.own_tools.splits import draw_value, on_side, type_on_side
from callwright.data.rng import Rng
from callwright.data.tools_file.load import declare_tools

WORDS = [f"word {number}" for number in range(10)]


def value_type(**values):
    tool = {
        "name": "t",
        "description": "T.",
        "parameters": {"p": {"description": "P", **values}},
        "phrasings": ["set {p}"],
    }
    return declare_tools({"version": 1, "tools": [tool]}, "t.yaml").tools[0].parameters["p"].types[0]


def drawn(declared, held_out, count=300):
    rng = Rng("draws")
    return {str(draw_value(declared, rng, held_out).json) for _ in range(count)}


@pytest.mark.parametrize(("count", "held_out"), [(0, 0), (1, 0), (2, 1), (5, 1), (7, 1), (8, 2), (25, 5)])
def test_a_fifth_of_the_texts_is_held_out_and_at_least_one_of_two(count, held_out):
    texts = [f"text {number}" for number in range(count)]
    assert len(on_side(texts, True)) == held_out
    assert sorted(on_side(texts, True) + on_side(texts, False)) == sorted(texts)


def test_a_text_that_stands_twice_is_on_one_side():
    assert set(on_side(["a", "b", "a", "b"], True)).isdisjoint(on_side(["a", "b", "a", "b"], False))


def test_what_is_held_out_is_the_same_in_every_process():
    assert on_side(WORDS, True) == ("word 1", "word 4")


@pytest.mark.parametrize(
    "values",
    [
        {"values": WORDS},
        {"type": "integer", "minimum": 1, "maximum": 40},
        {"type": "number", "minimum": 1, "maximum": 40},
        {"type": "year", "minimum": 1950, "maximum": 2020},
        {"type": "percentage", "minimum": 1, "maximum": 60},
        {"type": "date"},
        {"type": "time"},
        {"pool": "person"},
    ],
    ids=str,
)
def test_no_value_is_on_both_sides(values):
    declared = value_type(**values)
    training, held_out = drawn(declared, False), drawn(declared, True)
    assert len(training) > len(held_out) > 0
    assert not training & held_out


def test_items_and_properties_are_on_one_side_too():
    items = value_type(type="array", items={"values": WORDS}, minItems=1, maxItems=6)
    properties = {"a": {"description": "A", "values": WORDS}, "b": {"description": "B", "enum": ["x", "y"]}}
    thing = value_type(type="object", phrasing="{a} {b}", properties=properties)
    rng = Rng("draws")
    for held_out in (False, True):
        mine = set(on_side(WORDS, held_out))
        arrays = [draw_value(items, rng, held_out).json for _ in range(50)]
        assert {word for array in arrays for word in array} == mine
        objects = [draw_value(thing, rng, held_out).json for _ in range(50)]
        assert {one["a"] for one in objects} == mine
        assert {one["b"] for one in objects} == {"x", "y"}


@pytest.mark.parametrize(
    "values",
    [
        {"enum": WORDS},
        {"type": "boolean", "when_true": "yes", "when_false": "no"},
        {"values": WORDS[:4]},
        {"type": "integer", "minimum": 1, "maximum": 4},
    ],
    ids=str,
)
def test_what_the_schema_names_and_what_is_few_is_on_both_sides(values):
    declared = value_type(**values)
    assert type_on_side(declared, True) is declared
    assert drawn(declared, True) == drawn(declared, False)
