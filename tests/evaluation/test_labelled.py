"""What a labelled file asks for: by kind and line, with the project's tools and system message where it has none."""

import json

import pytest

from callwright.conversation import Tool
from callwright.data.project import Project
from callwright.errors import DataError
from callwright.evaluation.labelled import read_labelled
from callwright.formats import get_format

PROJECT = Project((Tool("light", "Project's.", {"type": "object", "properties": {}}),), "Be brief.")
OWN = {"type": "function", "function": {"name": "light", "parameters": {"type": "object", "properties": {}}}}


def line(*answers, **fields):
    """A conversation in which the assistant calls the light so many times in each of its messages."""
    messages = []
    for calls in answers:
        call = {"type": "function", "function": {"name": "light", "arguments": "{}"}}
        answer = {"tool_calls": [call] * calls} if calls else {"content": "Fine."}
        messages += [{"role": "user", "content": "hm"}, {"role": "assistant", **answer}]
    return {"messages": messages, **fields}


def read(path, *lines, turns="last", project=PROJECT, before=""):
    path = path / "mine.jsonl"
    path.write_text(before + "".join(f"{json.dumps(one)}\n" for one in lines), encoding="utf-8")
    return read_labelled(path, turns, project, get_format("xml"))


def test_entries_are_of_the_kind_of_what_is_expected_and_named_by_line_and_message(tmp_path):
    found = read(tmp_path, line(1), line(2), line(0), line(1, 2, 0), turns="all", project=Project(PROJECT.tools))
    assert {kind: [entry.id for entry in entries] for kind, entries in found.entries.items()} == {
        "call": ["mine_1_1", "mine_4_1"], "several": ["mine_2_1", "mine_4_3"], "no_call": ["mine_3_1", "mine_4_5"]
    }  # fmt: skip
    assert len(found) == 6


def test_the_last_message_has_the_same_id_whether_all_are_asked_for_or_it_alone(tmp_path):
    every, last = (read(tmp_path, line(1, 1), turns=turns).entries["call"] for turns in ("all", "last"))
    assert every[-1:] == last


def test_the_number_of_a_line_counts_blank_ones_and_a_byte_order_mark_is_none(tmp_path):
    assert [e.id for e in read(tmp_path, line(1), before="\ufeff").entries["call"]] == ["mine_1_2"]
    assert [e.id for e in read(tmp_path, line(1), before="\n\n").entries["call"]] == ["mine_3_2"]


def test_what_a_line_has_is_kept_and_what_it_lacks_is_the_projects(tmp_path):
    developer = line(1, tools=[OWN])
    developer["messages"].insert(0, {"role": "developer", "content": "Mine."})
    found = read(tmp_path, line(1), line(1, tools=None), developer, line(1, functions=[OWN["function"]]))
    entries = found.entries["call"]
    assert [entry.conversation.tools[0].description for entry in entries] == ["Project's.", "Project's.", None, None]
    assert [entry.conversation.messages[0].content for entry in entries] == [
        "Be brief.", "Be brief.", "Mine.", "Be brief."
    ]  # fmt: skip
    assert (found.lines, found.own_tools, found.own_system) == (4, 2, 1)


def test_a_line_that_says_that_there_are_no_tools_has_none(tmp_path):
    (entry,) = read(tmp_path, line(0, tools=[])).entries["no_call"]
    assert entry.conversation.tools == ()


def test_a_project_without_tools_leaves_a_line_without_them_wrong(tmp_path):
    with pytest.raises(DataError, match=r"line 2 of .*mine\.jsonl: tools, in the line or the run's; got none"):
        read(tmp_path, line(1, tools=[OWN]), line(1), project=Project())
