"""The fidelity set covers every class of fault and every recording; what is broken is one line, the rest is read."""

import dataclasses
import json
import re
from collections import Counter

import pytest
from docs import fidelity_set
from tests.support.probe_recordings import asked, rows

from callwright.probe.cases.edits import Edit
from callwright.probe.cases.load import OWN, read_cases
from callwright.probe.cases.schema import SamplingPlan
from callwright.probe.causes.registry import CAUSES, Cause
from callwright.yaml_files import read_yaml

CASES = read_cases().cases
RECORDED = {name: [case for case in CASES if case.recorded == name] for name in {case.recorded for case in CASES}}
CASE = """
  - id: {id}
    kind: prompt
    fault_class: result-lost
    why: It is needed.
    messages: Hello.
"""


def written(tmp_path, text, name="mine.yaml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def mine(tmp_path, text):
    """What a user's file adds, and what is wrong with it."""
    cases, errors = read_cases([written(tmp_path, text)])
    assert [case.id for case in cases[: len(CASES)]] == [case.id for case in CASES]
    return cases[len(CASES) :], errors


def unnumbered(conversation):
    """The conversation without the ids that the set gives to calls."""
    return dataclasses.replace(
        conversation,
        messages=tuple(
            dataclasses.replace(
                message,
                tool_call_id=None,
                tool_calls=tuple(dataclasses.replace(call, id=None) for call in message.tool_calls),
            )
            for message in conversation.messages
        ),
    )


def test_every_fault_class_has_a_case():
    assert {case.fault_class for case in CASES} == CAUSES.keys() - {Cause.UNEXPLAINED}


def test_there_are_cases_enough_of_every_kind():
    kinds = Counter(case.kind for case in CASES)
    assert len(CASES) >= 150
    assert kinds["prompt"] >= 50
    assert kinds["reply"] >= 80
    assert min(kinds["loop"], kinds["sampling"]) >= 10
    assert kinds["context"] >= 3


def test_every_case_says_in_a_sentence_what_a_user_suffers():
    for case in CASES:
        assert re.fullmatch(r"[^\n]{20,}\.", case.why), case.id
    assert len({case.why for case in CASES}) == len(CASES)


@pytest.mark.parametrize("name", sorted({row["case"] for _, row in rows("prompt")}))
def test_every_recorded_conversation_is_a_case(name):
    requests = [row["request"] for _, row in rows("prompt") if row["case"] == name]
    for request in requests:
        found = [
            case
            for case in RECORDED[name]
            if unnumbered(case.conversation) == asked(request) and case.thinking == request.get("think")
        ]
        assert len(found) == 1
        given = [dict(tool.given) for tool in found[0].conversation.tools]
        assert json.dumps(given) == json.dumps(request.get("tools", []))


def test_numbers_of_a_recorded_conversation_keep_their_kind():
    (case,) = RECORDED["history"]
    arguments = case.conversation.messages[2].tool_calls[0].arguments
    assert [repr(arguments[key]) for key in ("days", "x", "big", "n", "b")] == ["2", "1.0", "1e+20", "None", "True"]


def test_every_call_has_an_id_and_every_result_the_call_it_answers():
    for case in CASES:
        output = [says.message for says in case.says if says.message]
        messages = [*case.conversation.messages, *output]
        ids = [call.id for message in messages for call in message.tool_calls]
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch(r"[A-Za-z0-9]{9}", id_) for id_ in ids)
        answered = [message.tool_call_id for message in messages if message.role == "tool"]
        assert set(answered) <= set(ids)
        assert len(set(answered)) == len(answered)


def options_of(sampling):
    return {name: value for name, value in dataclasses.asdict(sampling.options).items() if value is not None}


