"""Prompts of tasks that are played side by side, generated as one batch once every task waits for an answer.

What the prompts of a batch begin with (system prompt, tools) is computed once, so that sixteen wordings cost little
more than one. A batch follows from its prompts alone: they are sorted, whatever the order in which they came.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

Output = TypeVar("Output")
Ids = tuple[int, ...]


class PromptBatches(Generic[Output]):
    """Collects prompts for a function that takes several at once.

    Args:
      generate: Prompts to outputs, in order; it runs in a thread, and never twice at the same time.
    """

    def __init__(self, generate: Callable[[Sequence[Ids]], Sequence[Output]]) -> None:
        self._generate = generate
        self._playing = 0
        self._waiting: list[tuple[Ids, asyncio.Future[Output]]] = []
        self._running: asyncio.Task[None] | None = None

    @contextmanager
    def playing(self) -> Iterator[None]:
        """A block in which a task asks one prompt after another; a batch waits for all that are in one."""
        self._playing += 1
        try:
            yield
        finally:
            self._playing -= 1
            self._look_soon()

    async def ask(self, prompt: Ids) -> Output:
        """The output for a prompt. What `generate` raises is raised to all that wait for the batch."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((prompt, future))
        self._look_soon()
        return await future

    def _look_soon(self) -> None:
        """Looks once all tasks that can go on have done so."""
        asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        self._waiting = [pair for pair in self._waiting if not pair[1].done()]  # a task may have given up
        if self._running is None and self._waiting and len(self._waiting) >= self._playing:
            batch, self._waiting = sorted(self._waiting, key=lambda pair: (len(pair[0]), pair[0])), []
            self._running = asyncio.create_task(self._run(batch))

    async def _run(self, batch: Sequence[tuple[Ids, asyncio.Future[Output]]]) -> None:
        try:
            outputs = await asyncio.to_thread(self._generate, [prompt for prompt, _ in batch])
            for (_, future), output in zip(batch, outputs, strict=True):
                if not future.done():
                    future.set_result(output)
        except Exception as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
        finally:
            self._running = None
            self._look_soon()
