"""What the synthetic source promises: the same examples everywhere, valid and grounded calls, and no monotony."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path

import jsonschema
import jsonschema_rs
import pytest
from pydantic import ValidationError

from callwright.data.contamination import signature
from callwright.data.rng import Rng
from callwright.data.synthetic import Mix, SyntheticSettings, SyntheticSource, tools
from callwright.data.synthetic.naming import EXTRAS
from callwright.data.synthetic.offers import Offers
from callwright.data.synthetic.tools import FILES, declared_tools, tool_groups
from callwright.data.tools_file.values import NUMBER_WORDS

SIZE = 2000
TOOLS = declared_tools()
KINDS = ("simple", "multiple", "parallel", "parallel_multiple", "irrelevance", "dialogue")


@pytest.fixture(scope="module")
def source():
    return SyntheticSource(SyntheticSettings(examples=SIZE))


@pytest.fixture(scope="module")
def composed(source):
    return [source.compose(i) for i in range(SIZE)]


@pytest.fixture(scope="module")
def examples(composed):
    return [each.example for each in composed]


@pytest.fixture(scope="module")
def offers():
    """So many that each tool comes up often."""
    made = Offers(SyntheticSettings())
    return [made[number] for number in range(1500)]


def of_kind(examples, kind):
    return [e for e in examples if e.kind == kind]


def user_text(example):
    return "\n".join(m.content for m in example.conversation.messages if m.role == "user")


def digest(examples):
    return hashlib.sha256(repr(examples).encode()).hexdigest()


# Determinism


def test_an_example_depends_on_its_index_and_nothing_else(source, examples):
    fresh = SyntheticSource(SyntheticSettings(examples=SIZE))
    for index in (1999, 3, 777, 3):
        assert fresh[index] == examples[index]
    shorter = SyntheticSource(SyntheticSettings(examples=10))
    assert list(shorter) == examples[:10]


def test_another_process_with_another_hash_seed_makes_the_same_examples(examples):
    code = (
        "import hashlib; from callwright.data.synthetic import *;"
        "print(hashlib.sha256(repr(list(SyntheticSource(SyntheticSettings(examples=200)))).encode()).hexdigest())"
    )
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True
        )
        assert done.stdout.strip() == digest(examples[:200]), done.stderr


def test_seeds_give_different_examples(examples):
    other = SyntheticSource(SyntheticSettings(examples=300, seed=1))
    assert len({user_text(e) for e in other} & {user_text(e) for e in examples[:300]}) < 0.03 * 300


def test_ids_are_unique_and_an_index_outside_is_refused(source, examples):
    assert len({e.id for e in examples}) == SIZE
    for index in (-1, SIZE):
        with pytest.raises(IndexError):
            source[index]


# The mix


def test_any_stretch_of_examples_holds_the_whole_mix(examples):
    for start in (0, 100, 900):
        counts = Counter(e.kind for e in examples[start : start + 400])
        for kind, weight in Mix().model_dump().items():
            assert abs(counts[kind] / 400 - weight) < 0.025, kind


def test_each_kind_is_what_its_name_says(examples):
    for e in examples:
        tools, calls = len(e.conversation.tools), e.expected_calls
        names = {call.name for call in calls}
        if e.kind == "simple":
            assert (tools, len(calls)) == (1, 1)
        elif e.kind == "multiple":
            assert 2 <= tools <= 4
            assert len(calls) == 1
        elif e.kind == "parallel":
            assert tools == 1
            assert 2 <= len(calls) <= 4
        elif e.kind == "parallel_multiple":
            assert 2 <= tools <= 4
            assert 2 <= len(calls) <= 4
            assert len(names) >= 2
        elif e.kind == "irrelevance":
            assert not any(m.tool_calls for m in e.conversation.messages)
        else:
            assert [m.role for m in e.conversation.messages[:3]] == ["user", "assistant", "tool"]
        assert e.conversation.messages[-1].role == "assistant"
        assert bool(calls) != bool(e.conversation.messages[-1].content)


def test_repeated_calls_differ_and_some_parallel_multiple_repeat_a_tool(examples):
    for e in examples:
        said = [json.dumps([c.name, c.arguments], sort_keys=True) for c in e.expected_calls]
        assert len(set(said)) == len(said)
    mixed = of_kind(examples, "parallel_multiple")
    repeating = [e for e in mixed if len({c.name for c in e.expected_calls}) < len(e.expected_calls)]
    assert 0.15 < len(repeating) / len(mixed) < 0.6


def test_where_no_tool_fits_the_tool_that_was_asked_for_is_not_on_offer(examples):
    described = {text: declared for _, declared in TOOLS for text in declared.descriptions}
    wanted = {}
    for e in examples:
        if e.kind in ("simple", "parallel"):
            wanted[user_text(e)] = described[e.conversation.tools[0].description]
    single = 0
    for e in of_kind(examples, "irrelevance"):
        single += len(e.conversation.tools) == 1
        assert wanted.get(user_text(e)) not in [described[t.description] for t in e.conversation.tools]
    assert 0.4 < single / len(of_kind(examples, "irrelevance")) < 0.8


def test_refusals_begin_alike_and_vary_after(examples):
    answers = Counter(e.conversation.messages[-1].content for e in of_kind(examples, "irrelevance"))
    assert all(answer.startswith("None of the available functions ") for answer in answers)
    assert len(answers) > 40
    assert max(answers.values()) < 0.2 * sum(answers.values())


def test_weights_choose_the_kinds():
    only = Mix(**dict.fromkeys(KINDS, 0.0) | {"parallel": 3.0})
    assert {e.kind for e in SyntheticSource(SyntheticSettings(examples=40, mix=only))} == {"parallel"}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_first_tools_alone_make_a_source_of_their_own(count):
    mix = Mix(multiple=0, parallel_multiple=0) if count == 1 else Mix()
    few = list(SyntheticSource(SyntheticSettings(examples=400, tools=count, mix=mix)))
    allowed = {text for _, declared in TOOLS[:count] for text in declared.descriptions}
    offered = {t.description for e in few for t in e.conversation.tools}
    assert offered <= allowed
    assert len({user_text(e) for e in few}) > 360
    assert {e.kind for e in few} == {kind for kind, weight in mix.model_dump().items() if weight}


@pytest.mark.parametrize(
    "wrong",
    [{"tools": 1}, {"max_tools": 1}, {"tools": 0}, {"mix": {"sample": 1}}],
)
def test_settings_that_cannot_be_met_are_refused(wrong):
    with pytest.raises(ValidationError):
        SyntheticSettings(**wrong)


# The calls


def test_every_call_is_offered_and_valid_under_its_schema(examples):
    for e in examples:
        tools = {tool.name: tool for tool in e.conversation.tools}
        assert len(tools) == len(e.conversation.tools)
        for message in e.conversation.messages:
            for call in message.tool_calls:
                schema = {**tools[call.name].parameters, "additionalProperties": False}
                jsonschema_rs.validator_for(schema).validate(call.arguments)
                jsonschema.Draft202012Validator(schema).validate(call.arguments)
                assert list(call.arguments) == [key for key in schema["properties"] if key in call.arguments]


def test_schemas_are_schemas(examples):
    for e in examples[:500]:
        for tool in e.conversation.tools:
            jsonschema.Draft202012Validator.check_schema(tool.parameters)
            assert set(tool.parameters["required"]) <= set(tool.parameters["properties"])
            assert all(p["description"] for p in tool.parameters["properties"].values())


def test_every_argument_is_said_in_the_query_and_means_its_value(composed):
    checked = Counter()
    for each in composed:
        said = user_text(each.example).casefold()
        arguments = [dict(call.arguments) for call in each.example.expected_calls]
        drawn = [values for request in each.requests for values in request.values]
        if each.example.expected_calls:
            assert [{k: v.json for k, v in values.items()} for values in drawn] == arguments
        for values in drawn:
            for value in values.values():
                for leaf in value.leaves or (value,):
                    assert leaf.text.casefold() in said
                    checked[how_it_is_meant(leaf)] += 1
    assert set(checked) == {"verbatim", "number", "percent", "date", "time", "choice", "boolean"}
    assert checked["choice"] + checked["boolean"] < 0.2 * checked.total()


def how_it_is_meant(leaf):
    """Reads the wording as a person would, without the generator's help, and compares."""
    value, text = leaf.json, leaf.text
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        plain = text.replace(",", "")
        if share := re.fullmatch(r"([\d.]+)(?:%| percent)", plain):
            assert float(share[1]) in (value, pytest.approx(value * 100))
            return "percent"
        assert (NUMBER_WORDS.index(plain) if plain in NUMBER_WORDS else float(plain)) == value
        return "number"
    if value == text:
        return "verbatim"
    if re.fullmatch(r"\d\d\d\d-\d\d-\d\d|\d\d[-/]\d\d[-/]\d\d\d\d", value):
        fmt = "%Y-%m-%d" if value[4] == "-" else "%d/%m/%Y" if "/" in value else "%m-%d-%Y"
        spoken = re.sub(r"(?<=\d)(st|nd|rd|th)", "", text)
        assert datetime.strptime(value, fmt) in [parse(spoken, f) for f in ("%B %d, %Y", "%d %B %Y")]
        return "date"
    if re.fullmatch(r"\d\d:\d\d", value):
        assert datetime.strptime(value, "%H:%M") in [parse(text.upper(), f) for f in ("%I:%M %p", "%I %p")]
        return "time"
    return "choice"


