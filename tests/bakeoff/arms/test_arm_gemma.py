"""The arm against scripted workers: what they answer, and all the ways in which a process may not answer."""

import asyncio
import os
import sys
from types import SimpleNamespace

import pytest
from tests.support.bakeoff import Limits, asked_of, setup_of, shipped_tasks
from tests.support.tiny import TINY

from callwright.bakeoff.arms import gemma
from callwright.bakeoff.arms.base import ArmError, ArmOptions
from callwright.bakeoff.arms.gemma import GemmaArm
from callwright.bakeoff.gemma_environment import environment_place

TASK = shipped_tasks()[0]
WORKER = """
import json, os, pathlib, sys, time
weights, sizes, context = sys.argv[1:]
here = pathlib.Path(__file__).parent
with open(here / "started", "a") as file: print(os.getpid(), file=file)
assert pathlib.Path(weights).read_text() == "weights" and json.loads(sizes)["embed_dim"] == 32
def say(value): print(json.dumps(value), flush=True)
say({"ready": {"gemma": "4.0.1"}})
for line in sys.stdin:
    asked = json.loads(line)
    with open(here / "asked", "a") as file: file.write(line)
    ids = [*"Done.".encode(), asked["stop"][0]]
    answer = {"ids": ids, "logprobs": [-0.5] * len(ids)}
    BODY
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CALLWRIGHT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def arm(cache, tmp_path, monkeypatch):
    """Makes an arm whose worker does this with each request."""
    python = environment_place() / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    monkeypatch.setattr(gemma, "write_reference_weights", lambda trained, path: path.write_text("weights"))
    monkeypatch.setattr(gemma, "WORKER", tmp_path / "worker.py")
    model = SimpleNamespace(base=SimpleNamespace(config=TINY))

    def make(body="say(answer)", whole=WORKER, **changes):
        (tmp_path / "worker.py").write_text(whole.replace("BODY", body))
        return GemmaArm("gemma-jax", ArmOptions(), setup_of(**{"model": model, "seconds": 20.0} | changes))

    return make


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def opening(arm):
    async def open_and_close():
        try:
            await arm.open()
        finally:
            await arm.close()

    with pytest.raises(ArmError) as raised:
        asyncio.run(open_and_close())
    return raised.value


def alive(number):
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    return True


def test_the_worker_gets_our_ids_and_its_ids_are_parsed_by_us(arm, tmp_path):
    made = arm()
    [trace] = asked_of(made, TASK)
    [step] = trace.steps
    assert (step.raw, step.stop_reason, step.prompt_source) == ("Done.", "stop", "rendered")
    assert step.output_ids == step.top_ids and step.output_ids[:-1] == tuple(b"Done.")
    assert step.logprobs == (-0.5,) * 6
    assert trace.halt.halt_reason == "answer_returned" and made.record() == {"gemma": "4.0.1"}
    [started] = lines(tmp_path / "started")
    assert not alive(started)


def test_an_answer_that_does_not_end_is_truncated(arm):
    [trace] = asked_of(arm('say({"ids": ids[:3], "logprobs": [-1.0] * 3})'), TASK)
    assert (trace.halt.halt_reason, trace.steps[0].stop_reason) == ("truncated", "length")


@pytest.mark.parametrize(
    ("body", "reason", "said"),
    [
        ('sys.exit("RuntimeError: out of memory")', "sampler_error", "end of its process: RuntimeError: out of memory"),
        ('print("garbage", flush=True)', "sampler_error", "no JSON object: b'garbage"),
        ('print("[" * 100000, flush=True)', "sampler_error", "no JSON object"),
        ('say({"error": "ValueError: no"})', "sampler_error", "got ValueError: no"),
        ('say({"ids": [], "logprobs": []})', "sampler_error", "expected 1 to"),
        ('say({"ids": ["1"], "logprobs": [1.0]})', "sampler_error", "expected 1 to"),
        ("time.sleep(60)", "timeout", "nothing within 0.5 seconds"),
    ],
)
def test_what_is_no_answer_ends_the_task_and_the_next_one_is_asked(arm, tmp_path, body, reason, said):
    body = f"if len(open(here / 'asked').readlines()) > 1: say(answer)\n    else: {body}"
    first, second = asked_of(arm(body, seconds=0.5), TASK, TASK)
    assert first.halt.halt_reason == reason and said in first.halt.error
    assert second.halt.halt_reason == "answer_returned"
    assert not any(alive(one) for one in lines(tmp_path / "started"))


def test_a_worker_whose_step_was_given_up_does_not_answer_the_next_prompt(arm, tmp_path):
    body = "if len(open(here / 'asked').readlines()) == 1: time.sleep(60)\n    say(answer)"
    first, second = asked_of(arm(body, seconds=50.0), TASK, TASK, limits=Limits(step_seconds=0.2))
    assert [first.halt.halt_reason, second.halt.halt_reason] == ["timeout", "answer_returned"]
    assert len(lines(tmp_path / "started")) == 2


def test_what_keeps_the_arm_from_opening_is_told(arm):
    assert opening(arm(temperature=0.7)).reason == "arm_error"
    assert "weights for the arm" in str(opening(arm(model=None)))
    assert "end of its process: no TensorFlow" in str(opening(arm(whole="import sys; sys.exit('no TensorFlow')")))
    assert "in place of its versions" in str(opening(arm(whole="print('{}', flush=True); input()")))


def test_without_its_environment_the_arm_says_how_to_build_it(cache):
    error = opening(GemmaArm("gemma-jax", ArmOptions(), setup_of()))
    assert error.reason == "env_missing" and "callwright bakeoff setup gemma-jax" in str(error)
