"""Nothing that we train on occurs in the benchmark that we score on."""

import re

import pytest

from callwright.conversation import Conversation, Message, Tool
from callwright.data.contamination import Benchmark, Contamination, normal_query, signature
from callwright.data.source import Example
from callwright.data.synthetic import SyntheticSettings, SyntheticSource
from callwright.data.synthetic.naming import EXTRAS, STYLES, tool_names
from callwright.data.synthetic.small_talk import small_talk
from callwright.data.synthetic.tools import declared_tools
from callwright.errors import DataError
from callwright.evaluation.bfcl import load_category
from callwright.scoring.entry import BfclEntry

CATEGORIES = ("simple_python", "multiple", "parallel", "parallel_multiple", "irrelevance")


def schema(**types):
    return {"type": "object", "properties": {name: {"type": kind} for name, kind in types.items()}}


def example(query, *tools):
    return Example("e1", Conversation((Message("user", query), Message("assistant", "no")), tools), "irrelevance")


def test_a_signature_forgives_case_separators_order_and_the_benchmarks_type_names():
    ours = signature("geo.areaOfSquare", schema(side_length="number", tags="array"))
    theirs = signature(
        "geo_area_of_square", {"properties": {"tags": {"type": "tuple"}, "sideLength": {"type": "float"}}}
    )
    assert ours == theirs
    assert ours != signature("geo.areaOfSquare", schema(side_length="integer", tags="array"))
    assert ours != signature("geo.areaOfSquare", schema(side_length="number"))


def test_a_query_forgives_case_punctuation_and_numbers():
    assert normal_query("What's the area, for r = 1,200.5?") == normal_query("what s the AREA for r 3")
    assert normal_query("area for 3") != normal_query("volume for 3")


def entry(id_, query, *names):
    functions = tuple(
        {"name": n, "parameters": {"type": "dict", "properties": {"x": {"type": "float"}}}} for n in names
    )
    return BfclEntry(id_, "simple_python", (Message("system", "be kind"), Message("user", query)), functions)


def test_shared_tools_and_queries_are_found_and_others_are_not():
    benchmark = Benchmark([entry("b1", "Do it 3 times!", "f.g")])
    same = benchmark.overlap(example("do it 7 times", Tool("f_g", None, schema(x="number"))))
    assert (same.example, same.signatures, same.queries) == ("e1", ("fg(x:number)",), ("do it 0 times",))
    fresh = benchmark.overlap(example("be kind", Tool("f_g", None, schema(y="number"))))
    assert (fresh.signatures, fresh.queries, fresh.copied) == ((), (), ())


TOOL = Tool("f_g", None, schema(x="number"))
BENCHMARK = [
    entry("b1", "Please do it 3 times now!", "f.g"),
    entry("b2", "hi", "f.g"),
    entry("b3", "Say it to me 3 times", "h"),
]


@pytest.mark.parametrize(
    ("conversation", "copied", "queries", "signatures"),
    [
        (("please do it 12 times now", TOOL), ("b1",), 1, 1),
        (("please do it 12 times now", Tool("other", None, schema(x="number"))), (), 1, 0),
        (("please do it twice", TOOL), (), 0, 1),
        (("Hi!", TOOL), (), 1, 1),
        (("say it to me 5 times", TOOL), (), 1, 1),
        (("something else", Tool("other", None, {})), (), 0, 0),
    ],
    ids=["a copy", "a query alone", "a signature alone", "a short query", "of two entries", "nothing"],
)
def test_a_copy_shares_a_query_of_five_words_and_a_signature_of_the_same_entry(
    conversation, copied, queries, signatures
):
    overlap = Benchmark(BENCHMARK).overlap(example(*conversation))
    assert overlap.copied == copied
    found = Contamination()
    found.add(overlap)
    assert (len(found.copies), found.queries, found.signatures) == (len(copied), queries, signatures)
    if not copied:
        found.refuse_copies("sft_full")
        return
    with pytest.raises(DataError, match=r"sft_full\.data.*got 1: e1 \(b1\); .*sft_full\.decontaminate"):
        found.refuse_copies("sft_full")


def test_of_many_copies_the_first_are_named():
    found = Contamination()
    for number in range(9):
        found.add(Benchmark(BENCHMARK).overlap(Example(f"row-{number}", example("do it", TOOL).conversation, "simple")))
        found.add(Benchmark(BENCHMARK).overlap(example("please do it 12 times now", TOOL)))
    assert str(found) == (
        "18 examples share a tool's signature with the benchmark, 9 a query, 9 both: "
        + ", ".join(["e1 (b1)"] * 5)
        + " and 4 more"
    )


@pytest.fixture(scope="module")
def entries():
    return [entry for name in CATEGORIES for entry in load_category(name)]


def test_no_tool_and_no_query_of_the_synthetic_source_occurs_in_bfcl(entries):
    assert len(entries) == 1240
    benchmark = Benchmark(entries)
    for seed in (0, 1):
        source = SyntheticSource(SyntheticSettings(seed=seed, examples=4000, requests_per_offer=1))
        overlaps = map(benchmark.overlap, source)
        assert [overlap for overlap in overlaps if overlap.signatures or overlap.queries] == []


def test_no_general_question_occurs_in_bfcl(entries):
    asked = {normal_query(message.content) for entry in entries for message in entry.question}
    assert not asked.intersection(map(normal_query, all_general_questions()))


def test_no_seed_can_make_a_tool_that_bfcl_has(entries):
    """Whatever is drawn: no name a tool can have comes with a set of parameter names that BFCL has under that name."""
    theirs = {}
    for entry in entries:
        for tool in entry.functions:
            theirs.setdefault(plain(tool["name"]), []).append(set(map(plain, tool["parameters"]["properties"])))
    for group, declared in declared_tools():
        for name in {plain(name) for style in STYLES for name in tool_names(group, declared, style)}:
            for names in theirs.get(name, ()):
                for extra in ({}, *({key: extra} for key, extra in EXTRAS.items())):
                    parameters = declared.parameters | extra
                    assert not can_be_named(names, parameters), (name, names)


def plain(name):
    return re.sub(r"[\W_]", "", name.lower())


def all_general_questions():
    words = small_talk()
    for question in words.questions:
        (slot,) = re.findall(r"{(\w+)}", question)
        yield from (question.format_map({slot: value}) for value in words.slots[slot])


def can_be_named(names, params):
    """Whether the parameters, some optional ones left out, can be called exactly `names`."""
    if not params:
        return not names
    (key, first), *rest = params.items()
    rest = dict(rest)
    if any(alias in names and can_be_named(names - {alias}, rest) for alias in map(plain, (key, *first.aliases))):
        return True
    return not first.is_required and can_be_named(names, rest)
