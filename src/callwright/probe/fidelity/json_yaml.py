"""YAML whose scalars mean what they mean in JSON, for files in which `1.0` and `1` are not the same.

YAML by itself takes `no` for false, a date for a day and `1e20` for text. Here `null`, `true`, `false` and JSON's
numbers are what they are, integers of any size included, and every other plain scalar is text. A key that comes twice
is an error, because one of the two would be dropped; an alias is one too, because nothing bounds what it expands to.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from callwright.errors import DataError


def load(path: Path) -> Any:
    """What the file holds: JSON values, as long as it has no tags.

    Raises:
      DataError: It cannot be read, or is no such YAML; the message names it.
    """
    try:
        with path.open(encoding="utf-8") as file:
            return yaml.load(file, _Loader)  # noqa: S506 - a safe loader, see there
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DataError(f"YAML in {path}", str(error) or type(error).__name__, "correct the file") from error
    except (TypeError, LookupError, AttributeError, RecursionError) as error:  # as of `!!bool "abc"`
        came = f"what cannot be read ({type(error).__name__}: {error})"
        raise DataError(f"YAML in {path}", came, "correct the file") from error


class _Loader(yaml.SafeLoader):
    """Makes nothing but plain values."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "an alias, which is not read", event.start_mark)
        return super().compose_node(parent, index)

    def construct_scalar(self, node: Any) -> Any:
        """Joins a pair of surrogates, as JSON spells what lies beyond 16 bits; half a pair is no text."""
        text = super().construct_scalar(node)
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le") if isinstance(text, str) else text

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key.value!r} twice", key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


_NUMBER = r"-?(?:0|[1-9][0-9]*)"
_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"(?:null)?", ["n", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", _NUMBER, list("-0123456789")),
    ("float", rf"{_NUMBER}(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", list("-0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), _first)
