"""All arms are asked what is left, side by side only where they share no cores, and a stopped bake-off goes on."""

import asyncio
from itertools import pairwise

import pytest
from tests.support.bakeoff import RECORD, Limits, mock_arm, setup_of, shipped_tasks
from tests.support.jsonl import read_jsonl

from callwright.bakeoff.arms.base import ArmOptions
from callwright.bakeoff.arms.gemma import GemmaArm
from callwright.bakeoff.arms.mock import MockArm
from callwright.bakeoff.directory import ArmRecord, BakeoffDirectory
from callwright.bakeoff.run import run_arms, unfinished

TASKS = shipped_tasks()
NAMES = [task.name for task in TASKS]


class Counting(MockArm):
    """The mock arm, which says when it is asked and whether it is on this machine."""

    def __init__(self, name, log, *, local=True, slots=1, tasks=TASKS):
        super().__init__(name, ArmOptions(), setup_of(tasks=tasks))
        self.log, self.is_local, self.slots = log, local, slots

    @property
    def local(self):
        return self.is_local

    async def open(self):
        self.log.append(("open", self.name))

    async def answer(self, conversation, seed):
        self.log.append(("ask", self.name))
        await asyncio.sleep(0)
        return await super().answer(conversation, seed)

    async def close(self):
        self.log.append(("close", self.name))


@pytest.fixture
def directory(tmp_path):
    made = BakeoffDirectory(tmp_path / "bakeoff")
    arms = {name: ArmRecord(kind="mock", options={}) for name in ("one", "two", "mock", "gemma-jax")}
    made.begin(RECORD.model_copy(update={"arms": arms}))
    with made.locked():
        yield made


def run_all(directory, *arms, tasks=TASKS, ended=lambda halt: None):
    left = {arm.name: unfinished(directory, arm.name, tasks, (1,)) for arm in arms}
    asyncio.run(run_arms(arms, lambda arm: left[arm.name], Limits(), directory, ended))


def test_every_task_has_its_trace_in_every_arm_and_an_arm_without_its_environment_keeps_nobody(
    directory, tmp_path, monkeypatch
):
    monkeypatch.setenv("CALLWRIGHT_CACHE", str(tmp_path / "cache"))
    halts = []
    run_all(directory, GemmaArm("gemma-jax", ArmOptions(), setup_of()), mock_arm(), ended=halts.append)
    assert [trace.halt.halt_reason for trace in directory.traces("gemma-jax", NAMES)] == ["env_missing"] * 4
    assert all(trace.halt.goal_reached for trace in directory.traces("mock", NAMES))
    assert len(halts) == 8


def test_what_has_its_halt_is_not_asked_again_and_nothing_is_opened_for_it(directory):
    log = []
    run_all(directory, Counting("one", log), tasks=TASKS[:2])
    first = len(log)
    run_all(directory, Counting("one", log))
    assert log[first:].count(("open", "one")) == 1
    assert log.count(("ask", "one")) == sum(len(task.flow.steps) + 1 for task in TASKS)
    first = len(log)
    run_all(directory, Counting("one", log))
    assert log[first:] == []


def test_arms_of_this_machine_run_one_after_another_and_others_beside_them(directory):
    log = []
    run_all(directory, Counting("one", log), Counting("two", log))
    switches = [here for here, there in pairwise(log) if here[1] != there[1]]
    assert switches == [("close", "one")]
    log.clear()
    run_all(directory, Counting("mock", log), Counting("gemma-jax", log, local=False))
    assert log.index(("ask", "gemma-jax")) < log.index(("close", "mock"))


def test_an_arm_with_slots_is_asked_several_tasks_at_once(directory):
    log = []
    run_all(directory, Counting("one", log, slots=4))
    traces = directory.traces("one", NAMES)
    assert len(traces) == 4 and all(trace.halt.goal_reached for trace in traces)
    assert {trace.halt.load_elapsed_s > 0 for trace in traces} == {True, False}


def test_the_steps_before_ctrl_c_are_kept_and_the_task_is_begun_anew(directory):
    class Stopped(Counting):
        async def answer(self, conversation, seed):
            if len(self.log) == 3:
                raise KeyboardInterrupt
            return await super().answer(conversation, seed)

    log = []
    with pytest.raises(KeyboardInterrupt):
        run_all(directory, Stopped("one", log))
    path = directory.path / "traces" / "one" / "movies.jsonl"
    assert [row["step"] for row in read_jsonl(path)] == [0, 1]
    run_all(directory, Counting("one", []))
    assert [len(trace.steps) for trace in directory.traces("one", NAMES)] == [
        len(task.flow.steps) + 1 for task in TASKS
    ]
