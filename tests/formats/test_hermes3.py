"""Hermes 3's signatures of tools and turns of results, and where its renderer continues though the template fails."""

import pytest

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats import get_format
from callwright.formats.jinja import ChatTemplate

HERMES = get_format("hermes3")
ASK = Message("user", "x")


def text(*messages, tools=(), **options):
    return HERMES.render(Conversation(messages, tools), **options).text


def signature(schema, **given):
    """What the template writes for the type of a parameter of this schema."""
    parameters = {"type": "object", "properties": {"p": schema}}
    function = {"name": "f", "description": "Does.", "parameters": parameters, **given}
    conversation = Conversation((ASK,), (Tool("f", "Does.", parameters, given=function),))
    prompt = HERMES.render(conversation).text
    theirs = ChatTemplate(HERMES.chat_template()).render(conversation, variables={"bos_token": HERMES.bos})
    assert theirs == prompt
    return prompt.partition('"description": "f(p: ')[2].partition(" - Does.")[0].removesuffix(")")


@pytest.mark.parametrize(
    ("schema", "written"),
    [
        ({"type": "string"}, "str"),
        ({"type": "array", "items": {"type": "string"}}, "list[Union[]]"),
        ({"type": "object"}, "dict"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "dict[str, int]"),
        ({"type": "object", "additionalProperties": False}, "dict[str, Union[]]"),
        ({"type": ["string", "array"]}, "Union[str,list[Union[]]]"),
        ({"anyOf": [{"type": "string"}]}, "Union[]"),
        (True, "Union[]"),
        ({"type": None}, "Any"),
        ({"type": ["integer", "null"]}, "Union[int,None]"),
        ({"type": "any"}, "Any"),
    ],
)
def test_types_are_written_as_the_template_writes_them_and_those_it_fails_on_as_python_would(schema, written):
    assert signature(schema) == written


def test_what_a_function_returns_is_written_if_its_source_says_so():
    returns = {"type": "number", "description": "Degrees."}
    assert signature({"type": "string"}, **{"return": returns}) == "str) -> float"
    function = {"name": "f", "description": "Does.", "parameters": {}, "return": returns}
    assert '"f() -> float - Does.\n\n\n    Returns:\n        Degrees.", "parameters": {}}' in text(
        ASK, tools=(Tool("f", "Does.", given=function),)
    )


def test_a_schema_without_end_is_refused():
    schema: dict = {"type": "object"}
    schema["additionalProperties"] = schema
    with pytest.raises(FormatError, match=r"tools\[0\]\.parameters\.properties\.p"):
        text(ASK, tools=(Tool("f", "d", {"properties": {"p": schema}}),))


def test_without_tools_the_family_speaks_plain_chatml_with_a_system_message():
    assert text(ASK, add_generation_prompt=True) == (
        "<|begin_of_text|><|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
        "<|im_start|>user\nx<|im_end|>\n<|im_start|>assistant\n"
    )
    assert text(Message("system", "s"), ASK) == (
        "<|begin_of_text|><|im_start|>system\ns<|im_end|>\n<|im_start|>user\nx<|im_end|>\n"
    )


def test_content_beside_calls_is_left_out_with_a_warning():
    calling = Message("assistant", "Looking.", tool_calls=(ToolCall("f"),))
    rendered = HERMES.render(Conversation((ASK, calling)))
    [warning] = rendered.warnings
    assert warning.startswith("messages[1].content is left out")
    assert rendered.text.endswith(
        '<|im_start|>assistant\n<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call><|im_end|>\n'
    )


def test_no_line_break_follows_a_run_of_results():
    assert text(ASK, Message("tool", "1"), Message("tool", "2"), add_generation_prompt=True).endswith(
        "<|im_start|>tool\n<tool_response>\n1\n</tool_response>\n<tool_response>\n2\n</tool_response><|im_end|>"
        "<|im_start|>assistant\n"
    )


def test_a_result_whose_turn_the_template_never_opens_is_refused():
    with pytest.raises(FormatError, match="a result as messages"):
        text(Message("tool", "1"))
