"""A real llama.cpp server is started on a GGUF, asked the conversations of a file, scored, and ended."""

import json
from pathlib import Path

import psutil
import pytest
from tests.support.fake_run import CREATED
from tests.support.jsonl import read_jsonl

from callwright import cli
from callwright.conversation import Conversation, Message, ToolCall
from callwright.engines.llama_program import build
from callwright.export.serve import example_request
from callwright.formats import get_format
from callwright.instruments.files import write
from callwright.instruments.script import Line, write_script
from callwright.instruments.script_file import expected_output
from callwright.openai import write_conversation
from callwright.orchestration.config import PipelineConfig
from callwright.orchestration.rundir import RunDirectory

pytestmark = pytest.mark.peer("llama.cpp")
WEATHER = example_request().conversation.tools[0]
CALL = Message("assistant", tool_calls=(ToolCall("get_weather", {"city": "Paris"}, "1"),))


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A run of which nothing is finished, a model whose outputs are planned, and a file that asks for them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LLAMA_SERVER", str(build()))
    config = PipelineConfig.model_validate({"name": "a"})
    with RunDirectory(Path("runs/a")) as run:
        run.write_config(config)
        run.event("run_created", **CREATED | {"config_sha256": config.sha256})
    fmt = get_format("xml")
    calls = expected_output(fmt, Conversation((Message("user", "Go."), CALL), (WEATHER,)))
    write(write_script(fmt, [Line("weather", calls), Line("done", "It is warm.")]), Path("m.gguf"), context=8192)
    asked = Message("user", "The weather in Paris? @@weather@@")
    labelled = [
        (asked, CALL),
        (asked, CALL, Message("tool", "@@done@@", tool_call_id="1"), Message("assistant", "It is warm.")),
        (Message("user", "Hello. @@weather@@"), Message("assistant", "Hello.")),
    ]
    lines = [json.dumps(write_conversation(Conversation(messages, (WEATHER,)))) for messages in labelled]
    Path("test.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_a_gguf_is_served_for_the_evaluation_and_no_longer(place, capsys):
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    arguments = ["eval", "tools", "runs/a/stage2", "--file", "test.jsonl", "--engine", "llamacpp", "--gguf", "m.gguf"]
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    out, err = capsys.readouterr()
    assert left.value.code == 0, err
    assert "test.jsonl, runs/a/stage2 (base model) served as llamacpp-m: 2 of 3 right" in out
    rows = place / "runs/a/evaluations/stage2/tools/files/test/served/llamacpp-m"
    (right,) = read_jsonl(rows / "call.jsonl")
    assert right["calls"] == [{"name": "get_weather", "arguments": {"city": "Paris"}}]
    assert sorted(row["valid"] for row in read_jsonl(rows / "no_call.jsonl")) == [False, True]
    assert {child.pid for child in psutil.Process().children(recursive=True)} == before