def test_options_of_draws_are_numbers_as_they_stand():
    by_id = {case.id: case.sampling for case in CASES if case.kind == "sampling"}
    assert by_id["sampling.defaults"] == SamplingPlan(times=2000)
    assert options_of(by_id["sampling.top-k"]) == {
        "temperature": 1.0, "top_k": 2, "top_p": 1.0, "min_p": 0.0, "repeat_penalty": 1.0,
    }  # fmt: skip
    assert isinstance(by_id["sampling.top-k"].options.top_k, int)
    assert by_id["sampling.same-seed"].seeds == (7, 7)


def drawn(tmp_path, sampling):
    case = CASE.format(id="a.dice").replace("prompt", "sampling")
    return mine(tmp_path, f"cases:{case}    sampling: {sampling}\n")


@pytest.mark.parametrize(
    ("sampling", "named"),
    [
        ("{options: {temperature: -0.1}}", "options.temperature"),
        ("{options: {temperature: 1e999}}", "options.temperature"),
        ("{options: {top_k: 1.5}}", "options.top_k"),
        ("{options: {top_k: -1}}", "options.top_k"),
        ("{options: {top_p: -1}}", "options.top_p"),
        ("{options: {top_p: 1.01}}", "options.top_p"),
        ("{options: {min_p: 2}}", "options.min_p"),
        ("{options: {min_p: -0.5}}", "options.min_p"),
        ("{options: {repeat_penalty: 0}}", "options.repeat_penalty"),
        ("{options: {seed: 0.5}}", "options.seed"),
        ("{options: {top_n: 1}}", "options.top_n"),
        ("{times: 0}", "times"),
    ],
)
def test_options_that_no_sampler_takes_leave_the_case_out(tmp_path, sampling, named):
    cases, errors = drawn(tmp_path, sampling)
    assert not cases
    (error,) = map(str, errors)
    assert f"sampling.{named}" in error and "in case a.dice of" in error
    assert "\n" not in error


def test_options_at_the_ends_of_their_ranges_are_read(tmp_path):
    options = "temperature: 0, top_k: 0, top_p: 0, min_p: 1, repeat_penalty: 0.5, seed: 0"
    (case,), _ = drawn(tmp_path, f"{{options: {{{options}}}, times: 1}}")
    assert options_of(case.sampling) == {
        "temperature": 0, "top_k": 0, "top_p": 0, "min_p": 1, "repeat_penalty": 0.5, "seed": 0,
    }  # fmt: skip


