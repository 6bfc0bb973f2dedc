"""BFCL's prompting text becomes calls as the official decoder reads it, and is never executed."""

from keyword import iskeyword
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwright.conversation import ToolCall
from callwright.scoring.decode import decode


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("[f(a=1), g.h(b='x')]", [ToolCall("f", {"a": 1}), ToolCall("g.h", {"b": "x"})]),
        ("f(a=1)", [ToolCall("f", {"a": 1})]),
        ("f(a=1), g()", [ToolCall("f", {"a": 1}), ToolCall("g", {})]),
        (" \n```[f()]```\n", [ToolCall("f", {})]),
        ("", []),
        ("[]", []),
        ("[f(1, a=2)]", [ToolCall("f", {"a": 2})]),
        ("[a.b(c=1).d(e=2)]", [ToolCall("d", {"e": 2})]),
    ],
)
def test_texts_become_calls(text: str, calls: list[ToolCall]) -> None:
    assert decode(text) == tuple(calls)


@pytest.mark.parametrize(
    ("spelled", "value"),
    [
        ("2*3.1416", 6.2832),
        ("10/2", 5.0),
        ("-5", -5),
        ("+5", -5),
        ("~5", -5),
        ("not True", -1),
        ("true", "true"),
        ("x[0]", "x[0]"),
        ("...", "..."),
        ("g(1)", "g(1)"),
        ("g(x=1)", {"g": {"x": 1}}),
        ("(1, [2, {'k': None}])", (1, [2, {"k": None}])),
    ],
)
def test_values_mean_what_the_official_decoder_makes_of_them(spelled: str, value: Any) -> None:
    [call] = decode(f"[f(a={spelled})]") or ()
    assert call.arguments["a"] == value
    assert type(call.arguments["a"]) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "I cannot help with that.",
        "Sure! [f(a=1)]",
        "```json\n[f(a=1)]\n```",
        "f(a=1)\ng(b=2)",
        "[f(a=1), 5]",
        "[f(a=--5)]",
        "[f(a=-x)]",
        "[f(a=5/0)]",
        "[f(a=x.y)]",
        "[f(a=f'{1}')]",
        "[f(a={1, 2})]",
        "[f(a=1 if b else 2)]",
        '[{"name": "f"}]',
        "[f(a=" + "9" * 5000 + ")]",
        "[f(a=" + "[" * 5000 + ")]",
        "[f(a=g(" + "0x" + "f" * 5000 + "))]",
        "[f(a=9**9**9)]",
    ],
    ids=lambda text: text[:30],
)
def test_other_texts_do_not_decode(text: str) -> None:
    assert decode(text) is None


@pytest.mark.parametrize("spelled", ["{}+0", "[{}][0]", "{}", "-{}", "x[{}]", "f'{{{}}}'", "(lambda: {})()", "g(x={})"])
def test_nothing_a_model_says_is_executed(spelled: str, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    decode("[f(a=" + spelled.format(f"open({str(witness)!r}, 'w').write('x')") + ")]")
    assert not witness.exists()


FRAGMENTS = (
    *"[](){},:=fa.1'\"`\\ \n-+/%\x00\ud800é",
    *("2.5", "x y", "**", "<<", "not ", "lambda ", "True", "...", "f'", "[f(a=", ")]"),
)
python_like = st.lists(st.sampled_from(FRAGMENTS), max_size=60).map("".join)


@given(st.text(st.characters()) | python_like)
def test_no_text_makes_the_decoder_raise(text: str) -> None:
    calls = decode(text)
    assert calls is None or all(isinstance(call, ToolCall) for call in calls)


names = st.from_regex(r"[a-z_][a-z_0-9]{0,8}", fullmatch=True).filter(lambda name: not iskeyword(name))
plain = st.recursive(
    st.none() | st.booleans() | st.integers(0, 10**6) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.tuples(inner) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(st.lists(st.tuples(names, st.dictionaries(names, plain, max_size=4)), max_size=4))
def test_calls_survive_being_written_and_read(calls: list[tuple[str, dict[str, Any]]]) -> None:
    text = ", ".join(f"{name}({', '.join(f'{key}={value!r}' for key, value in args.items())})" for name, args in calls)
    assert decode(f"[{text}]") == tuple(ToolCall(name, args) for name, args in calls)
