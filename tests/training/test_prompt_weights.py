"""GRPO draws prompts of kinds that it can learn from more often, and the same ones in every process."""

from collections import Counter

import pytest

from callwright.training.prompt_weights import FLOOR, accept, prompt_weights

WEIGHTS = prompt_weights({"single": 1.0, "flow": 0.5, "several": 0.9, "no_tool": 0.0})


def drawn(weights, kinds, count=20_000, seed=0):
    """How often each of the kinds, which come in turn, is taken."""
    accepted = accept(weights, seed)
    return Counter(kind for index in range(count) if accepted(kind := kinds[index % len(kinds)]))


def test_a_kind_weighs_most_where_half_of_it_is_solved_and_least_where_all_or_nothing_is():
    assert WEIGHTS == {"flow": 0.3, "no_tool": FLOOR, "several": 0.14, "single": FLOOR}
    assert prompt_weights({}) == {}


def test_prompts_are_taken_in_proportion_to_their_weights():
    counts = drawn(WEIGHTS, ["single", "flow", "several", "no_tool"])
    assert counts["flow"] == 5_000, "the largest weight is always taken"
    for kind, weight in WEIGHTS.items():
        assert counts[kind] / counts["flow"] == pytest.approx(weight / 0.3, abs=0.03)


def test_a_kind_that_was_never_measured_has_the_mean_weight():
    counts = drawn(WEIGHTS, ["flow", "dialogue"])
    assert counts["dialogue"] / counts["flow"] == pytest.approx(sum(WEIGHTS.values()) / 4 / 0.3, abs=0.03)


def test_without_weights_every_prompt_is_taken():
    assert drawn({}, ["flow", "single"], 100).total() == 100


def test_the_draws_depend_on_the_seed_alone():
    first, again, other = (
        [accepted("single") for _ in range(200)]
        for accepted in (accept(WEIGHTS, 1), accept(WEIGHTS, 1), accept(WEIGHTS, 2))
    )
    assert first == again != other
