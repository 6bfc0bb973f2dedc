"""Examples of own tools: valid, said in the user's words, the same everywhere, and never from the other side."""

import itertools
import re
from collections import Counter
from pathlib import Path

import jsonschema_rs
import pytest
from tests.support.own_tools import ROOMS, home, home_file

from callwright.data.own_tools.generator import Generator
from callwright.data.own_tools.kinds import KINDS
from callwright.data.own_tools.settings import KindMix
from callwright.data.tools_file.load import declare_tools
from callwright.data.tools_file.values import NUMBER_WORDS
from callwright.data.validation import check_round_trip
from callwright.errors import ConfigError
from callwright.formats import get_format
from callwright.yaml_files import parse_yaml

SIZE = 900
EVEN = KindMix(**dict.fromkeys(KINDS, 1))


def generator(*, held_out=False, seed=0, mix=EVEN, share=1 / 3, **changes):
    return Generator(home_file(**changes), mix, share, seed=seed, held_out=held_out)


@pytest.fixture(scope="module", params=[False, True], ids=["training", "held out"])
def examples(request):
    made = generator(held_out=request.param)
    return [made.example(index) for index in range(SIZE)]


def said(example):
    """What the user says in all messages, those of a history included."""
    return "\n".join(m.content for m in example.conversation.messages if m.role == "user")


def expected(example):
    return example.conversation.messages[-1].tool_calls


def all_calls(example):
    return [call for m in example.conversation.messages for call in m.tool_calls]


def leaves(value):
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves(inner)
    else:
        yield value


def of_kind(examples, kind):
    return [example for example in examples if example.kind == kind]


def test_every_kind_comes_in_its_share(examples):
    counts = Counter(example.kind for example in examples)
    assert tuple(sorted(counts, key=KINDS.index)) == KINDS
    assert all(abs(count - SIZE / len(KINDS)) < 4 for count in counts.values())


def test_every_call_satisfies_its_schema(examples):
    for example in examples:
        schemas = {tool.name: tool.parameters | {"additionalProperties": False} for tool in example.conversation.tools}
        for call in all_calls(example):
            jsonschema_rs.validator_for(schemas[call.name]).validate(dict(call.arguments))


WORDINGS = {"red": ["ruby"], "blue": ["sky"], "True": ["at full volume"]}


def test_every_argument_stands_in_what_the_user_said_or_in_a_result(examples):
    for example in examples:
        results = " ".join(str(m.content) for m in example.conversation.messages if m.role == "tool")
        seen = f"{said(example)} {results}".casefold()
        for value in (leaf for call in expected(example) for leaf in leaves(dict(call.arguments))):
            words = [*WORDINGS.get(str(value), [str(value)])]
            if isinstance(value, int) and value < len(NUMBER_WORDS):
                words.append(NUMBER_WORDS[value])
            assert any(word.casefold() in seen for word in words), example


def test_all_tools_are_offered_in_the_files_order(examples):
    names = ["set_light", "lock_doors", "play_songs", "ring"]
    assert all([tool.name for tool in example.conversation.tools] == names for example in examples)
    assert all(example.conversation.tools == examples[0].conversation.tools for example in examples)


def test_training_and_what_is_held_out_share_no_phrasing_and_no_value():
    sides = []
    for held_out in (False, True):
        made = generator(held_out=held_out, noise={"speech": 0})
        drawn = [made.example(index) for index in range(SIZE)]
        marks = {mark for example in drawn for mark in re.findall(r"m\d+q", said(example))}
        rooms = {room for room in ROOMS if any(room in said(example) for example in drawn)}
        numbers = {call.arguments["level"] for e in drawn for call in all_calls(e) if "level" in call.arguments}
        songs = {song for e in drawn for call in all_calls(e) for song in call.arguments.get("songs", ())}
        sides.append((marks, rooms, numbers, songs))
    for training, held_out in zip(*sides, strict=True):
        assert training
        assert held_out
        assert not training & held_out
    training, held_out = (len(marks) for marks, *_ in sides)
    assert held_out == 2 * 14  # of the ten phrasings of each list
    assert 100 < training <= 8 * 14


def test_an_example_depends_on_seed_and_index_alone(examples):
    held_out = examples[0].id.startswith("tools-held-out")
    fresh = generator(held_out=held_out)
    for index in (17, 3, SIZE - 1, 3):
        assert fresh.example(index) == examples[index]
    other = generator(held_out=held_out, seed=1)
    assert sum(other.example(index).conversation == examples[index].conversation for index in range(100)) < 10
    assert len({example.id for example in examples}) == SIZE


