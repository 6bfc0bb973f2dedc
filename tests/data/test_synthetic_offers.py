"""The requests that the synthetic source makes to one offer: the same tools, other words, all kinds in their shares."""

from collections import Counter
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from callwright.data.synthetic import Mix, SyntheticSettings, SyntheticSource
from callwright.data.synthetic import source as synthetic_source
from callwright.data.synthetic.arrangement import Arrangement
from callwright.data.synthetic.offers import Offers
from callwright.formats import get_format

EIGHT = SyntheticSettings(examples=400)
QUICKSTART = Mix(simple=0.23, multiple=0.18, parallel=0.12, parallel_multiple=0.07, irrelevance=0.38, dialogue=0.02)
ONE_TOOL = Mix(multiple=0, parallel_multiple=0)


@pytest.fixture(scope="module")
def groups():
    """The examples of each group."""
    return by_group(SyntheticSource(EIGHT))


def by_group(source):
    named = [(source.group(index), source[index]) for index in range(len(source))]
    return [[example for _, example in members] for _, members in groupby(named, key=lambda pair: pair[0])]


def question(example):
    return example.conversation.messages[0].content


def kinds(mix, requests_per_offer, seed, start, count):
    arrangement, first = Arrangement(mix, requests_per_offer, seed), start // requests_per_offer
    last = (start + count) // requests_per_offer
    made = [kind for number in range(first, last + 1) for kind in arrangement.offer(number)[1]]
    return made[start % requests_per_offer :][:count]


def test_eight_examples_in_a_row_offer_the_same_tools_and_the_next_ones_others(groups):
    assert [len(members) for members in groups] == [8] * 50
    offered = [members[0].conversation.tools for members in groups]
    for tools, members in zip(offered, groups, strict=True):
        assert all(each.conversation.tools == tools for each in members)
    assert len({str(tools) for tools in offered}) == len(groups)


@pytest.mark.parametrize("name", ["xml", "qwen3", "functiongemma", "gemma4"])
def test_prompts_of_a_group_are_the_same_up_to_the_users_message(groups, name):
    fmt = get_format(name)
    for members in groups[:12]:
        texts = ["".join(segment.text for segment in each.render(fmt).segments) for each in members]
        begin = texts[0][: texts[0].index(question(members[0]))]
        assert all(text.startswith(begin + question(each)) for text, each in zip(texts, members, strict=True))


def test_every_tool_on_offer_is_asked_for(groups):
    for members in groups:
        asking = [each for each in members if each.kind != "irrelevance"]
        called = {call.name for each in asking for message in each.conversation.messages for call in message.tool_calls}
        tools = {tool.name for tool in members[0].conversation.tools}
        assert called == tools if len(asking) >= len(tools) else called <= tools


def test_tools_are_asked_for_equally_often():
    offers = Offers(EIGHT)
    for offer in map(offers.__getitem__, range(100)):
        asked = [lead.tool.name for lead, kind in zip(offer.leads, offer.kinds, strict=True) if kind != "irrelevance"]
        if "dialogue" not in offer.kinds:  # these are about the tools with a result
            counts = Counter({each.tool.name: 0 for each in offer.tools}) + Counter(asked)
            assert max(counts.values(), default=0) - min(counts.values(), default=0) <= 1


@pytest.mark.parametrize(
    "changes", [{}, {"seed": 5}, {"tools": 1, "mix": ONE_TOOL, "requests_per_offer": 200}, {"requests_per_offer": 60}]
)
def test_no_two_requests_to_an_offer_have_the_same_words(changes):
    for members in by_group(SyntheticSource(SyntheticSettings(**{"examples": 400} | changes))):
        assert len(set(map(question, members))) == len(members)


def test_words_that_were_there_before_are_drawn_again_and_accepted_where_there_are_no_others(monkeypatch):
    drawn = iter([*"aab", *"a" * 100])
    monkeypatch.setattr(synthetic_source, "_KINDS", dict.fromkeys(Mix.model_fields, synthetic_source._one_call))
    monkeypatch.setattr(synthetic_source, "query", lambda *asked: next(drawn))
    source = SyntheticSource(EIGHT)
    assert [question(source[index]) for index in range(3)] == ["a", "b", "a"]


@pytest.mark.parametrize("tools", [None, 2])
def test_what_no_tool_fits_is_not_what_a_tool_on_offer_does(monkeypatch, tools):
    asked = []

    def offer_tool(group, declared, rng):
        asked.append(declared)
        return real(group, declared, rng)

    real = synthetic_source.offer_tool
    monkeypatch.setattr(synthetic_source, "offer_tool", offer_tool)
    settings = SyntheticSettings(examples=400, tools=tools, mix=QUICKSTART)
    source, offers, found = SyntheticSource(settings), Offers(settings), 0
    for index in range(len(source)):
        asked.clear()
        source[index]
        found += len(asked)
        assert not set(asked) & {each.declared for each in offers[index // 8].tools}
    assert found > 50


def test_an_example_does_not_depend_on_which_ones_were_made_before(groups):
    examples = [each for members in groups for each in members]
    fresh = SyntheticSource(EIGHT)
    for index in (399, 13, 12, 8, 15, 207):
        assert fresh[index] == examples[index]
    assert list(SyntheticSource(SyntheticSettings(examples=21))) == examples[:21]


def test_with_one_request_each_example_has_an_offer_of_its_own():
    alone = SyntheticSource(SyntheticSettings(examples=60, requests_per_offer=1))
    assert len(by_group(alone)) == len({str(each.conversation.tools) for each in alone}) == 60
    with pytest.raises(ValidationError):
        SyntheticSettings(requests_per_offer=0)


@pytest.mark.parametrize("mix", [Mix(), QUICKSTART], ids=["default", "quickstart"])
@pytest.mark.parametrize("requests", [1, 8])
def test_a_few_hundred_examples_hold_the_whole_mix(mix, requests):
    for seed, start in ((0, 0), (1, 123), (2, 4800)):
        counts = Counter(kinds(mix, requests, seed, start, 400))
        for kind, weight in mix.model_dump().items():
            assert abs(counts[kind] / 400 - weight) <= 0.02, kind


@settings(max_examples=30)
@given(
    st.lists(st.one_of(st.just(0.0), st.floats(0.01, 100)), min_size=6, max_size=6).filter(any),
    st.integers(1, 20),
    st.integers(0, 2**40),
    st.integers(0, 10_000),
)
def test_a_mix_holds_to_within_two_offers_whatever_it_is(weights, requests, seed, start):
    mix = Mix(**dict(zip(Mix.model_fields, weights, strict=True)))
    counts = Counter(kinds(mix, requests, seed, start, 300))
    for kind, weight in mix.model_dump().items():
        assert abs(counts[kind] - 300 * weight / sum(weights)) <= 2 * requests + 4, kind
        assert weight or not counts[kind]
