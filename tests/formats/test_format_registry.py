"""A format is found by whatever name it is given, wherever a format is named."""

import pytest

from callwright.errors import FormatError
from callwright.formats import ALIASES, FORMATS, MODELS, get_format


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_found_by_its_id_and_by_name_and_variant(name):
    fmt = FORMATS[name]
    assert fmt.id == name
    assert get_format(name) is get_format(fmt.name, fmt.variant) is fmt
    assert get_format(fmt.name).name == fmt.name


def test_a_bare_name_is_the_first_variant():
    first = {fmt.name: fmt for fmt in reversed(FORMATS.values())}
    assert {name: get_format(name) for name in first} == first


def test_an_alias_stands_for_formats_that_exist_and_for_itself_where_it_is_an_id_and_no_model_is_named():
    assert {id for choices in ALIASES.values() for _, id in choices} <= FORMATS.keys()
    assert {id: get_format(id).id for id in ALIASES.keys() & FORMATS.keys()} == {"qwen3-xml": "qwen3-xml"}


@pytest.mark.parametrize(
    ("model", "variant"),
    [
        (None, ""),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct", ""),
        ("qwen3-coder:30b", ""),
        ("Qwen/Qwen3.5-0.8B", "qwen35-small"),
        ("Qwen3.5-2B-Q8_0.gguf", "qwen35-small"),
        ("Qwen/Qwen3.5-4B", "qwen35"),
        ("qwen3.5:122b-a10b", "qwen35"),
        ("Qwen/Qwen3.6-35B-A3B", "qwen36"),
        ("Qwen/Qwen3.8-27B", "qwen38"),
    ],
)
def test_the_model_tells_which_qwen_it_is(model, variant):
    assert get_format("qwen3-xml", model=model).variant == variant
    assert get_format("qwen3-xml/qwen35", model=model).variant == "qwen35"
    assert get_format("qwen3-xml", "coder", model=model).id == "qwen3-xml"


@pytest.mark.parametrize(
    ("model", "id"),
    [
        (None, "mistral/v3"),
        ("mistralai/Mistral-Nemo-Instruct-2407", "mistral/v3"),
        ("mistralai/Mistral-Small-3.2-24B-Instruct-2506", "mistral/v11"),
        ("mistralai/Devstral-Small-2507", "mistral/v13"),
    ],
)
def test_the_model_decides_where_no_variant_is_named(model, id):
    assert get_format("mistral", model=model).id == id
    assert get_format("mistral", "v13", model=model).id == "mistral/v13"


@pytest.mark.parametrize("name", ["yaml", "xml/params", "xml/args/args", "qwen3/args", "llama/v3", ""])
def test_an_unknown_name_is_refused_with_those_that_exist(name):
    with pytest.raises(FormatError, match=r"; (use one of|did you mean)"):
        get_format(name)


@pytest.mark.parametrize(("declared", "id"), [("qwen3", "qwen3"), ("mistral", "mistral/v3"), ("xml/args", "xml/args")])
def test_a_template_file_is_named_with_the_format_that_reads_it(tmp_path, declared, id):
    path = tmp_path / "chat.jinja"
    path.write_text("{{ messages[0].content }}")
    for fmt in (get_format(f"template:{path}/{declared}"), get_format(f"template:{path}", declared)):
        assert fmt.id == f"template:{path}/{id}"


def test_every_format_says_which_models_speak_it_and_the_aliases_agree():
    assert list(MODELS) == list(FORMATS)
    for alias, choices in ALIASES.items():
        for id in {chosen for pattern, chosen in choices if pattern}:
            for model in MODELS[id]:
                assert get_format(alias, model=model).id == id, (alias, model)
