"""The first updates of a stage are on prompts without tools, in short rows; then come the prompts as they will be."""

import itertools

import numpy as np
import pytest
from tests.support.tiny import tiny_tokenizer
from tests.support.training import Examples, settings

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.data.packing import PackedBatches
from callwright.data.source import Example
from callwright.formats import get_format
from callwright.training.curriculum import ShortPrompts, StageBatches

CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
GET = Tool("get", "the weather in the city", CITY)


def tools_example(index):
    call = Message("assistant", tool_calls=(ToolCall("get", {"city": f"Paris {index}"}),))
    return Example(f"e/{index}", Conversation((Message("user", f"{index}: Paris"), call), (GET,)), "single")


SOURCE = Examples([tools_example(index) for index in range(12)])
XML = get_format("xml")


def stage(**changes):
    shape = settings(batch_size=1, sequence_length=320, supervised_length=80, steps=10, **changes)
    return StageBatches(SOURCE, XML, tiny_tokenizer(), shape, 3)


def updates(batches, count):
    return [(ids, batch) for ids, (batch,) in itertools.islice(batches, count)]


HALF = {"short_prompts": {"share": 0.5, "sequence_length": 128}}


def test_the_first_part_has_short_rows_without_the_tools_and_the_rest_is_whole():
    found = updates(stage(**HALF), 8)
    assert [batch["tokens"].shape[1] for _, batch in found] == [128] * 5 + [320] * 3
    texts = [tiny_tokenizer().decode(batch["tokens"][0].tolist()) for _, batch in found]
    assert [GET.description in text for text in texts] == [False] * 5 + [True] * 3
    assert all("get" in text for text in texts)


def test_the_second_part_is_what_the_stage_alone_would_begin_with():
    alone = PackedBatches(SOURCE, XML, tiny_tokenizer(), stage_settings := settings(
        batch_size=1, sequence_length=320, supervised_length=80, steps=10), 3)  # fmt: skip
    assert stage_settings.steps_on_short_prompts == 0
    for (ids, batch), (expected_ids, expected) in zip(updates(stage(**HALF), 8)[5:], updates(alone, 3), strict=True):
        assert ids == expected_ids
        assert all(np.array_equal(batch[name], expected[name]) for name in expected)


def test_without_the_setting_a_stage_is_its_packed_batches():
    assert {batch["tokens"].shape[1] for _, batch in updates(stage(), 10)} == {320}


def test_both_parts_are_counted_and_what_is_too_long_in_short_prompts_is_no_loss():
    batches = stage(**HALF)
    found = updates(batches, 8)
    assert batches.counts.examples == sum(len(ids) for ids, _ in found)
    assert batches.counts.tokens == sum(int((batch["part"] > 0).sum()) for _, batch in found)
    assert batches.counts.too_long == []


def test_iterating_again_gives_the_same_updates():
    batches = stage(**HALF)
    first, again = updates(batches, 7), updates(batches, 7)
    assert [ids for ids, _ in first] == [ids for ids, _ in again]


@pytest.mark.parametrize(("steps", "share", "expected"), [(10, 0.5, 5), (10, 0.99, 9), (1, 0.9, 0), (200, 0.9, 180)])
def test_the_share_is_of_the_steps_whatever_a_budget_makes_of_them(steps, share, expected):
    assert settings(steps=steps, short_prompts={"share": share}).steps_on_short_prompts == expected


def test_calls_stay_in_short_prompts():
    bare = ShortPrompts(SOURCE)[3]
    assert bare.conversation.tools == ()
    assert bare.expected_calls == SOURCE[3].expected_calls
    assert (bare.id, bare.kind) == (SOURCE[3].id, "single")


def test_what_a_request_is_answered_the_same_without_is_left_out_too():
    example = SOURCE[3]
    history = (Message("system", "Be short."), Message("user", "hm"), Message("assistant", "Yes?", supervised=False))
    talk = Conversation((*history, *example.conversation.messages), (GET,))
    bare = ShortPrompts(Examples([Example("e", talk, "single", context=3)]))[0]
    assert bare.conversation.messages == example.conversation.messages
    assert bare.context == 0
