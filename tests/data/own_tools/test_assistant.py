"""The eight tools in config/assistant teach what they promise, and what measures them is not among it."""

import re
from functools import cache
from pathlib import Path

import pytest

from callwright.conversation import Conversation, Message
from callwright.data.contamination import Benchmark, normal_query
from callwright.data.own_tools.flows import draw_flow
from callwright.data.own_tools.generator import Generator
from callwright.data.own_tools.settings import KindMix
from callwright.data.own_tools.sides import one_side
from callwright.data.own_tools.source import load_own_tools
from callwright.data.own_tools.splits import phrasings_on_side
from callwright.data.rng import Rng
from callwright.evaluation.bfcl import load_category
from callwright.evaluation.settings import DEFAULT_CATEGORIES
from callwright.formats import get_format
from callwright.models.sources import BUILTIN, resolve_model
from callwright.models.tokenizer import load_tokenizer
from callwright.tokens import encode_segments

CONFIG = Path(__file__).parents[3] / "config" / "assistant"
TOOLS = {
    "web_search": ["query"],
    "sethsearch": ["query", "source", "limit"],
    "check_sethflix": ["titles"],
    "memory_read": ["query", "user"],
    "memory_write": ["key", "content", "user"],
    "web_fetch": ["url"],
    "chat_search": ["query"],
    "generate_image": ["prompt"],
}
LISTS = ("phrasings", "near_misses", "incomplete", "answers", "follow_ups", "pronouns", "carry_overs", "corrections")
LONG = (6, 7)
ROW = 2048
"""Tokens of a row in training."""


@cache
def file(name="tools"):
    return load_own_tools(CONFIG / f"{name}.yaml")


def entries(name):
    return [tool for tool in file().tools if tool.name == name]


def sources(phrasings):
    return [phrasing.source for phrasing in phrasings]


def words(text):
    return normal_query(re.sub(r"[{}\[\]]", "", text))


def training_texts():
    """Everything that a user says in training, slots included."""
    lists = [getattr(tool, name) for tool in file().tools for name in LISTS]
    lists += [flow.requests for flow in file().flows]
    chats = [text for history in file().histories for message in history for text in message.values()]
    return [*(source for phrasings in lists for source in sources(phrasings)), *file().off_topic, *chats]


def some(value_type):
    """Its values in lower case: all of a list, else sixty."""
    texts = value_type.listed or [value_type.draw(Rng("some", i)).text for i in range(60)]
    return {text.lower() for text in texts}


@cache
def offered(name):
    return one_side(file(name), held_out=False).offered


def whole(name, seed, held_out, index):
    flow = file(name).flows[index]
    return draw_flow(flow, offered(name), Rng("test", name, seed), held_out=held_out)


def test_the_tools_are_those_of_the_assistant():
    offered = {tool.name: list(tool.parameters) for tool in file().named}
    assert offered == TOOLS
    assert {tool.name: list(tool.parameters) for tool in file("tasks").named} == TOOLS


@pytest.mark.parametrize("name", TOOLS)
def test_every_tool_is_asked_for_in_many_ways(name):
    counted = {key: len({s for tool in entries(name) for s in sources(getattr(tool, key))}) for key in LISTS}
    assert counted["phrasings"] >= 35
    assert counted["near_misses"] >= 12
    carried = counted.pop("carry_overs")
    assert min(counted.values()) >= 6, counted
    assert carried >= 7 if "query" in TOOLS[name] else not carried  # topics go from one search to another
    for tool in entries(name):
        assert all(parameter.questions for parameter in tool.parameters.values() if parameter.is_required)
        assert tool.series or len(entries(name)) > 1 or name == "check_sethflix"


def test_no_request_stands_twice():
    texts = [words(source) for tool in file().tools for source in sources((*tool.phrasings, *tool.near_misses))]
    texts += [words(source) for flow in file().flows for source in sources(flow.requests)]
    texts += map(words, file().off_topic)
    assert sorted({text for text in texts if texts.count(text) > 1}) == []


def test_values_are_many_so_that_held_out_ones_are_new():
    for tool in file().tools:
        for key, parameter in tool.parameters.items():
            value_type = parameter.types[0]
            if "enum" in value_type.schema or value_type.schema["type"] != "string":
                continue
            drawn = value_type.listed or {value_type.draw(Rng("many", i)).text for i in range(400)}
            least = {"content": 40, "user": 50}.get(key, 100)
            assert len(set(drawn)) >= least, (tool.name, key)


def test_what_surrounds_a_request_is_as_rich():
    assert len(file().system) == 3
    assert file("tasks").system == file().system[:1]
    assert len(file().histories) >= 24
    assert {len(history) for history in file().histories} >= {2, 4, 6, 8, 12}
    assert len(file().off_topic) >= 60
    assert len(file().fallback.words) == 1  # greedy decoding never varies, so there is one way to learn
    senders = [file().pools["sender"][0].draw(Rng("who", i)).text for i in range(200)]
    assert max(set(senders), key=senders.count) == "@seth:sethpc.xyz"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", file().pools["time"][0].draw(Rng("when")).text)


def test_the_flows_are_many_and_some_are_long():
    flows = file().flows
    assert len(flows) >= 44
    assert all(len(flow.requests) >= 6 for flow in flows)
    assert sum(len(flow.steps) in LONG for flow in flows) >= 8
    assert {len(flow.steps) for flow in flows} >= {2, 3, 4, 6, 7}
    assert {step.tool for flow in flows for step in flow.steps} == TOOLS.keys()
    assert [flow.name for flow in file("tasks").flows] == ["movies", "research", "memory", "long"]
    assert all(len(flow.requests) >= 16 for flow in file("tasks").flows)
    assert len(file("tasks").flows[-1].steps) in LONG


