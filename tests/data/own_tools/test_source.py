"""The source `tools`: what it reads, what it names, and what of a file it refuses."""

import pytest
from tests.support.own_tools import home, home_file

from callwright.data.own_tools.fitting import check_length, check_names
from callwright.data.registry import open_source
from callwright.errors import ConfigError, DataError
from callwright.formats import get_format
from callwright.storage import sha256_file
from callwright.yaml_files import format_yaml


class Words:
    """A tokenizer whose tokens are words."""

    def encode(self, text, *, control=False):
        return text.split()


@pytest.fixture
def path(tmp_path):
    (tmp_path / "home.yaml").write_text(format_yaml(home()), encoding="utf-8")
    return tmp_path / "home.yaml"


def test_it_makes_as_many_examples_as_it_is_asked_for_and_tells_its_file(path):
    source = open_source("tools", {"path": path, "examples": 20, "context_share": 0})
    assert len(source) == len(list(source)) == 20
    assert source[3].id == "tools-0-3"
    assert {source.group(index) for index in range(20)} == {"plain"}
    assert source.digests() == {str(path): sha256_file(path)}
    for index in (-1, 20):
        with pytest.raises(IndexError):
            source[index]
        with pytest.raises(IndexError):
            source.group(index)


def test_every_tool_must_have_a_name(path):
    file = home()
    file["tools"][1] = file["tools"][1] | {"verbs": ["lock"], "nouns": ["door"]}
    del file["tools"][1]["name"]
    path.write_text(format_yaml(file), encoding="utf-8")
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if "Locks the doors" in text)
    message = rf"a name of every tool in .*home\.yaml; got .* verbs and nouns in .*home\.yaml, line {line} \(lock_"
    with pytest.raises(DataError, match=message):
        open_source("tools", {"path": path})


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "path in the settings of tools"),
        ({"mix": {"singel": 1}}, "mix.singel; did you mean single?"),
        ({"context_share": 2}, "context_share in the settings of tools"),
    ],
)
def test_a_wrong_option_is_named(path, options, says):
    with pytest.raises(ConfigError) as raised:
        open_source("tools", options and {"path": path, **options})
    assert says in str(raised.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"a readable file .*none\.yaml"):
        open_source("tools", {"path": tmp_path / "none.yaml"})


def test_a_tool_that_the_format_cannot_write_is_named_with_its_line(path):
    for name in ("xml", "mistral/v3"):
        check_names(home_file(), path, get_format(name))
    tools = home()
    tools["tools"][3]["name"] = "ring-a.bell"
    path.write_text(format_yaml(tools), encoding="utf-8")
    source = open_source("tools", {"path": path})
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if "name: ring-a.bell" in text)
    with pytest.raises(DataError, match=rf"tool ring-a\.bell in .*home\.yaml, line {line}, that format .* can write"):
        check_names(source.file, path, get_format("tool_code"))


def test_more_tools_than_fit_a_prompt_are_refused_with_how_many_fit(path):
    file, xml = home_file(), get_format("xml")

    def check(limit):
        check_length(file, path, xml, Words(), limit, "training.sequence_length")

    check(10_000)
    with pytest.raises(DataError) as raised:
        check(30)
    line = str(raised.value)
    assert "the 4 tools of" in line
    assert "in a prompt of at most 30 tokens" in line
    assert "the first " in line
    assert "raise training.sequence_length, or shorten" in line