def test_the_documented_file_is_read_as_it_is_documented(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", fidelity_set.document(), re.DOTALL)
    cases, errors = mine(tmp_path, example)
    assert not errors
    assert [(case.id, case.kind) for case in cases] == [
        ("shop.prompt", "prompt"), ("shop.unclosed", "reply"), ("shop.loop", "loop"),
    ]  # fmt: skip
    prompt, unclosed, loop = cases
    assert prompt.conversation.tools[0].name == "lookup_order"
    asked_for, result = prompt.conversation.messages[2:]
    assert asked_for.tool_calls[0].arguments == {"id": 12345678901234567}
    assert (result.content, result.name) == ('{"state": "sent", "weight": 1.0}', "lookup_order")
    assert result.tool_call_id == asked_for.tool_calls[0].id
    assert unclosed.says[0].edits == (Edit(prepend="One moment. "), Edit(unclosed=True))
    assert unclosed.says[0].message.tool_calls[0].arguments == {"id": 7}
    assert loop.results == (("sent",),)


def test_the_page_lists_every_case():
    page = fidelity_set.document()
    assert all(f"| `{case.id}` | `{case.fault_class}`" in page for case in CASES)


def test_a_users_tool_is_known_in_its_own_file_only(tmp_path):
    tool = "tools: {t: {name: mine, parameters: {}}}\n"
    first = written(tmp_path, f"{tool}cases:{CASE.format(id='a.a')}    tools: [t, ping]\n", "1.yaml")
    second = written(tmp_path, f"cases:{CASE.format(id='a.b')}    tools: t\n", "2.yaml")
    cases, errors = read_cases([first, second])
    assert [tool.name for tool in cases[-1].conversation.tools] == ["mine", "ping"]
    assert "'t'" in str(errors[0]) and "case a.b of" in str(errors[0])


def test_a_tool_that_nobody_named_is_told_beside_one_named_by_a_number(tmp_path):
    cases, (error,) = mine(tmp_path, f"tools: {{1: {{name: x}}}}\ncases:{CASE.format(id='a.a')}    tools: [x]\n")
    assert not cases
    assert "a named tool in case a.a of" in str(error) and "got 'x'; " in str(error)


def test_content_can_be_repeated(tmp_path):
    (case,), _ = mine(
        tmp_path, f"cases:{CASE.format(id='a.a').replace('Hello.', '[{role: user, content: ab, repeat: 3}]')}"
    )
    assert case.conversation.messages[0].content == "ababab"


def test_content_is_not_repeated_beyond_what_memory_holds(tmp_path):
    text = "x" * 101
    messages = f"[{{role: user, content: {text}, repeat: 100000}}]"
    cases, (error,) = mine(tmp_path, f"cases:{CASE.format(id='a.a').replace('Hello.', messages)}")
    assert not cases
    assert "at most 10000000 characters as messages[0].content in case a.a" in str(error)
    assert "got 101 characters 100000 times" in str(error)
    (case,), _ = mine(tmp_path, f"cases:{CASE.format(id='a.a').replace('Hello.', messages.replace(text, text[1:]))}")
    assert len(case.conversation.messages[0].content) == 10_000_000


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ("    colour: red\n", "colour"),
        ("    thinking: perhaps\n", "thinking"),
        ("    formats: [qwen9]\n", "qwen9"),
        ("    tools: [nothing]\n", "nothing"),
        ("    tools: [{description: nameless}]\n", "tools[0].name"),
        ("    says: {message: {content: x}}\n", "says"),
        ("    max_tokens: 3\n", "max_tokens"),
        ("    results: [[x]]\n", "result"),
        ("    sampling: {times: 3}\n", "sampling"),
    ],
)
def test_a_broken_case_is_one_line_and_the_others_are_read(tmp_path, changed, named):
    text = "cases:" + CASE.format(id="a.first") + CASE.format(id="a.broken") + changed + CASE.format(id="a.last")
    cases, errors = mine(tmp_path, text)
    assert [case.id for case in cases] == ["a.first", "a.last"]
    (error,) = errors
    assert "\n" not in str(error)
    assert "case a.broken of " in str(error) and "mine.yaml" in str(error)
    assert named in str(error)


@pytest.mark.parametrize(
    ("replaced", "by", "named"),
    [
        ("result-lost", "no-such-class", "no-such-class"),
        ("a.broken", "no group", "id"),
        ("a.broken", "a.first", "a.first once"),
        ("a.broken", "rendering.one-tool", "rendering.one-tool once"),
        ("a.broken", "12", "id"),
        ("prompt", "dance", "kind"),
        ("prompt", "reply", "says"),
        ("prompt", "sampling", "sampling"),
        ("Hello.", "[]", "a message of the user in messages"),
        ("Hello.", "[{role: system, content: x}]", "a message of the user in messages"),
        ("Hello.", "[{role: system, content: x}, {content: y}]", "got messages of system, assistant"),
        ("Hello.", "[{role: user, contents: x}]", "messages.0.contents"),
        ("Hello.", "[{role: user, content: [1]}]", "messages[0].content"),
        ("Hello.", "[{role: user, content: 1, repeat: 2}]", "messages[0].content"),
        ("Hello.", "[{role: user}, {tool_calls: [{name: f, arguments: '{'}]}]", "arguments"),
        ("Hello.", "[{tool_calls: [{name: f, arguments: {a: 1}, b: 2}]}]", "messages.0.tool_calls.0.b"),
        ("It is needed.", '""', "why"),
        ("    messages: Hello.\n", "", "messages"),
    ],
)
def test_a_wrong_value_is_named(tmp_path, replaced, by, named):
    text = "cases:" + CASE.format(id="a.first") + CASE.format(id="a.broken").replace(replaced, by)
    cases, errors = mine(tmp_path, text)
    assert [case.id for case in cases] == ["a.first"]
    assert [named in str(error) and "mine.yaml" in str(error) for error in errors] == [True]


