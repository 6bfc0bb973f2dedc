"""A package imports from lower levels of docs/architecture.md or from itself, and the command line starts light."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import callwright

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")


def rows(first_cell):
    """The packages of each row of a table, from the bottom level."""
    found = re.findall(rf"^\| {first_cell} \|.*", PAGE, flags=re.MULTILINE)
    return [re.findall(r"`(\w+)`", row.split("|")[2]) for row in found]


LEVELS = rows(r"\d+")
LEVEL = {package: level for level, packages in enumerate(LEVELS) for package in packages}
IN_DATA = {package: level for level, packages in enumerate(rows(r"data \d")) for package in packages}
SOURCE = Path(callwright.__file__).parent
FILES = sorted(path for path in SOURCE.rglob("*.py") if path.relative_to(SOURCE).parts not in {("__init__.py",)})
DATA = SOURCE / "data"
DATA_FILES = [path for path in FILES if DATA in path.parents and path != DATA / "__init__.py"]
HEAVY = {"jax", "jaxlib", "flax", "tunix", "qwix", "optax", "orbax", "transformers", "scipy", "numpy", "pyarrow"}


def package_of(path):
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def imports(path):
    """Every module of ours that a file imports, wherever in the file, as (line, dotted name below the package)."""
    package = ("callwright", *path.relative_to(SOURCE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (above, node.module) if part)
            names = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith("callwright."):
                yield node.lineno, name.removeprefix("callwright.")


def part_of_data(path):
    return path.relative_to(DATA).with_suffix("").parts[0]


def test_every_package_has_a_level():
    assert {package_of(path) for path in FILES} - {"__main__"} <= LEVEL.keys()
    assert set(map(part_of_data, DATA_FILES)) == IN_DATA.keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_down_or_stay_in_the_package(path):
    mine = package_of(path)
    if mine == "__main__":  # runs the command line, so it stands above it
        return
    wrong = [
        f"line {line}: {mine} imports {name}"
        for line, name in imports(path)
        if name.split(".")[0] != mine and LEVEL[name.split(".")[0]] >= LEVEL[mine]
    ]
    assert not wrong


@pytest.mark.parametrize("path", DATA_FILES, ids=lambda path: str(path.relative_to(DATA)))
def test_imports_inside_data_go_down_or_stay_in_the_package(path):
    mine = part_of_data(path)
    others = [(line, name.split(".")[1]) for line, name in imports(path) if name.startswith("data.")]
    wrong = [
        f"line {line}: {mine} imports {other}"
        for line, other in others
        if other != mine and IN_DATA[other] >= IN_DATA[mine]
    ]
    assert not wrong


def test_the_command_line_starts_without_anything_heavy():
    code = "import sys, callwright.cli; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not HEAVY & set(loaded)


@pytest.mark.parametrize("module", [name for level in LEVELS[:4] for name in level])
def test_the_lower_levels_need_nothing_heavy(module):
    code = f"import sys, callwright.{module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not HEAVY & set(loaded)
