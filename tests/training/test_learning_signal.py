"""A GRPO stage that had nothing to tell apart says so, with the cause that its rewards show."""

import pytest

from callwright.training.learning_signal import LearningSignal
from callwright.training.rewards import RewardSettings
from callwright.training.settings import GrpoSettings

SETTINGS = GrpoSettings(prompts_per_step=2, group_size=4, max_new_tokens=6)
NOTHING = {"reward/well_formed": 0.0, "reward/exact": 0.0, "reward/unnecessary_call": 0.0, "reward/partial": 0.0}
FORMED, RIGHT = NOTHING | {"reward/well_formed": 0.1}, NOTHING | {"reward/well_formed": 0.1, "reward/exact": 1.0}


def idle(earned, *, distinct=4.0, length=3.0, groups=2):
    """A step in which no group varied."""
    return earned | {
        "reward": sum(earned.values()),
        "zero_variance_groups": groups,
        "distinct_completions": distinct,
        "completion_length": length,
    }


def step(groups=0):
    """A step that made an update."""
    return idle(FORMED, groups=groups) | {"loss": 0.1}


@pytest.mark.parametrize(
    ("rows", "cause"),
    [
        ([idle(RIGHT)], "every completion was right: nothing is left to learn here"),
        ([idle(RIGHT, distinct=1)], "every completion was right"),
        ([idle(FORMED, distinct=1), idle(NOTHING, distinct=1)], "the same text; raise temperature (1)"),
        ([idle(NOTHING, length=6)], "every completion was cut after 6 tokens; raise max_new_tokens"),
        ([idle(NOTHING)], "no completion was well-formed, and none earned anything; train SFT first, or longer"),
        ([idle(NOTHING, length=6), idle(NOTHING)], "no completion was well-formed"),
        ([idle(FORMED)] * 3, "every completion was well-formed and none was right; train SFT longer"),
        ([idle(RIGHT), idle(FORMED)], "equally well at every try of a prompt; raise temperature or group_size"),
        ([idle(FORMED | {"reward/unnecessary_call": -1.0})], "equally well at every try"),
        ([idle(FORMED | {"reward/partial": 0.1})], "equally well at every try"),
    ],
)
def test_the_cause_is_what_the_rewards_show(rows, cause):
    signal = LearningSignal.of(rows, SETTINGS)
    assert signal.updates == 0
    assert signal.idle == len(rows)
    assert signal.note.startswith("GRPO never updated: all rewards of every group were equal; ")
    assert cause in signal.note
    assert "\n" not in signal.note and len(signal.note) < 200


def test_rewards_that_do_not_pay_for_form_say_nothing_of_it():
    settings = SETTINGS.model_copy(update={"reward": RewardSettings(well_formed=0)})
    assert "no completion was right, and none" in LearningSignal.of([idle(NOTHING)], settings).note


def test_a_stage_with_some_updates_says_in_how_many_steps_there_was_none_and_why():
    signal = LearningSignal.of([step(), idle(RIGHT), step(1), idle(RIGHT)], SETTINGS)
    assert (signal.updates, signal.idle, signal.zero_variance_groups) == (2, 2, 5)
    assert signal.note.startswith("GRPO made no update in 2 of 4 steps: all rewards of every group were equal; every ")


def test_a_stage_whose_steps_all_made_an_update_has_nothing_to_say():
    assert LearningSignal.of([step(), step(1)], SETTINGS).note == ""
    assert LearningSignal.of([], SETTINGS).note == ""
