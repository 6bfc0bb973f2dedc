"""YAML comes out as plain JSON values, by YAML 1.2, and whatever else a file holds is one line with file and place."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwright.errors import ConfigError, DataError
from callwright.yaml_files import format_yaml, parse_yaml, read_yaml, write_yaml, yaml_line

NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=8,
)
BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))


def test_scalars_are_what_the_core_schema_makes_of_them():
    text = (
        "[1.0, 1, 1e20, -0.0, 123456789012345678901, 1e-07, true, True, TRUE, False, null, NULL, ~, 017, 0o17, 0x1F, "
        ".5, +1, 1., .5e3, 'true', \"\\ud83d\\ude42\", yes, no, on, Off, y, tRUE, "
        "2024-01-01, 1_000, 0b11, 12:30, 0o8, <<, =]"
    )
    assert list(map(repr, parse_yaml(text, "x"))) == [
        "1.0", "1", "1e+20", "-0.0", "123456789012345678901", "1e-07", "True", "True", "True", "False", "None", "None",
        "None", "17", "15", "31", "0.5", "1", "1.0", "500.0", "'true'", "'🙂'", "'yes'", "'no'", "'on'", "'Off'", "'y'",
        "'tRUE'", "'2024-01-01'", "'1_000'", "'0b11'", "'12:30'", "'0o8'", "'<<'", "'='",
    ]  # fmt: skip


def test_under_the_json_schema_scalars_are_what_json_makes_of_them():
    text = (
        "[1.0, 1, 1e20, -0.0, 123456789012345678901, 1e-07, true, null, no, yes, on, 2024-01-01, 0x1F, 010, 1_000, "
        "12:30, .5, ~, 'true', \"\\ud83d\\ude42\", +1, 1., True, NULL, .inf]"
    )
    assert list(map(repr, parse_yaml(text, "x", schema="json"))) == [
        "1.0", "1", "1e+20", "-0.0", "123456789012345678901", "1e-07", "True", "None", "'no'", "'yes'", "'on'",
        "'2024-01-01'", "'0x1F'", "'010'", "'1_000'", "'12:30'", "'.5'", "'~'", "'true'", "'🙂'", "'+1'", "'1.'",
        "'True'", "'NULL'", "'.inf'",
    ]  # fmt: skip


@given(value=NUMBERS)
@pytest.mark.parametrize("schema", ["core", "json"])
def test_every_json_number_is_read_as_it_stands(schema, value):
    assert repr(parse_yaml(json.dumps([value]), "x", schema=schema)) == repr([value])


@given(value=VALUES)
def test_what_is_written_is_read_again(value):
    assert repr(parse_yaml(format_yaml(value), "x")) == repr(value)


@pytest.mark.parametrize(
    "text", ["yes", "017", "1_000", ".5e3", "2024-01-01", "", "~", "- a", "a: b", "#", " a", "9" * 2000]
)
def test_text_that_looks_like_something_else_is_written_as_text(text):
    assert parse_yaml(format_yaml({text: [text]}), "x") == {text: [text]}


def test_a_file_is_written_with_its_header_and_read_back(tmp_path):
    write_yaml(tmp_path / "a.yaml", {"b": 1, "a": [1.5, None]}, header="# Why.\n")
    assert (tmp_path / "a.yaml").read_text() == "# Why.\nb: 1\na:\n- 1.5\n- null\n"
    assert list(read_yaml(tmp_path / "a.yaml")) == ["b", "a"]
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    assert read_yaml(tmp_path / "empty.yaml") is None


def test_keys_are_the_text_that_stands_there():
    assert parse_yaml("{1: a, true: b, ~: c, 1.0: d, on: e}", "x") == dict(
        zip(["1", "true", "~", "1.0", "on"], "abcde", strict=True)
    )


def test_what_an_alias_repeats_is_a_copy():
    value = parse_yaml("a: &a {x: [1]}\nb: *a\n", "x")
    value["a"]["x"].append(2)
    assert value["b"] == {"x": [1]}


@pytest.mark.parametrize(
    ("text", "line", "got"),
    [
        ("a: 1\nb: [", 2, "no value where one has to be"),
        ("a: 1\na: 2\n", 2, "the key 'a' twice"),
        ("a: 1\n'a': 2\n", 2, "the key 'a' twice"),
        ("a:\n  ? [b]\n  : c\n", 2, "a key that is no plain text"),
        ("a: 1\nb: !!int 3\n", 2, "the tag !!int"),
        ("a: !!python/object/apply:os.system [id]\n", 1, "the tag !!python/object/apply:os.system"),
        ("a: !!set {b}\n", 1, "the tag !!set"),
        ("a: !mine b\n", 1, "the tag !mine"),
        ("a: !" + "m" * 9000 + " b\n", 1, "the tag !mmm"),
        ("a: &a [*a]\n", 1, "the alias *a, with no complete &a before it"),
        ("a: *b\n", 1, "the alias *b, with no complete &b before it"),
        (BOMB, 18, "more than 1000000 values"),
        ("[" * 5000, 1, "more than 200 deep"),
        ("- " * 5000, 1, "more than 200 deep"),
        ("{a: " * 5000, 1, "more than 200 deep"),
        ("\n\na: \x00", 3, "the character U+0000"),
        ("a: \x07", 1, "the character U+0007"),
        ('\na: "\\ud83d"', 2, "half of a surrogate pair"),
        ("a: " + "9" * 5000, 1, "a number of more than 1000 characters"),
        ("a: 0x" + "f" * 5000, 1, "a number of more than 1000 characters"),
        ("a: 1e999", 1, "not a finite number"),
        ("a: -.inf", 1, "not a finite number"),
        ("a: .NaN", 1, "not a finite number"),
        ("a: 1\n---\nb: 1\n", 2, "a second document"),
        ("%YAML 3.0\n---\na: 1\n", 1, "another version of YAML than 1"),
        ("\tname: x", 1, "where a value begins"),
    ],
)
def test_what_is_not_plain_json_is_one_line_with_its_place(tmp_path, text, line, got):
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        read_yaml(path, error=ConfigError)
    assert f"expected YAML in {path}, line {line}; got " in str(raised.value)
    assert got in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(raised.value.got) <= 200


def test_under_the_json_schema_aliases_are_refused():
    with pytest.raises(DataError, match=r"line 2; got the alias \*a"):
        parse_yaml("a: &a 1\nb: *a\n", "x", schema="json")


def test_bytes_that_are_no_text_and_files_that_are_not_there_are_refused(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"a: 1\nb: \xff")
    with pytest.raises(DataError, match=r"a\.yaml, line 2; got bytes that are not UTF-8"):
        read_yaml(tmp_path / "a.yaml")
    for path in (tmp_path / "absent.yaml", tmp_path):
        with pytest.raises(ConfigError, match=r"expected a readable file .*; name an existing file"):
            read_yaml(path, error=ConfigError)


@given(text=st.text(alphabet="ab:-?[]{}&*!|>'\"%@#,\\<=~ \n\t\x00\ud83d0o1xe.", max_size=30))
def test_no_text_is_more_than_a_value_or_one_error(text):
    try:
        value = parse_yaml(text, "x")
    except DataError:
        return
    assert json.loads(json.dumps(value)) == value
    assert not isinstance(value, float) or math.isfinite(value)


def test_the_line_of_a_value_is_found_by_its_keys(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: 1\nb:\n  - x\n  - {c: [1,\n      2], d: 3}\n")
    for keys, line in {
        (): None,
        ("a",): 1,
        ("b",): 2,
        ("b", 0): 3,
        ("b", 1, "c", 1): 5,
        ("b", 1, "d"): 5,
        ("b", 1, "nothing", "below"): 4,
        ("b", 7): 2,
        ("a", "below"): 1,
    }.items():
        assert yaml_line(path, keys) == line
    path.write_text("a: [")
    assert yaml_line(path, ("a",)) is None
    assert yaml_line(tmp_path / "none.yaml", ("a",)) is None
