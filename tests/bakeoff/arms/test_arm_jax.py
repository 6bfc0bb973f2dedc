"""Our engine as an arm: ids known on both sides, tasks side by side in one batch, errors as traces."""

import asyncio

import numpy as np
import pytest
from tests.support.bakeoff import Limits, asked_of, setup_of, shipped_tasks
from tests.support.tiny import tiny_tokenizer

from callwright.bakeoff.arms.base import ArmError
from callwright.bakeoff.arms.jax import JaxArm, JaxBf16Arm, JaxOptions
from callwright.bakeoff.harness import run
from callwright.engines.base import Generation
from callwright.export.trained import Trained
from callwright.formats import get_format
from callwright.models.settings import LoraSettings

TASKS = shipped_tasks()


class Engine:
    """Says the same to every prompt."""

    def __init__(self, text, *, finish="stop"):
        ids = tuple(setup_of().tokenizer.encode(text, control=True))
        stop = setup_of().tokenizer.token_id("<end_of_turn>")
        self.generation = Generation(ids, finish, stop if finish == "stop" else None)
        self.batches = []

    def generate(self, prompts, *, max_new_tokens, sampling):
        self.batches.append((len(prompts), max_new_tokens, sampling))
        return [self.generation] * len(prompts)


def arm_with(engine, **changes):
    arm = JaxArm("jax", JaxOptions(), setup_of(**changes))
    arm._engine = engine
    return arm


def played_together(arm, *tasks):
    async def every():
        return await asyncio.gather(*(run(task, arm, Limits(max_steps=2), seed=1) for task in tasks))

    return asyncio.run(every())


def test_tasks_side_by_side_are_one_batch():
    engine = Engine("Done.")
    traces = played_together(arm_with(engine), *TASKS)
    assert [count for count, _, _ in engine.batches] == [4]
    assert {trace.halt.halt_reason for trace in traces} == {"answer_returned"}
    step = traces[0].steps[0]
    assert step.raw == "Done." and step.output_ids == (*engine.generation.token_ids, engine.generation.stop_id)
    assert step.top_ids == step.output_ids
    assert (step.prompt_source, step.stop_reason, step.request) == ("rendered", "stop", None)


@pytest.mark.parametrize("finish", ["length", "loop"])
def test_an_output_that_was_cut_is_truncated(finish):
    [trace] = played_together(arm_with(Engine("It is", finish=finish)), TASKS[0])
    assert (trace.halt.halt_reason, trace.steps[0].stop_reason) == ("truncated", finish)


def test_an_engine_that_fails_is_a_sampler_error_of_every_task_in_the_batch():
    class Broken(Engine):
        def generate(self, prompts, **_):
            raise FloatingPointError("NaN")

    traces = played_together(arm_with(Broken("x")), *TASKS[:2])
    assert [trace.halt.halt_reason for trace in traces] == ["sampler_error"] * 2
    assert traces[0].halt.error == "FloatingPointError: NaN" and traces[0].steps[0].prompt_ids


def test_above_temperature_0_tasks_are_asked_one_at_a_time():
    assert (arm_with(None).slots, arm_with(None, temperature=0.7).slots) == (16, 1)


def test_without_weights_the_arm_cannot_be_opened():
    with pytest.raises(ArmError, match="weights for the arm jax"):
        asked_of(JaxArm("jax", JaxOptions(), setup_of()))


@pytest.mark.slow
def test_a_tiny_model_answers_with_the_tokens_of_its_own_engine(tiny_model, tmp_path):
    from callwright.engines.sampling import GREEDY
    from callwright.export.in_process import merged_engine

    fmt = get_format("xml")
    model = Trained(run=tmp_path, stage=0, base=tiny_model, adapter=None, lora=LoraSettings(), format=fmt)
    setup = setup_of(model=model, tokenizer=tiny_tokenizer(), context=4096, max_new_tokens=12)
    limits = Limits(max_steps=1, step_seconds=300.0, task_seconds=300.0)
    [trace] = asked_of(JaxArm("jax", JaxOptions(), setup), TASKS[0], limits=limits)
    [step] = trace.steps
    [generation] = merged_engine(model).generate([step.prompt_ids], max_new_tokens=12, sampling=GREEDY)
    assert step.output_ids[: len(generation.token_ids)] == generation.token_ids
    [narrow] = asked_of(JaxBf16Arm("jax-bf16", JaxOptions(), setup), TASKS[0], limits=limits)
    assert narrow.steps[0].prompt_ids == step.prompt_ids and np.size(narrow.steps[0].output_ids) > 0
