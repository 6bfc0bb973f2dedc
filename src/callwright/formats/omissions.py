"""What a printed tool leaves out of its schema, said in one warning for each parameter.

Whoever prints a schema tells of every part of it which keywords it has printed (`Omissions.unprinted`), or of what it
had to cut (`Omissions.add`). A warning names the tool, the parameter and the keywords, as in `tools[0] edit: parameter
lines[].from loses minimum, maximum`. A keyword that is lost is named, and not once more what stands inside it.

Nothing is lost with what says nothing: a keyword that is null, false or empty (but `const` may be any of them, and
`default` all but null, which generators write for every optional parameter), and `additionalProperties: true`. And
nobody is warned of `title`, `$schema`, `$id`, `$anchor`, `$comment` and `strict`, which generators write into every
schema and which tell a model nothing that the rest does not; so `additionalProperties: false` is none either.
"""

import re
from collections.abc import Callable, Container, Mapping

from callwright.conversation import Json

UNMISSED = frozenset({"title", "$schema", "$id", "$anchor", "$comment", "strict"})
"""Keywords whose loss is not worth a warning."""
_NAMES = re.compile(r"^(tools\[\d+\]) .*?(?=loses )", re.DOTALL)


class Omissions:
    """What is left out of one tool.

    Attributes:
      where: The tool's place, as in `tools[0]`.
      tool: Its name.
    """

    __slots__ = ("_keywords", "tool", "where")

    def __init__(self, where: str, tool: str) -> None:
        self.where, self.tool = where, tool
        self._keywords: dict[str | None, dict[str, None]] = {}

    def unprinted(self, path: str | None, schema: Mapping[str, Json], printed: Container[str]) -> None:
        """Adds the keywords of a schema that are not printed.

        Args:
          path: The parameter, as in `edits[].line`; "" for the schema of all parameters, None for the tool itself.
          schema: What the source has there.
          printed: Its keywords that are printed.
        """
        for keyword, value in schema.items():
            if keyword not in printed and is_missed(keyword, value):
                self.add(path, keyword)

    def add(self, path: str | None, what: str) -> None:
        """Adds a keyword, or words for what is lost; `path` as above."""
        self._keywords.setdefault(path, {})[what] = None

    def tell(self, warn: Callable[[str], None]) -> None:
        """Warns of all that was added, once for each parameter."""
        for path, keywords in self._keywords.items():
            if path:
                subject = f": parameter {path}"
            else:
                subject = "" if path is None else ": the schema of its parameters"
            warn(f"{self.where} {self.tool}{subject} loses {', '.join(keywords)}")


def without_names(warning: str) -> str:
    """A warning as above without the tool and the parameter, so that alike ones can be counted; others as they are."""
    return _NAMES.sub(r"\1 ", warning)


def is_missed(keyword: str, value: Json) -> bool:
    """Whether something is lost with this keyword."""
    if keyword == "const":
        return True
    if keyword in UNMISSED or value is None or (value is False and keyword != "default"):
        return False
    if keyword == "additionalProperties" and value is True:
        return False
    return keyword == "default" or value not in ("", [], {})
