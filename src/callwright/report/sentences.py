"""The numbers in sentences: the headline, what is missing, and what a comparison means.

The sentences claim no more than the numbers do: a difference is called one only where the intervals are apart or the
paired test says so, and everything that a partial run lacks is listed.
"""

from callwright.evaluation.settings import SuiteName
from callwright.evaluation.statistics import asks_for_silence, is_call_category
from callwright.html.numbers import count, p_value_is, percent
from callwright.report.schema import POOLED, Comparison, Results, Score, SuiteResults

NO_OVERALL = (
    "No overall BFCL score is given. The leaderboard's overall mixes in live, multi-turn and agentic categories, which "
    "this run does not measure, and counts a missing category as zero: computed from some of the categories, it could "
    "not be compared with other scores."
)
NEVER_CALLS = (
    "A model that never calls anything is right on every entry in which no tool fits, so that number means something "
    "only beside the share of entries in which a call was made at all."
)
ALWAYS_CALLS = (
    "In live_relevance a tool fits and any call counts as right: a model that always calls something is right on every "
    "entry."
)
UNCORRECTED = (
    "The p-values are exact and not corrected for their number: of twenty tests between equal models, one falls below "
    "0.05 by chance."
)


_ASKED = {"bfcl": "the entries of BFCL", "tools": "the requests to your tools"}
"""What a suite's entries are called in a sentence."""


def suite_title(suite: SuiteName) -> str:
    """What a table calls a suite."""
    return "BFCL" if suite == "bfcl" else "your tools"


def headline(results: Results) -> str:
    """The run in one to three sentences for each suite."""
    suites = [suite for suite in results.suites if any(suite.evaluations[key].pooled.total for key in suite.evaluated)]
    if not suites:
        return f"No evaluation of {results.model.name} has scored an entry that asks for a call yet."
    return " ".join(map(_headline, suites))


def _headline(suite: SuiteResults) -> str:
    model = suite.results.model.name
    stages = [key for key in suite.evaluated if suite.evaluations[key].pooled.total]
    first, last = (suite.evaluations[key].pooled for key in (stages[0], stages[-1]))
    asked = _ASKED[suite.name]
    if len(stages) == 1:
        return (
            f"{model}, {suite.title(stages[0])}: {count(first.correct)} of {count(first.total)} "
            f"{asked.removeprefix('the ')} that ask for a call answered correctly ({percent(first.accuracy)}). "
            "There is no second evaluation to compare it with."
        )
    return (
        f"{model} answers {percent(last.accuracy)} of {asked} that ask for a call correctly after "
        f"{suite.title(stages[-1])} ({suite.title(stages[0])}: {percent(first.accuracy)}). "
        f"{_difference(first, last)}{_paired(suite, stages[0], stages[-1])}"
    )


def _difference(first: Score, last: Score) -> str:
    if last.low > first.high:
        return "The 95% intervals are apart: the model has become better."
    if last.high < first.low:
        return "The 95% intervals are apart: the model has become worse."
    return "The 95% intervals overlap."


def _paired(suite: SuiteResults, before: str, after: str) -> str:
    for test in suite.comparisons:
        if (test.before, test.after, test.category) == (before, after, POOLED):
            return (
                f" Entry by entry, {count(test.gained)} were gained and {count(test.lost)} lost "
                f"(McNemar's exact test: p {p_value_is(test.p_value)})."
            )
    return ""


def reading(test: Comparison) -> str:
    """What one paired test says, in a word or two."""
    if test.p_value >= 0.05:
        return "no clear difference"
    return "better" if test.gained > test.lost else "worse"


def relevance(results: SuiteResults) -> str:
    """What the numbers of the categories mean that ask whether to call at all."""
    silent = {asks_for_silence(name) for name in relevance_categories(results)}
    return " ".join([_irrelevance(results)] * (True in silent) + [ALWAYS_CALLS] * (False in silent))


def _irrelevance(results: SuiteResults) -> str:
    """The meaning where no tool fits, given how often the first model called anything where it should."""
    stages = results.evaluated
    first = results.evaluations[stages[0]].pooled if stages else None
    if first is None or not first.total or first.called > 0.1 * first.total:
        return NEVER_CALLS
    name = results.title(stages[0])
    return (
        f"{NEVER_CALLS} {name[:1].upper()}{name[1:]} scores here only because it hardly ever calls: where a "
        f"call was asked for, it made one on {percent(first.called / first.total)} of the entries."
    )


def loops(results: SuiteResults) -> str:
    """How many outputs of each model were cut because they repeated themselves; "" where none was."""
    counts = {
        key: [sum(score.loops for score in scores), sum(score.total for score in scores)]
        for key in results.evaluated
        for scores in [results.evaluations[key].categories.values()]
    }
    if not any(found for found, _ in counts.values()):
        return ""
    stages = (f"{results.title(key)}: {count(found)} of {count(total)}" for key, (found, total) in counts.items())
    return f"Outputs that had begun to repeat themselves were cut there, and count as they were: {'; '.join(stages)}."


def relevance_categories(results: SuiteResults) -> list[str]:
    """The categories that ask whether to call at all."""
    return [name for name in results.categories if not is_call_category(name)]


def missing(results: Results, rows_missing: list[str]) -> list[str]:
    """Everything a reader might look for and not find.

    Args:
      results: The run.
      rows_missing: Evaluations, as `stage/category`, whose rows were not found beside the results.
    """
    notes = []
    if results.run.finished is None:
        notes.append("The run has not finished; running the same command again continues it.")
    if results.run.note:
        notes.append(f"{results.run.note}.")
    for stage in results.stages:
        if stage.status != "done":
            why = f": {stage.message}" if stage.message else "."
            notes.append(f"{stage.title} ({stage.key}) is {stage.status}{why}")
            continue
        if stage.message:
            notes.append(f"{stage.message}.")
        lacking = [suite for suite in stage.suites if suite not in results.evaluations.get(stage.key, {})]
        if stage.kind != "format" and lacking:
            on = "" if len(lacking) == len(stage.suites) else f" on {suite_title(lacking[0])}"
            notes.append(f"{stage.title} ({stage.key}) has no evaluation{on} yet.")
    for key, suites in results.evaluations.items():
        for suite in suites.values():
            for name, score in suite.categories.items():
                if score.total < score.planned:
                    scored = f"{count(score.total)} of {count(score.planned)} entries are scored"
                    notes.append(f"{results.title(key)}, {name}: {scored}.")
    for stage in results.stages:
        if stage.kind in ("sft", "grpo") and stage.status == "done" and not results.curves.get(stage.key):
            notes.append(f"{stage.title} ({stage.key}) recorded no curves.")
    if any(len(suite.evaluated) > 1 and not suite.comparisons for suite in results.suites):
        notes.append("No paired tests were recorded, although there are several evaluations.")
    if rows_missing:
        notes.append(f"The outputs of {', '.join(rows_missing)} are not beside the results, so none are shown.")
    return notes
