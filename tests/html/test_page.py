"""A page has one layout and style, a policy that allows its own style and script only, and a size that it keeps."""

import base64
import hashlib
import re
from pathlib import Path

import pytest

from callwright.html.page import fit, load_template, render


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "page.html").write_text(
        '{% extends "layout.html" %}{% block title %}{{ name }}{% endblock %}'
        "{% block body %}{{ name|twice }}{% endblock %}"
    )
    (tmp_path / "page.css").write_text(".own { color: red; }")
    return tmp_path


def rendered(directory: Path, name: str) -> str:
    return render(load_template(directory, {"twice": lambda text: text * 2}, {}), name=name)


def hashes(page: str, tag: str) -> list[str]:
    """What the policy must name for the parts of the page between these tags."""
    texts = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    return [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]


def test_values_are_escaped_and_halves_of_surrogate_pairs_are_written_as_escapes(directory: Path) -> None:
    assert "&lt;b&gt;\\ud800&lt;b&gt;\\ud800" in rendered(directory, "<b>\ud800")


def test_the_base_style_comes_before_the_pages_own(directory: Path) -> None:
    page = rendered(directory, "x")
    assert page.index("color-scheme: light dark") < page.index(".own {")


def test_a_page_without_a_script_allows_none(directory: Path) -> None:
    page = rendered(directory, "x")
    assert "<script" not in page
    assert f"default-src 'none'; style-src 'sha256-{hashes(page, 'style')[0]}'; base-uri" in page


def test_a_script_beside_the_page_is_the_only_one_allowed(directory: Path) -> None:
    (directory / "page.js").write_text("let a = 1 < 2;\n")
    page = rendered(directory, "x")
    assert f"; script-src 'sha256-{hashes(page, 'script')[0]}'; base-uri" in page


@pytest.mark.parametrize(("most", "length"), [(100, 90), (50, 40), (5, 10)])
def test_the_largest_limit_that_fits_is_taken_or_else_the_smallest(most: int, length: int) -> None:
    assert len(fit(lambda limit: "x" * limit, (90, 40, 10), most)) == length
