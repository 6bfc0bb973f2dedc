"""AST checks a second on one core, ours and the official package's, on the same answers in the same run.

The answers are the right ones and as many slightly wrong ones, of the four call categories. The official package is
measured if its environment exists (`make test-all` sets it up), the checking alone, decoding apart, as ours is.

    python benchmarks/bench_scoring.py [SECONDS]
"""

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.peers import environment
from tests.peers.bfcl_official import official_bfcl
from tests.peers.bfcl_official.bfcl_mutations import Call, as_text, mutated

from callwright.conversation import ToolCall
from callwright.evaluation.bfcl import load_category
from callwright.scoring.checker import score_calls, score_text
from callwright.scoring.entry import expected_calls

CATEGORIES = ("simple_python", "multiple", "parallel", "parallel_multiple")


def rate(check: Callable[[], None], checks: int, seconds: float) -> float:
    """How often a second: rounds of `checks` for at least so many seconds."""
    rounds, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        check()
        rounds += 1
    return rounds * checks / elapsed


def main() -> None:
    """Prints one line for each category and measure."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    rng = random.Random(0)
    print(f"{'checks/s':20}{'ours':>12}{'+ decoding':>12}{'official':>12}")
    for name in CATEGORIES:
        answers: list[tuple] = []
        for entry in load_category(name):
            right: list[Call] = [{"name": call.name, "arguments": call.arguments} for call in expected_calls(entry)]
            for calls in (right, mutated(right, rng, tuples=False)):
                answers.append((entry, [ToolCall(**call) for call in calls], as_text(calls), calls))

        def check_calls(answers: list[tuple] = answers) -> None:
            for entry, calls, _, _ in answers:
                score_calls(entry, calls)

        def check_texts(answers: list[tuple] = answers) -> None:
            for entry, _, text, _ in answers:
                score_text(entry, text)

        ours, decoding = (rate(check, len(answers), seconds) for check in (check_calls, check_texts))
        print(f"{name:20}{ours:12,.0f}{decoding:12,.0f}{official_rate(answers, seconds):>12}", flush=True)


def official_rate(answers: list[tuple], seconds: float) -> str:
    """The official package's rate on the same answers, or why there is none."""
    if not environment.place(official_bfcl.NAME).is_dir():
        return "not set up"
    jobs = [
        {"category": entry.category, "functions": entry.functions, "answers": entry.gold_calls, "calls": calls}
        for entry, _, _, calls in answers
    ]
    [measured] = official_bfcl.ask([{"time": jobs, "seconds": seconds}])
    return f"{measured['checks'] / measured['seconds']:,.0f}"


if __name__ == "__main__":
    main()