def test_a_part_of_the_examples_carries_a_system_prompt_and_a_history(examples):
    with_system = [e for e in examples if e.conversation.messages[0].role == "system"]
    assert abs(len(with_system) / SIZE - 1 / 3) < 0.06
    assert {e.conversation.messages[0].content for e in with_system} == {"You run the house.", "You are a butler."}
    assert all("hello there" in said(e) or "late" in said(e) for e in with_system)
    plain = [e for e in examples if e not in with_system]
    assert not any("hello there" in said(e) or "it is late" in said(e) for e in plain)
    assert not any(m.supervised for e in with_system for m in e.conversation.messages[2:3] if m.role == "assistant")
    assert {e.context for e in plain} == {0}
    for e in with_system:
        *_, reply = e.conversation.messages[1 : e.context]
        assert reply.content in ("Good evening.", "Yes?", "Indeed."), "a history ends with the assistant"
        request = e.conversation.messages[e.context]
        assert request.role == "user" and not re.search("hello there|late|hi$", request.content)


def test_examples_of_a_group_begin_alike():
    made = generator()
    begins = {}
    for index in range(200):
        first = made.example(index).conversation.messages[0]
        begins.setdefault(made.group(index), set()).add(first.content if first.role == "system" else None)
    assert begins == {"plain": {None}, "system 0": {"You run the house."}, "system 1": {"You are a butler."}}


def test_every_message_of_the_user_is_written_in_the_users_line(examples):
    for example in examples:
        lines = [m.content for m in example.conversation.messages if m.role == "user"]
        heads = {re.match(r"\[[^\]]+\] (Ana|Ben): ", line)[0] for line in lines}
        assert len(heads) == 1


def test_examples_read_back_as_they_were_written(examples):
    fmt = get_format("xml")
    for example in examples[:120]:
        check_round_trip(example, fmt)


@pytest.mark.parametrize("held_out", [False, True])
def test_what_each_kind_is(held_out):
    made = generator(held_out=held_out, noise={"speech": 0}, user_line="{text}", share=0)
    examples = [made.example(index) for index in range(SIZE)]
    messages = {kind: [e.conversation.messages for e in of_kind(examples, kind)] for kind in KINDS}
    assert all(len(m[-1].tool_calls) == 1 for m in messages["single"])
    assert any("color" in m[-1].tool_calls[0].arguments for m in messages["single"])
    assert all(len(m[-1].tool_calls) > 1 for m in messages["several"])
    assert {len({c.name for c in m[-1].tool_calls}) > 1 for m in messages["several"]} == {True, False}
    assert {m[-1].content for m in messages["missing"]} == {"Which room?"}
    assert not any(m[-1].tool_calls for m in messages["no_tool"])
    assert all(m[-1].content for m in messages["no_tool"])
    for m in messages["follow_up"] + messages["correction"]:
        before, last = calls_of(m)[-2:]
        assert before.name == last.name == "set_light"
        assert before.arguments != last.arguments
        assert before.arguments.keys() <= last.arguments.keys()
    carried = [calls_of(m)[-2:] for m in messages["pronoun"]]
    assert all(before.arguments["room"] == last.arguments["room"] for before, last in carried)
    assert any(before.name != last.name for before, last in carried)
    assert all(m[-3].content == "Which room?" and m[-1].tool_calls for m in messages["answer"])
    for m in messages["unanswered"]:
        assert [one.role for one in m[-4:]] == ["user", "assistant"] * 2
        assert all(len(one.tool_calls) == 1 for one in m[-3::2])
    assert all(m[-1].content.endswith(" plays.") and len(calls_of(m)) == 2 for m in messages["flow"])
    results = [kind for kind in KINDS if any(one.role == "tool" for m in messages[kind] for one in m)]
    assert results == list(KINDS)


def calls_of(messages):
    return [call for message in messages for call in message.tool_calls]


def test_without_unanswered_calls_every_call_of_a_tool_with_a_result_gets_it():
    made = generator(mix=KindMix(**dict.fromkeys(KINDS, 1) | {"unanswered": 0}))
    for example in map(made.example, range(300)):
        messages = example.conversation.messages
        for message, after in itertools.pairwise(messages):
            if message.tool_calls and message.tool_calls[0].name == "set_light":
                assert after.role == "tool"


def test_a_missing_value_may_be_left_out_of_the_call():
    made = generator(missing="call", mix=KindMix(**dict.fromkeys(KINDS, 0) | {"missing": 1, "answer": 1}))
    examples = [made.example(index) for index in range(200)]
    assert all("room" not in expected(e)[0].arguments for e in of_kind(examples, "missing"))
    grown = [calls_of(e.conversation.messages)[-2:] for e in of_kind(examples, "answer")]
    assert all(before.arguments.items() < last.arguments.items() for before, last in grown)
    assert any("color" in last.arguments for _, last in grown)


