"""A user's own file: every kind is told apart, every bad line is named, and memory does not hold the file."""

import json

import pytest

from callwright.data.openai_jsonl import OpenAIJsonlSettings, OpenAIJsonlSource
from callwright.data.synthetic import SyntheticSettings, SyntheticSource
from callwright.errors import DataError
from callwright.openai import write_conversation

TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
USER = {"role": "user", "content": "do f"}
CALL = {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}
GOOD = json.dumps({"tools": [TOOL], "messages": [USER, CALL]})


def source(tmp_path, *lines):
    path = tmp_path / "mine.jsonl"
    path.write_bytes("\n".join(lines).encode())
    return OpenAIJsonlSource(OpenAIJsonlSettings(path=path))


def test_examples_of_another_source_survive_the_file(tmp_path):
    made = list(SyntheticSource(SyntheticSettings(examples=120)))
    read = source(tmp_path, *(json.dumps(write_conversation(e.conversation)) for e in made))
    assert len(read) == len(made)
    assert [e.expected_calls for e in read] == [e.expected_calls for e in made]
    assert [e.conversation.tools for e in read] == [e.conversation.tools for e in made]
    assert [e.kind for e in read] == [e.kind for e in made]
    assert len({e.id for e in read}) == len(made)


def test_empty_lines_do_not_count_but_keep_the_line_numbers(tmp_path):
    read = source(tmp_path, "", GOOD, "   ", GOOD, "oops", "")
    assert len(read) == 3
    assert read[1].expected_calls
    with pytest.raises(DataError, match=r"line 5 of .*mine\.jsonl"):
        list(read)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{not json}", "JSON"),
        ('{"messages": [], "x": NaN}', "JSON"),
        ("[1, 2]", "object"),
        (json.dumps({"tools": [TOOL], "messages": []}), "last message"),
        (json.dumps({"tools": [TOOL], "messages": [USER]}), "last message"),
        (json.dumps({"tools": [TOOL], "messages": [USER, {"role": "assistant"}]}), "content or tool_calls"),
        (json.dumps({"messages": [USER, CALL]}), r"messages\[1\]\.tool_calls\[0\]"),
        (json.dumps({"tools": [TOOL], "messages": [USER, {"role": "assistant", "content": 1}]}), r"messages\[1\]"),
    ],
)
def test_a_bad_line_is_named_with_its_reason(tmp_path, line, reason):
    with pytest.raises(DataError, match=rf"line 2 of .*mine\.jsonl.*{reason}"):
        source(tmp_path, GOOD, line)[1]


def test_a_line_is_read_only_when_asked_for(tmp_path):
    assert source(tmp_path, GOOD, "oops")[0].kind == "simple"


def test_no_file_and_an_empty_file_are_the_users_to_mend(tmp_path):
    with pytest.raises(DataError, match="absent"):
        OpenAIJsonlSource(OpenAIJsonlSettings(path=tmp_path / "absent.jsonl"))
    with pytest.raises(DataError, match="empty"):
        source(tmp_path, "")


def test_an_index_beyond_the_end_is_refused(tmp_path):
    with pytest.raises(IndexError):
        source(tmp_path, GOOD)[1]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (json.dumps([json.loads(GOOD)] * 2), "a JSON list"),
        (json.dumps([json.loads(GOOD)] * 2, indent=1), "a JSON list"),
        ("\ufeff" + json.dumps([json.loads(GOOD)]), "a JSON list"),
        (json.dumps(json.loads(GOOD), indent=1), "a JSON object over several lines"),
        ("PAR1\x15\x00", "a Parquet file"),
        ("PK\x03\x04", "a zip file"),
    ],
)
def test_a_file_of_another_kind_is_recognized(tmp_path, content, what):
    with pytest.raises(DataError, match=what):
        source(tmp_path, content)


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path):
    assert len(list(source(tmp_path, "\ufeff" + GOOD, GOOD))) == 2


SAID = {"role": "assistant", "content": "Done."}


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([USER, {"role": "assistant", "content": " "}, USER, SAID], r"messages\[1\] to have content or tool_calls"),
        ([USER, {"role": "assistant"}, USER, CALL], r"messages\[1\] to have content or tool_calls"),
        ([USER, {"role": "assistant", "reasoning": "hm"}, USER, SAID], r"messages\[1\]"),
        ([USER, SAID | {"weight": 0}], "a message to learn from"),
    ],
)
def test_every_turn_of_the_assistant_must_have_something_to_learn(tmp_path, messages, reason):
    with pytest.raises(DataError, match=rf"line 1 of .*mine\.jsonl.*{reason}"):
        source(tmp_path, json.dumps({"tools": [TOOL], "messages": messages}))[0]


