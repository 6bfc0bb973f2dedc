"""The suite `tools` asks for what training never sees: every kind alike, nothing twice, fewer among more."""

import pytest
from tests.support.own_tools import home

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.data.own_tools.kinds import KINDS
from callwright.data.own_tools.settings import OwnToolsSettings
from callwright.data.own_tools.source import ToolsSource
from callwright.errors import DataError
from callwright.evaluation import own_tools
from callwright.evaluation.own_tools import check_requests, labelled_entries, tools_entries
from callwright.evaluation.settings import ToolsSuiteSettings
from callwright.formats import get_format
from callwright.yaml_files import write_yaml

LIGHT, LOCK = ToolCall("set_light", {"room": "attic"}), ToolCall("lock_doors", {"room": "attic"})
TALK = Conversation(
    (
        Message("user", "light the attic"),
        Message("assistant", tool_calls=(LIGHT,)),
        Message("tool", "lit", name="set_light"),
        Message("assistant", "It is lit."),
        Message("user", "lock it, and the lights once more"),
        Message("assistant", tool_calls=(LOCK, LIGHT)),
    ),
    (Tool("set_light"), Tool("lock_doors")),
)


@pytest.fixture
def settings(tmp_path):
    """Makes the suite's settings over a tools file with these keys changed."""

    def make(file=None, **options):
        path = tmp_path / "home.yaml"
        write_yaml(path, home(**(file or {})))
        return ToolsSuiteSettings(path=path, **options)

    return make


def asked(settings, stage=5):
    """Kind to what is asked, flows among them."""
    entries, flows = tools_entries(settings, stage)
    return entries | ({"flow": flows} if flows else {})


def test_every_kind_that_the_file_can_make_has_the_same_share(settings):
    assert list(asked(settings(requests=10))) == list(KINDS)
    found = asked(settings({"flows": []}, requests=92))
    assert [len(found[kind]) for kind in KINDS[:-1]] == [11, 11, 10, 10, 10, 10, 10, 10, 10]


def test_a_kind_that_has_no_more_requests_leaves_its_share_to_the_others(settings):
    found = {kind: len(requests) for kind, requests in asked(settings(requests=101)).items()}
    assert found.pop("flow") < 10 and sum(found.values()) > 91
    assert max(found.values()) - min(found.values()) <= 1


def test_the_base_model_is_asked_some_of_what_the_others_are_asked(settings):
    suite = settings(requests=70, baseline_requests=23)
    fewer, more = asked(suite, stage=2), asked(suite, stage=3)
    assert sum(map(len, fewer.values())) == 23 and sum(map(len, more.values())) == 70
    for kind, requests in fewer.items():
        assert requests == more[kind][: len(requests)]
    assert asked(settings(requests=23)) == fewer, "and so are fewer with the same seed"
    assert asked(settings(requests=23, seed=9)) != fewer


def test_no_request_comes_twice_whoever_says_it_and_when(settings):
    """The file has two held-out phrasings of ringing a bell, in a line with the time."""
    bell = home()["tools"][-1]
    few = settings({"tools": [bell], "flows": [], "off_topic": [], "noise": {}, "histories": []}, requests=100)
    messages = [entry.conversation.messages for entry in asked(few)["single"]]
    texts = [tuple(one.content.partition(": ")[2] for one in each if one.role == "user") for each in messages]
    assert 1 < len(texts) < 100
    assert len(set(texts)) == len(texts)


def test_nothing_that_is_asked_is_among_what_is_learned(settings):
    suite = settings(requests=100)
    source = ToolsSource(OwnToolsSettings(path=suite.path, examples=300))
    marks = {word for i in range(300) for word in str(source[i].conversation.messages).split() if word.endswith("q")}
    entries, flows = tools_entries(suite, 5)
    for one in [entry for members in entries.values() for entry in members] + flows:
        said = str(one.conversation.messages[-1].content)
        assert not marks & set(said.split())


def test_what_is_asked_is_the_same_whenever_it_is_drawn_and_ids_are_unique(settings):
    suite = settings(requests=50)
    first = asked(suite)
    ids = [one.id for requests in first.values() for one in requests]
    assert len(set(ids)) == 50 and {"single_0", "single_4", "flow_0"} <= set(ids)
    own_tools._requests.cache_clear()
    assert asked(suite) == first


def test_an_entry_names_the_one_tool_that_it_expects(settings):
    found = asked(settings(requests=100))
    assert {entry.tool for entry in found["single"]} == {"set_light", "lock_doors", "play_songs", "ring"}
    assert {entry.tool for entry in found["no_tool"]} == {""}
    for entry in found["several"]:
        names = {call.name for call in entry.expected}
        assert entry.tool == (names.pop() if len(names) == 1 else "")


def test_its_own_expected_calls_answer_an_entry_and_others_do_not(settings):
    for entry in (
        entry for kind, members in asked(settings(requests=60)).items() if kind != "flow" for entry in members
    ):
        assert entry.score(entry.expected).valid
        assert not entry.score([*entry.expected, ToolCall("ring")]).valid
        assert entry.score(None).valid == (not entry.expected)


def test_a_labelled_conversation_asks_for_its_last_turn_or_for_all():
    (last,) = labelled_entries("talk", "several", TALK)
    assert (last.id, last.category, last.expected) == ("talk", "several", (LOCK, LIGHT))
    assert last.conversation == Conversation(TALK.messages[:-1], TALK.tools)
    every = list(labelled_entries("talk", "several", TALK, "all"))
    assert [(one.id, len(one.conversation.messages)) for one in every] == [("talk", 1), ("talk_1", 3), ("talk_2", 5)]
    assert [one.expected for one in every] == [(LIGHT,), (), (LOCK, LIGHT)]


def test_a_tools_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.yaml"):
        tools_entries(ToolsSuiteSettings(path=tmp_path / "nowhere.yaml"), 3)


def test_a_format_that_cannot_write_a_request_is_refused_before_any_is_asked(settings):
    check_requests(settings(requests=30), get_format("xml"))
    with pytest.raises(DataError, match=r"home\.yaml that format functiongemma can write: in \w+_\d+, the results of"):
        check_requests(settings(requests=30), get_format("functiongemma"))


def test_every_flow_of_the_file_is_played_before_one_comes_again(settings):
    (flow,) = home()["flows"]
    flows = [
        flow | {"name": f"flow_{number}", "requests": [f"{text} ({number})" for text in flow["requests"]]}
        for number in range(8)
    ]
    (*_, played) = tools_entries(settings({"flows": flows}, requests=80), 5)
    assert sorted(each.name for each in played) == [each["name"] for each in flows]
