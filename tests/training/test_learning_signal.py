"""A GRPO stage that had nothing to tell apart says so, with the cause that its rewards show."""

import pytest

from callwright.training.learning_signal import LearningSignal, is_weak, judged_steps
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
    assert signal.steps == len(rows)
    assert signal.note.startswith("GRPO never updated: all rewards of every group were equal; ")
    assert cause in signal.note
    assert "\n" not in signal.note and len(signal.note) < 200


def test_rewards_that_do_not_pay_for_form_say_nothing_of_it():
    settings = SETTINGS.model_copy(update={"reward": RewardSettings(well_formed=0)})
    assert "no completion was right, and none" in LearningSignal.of([idle(NOTHING)], settings).note


def test_a_stage_with_some_updates_says_in_how_many_steps_there_was_none_and_why():
    signal = LearningSignal.of([step(), idle(RIGHT), step(1), idle(RIGHT)], SETTINGS)
    assert (signal.steps, signal.updates, signal.groups, signal.varied) == (4, 2, 8, 3)
    assert str(signal) == "3 of 8 groups had an advantage (38%)"
    assert signal.note.startswith("GRPO made no update in 2 of 4 steps: all rewards of every group were equal; every ")


def test_a_stage_whose_steps_all_made_an_update_has_nothing_to_say():
    assert LearningSignal.of([step(), step(1)], SETTINGS).note == ""
    assert LearningSignal.of([], SETTINGS).note == ""


LONG = SETTINGS.model_copy(update={"steps": 12})
WEAK = [step(1), idle(RIGHT), idle(RIGHT), idle(RIGHT)]


def test_a_stage_that_ended_early_says_after_what_and_why():
    signal = LearningSignal.of(WEAK, LONG)
    assert (signal.steps, signal.updates, signal.varied) == (4, 1, 1)
    assert signal.note == (
        "GRPO stopped after 4 of 12 steps and kept its adapter: 1 of the first 8 groups had an advantage, under 20%, "
        "and it made no update in 3 of 4 steps: all rewards of every group were equal; every completion was right: "
        "nothing is left to learn here; take harder data, or leave the stage out"
    )


def test_a_stage_whose_first_steps_were_all_of_it_says_how_little_there_was():
    note = LearningSignal.of(WEAK, SETTINGS.model_copy(update={"steps": 4})).note
    assert note.startswith(
        "GRPO had little to learn from: 1 of the first 8 groups had an advantage, under 20%, and it "
    )


def test_a_stage_of_few_varied_groups_that_always_made_an_update_has_a_cause_too():
    settings = GrpoSettings(prompts_per_step=8, group_size=4, steps=9)
    note = LearningSignal.of([step(7)] * 4, settings).note
    assert note == (
        "GRPO stopped after 4 of 9 steps and kept its adapter: 4 of the first 32 groups had an advantage, under 20%; "
        "every completion was well-formed and none was right; train SFT longer, or take easier data"
    )


@pytest.mark.parametrize(
    ("signal_steps", "prompts", "judged"), [(4, 2, 4), (4, 1, 8), (4, 3, 4), (2, 3, 3), (1, 16, 1), (6, 8, 6)]
)
def test_a_judgment_needs_eight_groups(signal_steps, prompts, judged):
    settings = GrpoSettings(signal_steps=signal_steps, prompts_per_step=prompts)
    assert judged_steps(settings) == judged
    groups = judged * prompts
    assert [is_weak(varied, settings) for varied in (0, groups // 5 - 1, -(-groups // 5))] == [True, True, False]


def test_a_stage_that_is_not_to_be_judged_never_is():
    assert not is_weak(0, SETTINGS.model_copy(update={"min_signal": 0}))


def test_later_steps_are_not_judged():
    rows = [step(), step(), *[idle(RIGHT)] * 10]
    assert "under 20%" not in LearningSignal.of(rows, LONG).note
