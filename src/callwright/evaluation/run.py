"""An evaluation: every entry is asked until it has its verdict, and all answers are on disk before the next batch.

Batches are taken from one queue of what can be asked now: the entries, and of each flow its next step, once the batch
of its last one has been answered. So they follow from the entries and the answers alone. An evaluation that was stopped
takes the same batches from the beginning, with the answers that are on disk; one of which an answer is missing is asked
again whole, and only what is missing is added. So it ends with the same rows as one that never stopped.
"""

import time
from collections.abc import Callable, Iterable, Set
from pathlib import Path

from callwright.evaluation.answerer import Answerer
from callwright.evaluation.batches import Queue
from callwright.evaluation.on_disk import AnswersOnDisk
from callwright.evaluation.plays import Play
from callwright.evaluation.settings import SuiteSettings


def evaluate(
    answerer: Answerer,
    plays: Iterable[Play],
    settings: SuiteSettings,
    directory: Path,
    *,
    advance: Callable[[int, float], None] = lambda count, share: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Asks and scores what has no row yet in `directory`/CATEGORY.jsonl.

    Args:
      answerer: An engine or a served chat.
      plays: What is asked, in any order; none of it has been asked.
      settings: Batching and limits.
      directory: Where the rows are appended.
      advance: Told how many entries are done, and which share of all the work they are; the ones found on disk first.
      should_stop: Asked before every batch.

    Returns:
      Whether every entry has its row.

    Raises:
      DataError: A line on disk is not a row or not an answer.
      StorageError: The rows cannot be written.
    """
    plays = sorted(plays, key=lambda play: play.id)
    for play in plays:
        play.begin(answerer)
    # An answer is as much work as the tokens that it may have, with those of its prompt.
    work = {play.id: play.expected_answers * (len(play.prompt.ids) + settings.max_new_tokens) for play in plays}
    total = sum(work.values())

    def report(ids: Set[str]) -> None:
        advance(len(ids), sum(work[name] for name in ids) / max(total, 1))

    on_disk = AnswersOnDisk(directory, {play.category for play in plays})
    report(on_disk.rows.keys() & work.keys())
    queue = Queue(
        [play.prompt.ids for play in plays],
        growing=any(play.expected_answers > 1 for play in plays),
        rows=settings.batch_size,
        tokens=settings.batch_tokens,
    )
    while not work.keys() <= on_disk.rows.keys():
        numbers = queue.take()
        batch = [plays[number] for number in numbers]
        prompts = [play.prompt for play in batch]
        going = [play for play in batch if not on_disk.ends(play)]
        missing = list[Play]()
        for play in going:
            if step := on_disk.next_step(play):
                play.take(step.answer(), step.seconds, answerer)
            else:
                missing.append(play)
        if missing:
            if should_stop():
                return False
            began = time.perf_counter()
            answers = answerer.answer(prompts, max_new_tokens=settings.max_new_tokens)
            seconds = (time.perf_counter() - began) / len(batch)
            for play, answer in zip(batch, answers, strict=True):
                if play in missing:
                    play.take(answer, seconds, answerer)
            report(on_disk.append(missing))
        for number in numbers:
            if plays[number] in going and plays[number].verdict is None:
                queue.put(number, plays[number].prompt.ids)
    return True
