"""Model text is read, within bounds, and never executed."""

import ast
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwright.literals import MAX_CHARS, MAX_DEPTH, MAX_REPEATED, NotLiteral, literal

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner)
    ),
    max_leaves=20,
)


@given(values)
def test_every_value_is_read_back_from_its_repr(value: Any) -> None:
    assert literal(repr(value)) == value == ast.literal_eval(repr(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2*3.1416", 6.2832),
        ("10/2", 5.0),
        ("2**-1", 0.5),
        ("-5+3", -2),
        ("+5", 5),
        ("~5", -6),
        ("1<<4", 16),
        ("6|1", 7),
        ("'a'+'b'", "ab"),
        ("'ab'*2", "abab"),
        ("[0]*3", [0, 0, 0]),
        ("(1,)+(2,)", (1, 2)),
        ("{'a': 1} | {'b': 2*2}", {"a": 1, "b": 4}),
        ("(-8)**2", 64),
        ("'\\d'", "\\d"),
    ],
)
def test_arithmetic_on_constants_is_folded_as_python_means_it(text: str, value: Any) -> None:
    assert literal(text) == value
    assert type(literal(text)) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "f()",
        "...",
        "{1}",
        "f'{1}'",
        "a.b",
        "x[0]",
        "1 if 1 else 2",
        "1 < 2",
        "[*[1]]",
        "{**{}}",
        "{[]: 1}",
        "1; 2",
        "lambda: 1",
        "'%d' % 5",
        "1 @ 2",
        "5/0",
        "5%0",
        "1<<-1",
        "-'a'",
        "[1]*1.5",
        "[1]+(2,)",
        "{}+{}",
        "2.0**10000",
        "\x00",
        "'\ud800'",
        "__import__('os').getpid()+0",
    ],
)
def test_anything_else_is_no_literal(text: str) -> None:
    with pytest.raises(NotLiteral):
        literal(text)


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9",
        "1<<10**9",
        "(2**4000)*(2**4000)*(2**4000)",
        "'a'*10**9",
        "[0]*10**9",
        f"[[0]*{MAX_REPEATED // 2}]*100",
        "10**9*'a'",
        "9" * 5000,
        "-" * 50_000 + "1",
        "not " * 20_000 + "1",
        "[" * 20_000,
        "(" * 90 + "1" + ")" * 89,
        "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
        "1" + "+1" * 30_000,
        "x" + ".y" * 30_000,
        "x" + "[0]" * 30_000,
        "{1:" * 30_000,
        "lambda:" * 12_000 + "1",
        "f'{" * 20_000,
        "'" + "a" * MAX_CHARS + "'",
    ],
    ids=lambda text: text[:20],
)
def test_bombs_are_refused_in_a_moment(text: str) -> None:
    start = time.process_time()
    with pytest.raises(NotLiteral):
        literal(text)
    assert time.process_time() - start < 2


def test_text_up_to_the_cap_is_read() -> None:
    text = "[" + ", ".join(["'some words'"] * 7000) + "]"
    assert MAX_CHARS * 0.9 < len(text) < MAX_CHARS
    assert literal(text) == ["some words"] * 7000


def test_odd_escapes_warn_nobody(recwarn: pytest.WarningsRecorder) -> None:
    assert literal(r"'\d'") == r"\d"
    assert not recwarn