@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("name", ["tools", "tasks"])
def test_every_flow_solves_its_goal_with_short_results(name, held_out):
    for index in range(len(file(name).flows)):
        flow = whole(name, index, held_out, index)
        assert flow.failure([step.call for step in flow.steps], flow.answer) == ""
        assert flow.failure([step.call for step in flow.steps[:-1]], flow.answer)
        made = []
        for step in flow.steps:
            assert flow.result(step.call, made) == step.result
            made.append(step.call)
        assert all(len(str(step.result)) <= 160 for step in flow.steps), flow.name


def test_every_argument_of_a_flow_is_said_or_told():
    for name in ("tools", "tasks"):
        for index in range(len(file(name).flows)):
            flow = whole(name, index, False, index)
            seen = str(flow.conversation.messages[-1].content)
            for step in flow.steps:
                for value in step.call.arguments.values():
                    if value != "sethflix" and isinstance(value, str):
                        assert all(part in seen for part in value.split(", ")), (flow.name, value)
                seen += str(step.result)


def test_nothing_of_the_tasks_is_learned():
    learned = {words(text) for text in training_texts()}
    tasks = [words(source) for flow in file("tasks").flows for source in sources(flow.requests)]
    assert len(set(tasks)) == len(tasks)
    assert learned.isdisjoint(tasks)
    assert not {tuple(map(str, h)) for h in file().histories} & {tuple(map(str, h)) for h in file("tasks").histories}
    shared = {"person", "url"}
    own = [value for flow in file("tasks").flows for name in flow.values.keys() - shared for value in flow.values[name]]
    own_values = {text for value_type in own for text in some(value_type)}
    pools = [*file().pools.values(), *(pool for flow in file().flows for pool in flow.values.values())]
    assert own_values.isdisjoint(text for pool in pools for text in some(pool[0]))


def test_phrasings_are_learned_or_held_out_and_never_both():
    for tool in file().tools:
        for name in LISTS:
            both = [sources(phrasings_on_side(getattr(tool, name), side)) for side in (False, True)]
            assert set(both[0]).isdisjoint(both[1])
            assert sorted(both[0] + both[1]) == sorted(sources(getattr(tool, name)))
            if len(set(both[0] + both[1])) > 1:
                assert both[1]


def generated(held_out, count, share=0.0):
    generator = Generator(file(), KindMix(), share, seed=3, held_out=held_out)
    return [generator.example(index) for index in range(count)]


@pytest.mark.parametrize("held_out", [False, True])
def test_every_argument_is_what_somebody_wrote(held_out):
    """Word for word, but for case, numbers, which may be spelled out, and a source, which has wordings."""
    for example in generated(held_out, 600):
        *before, last = example.conversation.messages
        seen = " ".join(str(message.content) for message in before).lower()
        for call in last.tool_calls:
            texts = [value for key, value in call.arguments.items() if key not in ("source", "limit")]
            assert all(str(text).lower() in seen for text in texts), (example.id, texts)


def test_no_request_that_is_held_out_is_trained_on():
    def asked(examples):
        return {
            str(e.conversation.messages[-2].content).split(": ", 1)[1].lower() for e in examples if e.kind == "single"
        }

    assert asked(generated(False, 1000)).isdisjoint(asked(generated(True, 300)))


def test_no_tool_and_no_request_is_one_of_bfcl():
    benchmark = Benchmark([entry for name in DEFAULT_CATEGORIES for entry in load_category(name)])
    for example in [*generated(False, 600), *generated(True, 300)]:
        found = benchmark.overlap(example)
        assert (found.signatures, found.queries) == ((), ())


@pytest.fixture(scope="module")
def whole_conversations():
    """Every flow to its end, after the longest system prompt and the longest history."""
    made = []
    for name in ("tools", "tasks"):
        held = file(name)
        history = max(held.histories, key=lambda chat: len(str(chat)))
        line = held.user_line.replace("{time}", "2026-04-18 14:20").replace("{sender}", "@seth:sethpc.xyz")
        context = [Message("system", max(held.system, key=len))]
        for said in history:
            ((role, text),) = said.items()
            context.append(Message(role, line.replace("{text}", text) if role == "user" else text))
        for index in range(len(held.flows)):
            gold = max((whole(name, seed, False, index).gold() for seed in range(6)), key=lambda c: len(str(c)))
            request = Message("user", line.replace("{text}", str(gold.messages[0].content)))
            made.append(Conversation((*context, request, *gold.messages[1:]), gold.tools))
    return made


def rendered(conversation):
    return get_format("xml/args").render(conversation).segments


def test_the_longest_conversation_fits_into_a_training_row(whole_conversations):
    """The model's tokenizer makes a token of at least 3.3 of these characters; see the slow test."""
    assert max(sum(len(s.text) for s in rendered(whole)) for whole in whole_conversations) <= 3 * ROW


@pytest.mark.slow
def test_the_longest_conversation_fits_into_a_training_row_by_the_models_tokenizer(whole_conversations):
    pytest.importorskip(BUILTIN["gemma3-270m"].module)
    tokenizer = load_tokenizer(resolve_model("gemma3-270m").directory)
    for whole in whole_conversations:
        length = len(encode_segments(tokenizer, rendered(whole))[0])
        assert length <= ROW
        assert sum(len(s.text) for s in rendered(whole)) >= 3.2 * length
