"""The shipped configuration is whole, paths are relative to it, and what is wrong is one line with the key."""

import re
from pathlib import Path

import pytest

from callwright.bakeoff.arms import ARMS
from callwright.bakeoff.settings import BakeoffSettings, load_bakeoff
from callwright.errors import ConfigError
from callwright.yaml_files import format_yaml, parse_yaml

SHIPPED = Path(__file__).parents[2] / "config" / "bakeoff.yaml"


def load(tmp_path, **changes):
    path = tmp_path / "bakeoff.yaml"
    path.write_text(format_yaml({"tasks": "tasks.yaml", "arms": {"mock": None}} | changes))
    return load_bakeoff(path)


def test_the_shipped_configuration_sets_every_key_but_the_history():
    settings = load_bakeoff(SHIPPED)
    assert BakeoffSettings.model_fields.keys() - settings.model_fields_set == {"history"}
    assert settings.tasks.is_file() and list(settings.arms) == ["jax", "llamacpp-raw", "llamacpp-chat", "gemma-jax"]


def test_the_arms_that_the_shipped_configuration_shows_as_comments_can_be_taken_in(tmp_path):
    shown = re.findall(
        r"^  # ([\w-]+: *(?:\{.*\})?)  ?(?:#.*)?$|^  # ([\w-]+: \{.*\})$", SHIPPED.read_text(), re.MULTILINE
    )
    arms = {}
    for line in (one or other for one, other in shown):
        arms |= parse_yaml(line, "a comment")
    assert {"jax-bf16", "openai", "ollama-json", "ollama-raw", "streamed"} <= arms.keys()
    assert set(load(tmp_path, arms=arms).arms) == arms.keys()


def test_paths_are_relative_to_the_file(tmp_path):
    settings = load(tmp_path, run="../runs/x", history="long.yaml")
    assert settings.tasks == tmp_path.resolve() / "tasks.yaml"
    assert settings.run == tmp_path.resolve().parent / "runs" / "x"
    assert settings.history == tmp_path.resolve() / "long.yaml"


def test_an_arm_of_another_name_says_its_kind(tmp_path):
    settings = load(tmp_path, arms={"streamed": {"kind": "llamacpp-chat", "stream": True}})
    assert settings.kind("streamed") == "llamacpp-chat" and settings.arm("streamed").stream


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"arms": {"jaxx": None}}, "kind of arm as jaxx .*got jaxx; did you mean jax"),
        ({"arms": {}}, "at least 1"),
        ({"arms": {"mock": {"stream": True}}}, "a known key in the arm mock.*got stream"),
        ({"arms": {"ollama-raw": None}}, "model in the arm ollama-raw"),
        ({"arms": {"openai": None}}, "url in the arm openai"),
        ({"arms": {"../x": {"kind": "mock"}}}, "name of an arm"),
        ({"arms": {"jax": {"batch_size": 0}}}, "batch_size in the arm jax"),
        ({"seeds": [1, 2]}, "one seed at temperature 0"),
        ({"seeds": [1, 1], "temperature": 1.0}, "different seeds"),
        ({"wordings": 0}, "wordings"),
        ({"thinking": None}, "thinking"),
        ({"step": 3}, "a known key"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_it(tmp_path, changes, words):
    with pytest.raises(ConfigError, match=words) as caught:
        load(tmp_path, **changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "- a list\n"])
def test_a_file_of_something_else_is_refused(tmp_path, text):
    path = tmp_path / "bakeoff.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="keys and values"):
        load_bakeoff(path)


def test_every_kind_of_arm_has_options_with_a_sentence_each():
    for kind, arm in ARMS.items():
        for name, field in arm.options_type.model_fields.items():
            assert field.description, (kind, name)
