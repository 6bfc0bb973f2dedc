"""Beside the weights stand the base's own tokenizer files and the export's template, which replaces the base's."""

import dataclasses
import json

import pytest
from tests.support.tiny import tiny_sentencepiece

from callwright.errors import WeightsError
from callwright.export.chat_files import write_chat_files
from callwright.export.tokenizer_json import ROLES, tokenizer_json
from callwright.formats import get_format

XML = get_format("xml/args")


@pytest.fixture
def base(tmp_path, shallow_model):
    """The base in a directory that a test may change."""
    directory = tmp_path / "base"
    directory.mkdir()
    for name in ("tokenizer.model", "config.json"):
        (directory / name).write_bytes((shallow_model.directory / name).read_bytes())
    return dataclasses.replace(shallow_model, directory=directory)


def config_of(target):
    return json.loads((target / "tokenizer_config.json").read_text(encoding="utf-8"))


def test_a_base_without_a_tokenizer_json_gets_one(tmp_path, base):
    write_chat_files(base, XML, tmp_path / "out")
    assert (tmp_path / "out" / "tokenizer.json").read_text(encoding="utf-8") == tokenizer_json(tiny_sentencepiece())
    config = config_of(tmp_path / "out")
    assert {f"{role}_token": config[f"{role}_token"] for role in ROLES} == {
        f"{role}_token": piece for role, piece in ROLES.items()
    }


def test_the_bases_own_files_are_copied_to_the_byte(tmp_path, base):
    own = {
        "tokenizer.json": tokenizer_json(tiny_sentencepiece()) + "\n",
        "special_tokens_map.json": "{}",
        "added_tokens.json": '{"x": 1}',
    }
    for name, text in own.items():
        (base.directory / name).write_text(text, encoding="utf-8")
    write_chat_files(base, XML, tmp_path / "out")
    for name, text in own.items():
        assert (tmp_path / "out" / name).read_text(encoding="utf-8") == text


def test_of_the_bases_configuration_only_its_template_is_replaced(tmp_path, base):
    own = {"tokenizer_class": "GemmaTokenizer", "chat_template": "old", "response_template": {"old": 1}, "spaces": None}
    (base.directory / "tokenizer.json").write_text(tokenizer_json(tiny_sentencepiece()), encoding="utf-8")
    (base.directory / "tokenizer_config.json").write_text(json.dumps(own), encoding="utf-8")
    write_chat_files(base, XML, tmp_path / "out")
    config = config_of(tmp_path / "out")
    assert config.pop("response_template")["start_anchor"] == "<start_of_turn>model\n"
    assert config == {"tokenizer_class": "GemmaTokenizer", "spaces": None}
    assert (tmp_path / "out" / "chat_template.jinja").read_text(encoding="utf-8") == XML.chat_template()


@pytest.mark.parametrize("text", ["{", "[]", "\xff"])
def test_a_broken_configuration_of_the_base_is_named(tmp_path, base, text):
    (base.directory / "tokenizer.json").write_text(tokenizer_json(tiny_sentencepiece()), encoding="utf-8")
    (base.directory / "tokenizer_config.json").write_text(text, encoding="latin-1")
    with pytest.raises(WeightsError, match=r"expected a JSON object in .*tokenizer_config\.json"):
        write_chat_files(base, XML, tmp_path / "out")


def test_a_configuration_without_its_tokenizer_json_is_not_mixed_with_one_that_is_written(tmp_path, base):
    (base.directory / "tokenizer_config.json").write_text('{"tokenizer_class": "GemmaTokenizer"}', encoding="utf-8")
    (base.directory / "special_tokens_map.json").write_text("{}", encoding="utf-8")
    write_chat_files(base, XML, tmp_path / "out")
    assert config_of(tmp_path / "out")["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert not (tmp_path / "out" / "special_tokens_map.json").exists()
    assert (tmp_path / "out" / "tokenizer.model").read_bytes() == tiny_sentencepiece()
