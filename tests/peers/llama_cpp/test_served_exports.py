"""What serving and chatting promise, with a real llama.cpp server and a model whose calls are planned."""

import json
import os
import shutil
import socket
import subprocess

import pytest

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.engines.llama_program import build
from callwright.engines.openai_chat import OpenAIChat
from callwright.evaluation.answerer import ServedAnswerer
from callwright.export import serve
from callwright.export.chat import TerminalChat, offered_tools
from callwright.export.serve import ServeOptions, example_request, serve_export, served
from callwright.export.snippets import snippets
from callwright.formats import get_format
from callwright.instruments.files import write
from callwright.instruments.script import Line, write_script
from callwright.instruments.script_file import expected_output

pytestmark = pytest.mark.peer("llama.cpp")
WEATHER = example_request().conversation.tools[0]
OPTIONS = ServeOptions(port=0, context=2048, threads=1)
MY_TOOLS = '''
def get_weather(city: str) -> dict:
    """Get the weather of a city."""
    return {"city": city, "next": "@@done@@"}
'''


@pytest.fixture(scope="module", params=["xml/args", "xml/arguments"])
def gguf(request, tmp_path_factory):
    """A model that asks for the weather at one cue, and speaks at another."""
    fmt = get_format(request.param)
    call = Message("assistant", None, tool_calls=(ToolCall("get_weather", {"city": "Paris"}),))
    calls = expected_output(fmt, Conversation((Message("user", "Go."), call), (WEATHER,)))
    path = tmp_path_factory.mktemp("served") / "m.gguf"
    write(write_script(fmt, [Line("weather", calls), Line("done", "It is warm.")]), path, context=2048)
    return path


def test_the_printed_line_is_answered_with_a_call(gguf, monkeypatch):
    shown, replies = [], []

    def run_the_line(process_id):
        line = next(line for line in shown if "curl" in line).partition("\n\n")[2]
        done = subprocess.run(["sh", "-c", line], capture_output=True, timeout=60, check=True)
        replies.append(json.loads(done.stdout))
        raise KeyboardInterrupt

    monkeypatch.setattr(serve, "_wait_until_it_ends", run_the_line)
    request = example_request(text="The weather in Paris? @@weather@@")
    with pytest.raises(KeyboardInterrupt):
        serve_export(gguf, build(), OPTIONS, request=request, show=shown.append)
    [call] = replies[0]["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] == "get_weather"
    assert json.loads(call["function"]["arguments"]) == {"city": "Paris"}


def test_a_chat_runs_the_users_function_and_goes_on_with_its_result(gguf, tmp_path):
    (tmp_path / "my_tools.py").write_text(MY_TOOLS)
    shown, lines = [], ["The weather in Paris? @@weather@@", "y", "/quit"]
    with served(gguf, build(), OPTIONS) as server, OpenAIChat(server.url) as chat:
        offered = offered_tools([Tool("other"), WEATHER], tmp_path / "my_tools.py")
        TerminalChat(ServedAnswerer(chat), offered, read=lambda prompt: lines.pop(0), show=shown.append).run()
    assert shown[1:] == [
        'call> get_weather(city="Paris")',
        '  -> {"city": "Paris", "next": "@@done@@"}',
        "model> It is warm.",
    ]


@pytest.mark.skipif(not all(map(shutil.which, ("bash", "curl"))), reason="the snippet uses bash and curl")
def test_the_snippet_of_a_model_card_is_answered_with_a_call(gguf):
    fmt = get_format("xml")
    request = example_request(text="The weather in Paris? @@weather@@")
    [snippet] = [one for one in snippets("gguf", gguf.name, "m", fmt, request) if one.runtime == "llama.cpp"]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
    script = f"trap 'kill %1' EXIT\n{snippet.text.replace('8080', port).replace(' &', ' -c 2048 2> /dev/null &', 1)}"
    path = f"{build().parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path}
    command = ["timeout", "60", "bash", "-c", script]
    done = subprocess.run(command, cwd=gguf.parent, env=environment, capture_output=True, check=True)
    reply = json.loads(done.stdout[done.stdout.index(b'{"choices"') :])
    [call] = reply["choices"][0]["message"]["tool_calls"]
    assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == ("get_weather", {"city": "Paris"})
