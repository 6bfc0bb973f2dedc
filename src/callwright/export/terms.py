"""The terms of the weights, passed on with every file that is made of them.

Gemma's terms ask for three things of whoever passes on the weights, or a model derived from them: a copy of the terms,
a fixed notice, and a statement that files were modified. `NOTICE` has the last two, and the terms lie beside it.
"""

import re
from html.parser import HTMLParser
from pathlib import Path

from callwright.models.license import License
from callwright.storage import write_bytes, write_text

NOTICE = "NOTICE"
"""The file with the sentences that must be passed on."""
_OF_THE_BASE = "NOTICE-of-the-base.md"
_MODIFIED = (
    "These files were modified: they hold weights, or an adapter of weights, that were trained further from the model "
    "that README.md names as the base."
)


def write_terms(license: License, directory: Path) -> None:
    """Writes the notice and, where it is at hand, the full text of the terms and the notice that came with the base."""
    write_text(directory / NOTICE, notice_text(license))
    if license.text is not None:
        write_bytes(directory / license.text.name, license.text.read_bytes())
        given = license.text.with_name("NOTICE.md")
        if given.is_file():
            write_bytes(directory / _OF_THE_BASE, given.read_bytes())


def notice_text(license: License) -> str:
    """The notice, and that the files were modified."""
    return f"{license.notice}\n\n{_MODIFIED}\n"


def terms_text(license: License) -> str:
    """Notice and terms as one plain text."""
    if license.text is None:
        return notice_text(license)
    text = license.text.read_text("utf-8", "replace")
    return f"{notice_text(license)}\n{_text_of_page(text) if license.text.suffix == '.html' else text}\n"


class _PageText(HTMLParser):
    """Collects the text of a page, a line for each block."""

    _SILENT = frozenset(("script", "style", "nav", "svg", "button"))
    _BLOCKS = frozenset(("p", "div", "li", "br", "h1", "h2", "h3", "h4", "tr", "ul", "ol", "section"))

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser`."""
        self._silent += tag in self._SILENT
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        """See `HTMLParser`."""
        self._silent = max(0, self._silent - (tag in self._SILENT))
        self._break(tag)

    def handle_data(self, data: str) -> None:
        """See `HTMLParser`."""
        if not self._silent:
            self.parts.append(re.sub(r"\s+", " ", data))

    def _break(self, tag: str) -> None:
        if tag in self._BLOCKS:
            self.parts.append("\n")


def _text_of_page(page: str) -> str:
    """The text from the first heading on, to the end of the article where there is one."""
    body = re.search(r"<h1\b.*?(?=</article>|\Z)", page, re.DOTALL)
    parser = _PageText()
    parser.feed(body[0] if body else page)
    parser.close()
    lines = (line.strip() for line in "".join(parser.parts).splitlines())
    return "\n\n".join(line for line in lines if line)
