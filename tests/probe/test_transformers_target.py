"""What the target asks of its interpreter, and what it makes of one that misbehaves; a script stands for it."""

import re
import sys
import threading
from pathlib import Path

import pytest
from tests.support.command_lines import parsed
from tests.support.instruments import WEATHER, form_of

from callwright.conversation import Conversation, Message
from callwright.engines.chat import ChatRequest
from callwright.engines.sampling import GREEDY, PURE, SamplingParams
from callwright.errors import ConfigError
from callwright.instruments.dice import make_dice
from callwright.probe.targets import transformers_target
from callwright.probe.targets.base import UntestableError
from callwright.probe.targets.transformers_target import PythonWorker

HELLO = 'import json, sys\nprint(json.dumps({"transformers": "5", "torch": "2"}), flush=True)\n'
ECHO = HELLO + (
    "for line in sys.stdin:\n"
    "    job = json.loads(line)\n"
    '    print(json.dumps({"model": 3} if job["do"] == "load" else {"content": "hi", "job": job}), flush=True)\n'
)
FALLS = ECHO + '    if job["do"] == "load": sys.exit("out of memory")\n'
REFUSES = HELLO + "for line in sys.stdin: print(json.dumps({'error': 'no such dtype'}), flush=True)\n"


@pytest.fixture
def target(tmp_path, monkeypatch):
    def with_driver(text):
        script = tmp_path / "driver.py"
        script.write_text(text, encoding="utf-8")
        monkeypatch.setattr(transformers_target, "DRIVER", script)
        return transformers_target.TransformersTarget([])

    return with_driver


def dice():
    return make_dice(form_of("qwen3", ""), {"red": 0.5, "blue": 0.5})


def job_of(target, **request):
    with target.load(dice()) as chat:
        return chat.chat(ChatRequest(**request)).body["job"]


def test_the_command_that_builds_its_instrument_is_one_of_ours(target):
    command, output = parsed(target(HELLO).reproduce_with("qwen3", "speaker"))
    assert command == "probe_instrument"
    assert (output["format"], output["part"], output["output"]) == ("qwen3", "speaker", Path("instrument"))
    assert (output["architecture"], output["context"]) == ("llama", 8192)


def test_a_request_becomes_the_arguments_of_the_documented_calls(target):
    messages = (
        Message("user", "Go."),
        Message("assistant", None, tool_calls=(WEATHER,)),
        Message("tool", {"t": 1.0}, name="get_weather", tool_call_id=WEATHER.id),
    )
    job = job_of(target(ECHO), conversation=Conversation(messages), sampling=PURE, thinking=False, max_tokens=7)
    call = {"id": "b1b2c3d4e", "type": "function", "function": {"name": "get_weather"}}
    call["function"]["arguments"] = {"city": "Paris", "days": 3}
    assert job["messages"] == [
        {"role": "user", "content": "Go."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": {"t": 1.0}, "name": "get_weather", "tool_call_id": "b1b2c3d4e"},
    ]
    assert (job["template"], job["max_tokens"], job["seed"]) == ({"enable_thinking": False}, 7, None)
    pure = {"do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "repetition_penalty": 1.0}
    assert job["sampling"] == pure


@pytest.mark.parametrize(
    ("sampling", "options"),
    [
        (GREEDY, {"do_sample": False}),
        (SamplingParams(), {}),
        (SamplingParams(top_k=2), {"top_k": 2, "do_sample": True}),
        (SamplingParams(repeat_penalty=1.3), {"repetition_penalty": 1.3}),
    ],
)
def test_what_is_not_asked_is_left_to_the_library(target, sampling, options):
    job = job_of(target(ECHO), conversation=Conversation((Message("user", "Go."),)), sampling=sampling)
    assert (job["sampling"], job["template"], job["max_tokens"]) == (options, {}, None)


def test_an_interpreter_that_dies_is_an_answer_and_a_new_one_comes(target):
    falling = target(FALLS)
    for _ in range(2):
        with falling.load(dice()) as chat:
            reply = chat.chat(ChatRequest(conversation=Conversation((Message("user", "Go."),))))
            assert (reply.status, reply.content) == (0, "")
            assert "out of memory" in reply.error


def test_an_instrument_that_does_not_load_says_why(target):
    with pytest.raises(UntestableError, match="no such dtype"), target(REFUSES).load(dice()):
        pass


@pytest.mark.parametrize(
    ("driver", "got"),
    [
        ('print(\'{"missing": "no torch"}\')', "no torch"),
        ("print([1])", "no JSON object"),
        ("1/0", "ZeroDivisionError"),
    ],
)
def test_a_python_without_the_library_says_what_to_install(target, driver, got):
    with pytest.raises(ConfigError, match=rf"{re.escape(got)}.* -m pip install torch transformers"):
        target(driver)


@pytest.mark.parametrize("wrong", ["python=/nowhere/python", "dtype=int8", "renderer=gemma4"])
def test_a_wrong_option_is_refused(wrong):
    with pytest.raises(ConfigError):
        transformers_target.TransformersTarget([wrong])


def test_a_script_that_hangs_is_stopped(tmp_path):
    script = tmp_path / "hangs.py"
    script.write_text("print('{}', flush=True)\nimport time\ntime.sleep(600)")
    interpreter = PythonWorker(sys.executable, script, seconds=5)
    assert interpreter.hello == {}
    interpreter.seconds = 0.3
    assert "nothing within 0.3 seconds" in interpreter.ask({})["error"]
    assert not interpreter.alive


def test_threads_each_get_their_own_answer(tmp_path):
    script = tmp_path / "echo.py"
    script.write_text("import sys\nprint('{}', flush=True)\nfor line in sys.stdin: print(line, end='', flush=True)")
    interpreter, wrong = PythonWorker(sys.executable, script, seconds=60), []

    def ask(number):
        wrong.extend(n for n in range(50) if interpreter.ask({"n": [number, n]}) != {"n": [number, n]})

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