def parse(text, fmt):
    try:
        return datetime.strptime(text, fmt)
    except ValueError:
        return None


def test_a_wording_never_means_two_values_of_one_choice():
    for _, declared in TOOLS:
        for key, parameter in declared.parameters.items():
            for value_type in parameter.types:
                if "enum" not in value_type.schema and not value_type.hint.startswith("one of"):
                    continue
                meant, rng = {}, Rng("wordings", declared.nouns[0], key)
                for _ in range(60):
                    value = value_type.draw(rng)
                    assert meant.setdefault(value.text, value.json) == value.json


def test_dates_and_shares_are_written_as_the_description_says(examples):
    forms = {"YYYY-MM-DD": r"\d{4}-\d\d-\d\d", "DD/MM/YYYY": r"\d\d/\d\d/\d{4}", "MM-DD-YYYY": r"\d\d-\d\d-\d{4}"}
    seen = Counter()
    for e in examples:
        tools = {tool.name: tool for tool in e.conversation.tools}
        for call in e.expected_calls:
            for key, value in call.arguments.items():
                about = tools[call.name].parameters["properties"][key]["description"]
                for fmt, pattern in forms.items():
                    if fmt in about:
                        assert re.fullmatch(pattern, value)
                        seen[fmt] += 1
                if "as a decimal" in about or "as a fraction" in about:
                    assert 0 < value < 1
                    seen["fraction"] += 1
                if "in percent" in about or "as a percentage" in about:
                    assert value >= 1
                    seen["percent"] += 1
    assert len(seen) == 5
    assert min(seen.values()) > 15


