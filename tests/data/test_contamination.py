"""Nothing that we train on occurs in the benchmark that we score on."""

import re

import pytest

from callwright.conversation import Conversation, Message, Tool
from callwright.data.contamination import contamination, normal_query, signature
from callwright.data.source import Example
from callwright.data.synthetic import SyntheticSettings, SyntheticSource
from callwright.data.synthetic.naming import EXTRAS, STYLES, tool_names
from callwright.data.synthetic.small_talk import all_general_questions
from callwright.data.synthetic.tools import TOOLS

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


def test_shared_tools_and_queries_are_found_and_others_are_not():
    entry = {
        "function": [{"name": "f.g", "parameters": {"type": "dict", "properties": {"x": {"type": "float"}}}}],
        "question": [[{"role": "system", "content": "be kind"}, {"role": "user", "content": "Do it 3 times!"}]],
    }
    same = example("do it 7 times", Tool("f_g", None, schema(x="number")))
    fresh = example("be kind", Tool("f_g", None, schema(y="number")))
    assert [(hit.example, hit.what) for hit in contamination([same], [entry])] == [("e1", "signature"), ("e1", "query")]
    assert list(contamination([fresh], [entry])) == []


@pytest.fixture(scope="module")
def benchmark():
    bfcl = pytest.importorskip("callwright.evaluation.bfcl")
    entries = [entry for name in CATEGORIES for entry in bfcl.load_category(name)]
    return [
        {"function": entry.functions, "question": [[{"role": m.role, "content": m.content} for m in entry.question]]}
        for entry in entries
    ]


def test_no_tool_and_no_query_of_the_synthetic_source_occurs_in_bfcl(benchmark):
    assert len(benchmark) == 1240
    for seed in (0, 1):
        source = SyntheticSource(SyntheticSettings(seed=seed, examples=4000))
        assert list(contamination(source, benchmark)) == []


def test_no_general_question_occurs_in_bfcl(benchmark):
    asked = {normal_query(message["content"]) for entry in benchmark for message in entry["question"][0]}
    assert not asked.intersection(map(normal_query, all_general_questions()))


def test_no_seed_can_make_a_tool_that_bfcl_has(benchmark):
    """Whatever is drawn: no name a tool can have comes with a set of parameter names that BFCL has under that name."""
    theirs = {}
    for entry in benchmark:
        for tool in entry["function"]:
            theirs.setdefault(plain(tool["name"]), []).append(set(map(plain, tool["parameters"]["properties"])))
    for domain, spec in TOOLS:
        for name in {plain(name) for style in STYLES for name in tool_names(domain, spec, style)}:
            for names in theirs.get(name, ()):
                for extra in (None, *EXTRAS):
                    assert not can_be_named(names, [*spec.params, *([extra] if extra else [])]), (name, names)


def plain(name):
    return re.sub(r"[\W_]", "", name.lower())


def can_be_named(names, params):
    """Whether the parameters, some optional ones left out, can be called exactly `names`."""
    if not params:
        return not names
    first, *rest = params
    if any(alias in names and can_be_named(names - {alias}, rest) for alias in map(plain, first.names)):
        return True
    return not first.required and can_be_named(names, rest)