def test_a_request_that_nothing_serves_calls_the_tool_that_is_named_for_it():
    made = generator(fallback={"tool": "ring"}, mix=KindMix(**dict.fromkeys(KINDS, 0) | {"no_tool": 1}))
    assert {(call.name, len(call.arguments)) for i in range(50) for call in expected(made.example(i))} == {("ring", 0)}
    made = generator(fallback={"words": "No."}, mix=KindMix(**dict.fromkeys(KINDS, 0) | {"no_tool": 1}))
    assert {made.example(i).conversation.messages[-1].content for i in range(50)} == {"No."}


def test_flows_come_as_they_are_asked_for_and_solve_their_goal():
    made = generator(held_out=True)
    for index in range(30):
        flow = made.flow(index)
        assert flow == made.flow(index)
        assert not flow.failure([step.call for step in flow.steps], flow.answer)
        assert flow.conversation.messages[-1].role == "user"


def test_a_kind_that_the_file_has_nothing_for_does_not_come():
    made = generator(flows=[], off_topic=[], mix=EVEN)
    assert made.kinds == tuple(kind for kind in KINDS if kind != "flow")
    with pytest.raises(ConfigError, match="a kind of request in mix that the tools file can make; got flow"):
        generator(flows=[], mix=KindMix(**dict.fromkeys(KINDS, 0) | {"flow": 1}))


def test_the_documented_example_makes_every_kind():
    docs = (Path(__file__).parents[3] / "docs" / "tools-file.md").read_text(encoding="utf-8")
    data = parse_yaml(re.findall(r"```yaml\n(.*?)```", docs, re.DOTALL)[0], "the example")
    named = [tool for tool in data["tools"] if "name" in tool]
    assert (
        Generator(declare_tools(data | {"tools": named}, Path("a.yaml")), EVEN, 0, seed=0, held_out=False).kinds
        == KINDS
    )


def test_a_tool_that_takes_all_in_one_call_is_never_asked_for_twice_in_a_request():
    changed = home_file()
    tools = tuple(t.model_copy(update={"several": t.name != "set_light"}) for t in changed.tools)
    once = changed.model_copy(update={"tools": (*tools, tools[0])})
    made = Generator(once, KindMix(**dict.fromkeys(KINDS, 0) | {"several": 1}), 0, seed=0, held_out=False)
    names = [[call.name for call in expected(made.example(index))] for index in range(200)]
    assert any("set_light" in each for each in names)
    assert all(each.count("set_light") <= 1 for each in names)


def test_a_value_keeps_its_spelling_at_the_beginning_of_a_message():
    songs = ["abc", "bcd", "cde", "def", "efg", "fgh"]
    file = home(noise={"speech": 0})
    file["tools"][2]["parameters"]["songs"]["items"]["values"] = songs
    file["tools"][2]["follow_ups"] = ["{songs} too", "{songs} as well", "and {songs}"]
    made = Generator(
        declare_tools(file, Path("x")), KindMix(**dict.fromkeys(KINDS, 0) | {"follow_up": 1}), 0, seed=0, held_out=False
    )
    played = [e for e in map(made.example, range(150)) if expected(e)[0].name == "play_songs"]
    assert played
    assert all(song in said(e) for e in played for song in expected(e)[0].arguments["songs"])


def test_a_list_of_calls_is_as_long_as_it_says():
    file = home(noise={"speech": 0})
    file["tools"] = [
        {
            "name": "paint",
            "description": "Paints a wall.",
            "parameters": {"color": {"description": "Color", "enum": ["red", "blue"]}},
            "phrasings": ["paint it {color}"],
            "series": {"head": "paint {n} walls", "item": "{color}"},
        }
    ]
    del file["flows"]
    made = Generator(
        declare_tools(file, Path("x")),
        KindMix(**dict.fromkeys(KINDS, 0) | {"several": 1}),
        0,
        seed=0,
        held_out=False,
    )
    drawn = [made.example(index) for index in range(120)]
    listed = [said(e) for e in drawn if "walls" in said(e)]
    assert listed
    assert all("two walls" in text for text in listed)


def test_the_fallback_is_never_one_of_several_calls():
    several = KindMix(**dict.fromkeys(KINDS, 0) | {"several": 1})
    for changes in ({}, {"fallback": {"tool": "ring"}}):
        made = generator(mix=several, **changes)
        called = {call.name for index in range(120) for call in expected(made.example(index))}
        assert ("ring" in called) is not bool(changes)
