"""The code speaks the words of docs/glossary.md: none of the names that the glossary rules out is defined in src/."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "callwright"


def banned_names() -> set[str]:
    """The names in the third column of the glossary's table."""
    rows = [line.split("|") for line in (ROOT / "docs" / "glossary.md").read_text().splitlines() if line[:1] == "|"]
    return {name for row in rows[2:] for name in re.findall(r"`(\w+)`", row[3])}


def defined_names(path: Path) -> Iterator[tuple[int, str]]:
    """Line and name of everything that a module defines, its own name included."""
    yield 1, path.stem
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id


def test_no_name_in_the_source_is_one_that_the_glossary_rules_out():
    banned = banned_names()
    assert len(banned) > 20
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in sorted(SOURCE.rglob("*.py"))
        for line, name in defined_names(path)
        if name.strip("_") in banned
    ]
    assert not found, "\n".join(found)


def test_a_class_name_stands_for_one_thing():
    """No two public classes or type aliases of a single-word name share it."""
    places: dict[str, list[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not {name: where for name, where in places.items() if len(where) > 1}
