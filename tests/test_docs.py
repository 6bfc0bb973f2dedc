"""What the documentation says is so: generated parts have no drift, and what it tells a user to type exists."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from docs import formats_page
from tests.support.command_lines import parsed

from callwright.formats import FORMATS
from callwright.orchestration.config import PipelineConfig, load_config
from callwright.report.stage_list import SECTIONS
from callwright.yaml_files import read_yaml

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CONFIGS = sorted((ROOT / "config").glob("*.yaml"))
COMMENTS = [path.read_text(encoding="utf-8").split("\n\n")[0] for path in CONFIGS]


def words(texts, pattern):
    """Every match in the texts, once."""
    return sorted({match for text in texts for match in re.findall(pattern, text, flags=re.MULTILINE)})


def typed():
    """Every command line of ours, up to a redirection: in fenced blocks, and in comments on top of configurations."""
    fenced = [block for page in PAGES for block in re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.DOTALL)]
    lines = words(fenced, r"^callwright .*") + words(COMMENTS, r"(?<=#   )callwright \S+ \S+\.yaml.*")
    return [re.split(r"\s{3,}| [<>] ", line)[0] for line in lines]


def python_examples():
    """The Python in fenced blocks, and whether it is only compiled, because it needs a server or training."""
    for page in PAGES:
        pattern = r"(<!-- compiled only -->\n+)?```python\n(.*?)```"
        for mark, code in re.findall(pattern, page.read_text("utf-8"), re.DOTALL):
            yield pytest.param(code, bool(mark), id=f"{page.name}: {code.splitlines()[0]}")


@pytest.mark.parametrize(("code", "compiled_only"), python_examples())
def test_a_python_example_in_the_documentation_runs(code, compiled_only):
    program = compile(code, "the documentation", "exec")
    if not compiled_only:
        exec(program, {"__name__": "example"})


def test_what_is_generated_from_the_code_has_no_drift():
    check = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_formats_page_shows_every_variant():
    page = formats_page.document()
    assert all((f"`{name}`" if fmt.variant else f"## `{name}`\n") in page for name, fmt in FORMATS.items())


@pytest.mark.parametrize("line", typed())
def test_a_command_line_in_the_documentation_is_one_that_the_program_takes(line):
    _, said = parsed(line)
    if said.get("config") is not None:
        overrides = [text for text in said.get("overrides") or () if "mine.jsonl" not in text]
        load_config(ROOT / said["config"], overrides)


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
