"""What a user writes becomes settings, or one line that names the key, what was expected there, and what came."""

import warnings
from typing import ClassVar, Literal

import pytest

from callwright.errors import DataError, RenamedKeyWarning
from callwright.settings import Settings, validated


class Inner(Settings):
    RENAMED: ClassVar[dict[str, str]] = {"pace": "speed"}

    speed: float = 1.0
    loud: bool = False
    limit: int | dict[str, int] | None = None
    kind: Literal["a", "b"] = "a"


class Outer(Settings):
    inner: Inner | tuple[Inner, ...] = Inner()
    name: str = ""


class Needs(Settings):
    path: str


def refusal(data, model=Outer, **options):
    with pytest.raises(DataError) as raised:
        validated(model, data, where="c.yaml", error=DataError, **options)
    return str(raised.value)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"inner": {"speed": "x"}}, "expected inner.speed in c.yaml: a number"),
        ({"inner": [{}, {"speed": "x"}]}, "expected inner.1.speed in c.yaml: a number"),
        ({"inner": {"speed": True}}, "inner.speed in c.yaml: a number, not true or false; got True"),
        ({"inner": {"limit": {"a": "x"}}}, "inner.limit.a in c.yaml: a whole number"),
        ({"inner": {"limit": "x"}}, "or keys and values; got 'x'; correct this value"),
        ({"inner": {"kind": "c"}}, "inner.kind in c.yaml: 'a' or 'b'; got 'c'"),
        ({"inner": 3}, "inner in c.yaml: keys and values or a list; got 3"),
        ({"name": ["x" * 500]}, "..."),
        (3, "expected c.yaml: keys and values; got 3"),
    ],
)
def test_a_wrong_value_is_named_by_the_path_the_user_wrote(data, says):
    line = refusal(data)
    assert says in line
    assert len(line) < 250


def test_an_unknown_key_is_named_with_those_that_exist():
    assert refusal({"inner": {"sped": 1}}) == (
        "expected a known key in c.yaml; got inner.sped; did you mean speed? use one of: speed, loud, limit, kind"
    )
    assert refusal({1: 2}) == "expected a known key in c.yaml; got 1; use one of: inner, name"


def test_a_missing_key_is_named_and_the_fix_is_the_callers():
    assert refusal({}, Needs) == "expected path in c.yaml; got nothing; add this key"
    assert refusal({}, Needs, fix="see the guide") == "expected path in c.yaml; got nothing; see the guide"


@pytest.mark.parametrize("word", ["yes", "No", "on", "OFF", "y"])
def test_words_are_no_truth_values(word):
    line = refusal({"inner": {"loud": word}})
    assert line == f"expected inner.loud in c.yaml: true or false; got {word!r}; write true or false"


@pytest.mark.parametrize("word", ["true", "True", "FALSE"])
def test_true_and_false_may_be_text(word):
    assert validated(Inner, {"loud": word}, where="c.yaml").loud is (word.lower() == "true")


def test_a_renamed_key_is_read_and_told():
    with pytest.warns(RenamedKeyWarning, match="the key pace is called speed now; rename it"):
        assert validated(Outer, {"inner": {"pace": 2}}, where="c.yaml").inner.speed == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert validated(Outer, {"inner": {"speed": 2}}, where="c.yaml").inner.speed == 2


def test_a_renamed_key_that_is_wrong_is_named_and_both_names_at_once_are_refused():
    with pytest.warns(RenamedKeyWarning):
        assert "expected inner.speed in c.yaml: a number" in refusal({"inner": {"pace": "x"}})
    assert "only one of speed and pace, its older name" in refusal({"inner": {"pace": 1, "speed": 2}})