def test_optional_parameters_are_given_in_some_calls_and_left_out_in_others(examples):
    given = offered = 0
    for e in examples:
        tools = {tool.name: tool for tool in e.conversation.tools}
        for call in e.expected_calls:
            schema = tools[call.name].parameters
            optional = set(schema["properties"]) - set(schema["required"])
            offered += len(optional)
            given += len(optional & set(call.arguments))
    assert 0.2 < given / offered < 0.5


def test_a_tool_result_is_answered_with_what_it_says(examples):
    answered = [e for e in of_kind(examples, "dialogue") if not e.expected_calls]
    assert len(answered) > 20
    for e in answered:
        _, _, result, answer = e.conversation.messages
        assert all(
            str(value) in answer.content.replace(",", "") or isinstance(value, float)
            for value in result.content.values()
            if not spoken_as_word(value, answer.content)
        )


def spoken_as_word(value, text):
    return isinstance(value, int) and 2 <= value <= 12 and NUMBER_WORDS[value] in text


# Variety


def test_queries_and_signatures_hardly_repeat(examples, offers):
    assert len({user_text(e) for e in examples}) >= 0.95 * SIZE
    tools = [each.tool for offer in offers for each in offer.tools]
    assert len({signature(t.name, t.parameters) for t in tools}) >= 0.9 * len(tools)


