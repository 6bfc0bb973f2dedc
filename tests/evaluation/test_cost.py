"""What a suite takes is measured on its entries: what prompts share counts once, and every step of a flow counts."""

import pytest
from tests.support.own_tools import home
from tests.support.tiny import tiny_tokenizer

from callwright.evaluation.cost import BASELINE_TOKENS, WORDS_TOKENS, measure_suite
from callwright.evaluation.settings import ToolsSuiteSettings
from callwright.evaluation.suites import SuiteEntries, suite_entries
from callwright.formats import get_format
from callwright.tokens import encode_segments
from callwright.yaml_files import write_yaml

FORMAT = get_format("xml")


@pytest.fixture
def settings(tmp_path):
    write_yaml(tmp_path / "home.yaml", home())
    return ToolsSuiteSettings(path=tmp_path / "home.yaml", requests=30, batch_size=8, batch_tokens=100_000)


def measure(asked, settings, stage=5):
    return measure_suite(asked, settings, stage, FORMAT, tiny_tokenizer())


def test_each_entry_is_an_answer_and_each_step_of_a_flow_is_one(settings):
    asked = suite_entries(settings, 5)
    steps = sum(len(flow.steps) + 1 for flow in asked.flows)
    assert steps > len(asked.flows) > 0
    assert measure(asked, settings).answers == len(asked) - len(asked.flows) + steps


def test_steps_of_flows_are_counted_in_the_batches_in_which_they_are_asked_beside_requests(settings):
    """So what all prompts begin with counts less often than if flows were asked alone."""
    asked = suite_entries(settings, 5)

    def tokens(some):
        cost = measure(some, settings.model_copy(update={"batch_size": 12}))
        return cost.answers * cost.prompt_tokens

    assert tokens(asked) < tokens(SuiteEntries(asked.entries)) + tokens(SuiteEntries({}, asked.flows))


def test_the_tools_that_all_prompts_begin_with_count_once_in_a_batch(settings):
    asked = suite_entries(settings, 5)
    (first, *_) = asked.entries["single"]
    whole = len(encode_segments(tiny_tokenizer(), FORMAT.render(first.conversation).segments)[0])
    alone = measure(SuiteEntries({"single": [first]}), settings)
    assert alone.prompt_tokens >= whole
    assert measure(asked, settings).prompt_tokens < alone.prompt_tokens / 2


def test_an_answer_is_as_long_as_its_calls_and_the_base_models_are_longer(settings):
    asked = suite_entries(settings, 5)
    silent = measure(SuiteEntries({"no_tool": asked.entries["no_tool"]}), settings)
    assert silent.answer_tokens == WORDS_TOKENS
    calls = measure(SuiteEntries({"several": asked.entries["several"]}), settings)
    assert calls.answer_tokens > silent.answer_tokens
    assert (
        measure(SuiteEntries({"no_tool": asked.entries["no_tool"]}), settings, stage=2).answer_tokens == BASELINE_TOKENS
    )
    assert measure(asked, settings.model_copy(update={"max_new_tokens": 5})).answer_tokens == 5


def test_of_nothing_there_is_nothing_to_compute(settings):
    assert measure(SuiteEntries({}), settings).answers == 0