@pytest.mark.parametrize(
    ("says", "named"),
    [
        ("{message: {content: x}, edits: [{explode: true}]}", "explode"),
        ("{message: {content: x}, edits: [{append: a, prepend: b}]}", "2 of them"),
        ("{message: {content: x}, edits: [{control: true}]}", "0 of them"),
        ("{message: {content: x}, edits: [{append: '{call}'}]}", "call says which"),
        ("{message: {content: x}, edits: [{append: '{call}', call: {name: f, arguments: '['}}]}", "arguments"),
        ("{message: {role: user, content: x}}", "role"),
        ("{raw: {qwen3: x}, edits: [{append: a}]}", "edits"),
        ("{raw: {quen3: x}}", "quen3"),
        ("{}", "message"),
        ("[{message: {content: x}}, {message: {content: y}}]", "2"),
    ],
)
def test_words_that_cannot_be_are_named(tmp_path, says, named):
    text = "cases:" + CASE.format(id="a.broken").replace("prompt", "reply") + f"    says: {says}\n"
    cases, errors = mine(tmp_path, text)
    assert not cases
    assert [named in str(error) and "case a.broken" in str(error) for error in errors] == [True]


@pytest.mark.parametrize("results", ["[]", "[[]]", "[[a, b]]", "[[a], [b]]"])
def test_a_loop_has_a_result_for_every_call(tmp_path, results):
    says = "[{message: {tool_calls: [{name: ping}]}}, {message: {content: Done.}}]"
    case = CASE.format(id="a.loop").replace("prompt", "loop")
    _, errors = mine(tmp_path, f"cases:{case}    says: {says}\n    results: {results}\n")
    assert ["a result for each call" in str(error) for error in errors] == [True]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("cases: [", "YAML"),
        ("- a\n", "list"),
        ("", "None"),
        ("cases: {a: 1}\n", "cases"),
        ("cases: []\nothers: []\n", "others"),
        ("tools: {t: {description: no name}}\n", "tools.t"),
        ("cases: [*a]\n", "alias"),
        ("tools: {t: 1, t: 2}\n", "'t' twice"),
        ("cases: [!!python/object/apply:os.getcwd []]\n", "the tag !!python/object/apply:os.getcwd"),
        ('cases: ["\\ud83d"]\n', "mine.yaml"),
        ("cases: " + "[" * 5000, "mine.yaml"),
        ("? [a]\n: b\n", "mine.yaml"),
        ("\x00", "mine.yaml"),
        ('cases: !!timestamp "abc"\n', "the tag !!timestamp"),
    ],
)
def test_a_broken_file_is_one_line_and_the_others_are_read(tmp_path, text, named):
    good = written(tmp_path, f"cases:{CASE.format(id='a.good')}", "good.yaml")
    cases, errors = read_cases([written(tmp_path, text), good, tmp_path / "absent.yaml"])
    assert [case.id for case in cases[len(CASES) :]] == ["a.good"]
    broken, absent = errors
    assert named in str(broken) and "mine.yaml" in str(broken)
    assert "absent.yaml" in str(absent)
    assert not any("\n" in str(error) for error in errors)


@pytest.mark.parametrize("entry", ["text", "1", "null", "[]"])
def test_an_entry_that_is_no_case_is_named_by_its_number(tmp_path, entry):
    _, errors = mine(tmp_path, f"cases:{CASE.format(id='a.a')}  - {entry}\n")
    assert ["case number 2 of " in str(error) for error in errors] == [True]


def test_the_order_of_the_set_is_fixed():
    assert [path.stem for path in OWN] == ["tools", "rendering", "parsing", "loops", "context", "sampling"]
    written = [case["id"] for path in OWN for case in read_yaml(path, schema="json").get("cases", [])]
    assert [case.id for case in CASES] == written
