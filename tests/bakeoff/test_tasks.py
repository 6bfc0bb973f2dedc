"""Each task in each wording is one conversation, the same in every process, with a goal that its own flow reaches."""

import re

import pytest
from tests.support.bakeoff import TASKS, shipped_tasks

from callwright.bakeoff.tasks import read_history, read_tasks
from callwright.errors import DataError


def test_the_four_shipped_tasks_have_sixteen_wordings_each_and_no_two_ask_alike():
    tasks = shipped_tasks(16)
    assert [task.name for task in tasks[::16]] == ["movies", "research", "memory", "long"]
    requests = [str(task.conversation.messages[-1].content) for task in tasks]
    assert len(set(requests)) == len(requests) == 64


def test_a_conversation_depends_on_its_task_and_wording_alone():
    assert [task.flow for task in read_tasks(TASKS, 2)][1] == shipped_tasks(16)[1].flow


def test_every_task_has_the_system_prompt_a_short_history_the_eight_tools_and_a_prefixed_request():
    for task in shipped_tasks(16):
        first, *history, request = task.conversation.messages
        assert first.role == "system" and len(task.conversation.tools) == 8
        assert 2 <= len(history) <= 12 and history[-1].role == "assistant"
        assert re.match(r"\[2026-\d\d-\d\d \d\d:\d\d\] @\w+:[\w.]+: \S", str(request.content))


def test_a_flow_reaches_its_own_goal_and_nothing_less_does():
    for task in shipped_tasks(16):
        assert task.flow.failure(task.flow.calls, task.flow.answer) == ""
        assert task.flow.failure(task.flow.calls[:-1], task.flow.answer)


def test_no_conversation_has_a_history_where_none_is_to_carry_one():
    assert all(len(task.conversation.messages) == 2 for task in read_tasks(TASKS, 1, context_share=0.0))


def test_a_history_of_any_length_precedes_every_request_whole(tmp_path):
    path = tmp_path / "long.yaml"
    path.write_text("".join(f"- user: question {n}\n- assistant: answer {n}\n" for n in range(20)))
    for task in read_tasks(TASKS, 1, history=read_history(path)):
        contents = [str(message.content) for message in task.conversation.messages]
        assert len(contents) == 42 and contents[2] == "answer 0" and contents[1].endswith(": question 0")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- user: hi\n", "an entry|assistant at the end|at least 2"),
        ("- assistant: hi\n- user: there\n", "a message of the user"),
        ("- user: hi\n- system: there\n", "messages.1"),
        ("hello", "a list"),
    ],
)
def test_a_wrong_history_is_refused_with_its_file(tmp_path, text, words):
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(DataError, match=words) as caught:
        read_history(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_more_wordings_than_a_task_has_are_refused():
    with pytest.raises(DataError, match=r"17 requests of research .*; got 16; lower wordings to 16"):
        read_tasks(TASKS, 17)


def test_a_file_without_tasks_is_refused(tmp_path):
    path = tmp_path / "tools.yaml"
    path.write_text("version: 1\ntools:\n  - {name: now, description: The time., phrasings: [what time is it]}\n")
    with pytest.raises(DataError, match=r"flows in .*tools\.yaml"):
        read_tasks(path, 1)
