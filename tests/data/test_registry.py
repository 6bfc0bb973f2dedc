"""Sources by name, and mixtures of them."""

import json

import pytest
from tests.support.own_tools import home

from callwright.data.registry import SOURCES, MixedSource, open_source
from callwright.data.synthetic import SyntheticSettings
from callwright.errors import ConfigError
from callwright.openai import write_conversation
from callwright.storage import sha256_file
from callwright.yaml_files import format_yaml


def test_a_source_carries_the_name_it_is_registered_under(tmp_path):
    (tmp_path / "a.jsonl").write_text("{}\n")
    (tmp_path / "home.yaml").write_text(format_yaml(home()))
    options = {"openai_jsonl": {"path": tmp_path / "a.jsonl"}, "tools": {"path": tmp_path / "home.yaml"}}
    for name in SOURCES:
        assert open_source(name, options.get(name)).name == name


def test_options_may_be_settings_or_plain_values():
    plain = open_source("synthetic", {"examples": 3, "seed": 9})
    typed = open_source("synthetic", SyntheticSettings(examples=3, seed=9))
    assert list(plain) == list(typed)


@pytest.mark.parametrize(
    ("name", "options", "output"),
    [
        ("synthetik", {}, "synthetic, openai_jsonl, tools"),
        (
            "synthetic",
            {"exampels": 3},
            "settings of synthetic; got exampels; did you mean examples\\? use one of: seed, examples, ",
        ),
        ("synthetic", {"mix": {"simple": -1}}, r"mix\.simple in the settings of synthetic"),
        ("openai_jsonl", {}, "path in the settings of openai_jsonl; got nothing; add this key"),
    ],
)
def test_a_wrong_name_or_option_is_named(name, options, output):
    with pytest.raises(ConfigError, match=output):
        open_source(name, options)


def test_a_mixture_holds_every_example_once_in_a_repeatable_order():
    parts = [open_source("synthetic", {"examples": n, "seed": n}) for n in (5, 8, 3)]
    mixed, again, other = MixedSource(parts, 1), MixedSource(parts, 1), MixedSource(parts, 2)
    ids = [e.id for e in mixed]
    assert sorted(ids) == sorted(e.id for part in parts for e in part)
    assert ids == [e.id for e in again] != [e.id for e in other]
    assert len({i.split("-")[1] for i in ids[:6]}) > 1


def test_a_mixture_tells_the_digest_of_every_file_of_the_users_and_of_nothing_else(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text("{}\n")
    mine, made = open_source("openai_jsonl", {"path": file}), open_source("synthetic", {"examples": 3})
    assert made.digests() == {}
    assert MixedSource([made, mine]).digests() == mine.digests() == {str(file): sha256_file(file)}
    file.write_text("{ }\n")
    assert mine.digests() == {str(file): sha256_file(file)}, "the file as it is now"


def test_a_mixture_keeps_the_groups_of_its_sources_apart(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text('{"messages": [{"role": "system", "content": "Hi."}]}\n' * 4)
    parts = [open_source("openai_jsonl", {"path": file}) for _ in range(2)]
    parts.append(open_source("synthetic", {"examples": 5}))
    mixed = MixedSource(parts)
    groups = [mixed.group(index) for index in range(len(mixed))]
    assert len(set(groups)) == 2 + len({parts[2].group(index) for index in range(5)})


def test_examples_of_a_group_offer_the_same_tools_in_every_source(tmp_path):
    made = open_source("synthetic", {"examples": 60})
    file = tmp_path / "a.jsonl"
    lines = [json.dumps(write_conversation(example.conversation)) + "\n" for example in made]
    file.write_text("".join(lines[::2] + lines[1::2]))
    read = open_source("openai_jsonl", {"path": file})
    for source, count in ((made, 8), (read, 8), (MixedSource([made, read]), 16)):
        tools = {}
        for index in range(len(source)):
            tools.setdefault(source.group(index), []).append(source[index].conversation.tools)
        assert len(tools) == count
        assert all(each == offered[0] for offered in tools.values() for each in offered)
