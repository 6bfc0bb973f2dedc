"""The exact vectors of tests/golden, every row; its README says where they come from."""

import contextlib
import json
import re
from pathlib import Path

import pytest

from callwright.errors import CallwrightError, FormatError
from callwright.formats import FORMATS, get_format
from callwright.notices import ignore
from callwright.openai import read_conversation, read_tool

GOLDEN = Path(__file__).parents[1] / "golden"


def rows(pattern):
    found = [json.loads(line) for path in sorted(GOLDEN.glob(pattern)) for line in path.open(encoding="utf-8")]
    families = {fmt.name for fmt in FORMATS.values()}
    return [row for row in found if row["format"] in families]


def identify(row):
    return row["id"]


def render(row):
    fmt = get_format(row["format"], row["variant"])
    rendered = fmt.render(
        read_conversation(row, ignore),
        add_generation_prompt=row["add_generation_prompt"],
        thinking=row["enable_thinking"],
    )
    return rendered.text


@pytest.mark.parametrize("row", rows("render/*.jsonl"), ids=identify)
def test_a_conversation_renders_to_the_bytes_of_the_familys_template(row):
    if row.get("template_bug"):
        with contextlib.suppress(FormatError):
            assert isinstance(render(row), str)
    elif row.get("raises"):
        with pytest.raises(CallwrightError):
            render(row)
    else:
        assert render(row) == row["prompt"]


@pytest.mark.parametrize("row", rows("parse/*.jsonl"), ids=identify)
def test_what_a_model_said_reads_as_it_was_meant(row):
    parsed = get_format(row["format"]).parse(
        row["raw"],
        tools=[read_tool(tool) for tool in row["tools"]],
        finish_reason=row["finish_reason"],
        generation_prompt=row.get("generation_prompt", ""),
    )
    expected = row["expected"]
    calls = [{"name": call.name, "arguments": dict(call.arguments)} for call in parsed.tool_calls]
    assert json.dumps(calls) == json.dumps(expected["tool_calls"])
    for field in ("content", "reasoning"):
        if field in row.get("ignore", ()):
            continue
        ours, theirs = getattr(parsed, field), expected[field]
        if field in row.get("ignore_ws", ()):
            ours, theirs = re.sub(r"\s", "", ours or ""), re.sub(r"\s", "", theirs or "")
        assert ours == theirs
    if row["expected_complete"] is not None:
        assert parsed.complete == row["expected_complete"]
    if row["malformed"]:
        assert parsed.errors
    elif not row["truncated"]:
        assert not parsed.errors