def test_names_come_in_every_style_and_types_in_every_kind(examples):
    tools = [tool for e in examples for tool in e.conversation.tools]
    styles = Counter(
        "dotted" if "." in t.name else "snake" if "_" in t.name else "camel" if t.name != t.name.lower() else "word"
        for t in tools
    )
    assert min(styles[s] for s in ("dotted", "snake", "camel")) > 0.05 * len(tools)
    types = Counter(p["type"] for t in tools for p in t.parameters["properties"].values())
    assert set(types) == {"string", "integer", "number", "boolean", "array", "object"}
    items = {p["items"]["type"] for t in tools for p in t.parameters["properties"].values() if p["type"] == "array"}
    assert items == {"string", "integer", "number"}
    assert any("enum" in p for t in tools for p in t.parameters["properties"].values())


def test_one_tool_is_offered_under_many_names_and_parameter_names(offers):
    names, parameters = {}, {}
    for offer in offers:
        for each in offer.tools:
            names.setdefault(each.declared, set()).add(each.tool.name)
            parameters.setdefault(each.declared, set()).add(tuple(sorted(each.tool.parameters["properties"])))
    assert len(names) == len(TOOLS)
    assert sum(map(len, names.values())) / len(names) > 10
    assert sum(map(len, parameters.values())) / len(parameters) > 10


def test_examples_fit_a_training_row(examples):
    """In characters of compact prompt and answer; about 3.5 of them make a token."""
    lengths = {kind: sorted(map(characters, of_kind(examples, kind))) for kind in KINDS}
    for kind, limit in {"simple": 1000, "multiple": 1400, "parallel": 1400, "parallel_multiple": 2000}.items():
        assert lengths[kind][int(0.95 * len(lengths[kind]))] < limit, kind


def characters(example):
    tools = [
        {"name": t.name, "description": t.description, "parameters": t.parameters} for t in example.conversation.tools
    ]
    calls = [{"name": c.name, "args": c.arguments} for m in example.conversation.messages for c in m.tool_calls]
    said = [str(m.content) for m in example.conversation.messages if m.content is not None]
    return len(json.dumps([tools, calls])) + sum(map(len, said))


# The declarations


def test_every_tools_file_of_the_package_is_read():
    assert sorted(path.stem for path in Path(tools.__file__).parent.glob("*.yaml")) == sorted(FILES)


def test_there_are_enough_tools_and_trades():
    assert len(TOOLS) == 151
    assert len(tool_groups()) >= 16
    assert len({id(group) for group, _ in TOOLS[:16]}) == 16
    assert TOOLS[0][1].result, "one tool alone makes every kind of dialogue"


def test_a_description_belongs_to_one_tool():
    descriptions = [text for _, declared in TOOLS for text in declared.descriptions]
    assert len(set(descriptions)) == len(descriptions)


@pytest.mark.parametrize("declared", [declared for _, declared in TOOLS], ids=lambda each: each.nouns[0])
def test_a_declared_tool_can_be_asked_for_in_full(declared):
    keys = declared.parameters.keys()
    names = {name for key, parameter in declared.parameters.items() for name in (key, *parameter.aliases)}
    required = {key for key, parameter in declared.parameters.items() if parameter.is_required}
    assert required
    assert not names & EXTRAS.keys()
    assert set().union(*(phrasing.parameters for phrasing in declared.phrasings)) == keys, "one is never worded"
    assert len(declared.phrasings) >= 2
    for key in declared.fan_out:
        assert any(key in phrasing.required for phrasing in declared.phrasings) or key not in required
