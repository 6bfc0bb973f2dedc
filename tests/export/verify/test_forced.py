"""Each token of an output is counted with the part of the call that it is in."""

from itertools import groupby

import pytest
from tests.support.evaluated_runs import row
from tests.support.tiny import tiny_tokenizer

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.export.verify.forced import character_regions, forced_answer, forced_row
from callwright.formats import get_format
from callwright.formats.example import EXAMPLE, ONE_CALL, WORDLESS, example_for
from callwright.instruments.script_file import expected_output

LIGHT = ToolCall("light", {"room": "kitchen", "level": 3})
PARAMETERS = {"room": {"type": "string"}, "level": {"type": "integer"}}
TOOL = Tool("light", "Switches a light.", {"type": "object", "properties": PARAMETERS})


def parts(text, fmt):
    """The parts in order, each with its text."""
    regions = character_regions(text, fmt)
    assert len(regions) == len(text)
    places = groupby(range(len(text)), key=regions.__getitem__)
    return [(region, "".join(text[place] for place in run)) for region, run in places]


def test_the_parts_of_a_call_are_told_apart():
    text = 'I will.\n<tool_call>\n{"name": "light", "args": {"room": "kitchen", "level": 3}}\n</tool_call><end_of_turn>'
    assert parts(text, get_format("xml")) == [
        ("text", 'I will.\n<tool_call>\n{"name": "'),
        ("name", "light"),
        ("text", '", "args": {"'),
        ("keys", "room"),
        ("values", '": "kitchen", "'),
        ("keys", "level"),
        ("values", '": 3}}\n'),
        ("end", "</tool_call><end_of_turn>"),
    ]


def test_a_name_that_the_words_before_a_call_mention_is_text():
    text = 'The light.\n<tool_call>\n{"name": "light", "args": {"room": "hall"}}\n</tool_call><end_of_turn>'
    assert parts(text, get_format("xml"))[0] == ("text", 'The light.\n<tool_call>\n{"name": "')


def test_a_value_that_holds_the_letters_of_a_key_is_a_value():
    text = '<tool_call>\n{"name": "f", "args": {"city": "Paris a", "a": 1}}\n</tool_call>'
    assert [text for region, text in parts(text, get_format("xml")) if region == "keys"] == ["city", "a"]
    assert ("values", '": "Paris a", "') in parts(text, get_format("xml"))


def test_calls_in_one_list_have_parts_of_their_own():
    found = parts("[light(room='a', level=3), dim(level=4)]", get_format("bfcl"))
    assert [text for region, text in found if region == "name"] == ["light", "dim"]
    assert [text for region, text in found if region == "keys"] == ["room", "level", "level"]


def test_words_without_a_call_are_text_up_to_the_stop():
    assert parts("room: kitchen<end_of_turn>", get_format("xml")) == [
        ("text", "room: kitchen"),
        ("end", "<end_of_turn>"),
    ]


def test_a_call_that_cannot_be_read_is_text():
    text = '<tool_call>\n{"name": "light", "args"\n</tool_call><end_of_turn>'
    assert {region for region, _ in parts(text, get_format("xml"))} == {"text", "end"}


def test_several_calls_have_parts_of_their_own():
    call = '<tool_call>\n{{"name": "light", "args": {{"room": "{}"}}}}\n</tool_call>'
    found = parts(call.format("light") + "\n" + call.format("room") + "<end_of_turn>", get_format("xml"))
    assert [text for region, text in found if region == "name"] == ["light", "light"]
    assert [text for region, text in found if region == "keys"] == ["room", "room"]
    assert [text for region, text in found if region == "values"] == ['": "light"}}\n', '": "room"}}\n']


@pytest.mark.parametrize("name", ["xml", "functiongemma", "tool_code", "bfcl", "qwen25", "gemma4"])
def test_every_format_has_names_keys_and_values(name):
    fmt = get_format(name)
    conversation = Conversation((EXAMPLE.messages[1], ONE_CALL), example_for(fmt).tools)
    text = "".join(segment.text for segment in expected_output(fmt, conversation))
    found = dict(parts(text, fmt))
    assert {"name", "keys", "values"} <= found.keys()
    assert found["name"] == "get_weather"


def test_an_answer_is_forced_behind_its_prompt():
    fmt, tokenizer = get_format("xml"), tiny_tokenizer()
    conversation = Conversation((Message("user", "the light"), Message("assistant", tool_calls=(LIGHT,))), (TOOL,))
    forced = forced_answer(conversation, fmt, tokenizer, "a")
    assert tokenizer.decode(forced.prompt).endswith("<start_of_turn>model\n")
    assert forced.prompt[0] == tokenizer.bos_id
    assert tokenizer.decode(forced.output).startswith("<tool_call>")
    assert forced.output[-1] == tokenizer.token_id("<end_of_turn>")
    assert len(forced.regions) == len(forced.output)
    named = [id_ for id_, region in zip(forced.output, forced.regions, strict=True) if region == "name"]
    assert "light" in tokenizer.decode(named)
    assert forced.regions[-1] == "end"


def test_a_character_of_several_tokens_belongs_to_one_part():
    fmt, tokenizer = get_format("xml"), tiny_tokenizer()
    call = ToolCall("light", {"room": "東京"})
    conversation = Conversation((Message("user", "?"), Message("assistant", tool_calls=(call,))), (TOOL,))
    forced = forced_answer(conversation, fmt, tokenizer, "a")
    values = [id_ for id_, region in zip(forced.output, forced.regions, strict=True) if region == "values"]
    assert "東京" in tokenizer.decode(values)


def test_a_row_is_forced_as_it_was_generated_and_one_that_was_cut_is_not():
    fmt, tokenizer = get_format("xml"), tiny_tokenizer()
    forced = forced_row(row("a", "x", True, token_ids=(40, 50)), fmt, tokenizer)
    assert forced.prompt == (1, 2, 3)
    assert forced.output == (40, 50, tokenizer.token_id("<end_of_turn>"))
    assert forced_row(row("a", "x", True, finish_reason="length"), fmt, tokenizer) is None
    assert forced_row(row("a", "x", True, prompt_ids=()), fmt, tokenizer) is None


def test_the_example_has_two_calls():
    """What the formats above are tried with is one of them."""
    assert len(WORDLESS.tool_calls) == 2
