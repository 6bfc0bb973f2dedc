"""In whatever notation a request comes, every format is given the same conversation, and nothing is lost unsaid."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.conversations import ARGUMENTS, NAMES, answers

from callwright.conversation import Conversation, Message, Tool
from callwright.errors import FormatError
from callwright.formats import FORMATS
from callwright.formats.filter import render_line
from callwright.openai import read_conversation, write_conversation

every_format = pytest.mark.parametrize("fmt", FORMATS.values(), ids=FORMATS)
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])

SCHEMA = {"type": "object", "properties": {"a": {"type": "string", "description": "An a."}}, "required": ["a"]}
CALLING = {"role": "assistant", "tool_calls": [{"id": "abcdefgh1", "function": {"name": "f", "arguments": {"a": "x"}}}]}
RESULT = {"role": "tool", "tool_call_id": "abcdefgh1", "content": "4 degrees"}
USER = {"role": "user", "content": "Do it."}
TOOL = {"name": "f", "description": "Does f.", "parameters": SCHEMA}
WRAPPED = {"type": "function", "function": TOOL}


def rendered(fmt, record):
    return render_line(json.dumps({"id": 1, "format": fmt.id, **record}))


def spellings(tool):
    """The tool as other APIs write it, and where they have it."""
    function = tool["function"]
    other = {"name": function["name"], "description": function["description"]}
    schema = function["parameters"]
    nulled = schema | {"$defs": None, "properties": schema["properties"] | {"query": None}}
    yield "tools", [other | {"inputSchema": schema}]
    yield "tools", [other | {"input_schema": schema, "type": "custom"}]
    yield "tools", [{"functionDeclarations": [other | {"parametersJsonSchema": schema}]}]
    yield "functions", [function]
    yield "tools", json.dumps([tool])
    yield "tools", [tool | {"function": function | {"parameters": json.dumps(schema)}}]
    yield "tools", [json.dumps(tool)]
    yield "tools", [tool | {"function": function | {"parameters": nulled, "strict": None}, "input_schema": None}]


@every_format
@given(name=NAMES, description=st.text(max_size=9), parameters=st.dictionaries(NAMES, st.just({"type": "string"})))
@patient
def test_a_tool_means_the_same_in_every_notation(fmt, name, description, parameters):
    schema = {"type": "object", "properties": parameters, "required": list(parameters)}
    tool = {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}
    usual = rendered(fmt, {"messages": [USER], "tools": [tool]})
    bare = rendered(fmt, {"messages": [USER], "tools": [tool["function"]]})
    for key, tools in spellings(tool):
        answer = rendered(fmt, {"messages": [USER], key: tools})
        assert answer == (bare if key == "functions" else usual)


@every_format
@given(conversation=answers())
@patient
def test_calls_and_messages_as_text_mean_what_they_mean_as_values(fmt, conversation):
    record = write_conversation(conversation)
    usual = rendered(fmt, record)
    for message in record["messages"]:
        if "tool_calls" in message:
            calls = message["tool_calls"]
            message["tool_calls"] = json.dumps(calls)
            assert rendered(fmt, record) == usual
            if len(calls) == 1:
                message["function_call"] = calls[0]["function"]
                del message["tool_calls"]
                without_id = [replace(call, id=None) for m in conversation.messages for call in m.tool_calls]
                read = read_conversation(json.loads(json.dumps(record)), pytest.fail).messages[-1].tool_calls
                assert list(read) == without_id
                message["tool_calls"] = calls
                del message["function_call"]
    assert rendered(fmt, record | {"messages": json.dumps(record["messages"])}) == usual


@every_format
@given(
    keys=st.dictionaries(st.from_regex("x_[a-z]{1,5}", fullmatch=True), st.integers(), min_size=1, max_size=3),
    place=st.sampled_from(["", "messages[0]", "tools[0]", "tools[0].function", "messages[1].tool_calls[0].function"]),
)
@patient
def test_a_key_that_nobody_reads_is_named_once_with_its_place(fmt, keys, place):
    record = {"messages": [USER, CALLING, RESULT], "tools": [WRAPPED]}
    record = json.loads(json.dumps(record))
    inside = {
        "": record,
        "messages[0]": record["messages"][0],
        "tools[0]": record["tools"][0],
        "tools[0].function": record["tools"][0]["function"],
        "messages[1].tool_calls[0].function": record["messages"][1]["tool_calls"][0]["function"],
    }[place]
    inside.update(keys)
    found = rendered(fmt, record).get("warnings", ())
    told = [warning.partition(";")[0] for warning in found if "is not read" in warning]
    assert sorted(told) == sorted(f"{place}.{key} is not read" if place else f"{key} is not read" for key in keys)


@every_format
@given(nulls=st.sets(st.sampled_from(["city", "query", "n"]), min_size=1), deep=st.booleans())
@patient
def test_what_tables_fill_with_null_is_absent(fmt, nulls, deep):
    properties = {"a": {"type": "string", "description": "An a."}, "b": {"type": ["string", "null"]}}
    schema = {"type": "object", "properties": properties}
    holes = dict.fromkeys(("enum", "items", "anyOf", "$ref", "format"))
    filled = {
        "type": "object",
        "properties": {"a": properties["a"] | holes, "b": properties["b"] | {"enum": None}} | dict.fromkeys(nulls),
        "required": None,
    }
    arguments = {"a": "x", "b": None}
    if deep:
        schema["properties"] = schema["properties"] | {"o": {"type": "object", "properties": properties}}
        filled["properties"] = filled["properties"] | {"o": {"type": "object", "properties": filled["properties"]}}
        arguments = arguments | {"o": {"a": "y"}}
    table = arguments | dict.fromkeys(nulls)
    if deep:
        table["o"] = arguments["o"] | dict.fromkeys(nulls) | {"b": None}
        arguments["o"] = arguments["o"] | {"b": None}

    def record(parameters, given):
        call = {"id": "abcdefgh1", "function": {"name": "f", "arguments": given}, "type": None, "index": None}
        calling = {"role": "assistant", "content": None, "tool_calls": [call], "name": None}
        tool = {"type": "function", "function": {"name": "f", "description": "Does f.", "parameters": parameters}}
        return {"messages": [USER | {"tool_calls": None}, calling, RESULT], "tools": [tool]}

    usual, answer = rendered(fmt, record(schema, arguments)), rendered(fmt, record(filled, table))
    assert answer.get("prompt") == usual.get("prompt")
    dropped = [w for w in answer.get("warnings", ()) if "counts as absent" in w]
    assert "error" in answer or len(dropped) == len(nulls) * (2 if deep else 1)


def test_null_keeps_its_meaning_where_it_is_a_value():
    schema = {
        "type": "object",
        "properties": {"a": {"default": None}, "b": {"const": None}, "c": {"enum": ["x", None]}, "d": {}},
    }
    call = {"function": {"name": "f", "arguments": dict.fromkeys("abcd")}}
    record = {"messages": [USER, {"role": "assistant", "tool_calls": [call]}], "tools": [TOOL | {"parameters": schema}]}
    read = read_conversation(record, pytest.fail)
    assert read.tools[0].parameters == schema and read.tools[0].given["parameters"] == schema
    assert read.messages[1].tool_calls[0].arguments == dict.fromkeys("abcd")


def test_a_call_that_gives_a_value_to_an_undeclared_name_keeps_its_nulls():
    call = {"function": {"name": "f", "arguments": {"z": None, "y": 1}}}
    record = {"messages": [{"role": "assistant", "tool_calls": [call]}], "tools": [WRAPPED]}
    assert read_conversation(record, pytest.fail).messages[0].tool_calls[0].arguments == {"z": None, "y": 1}


@every_format
@given(
    parts=st.lists(st.text(max_size=6), min_size=1, max_size=4),
    role=st.sampled_from(["system", "user", "assistant", "tool"]),
)
@patient
def test_text_parts_are_text_and_pictures_are_refused(fmt, parts, role):
    def record(content):
        messages = [USER, CALLING, RESULT, {"role": "assistant", "content": "Done."}]
        if role == "system":
            messages.insert(0, {"role": role, "content": content})
        else:
            at = next(n for n, m in reversed(list(enumerate(messages))) if m["role"] == role)
            messages[at] = messages[at] | {"content": content}
        return {"messages": messages, "tools": [WRAPPED]}

    texts = [{"type": "text", "text": part} for part in parts]
    answer, usual = rendered(fmt, record(texts)), rendered(fmt, record("".join(parts)))
    if role != "tool" or fmt.name in ("xml", "tool_code", "bfcl", "gemma4", "functiongemma"):
        shown = parts[:1] if (fmt.name, role) == ("llama4", "system") else parts
        trimmed = rendered(fmt, record("".join(part.strip() for part in shown)))
        assert answer.get("prompt") in (usual.get("prompt"), trimmed.get("prompt"))
    for kind in ("image_url", "input_audio", "file", "video"):
        assert "text" in rendered(fmt, record([*texts, {"type": kind, kind: {}}]))["error"]


@pytest.mark.parametrize("kind", ["text", "input_text", "output_text"])
@pytest.mark.parametrize("name", ["xml/args", "tool_code", "bfcl", "gemma4/31b", "functiongemma"])
def test_the_text_parts_of_a_result_are_its_text_whatever_the_api_calls_them(name, kind):
    parts = RESULT | {"content": [{"type": kind, "text": RESULT["content"]}]}
    texts = [rendered(FORMATS[name], {"messages": [USER, CALLING, one], "tools": [WRAPPED]}) for one in (RESULT, parts)]
    assert texts[0] == texts[1] and "prompt" in texts[0]


@every_format
@given(first=st.text("ab ", max_size=4), second=st.text("ab ", max_size=4))
@patient
def test_two_turns_of_the_assistant_are_one_or_refused_where_turns_alternate(fmt, first, second):
    said = [{"role": "assistant", "content": text} for text in (f"a{first}b", f"c{second}d")]
    answer = rendered(fmt, {"messages": [USER, *said]})
    calling = rendered(fmt, {"messages": [USER, said[0], CALLING, RESULT], "tools": [WRAPPED]})
    if fmt.name in ("xml", "tool_code", "bfcl", "mistral"):
        assert "join it to messages[1]" in answer["error"] and "join it to messages[1]" in calling["error"]
    else:
        assert said[1]["content"] in answer["prompt"]


@pytest.mark.parametrize("name", ["xml", "tool_code"])
def test_what_the_user_and_tools_say_in_a_row_is_one_turn(name):
    fmt = FORMATS["xml/args" if name == "xml" else name]
    messages = [USER, {"role": "user", "content": "Please."}, CALLING, RESULT, USER]
    prompt = rendered(fmt, {"messages": messages, "tools": [WRAPPED]})["prompt"]
    assert prompt.count("<start_of_turn>user") == 2 and prompt.count("<start_of_turn>") == 3
    assert "Do it.\n\nPlease.<end_of_turn>" in prompt and "\n\nDo it.<end_of_turn>" in prompt


@every_format
def test_system_text_that_comes_late_or_twice_is_shown_or_to_be_joined(fmt):
    late = {"role": "system", "content": "Be brief."}
    for messages in ([USER, late, USER], [late, late | {"content": "Be kind."}, USER], [USER, late]):
        answer = rendered(fmt, {"messages": messages})
        lost = any("left out" in warning for warning in answer.get("warnings", ()))
        assert "join" in answer["error"] if "error" in answer else lost or "Be brief." in answer["prompt"]


@every_format
@given(arguments=ARGUMENTS, weight=st.sampled_from([0, 0.0, 1, 1.0]))
@patient
def test_a_message_of_weight_0_is_shown_and_not_learned(fmt, arguments, weight):
    calling = json.loads(json.dumps(CALLING)) | {"weight": weight}
    calling["tool_calls"][0]["function"]["arguments"] = arguments
    answer = {"role": "assistant", "content": "Done."}
    properties = {name: {} for name in arguments}
    tool = Tool("f", "Does f.", {"type": "object", "properties": properties})
    weighted, plain = (
        Conversation(read_conversation({"messages": [USER, first, RESULT, answer]}, pytest.fail).messages, (tool,))
        for first in (calling, {key: value for key, value in calling.items() if key != "weight"})
    )
    try:
        usual = fmt.render(plain)
    except FormatError:
        return
    read = fmt.render(weighted)
    assert read.text == usual.text
    learned, all_learned = (
        "".join(segment.text for segment in one.segments if segment.supervised) for one in (read, usual)
    )
    assert learned == all_learned if weight else (len(learned) < len(all_learned) and all_learned.endswith(learned))
    assert "Done." in learned


def test_a_weight_is_0_or_1_and_the_assistants():
    weighted = {"messages": [USER | {"weight": 0}]}
    told = []
    assert read_conversation(weighted, told.append).messages[0] == Message("user", "Do it.")
    assert [str(notice) for notice in told] == [
        "messages[0].weight is not read: nothing is learned from a message of role user"
    ]
    answer = rendered(FORMATS["qwen3"], {"messages": [{"role": "assistant", "content": "x", "weight": 0.5}]})
    assert "messages[0].weight to be 0 or 1" in answer["error"]


def test_a_misspelt_key_is_told_with_the_one_that_is_read():
    answer = rendered(FORMATS["qwen3"], {"messages": [CALLING | {"tool_call": [1], "weigth": 0}], "tool": [WRAPPED]})
    assert answer["warnings"] == [
        "tool is not read; did you mean tools?",
        "messages[0].tool_call is not read; did you mean tool_calls or tool_call_id?",
        "messages[0].weigth is not read; did you mean weight?",
    ]


def test_the_library_warns_of_what_is_not_read():
    with pytest.warns(UserWarning, match=r"messages\[0\].mood is not read"):
        read_conversation({"messages": [USER | {"mood": "good"}]})


def test_parameters_by_name_without_a_schema_are_refused():
    flat = {"name": "f", "parameters": {"city": {"type": "str"}, "type": {"type": "str"}}}
    assert "JSON Schema" in rendered(FORMATS["qwen3"], {"messages": [USER], "tools": [flat]})["error"]
