"""`callwright data show` prints what will be trained on, and says what is not."""

import json

import pytest

from callwright.cli import main

TOOL = {"name": "f", "description": "Does f.", "inputSchema": {"type": "object", "properties": {"a": {}}}}
USER = {"role": "user", "content": "Do it."}
CALL = {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}], "mood": "good"}
GOOD = {"tools": [TOOL], "messages": [USER, CALL]}


@pytest.fixture
def printed(tmp_path, capsys):
    def run(*lines, options=()):
        (tmp_path / "mine.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        with pytest.raises(SystemExit) as stopped:
            main(["data", "show", str(tmp_path / "mine.jsonl"), *options])
        return stopped.value.code, capsys.readouterr().out

    return run


def test_control_tokens_what_is_learned_and_what_is_not_read_are_shown(printed):
    code, text = printed(GOOD)
    assert code == 0
    assert "openai_jsonl-mine.jsonl-1: simple; tools: 1; messages: user, assistant\n" in text
    assert "C   <start_of_turn>\n" in text
    assert ' T  {"name": "f", "args": {"a": 1}}⏎\n' in text and "CT  <end_of_turn>\n" in text
    assert "! messages[1].mood is not read\n" in text


def test_the_format_and_the_examples_can_be_chosen(printed):
    code, text = printed(*[GOOD] * 5, options=("--format", "qwen3", "--count", "2", "--start", "4"))
    assert code == 0
    assert "examples 4 to 5 of 5, in qwen3" in text
    assert "mine.jsonl-4" in text and "mine.jsonl-5" in text and "mine.jsonl-3" not in text
    assert "<|im_start|>" in text


def test_a_bad_line_is_shown_among_the_others(printed):
    code, text = printed(GOOD, GOOD | {"messages": [USER]}, GOOD)
    assert code == 2
    assert "! expected line 2 of" in text and "mine.jsonl-3" in text


def test_a_configuration_shows_each_source_once(desk, inside):
    code, text, _ = inside(desk.directory, "data", "show", "c.yaml", "--count", "1")
    assert code == 0
    assert text.count("examples 1 to 1 of 16, in xml/args") == 1, "three stages have the same data"
    assert "of them trained on" in text


def test_the_dry_run_checks_every_line_and_counts_what_is_not_read(desk, inside, tmp_path):
    line = json.dumps(GOOD | {"messages": [USER, CALL | {"content": None}]}) + "\n"
    (desk.directory / "mine.jsonl").write_text(line * 20)
    change = ("--stages", "3", "--set", "sft_small.data={openai_jsonl: {path: mine.jsonl}}", "--dry-run")
    code, text, _ = inside(desk.directory, "run", "c.yaml", *change)
    assert code == 0
    assert "stage 3: 20 examples (all checked), 5 updates" in text
    assert "  openai_jsonl: in 20 examples messages[].mood is not read\n" in text
    (desk.directory / "mine.jsonl").write_text(line * 20 + json.dumps(GOOD | {"messages": [USER]}) + "\n")
    code, _, told = inside(desk.directory, "run", "c.yaml", *change)
    assert code == 2
    assert f"expected line 21 of {desk.directory / 'mine.jsonl'}: the last message to be the assistant's" in told
