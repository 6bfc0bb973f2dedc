"""Prompts of tasks side by side become one batch, the same whatever their order, and none waits for nobody."""

import asyncio

import pytest

from callwright.bakeoff.arms.batches import PromptBatches


def run_all(plays, generate=None):
    """The batches that tasks make which ask these prompts one after another, and what each was answered."""
    seen, answers = [], {}

    def lengths(prompts):
        seen.append(list(prompts))
        return [sum(prompt) for prompt in prompts]

    async def play(batches, name, prompts):
        with batches.playing():
            for prompt in prompts:
                answers.setdefault(name, []).append(await batches.ask(prompt))

    async def every():
        batches = PromptBatches(generate or lengths)
        await asyncio.gather(*(play(batches, *one) for one in plays.items()))

    asyncio.run(every())
    return seen, answers


def test_tasks_that_begin_together_are_asked_in_one_batch_sorted():
    seen, answers = run_all({"a": [(3,), (5, 1)], "b": [(2,), (4,)], "c": [(9, 9)]})
    assert seen == [[(2,), (3,), (9, 9)], [(4,), (5, 1)]]
    assert answers == {"a": [3, 6], "b": [2, 4], "c": [18]}


def test_the_order_of_the_tasks_changes_no_batch():
    plays = {"a": [(3,), (5, 1)], "b": [(2,)], "c": [(9, 9), (1,), (7,)]}
    assert run_all(plays)[0] == run_all(dict(reversed(plays.items())))[0]


def test_a_task_that_ends_is_not_waited_for():
    seen, _ = run_all({"long": [(1,), (2,), (3,)], "short": [(4,)]})
    assert seen == [[(1,), (4,)], [(2,)], [(3,)]]


def test_an_error_reaches_every_task_of_the_batch():
    def broken(prompts):
        raise ValueError("NaN")

    with pytest.raises(ValueError, match="NaN"):
        run_all({"a": [(1,)], "b": [(2,)]}, broken)


def test_a_task_that_gives_up_is_left_out():
    seen = []

    async def main():
        batches = PromptBatches(lambda prompts: seen.append(list(prompts)) or [0] * len(prompts))

        async def impatient():
            with batches.playing():
                async with asyncio.timeout(0.01):
                    await batches.ask((1,))

        async def patient():
            with batches.playing():
                await asyncio.sleep(0.05)
                return await batches.ask((2,))

        return await asyncio.gather(impatient(), patient(), return_exceptions=True)

    first, second = asyncio.run(main())
    assert isinstance(first, TimeoutError) and second == 0 and seen == [[(2,)]]
