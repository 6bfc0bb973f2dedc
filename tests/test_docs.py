"""What the documentation says is so: generated parts have no drift, and what it mentions exists."""

import importlib.util
import inspect
import re
import subprocess
import sys

import pytest
from docs import formats_page
from tests.support.examples import PAGES, ROOT

from callwright.cli import commands
from callwright.formats import FORMATS
from callwright.orchestration.config import PipelineConfig, load_config
from callwright.report.stage_list import SECTIONS
from callwright.yaml_files import read_yaml

CONFIGS = sorted(path for path in (ROOT / "config").glob("*.yaml") if path.stem != "bakeoff")  # which is no pipeline


def words(texts, pattern):
    """Every match in the texts, once."""
    return sorted({match for text in texts for match in re.findall(pattern, text, flags=re.MULTILINE)})


def test_what_is_generated_from_the_code_has_no_drift():
    check = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_formats_page_shows_every_variant():
    page = formats_page.document()
    assert all((f"`{name}`" if fmt.variant else f"## `{name}`\n") in page for name, fmt in FORMATS.items())


def test_every_field_of_a_filter_is_explained_in_the_guide():
    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    explained = set(words([guide[guide.index("## The filters") :]], r"^\| `(\w+)` \|"))
    for command in (commands.render, commands.parse, commands.score):
        taken = inspect.getdoc(command).partition("In: ")[2].partition("}")[0]
        assert taken
        assert set(re.findall(r'"(\w+)"', taken)) <= explained, command.__name__


def test_every_heading_that_a_link_names_exists():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for target, heading in re.findall(r"\]\(((?!http)[^)#]*)#([^)]+)\)", text):
            aimed = (page.parent / target if target else page).read_text(encoding="utf-8")
            anchors = [re.sub(r"[^\w -]", "", line).replace(" ", "-").lower() for line in words([aimed], r"^#+ (.*)")]
            assert heading in anchors, f"{page.name}: {target}#{heading}"


def test_every_make_target_that_is_mentioned_exists():
    targets = words([(ROOT / "Makefile").read_text(encoding="utf-8")], r"^([a-z-]+):")
    texts = [path.read_text(encoding="utf-8") for path in (*PAGES, ROOT / ".ci" / "run", ROOT / "pyproject.toml")]
    assert set(words(texts, r"(?:`|^)make ([a-z-]+)")) <= set(targets)


def test_every_file_and_module_that_is_mentioned_exists():
    texts = [path.read_text(encoding="utf-8") for path in PAGES]
    files = words(texts, r"(?<![\w/.-])(?:config|docs|tests|benchmarks|src)/[\w/.-]+\w")
    files += words(texts, r"\]\(((?!http)[^)#]+)")
    missing = [name for name in files if not (ROOT / name).exists() and not (ROOT / "docs" / name).exists()]
    assert not missing
    assert all(importlib.util.find_spec(module) for module in words(texts, r"python -m (callwright[\w.]*)"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_configuration_loads_and_no_key_is_without_a_word(path, tmp_path):
    """A stage's file is loaded as a configuration that only names it."""
    keys = read_yaml(path).keys()
    if not keys <= PipelineConfig.model_fields.keys():
        section = next(name for name in SECTIONS.values() if path.stem == name)
        (tmp_path / "c.yaml").write_text(f"{section}: {path}\n", encoding="utf-8")
        load_config(tmp_path / "c.yaml")
        assert f"{section}: {path.name}" in (ROOT / "config" / "pipeline.yaml").read_text(encoding="utf-8")
    else:
        load_config(path)


def test_the_full_recipe_shows_every_key():
    """pipeline.yaml and its stages leave no default unsaid, so that reading them is reading everything."""
    full = load_config(ROOT / "config" / "pipeline.yaml")
    for name, section in [("", full), *((name, getattr(full, name)) for name in SECTIONS.values())]:
        given = read_yaml(ROOT / "config" / f"{name or 'pipeline'}.yaml")
        assert given.keys() == type(section).model_fields.keys(), name
        for key, value in given.items():
            fields = getattr(type(getattr(section, key)), "model_fields", None)
            if fields and isinstance(value, dict):
                assert value.keys() == fields.keys(), f"{name}.{key}"
    suites = read_yaml(ROOT / "config" / "pipeline.yaml")["evaluation"]
    assert suites["bfcl"].keys() == type(full.evaluation.bfcl).model_fields.keys()
