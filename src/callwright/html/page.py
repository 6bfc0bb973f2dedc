"""One HTML file that opens offline and loads nothing.

The page's policy names its own style and its own script, if it has one, by their hash and forbids everything else, so
that even a fault in escaping could not act. What others wrote passes through `text.safe_text`, everything else through
jinja2's autoescape in its sandbox.
"""

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from jinja2 import FileSystemLoader, StrictUndefined, Template
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

_HERE = Path(__file__).parent
Functions = Mapping[str, Callable[..., object]]
"""By the names that a template has for them."""
Limit = TypeVar("Limit")


def load_template(directory: Path, filters: Functions, functions: Functions) -> Template:
    """The template `page.html` of a directory, which extends `layout.html`.

    It has the style of `base.css` followed by `page.css` of the directory, and the script `page.js` if there is one.
    Keep it: to compile it takes longer than to render most pages.

    Args:
      directory: Where the files lie.
      filters: What the template may use as filters.
      functions: What it may call.
    """
    environment = SandboxedEnvironment(
        loader=FileSystemLoader([directory, _HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = directory / "page.js"
    environment.filters |= filters
    environment.globals |= {
        **functions,
        "digest": _digest,
        "style": _own(_HERE / "base.css") + _own(directory / "page.css"),
        "script": _own(script) if script.exists() else "",
    }
    return environment.get_template("page.html")


def render(template: Template, **values: object) -> str:
    """The page, without halves of surrogate pairs: these are written as JSON escapes them."""
    return template.render(values).encode("utf-8", "backslashreplace").decode()


def fit(make: Callable[[Limit], str], limits: Iterable[Limit], most_bytes: int) -> str:
    """The page of the first limit with which it has at most `most_bytes` bytes, or else that of the last limit.

    Args:
      make: Makes the page with a limit.
      limits: At least one; the largest first.
      most_bytes: How large the file may be.
    """
    page = ""
    for limit in limits:
        page = make(limit)
        if len(page.encode()) <= most_bytes:
            break
    return page


def _own(path: Path) -> Markup:
    return Markup(path.read_text(encoding="utf-8"))  # noqa: S704 - our own file


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