def test_a_call_that_nothing_answered_is_data(tmp_path):
    assert source(tmp_path, json.dumps({"tools": [TOOL], "messages": [USER, CALL, USER, SAID]}))[0].kind == "dialogue"


def test_what_follows_the_last_message_to_learn_is_left_out_with_a_notice(tmp_path):
    notices = []
    read = source(tmp_path, json.dumps({"tools": [TOOL], "messages": [USER, CALL, USER, SAID | {"weight": 0}]}))
    assert read.read(0, notices.append).expected_calls
    assert "weight 0" in str(notices[0])


def test_notices_are_the_same_for_every_line_that_repeats_a_tool(tmp_path):
    tool = {"type": "function", "mood": "good", "function": TOOL["function"]}
    read = source(tmp_path, *[json.dumps({"tools": [tool, TOOL], "messages": [USER, CALL]})] * 3)
    for index in range(3):
        notices = []
        assert len(read.read(index, notices.append).conversation.tools) == 2
        assert [str(notice) for notice in notices] == ["tools[0].mood is not read"]


def test_lines_of_the_same_tools_and_system_message_are_one_group_however_they_are_written(tmp_path):
    system = [{"role": "system", "content": "Be brief."}]
    other = [TOOL, TOOL | {"function": {"name": "g"}}]
    records = {
        "tools": {"tools": [TOOL], "messages": [USER, CALL]},
        "tools, others asked": {"messages": [USER | {"content": "f!"}, CALL], "tools": [TOOL]},
        "tools as text": {"tools": json.dumps([TOOL], indent=1), "messages": json.dumps([USER, CALL])},
        "system": {"tools": [TOOL], "messages": [*system, USER, CALL]},
        "system, longer": {"tools": [TOOL], "messages": [*system, USER, CALL, USER, SAID]},
        "system alone": {"messages": [*system, USER, SAID]},
        "other tools": {"tools": other, "messages": [USER, CALL]},
        "other order": {"tools": other[::-1], "messages": [USER, CALL]},
        "nothing": {"messages": [USER, SAID]},
        "nothing again": {"tools": [], "messages": [USER, SAID]},
    }
    read = source(tmp_path, *map(json.dumps, records.values()))
    groups = dict(zip(records, map(read.group, range(len(read))), strict=True))
    same = [{"tools", "tools, others asked", "tools as text"}, {"system", "system, longer"}]
    for one in records:
        together = next((names for names in same if one in names), {one})
        assert {name for name, group in groups.items() if group == groups[one]} == together
    with pytest.raises(IndexError):
        read.group(len(read))


def test_a_line_that_cannot_be_read_is_alone_in_its_group(tmp_path):
    bad = ["oops", "[1]", "{}", '{"messages": 1, "tools": 2}', '{"messages": [1]}', '{"messages": "["}', "[" * 100_000]
    read = source(tmp_path, GOOD, *bad, GOOD)
    groups = [read.group(index) for index in range(len(read))]
    assert len(set(groups)) == len(bad) + 1
    assert groups[0] == groups[-1]


SHARED = {"type": "function", "function": {"name": "g", "parameters": {"type": "object", "properties": {}}}}
SYSTEM = {"role": "system", "content": "Be brief."}


def shared_source(tmp_path, *lines, tools=(SHARED,), system="Be brief.\n"):
    """A file whose lines may leave out tools and system message."""
    (tmp_path / "tools.json").write_text(json.dumps(tools))
    (tmp_path / "system.txt").write_text(system)
    read = source(tmp_path, *lines)
    files = {"tools": tmp_path / "tools.json", "system": tmp_path / "system.txt"}
    return OpenAIJsonlSource(read.settings.model_copy(update=files))


def test_lines_take_the_tools_and_the_system_message_that_they_do_not_have(tmp_path):
    without = json.dumps({"messages": [USER, {"role": "assistant", "tool_calls": [{"function": {"name": "g"}}]}]})
    own = json.dumps({"tools": [TOOL], "messages": [SYSTEM | {"content": "Hello."}, USER, CALL]})
    read = shared_source(tmp_path, without, own, without)
    assert [[tool.name for tool in example.conversation.tools] for example in read] == [["g"], ["f"], ["g"]]
    assert [example.conversation.messages[0].content for example in read] == ["Be brief.", "Hello.", "Be brief."]
    assert read.group(0) == read.group(2) != read.group(1)
    assert len(read.digests()) == 3


@pytest.mark.parametrize(("tools", "what"), [([], "none"), ([{"type": "function"}], r"tools\.json")])
def test_a_file_of_tools_without_tools_is_named(tmp_path, tools, what):
    with pytest.raises(DataError, match=what):
        shared_source(tmp_path, GOOD, tools=tools)
