"""YAML 1.2, read into plain JSON values and written from them: configurations, cases and tools files.

ruamel.yaml reads the syntax; what a scalar means is decided here, by one of the two schemas of the YAML 1.2
specification. Under the core schema (chapter 10.3) `null`, `true`, `017` (seventeen), `0o17`, `0x1F`, `.5` and `1e3`
are values; under the JSON schema (chapter 10.2) only what JSON itself writes so, and there are no aliases, as JSON has
none. Every other plain scalar is text, and so are `yes`, `no`, `on`, `off`, `1_000`, `1:30` and dates.

Nothing but JSON values comes out: a tag, a key that is no scalar, a key that comes twice, an infinite number, an alias
without end and values nested too deeply are errors that name file and line.
"""

import copy
import hashlib
import io
import json
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)
from ruamel.yaml.nodes import MappingNode, SequenceNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.representer import SafeRepresenter

from callwright.conversation import Json
from callwright.errors import DataError, InputError, StorageError
from callwright.storage import cache_dir, write_json, write_text

Schema = Literal["core", "json"]

MAX_DEPTH = 200
"""How deeply values may be nested."""
MAX_VALUES = 1_000_000
"""How many values a file may hold, those that aliases repeat included."""
MAX_NUMBER = 1000
"""How many characters a number may have."""
LONGEST = 200
"""How many characters of what is wrong a message shows."""

_NULL = {"core": {"", "~", "null", "Null", "NULL"}, "json": {"", "null"}}
_TRUE = {"core": {"true", "True", "TRUE"}, "json": {"true"}}
_FALSE = {"core": {"false", "False", "FALSE"}, "json": {"false"}}
_INTEGER = {
    "core": re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"),
    "json": re.compile(r"-?(?:0|[1-9][0-9]*)"),
}
_FLOAT = {
    "core": re.compile(
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
    ),
    "json": re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"),
}
_PLAIN = re.compile(r"[ -~\u00a1-\u1fff\u2030-\ud7ff]*")
"""Characters that every reader of YAML takes as they are."""
_SYNTAX = {
    "found character (.+) that cannot start any token": r"the character \1 where a value begins",
    "mapping values are not allowed": "a second ': ' in a value, or a line that is indented too far",
    "expected ',' or": "a bracket that is not closed, or no comma between two entries",
    "expected the node content": "no value where one has to be",
    "expected <block end>": "a line that is indented unlike those before it",
    "could not find expected ':'": "a key without ': '",
    "unexpected (end of stream|document separator)": "a quotation mark that is not closed",
    "found unknown escape character '(.)'": r"the escape \\\1, which YAML does not have",
    "found incompatible YAML document": "another version of YAML than 1",
    "(alphabetic or numeric|chomping or indentation)": "a character that means something to YAML, unquoted",
}
"""What is wrong, by what the parser says."""
_NOT_YAML = "what is not YAML"
_PARSER_FAILURES = (YAMLError, ValueError, LookupError, AttributeError, TypeError, AssertionError, RecursionError)
"""What ruamel.yaml raises on hostile text: its own errors, and those of its code."""


class _MalformedError(Exception):
    """What is wrong, and the line, counted from 1."""

    def __init__(self, got: str, line: int) -> None:
        super().__init__(got)
        self.got, self.line = got, line


def read_yaml(path: Path, *, schema: Schema = "core", error: type[InputError] = DataError) -> Any:
    """The value in a file; None where it is empty.

    Args:
      path: A file in UTF-8.
      schema: What plain scalars mean, and whether `*name` may repeat what `&name` marks; what it repeats is a copy.
      error: What is raised.

    Raises:
      InputError: Of type `error`. The file cannot be read, or is no such YAML; the message names file and line.
    """
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as failure:  # a ValueError of a name that no file can have
        got = getattr(failure, "strerror", None) or str(failure)
        raise error(f"a readable file {path}", got, "name an existing file") from failure
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        line = data.count(b"\n", 0, failure.start) + 1
        raise error(f"YAML in {path}, line {line}", "bytes that are not UTF-8", "save the file as UTF-8") from failure
    return parse_yaml(text, str(path), schema=schema, error=error)


def parse_yaml(text: str, where: str, *, schema: Schema = "core", error: type[InputError] = DataError) -> Any:
    """The value that `text` writes; see `read_yaml`. `where` names the text in errors."""
    try:
        return _Builder(YAML(typ="safe", pure=True).parse(io.StringIO(text)), schema).document()
    except _MalformedError as failure:
        got, line = failure.got, failure.line
    except ReaderError as failure:
        got, line = f"the character U+{failure.character:04X}", text.count("\n", 0, failure.position) + 1
    except MarkedYAMLError as failure:
        mark = failure.problem_mark or failure.context_mark
        got = _in_words(str(failure.problem or failure.context))
        line = mark.line + 1 if mark is not None else 1
    except _PARSER_FAILURES:
        got, line = _NOT_YAML, 1
    raise error(f"YAML in {where}, line {line}", got[:LONGEST], "correct the file")


def _in_words(problem: str) -> str:
    """What the parser found, in our words."""
    found = ((re.search(pattern, problem), words) for pattern, words in _SYNTAX.items())
    return next((match.expand(words) for match, words in found if match), _NOT_YAML)


def yaml_line(path: Path, keys: Sequence[str | int]) -> int | None:
    """The line, from 1, of the value at these keys and indices in a file, or of the innermost that is there.

    It reads the file once more, to be asked when there is something to complain about; None where it is not YAML.
    """
    try:
        node = YAML(typ="safe", pure=True).compose(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, *_PARSER_FAILURES):
        return None
    line = None
    for key in keys:
        if isinstance(node, MappingNode):
            entry = next((entry for entry in node.value if entry[0].value == key), None)
            if entry is None:
                break
            marked, node = entry
        elif isinstance(node, SequenceNode) and isinstance(key, int) and key < len(node.value):
            marked = node = node.value[key]
        else:
            break
        line = int(marked.start_mark.line) + 1
    return line


def read_package_yaml(paths: Sequence[Path], *, schema: Schema = "core") -> list[Any]:
    """The values in files of the package; see `read_yaml`.

    Reading YAML takes seconds for each megabyte, so what was read is kept as JSON in the cache, under the hash of the
    files and of this module. Where the cache cannot be written, they are read each time.
    """
    digest = hashlib.sha256(schema.encode() + Path(__file__).read_bytes())
    for path in paths:
        digest.update(path.read_bytes())
    try:
        kept = cache_dir() / "yaml" / f"{digest.hexdigest()}.json"
    except StorageError:
        return [read_yaml(path, schema=schema) for path in paths]
    with suppress(OSError, ValueError):
        return list(json.loads(kept.read_bytes()))
    values = [read_yaml(path, schema=schema) for path in paths]
    with suppress(StorageError):
        write_json(kept, values)
    return values


def write_yaml(path: Path, value: Json, *, header: str = "") -> None:
    """Replaces `path` by `value` as YAML, atomically; `header` stands before it."""
    write_text(path, header + format_yaml(value))


def format_yaml(value: Json) -> str:
    """`value` as YAML, a line for each entry, keys in their order; `parse_yaml` reads the same value from it."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = _Representer
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 120
    out = io.StringIO()
    yaml.dump(value, out)
    return out.getvalue()


class _Builder:
    """Makes values of the events of a parser."""

    def __init__(self, events: Iterator[Any], schema: Schema) -> None:
        self._events, self._schema = events, schema
        self._anchors: dict[str, tuple[Json, int]] = {}  # value, and how many values it consists of
        self._values = 0

    def document(self) -> Json:
        """The value of the only document."""
        next(self._events)  # the start of the stream
        if isinstance(next(self._events), StreamEndEvent):
            return None
        value = self._value(next(self._events), 0)
        next(self._events)  # the end of the document
        after = next(self._events)
        if not isinstance(after, StreamEndEvent):
            raise _MalformedError("a second document", _line(after))
        return value

    def _value(self, event: Any, depth: int) -> Json:
        if isinstance(event, AliasEvent):
            return self._repeated(event)
        if event.ctag is not None:
            tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
            raise _MalformedError(f"the tag {tag}, and tags are not read", _line(event))
        if depth > MAX_DEPTH:
            raise _MalformedError(f"values nested more than {MAX_DEPTH} deep", _line(event))
        before = self._values
        self._count(1, event)
        value: Json
        if isinstance(event, ScalarEvent):
            value = self._scalar(event)
        elif isinstance(event, MappingStartEvent):
            value = self._mapping(depth)
        else:
            value = []
            while not isinstance(inner := next(self._events), SequenceEndEvent):
                value.append(self._value(inner, depth + 1))
        if event.anchor is not None:
            self._anchors[event.anchor] = value, self._values - before
        return value

    def _mapping(self, depth: int) -> Json:
        value: dict[str, Json] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            if not isinstance(event, ScalarEvent) or event.ctag is not None:
                raise _MalformedError("a key that is no plain text", _line(event))
            key = self._text(event)
            if key in value:
                raise _MalformedError(f"the key {key!r} twice", _line(event))
            value[key] = self._value(next(self._events), depth + 1)
        return value

    def _repeated(self, event: Any) -> Json:
        if self._schema == "json":
            raise _MalformedError(f"the alias *{event.anchor}, and aliases are not read here", _line(event))
        if event.anchor not in self._anchors:
            got = f"the alias *{event.anchor}, with no complete &{event.anchor} before it"
            raise _MalformedError(got, _line(event))
        value, size = self._anchors[event.anchor]
        self._count(size, event)
        return copy.deepcopy(value)

    def _count(self, values: int, event: Any) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            raise _MalformedError(f"more than {MAX_VALUES} values", _line(event))

    def _text(self, event: Any) -> str:
        try:  # joins a pair of surrogates, as JSON writes what lies beyond 16 bits
            return str(event.value.encode("utf-16-le", "surrogatepass").decode("utf-16-le"))
        except UnicodeDecodeError:
            raise _MalformedError("half of a surrogate pair", _line(event)) from None

    def _scalar(self, event: Any) -> Json:
        text = self._text(event)
        if event.style:  # quoted, or a block
            return text
        try:
            return _meaning(text, self._schema)
        except ValueError as error:
            raise _MalformedError(str(error), _line(event)) from None


def _meaning(text: str, schema: Schema) -> Json:
    """What a plain scalar means; a ValueError says what it cannot mean."""
    if text in _NULL[schema]:
        return None
    if text in _TRUE[schema]:
        return True
    if text in _FALSE[schema]:
        return False
    is_integer = _INTEGER[schema].fullmatch(text)
    if not is_integer and not _FLOAT[schema].fullmatch(text):
        return text
    if len(text) > MAX_NUMBER:
        raise ValueError(f"a number of more than {MAX_NUMBER} characters")
    if is_integer:
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    number = math.inf if text.lower().endswith(("inf", "nan")) else float(text)
    if math.isinf(number) and schema == "core":  # under the JSON schema, 1e999 is what json.loads makes of it
        raise ValueError(f"{text}, which is not a finite number")
    return number


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


class _Representer(SafeRepresenter):
    """Quotes every text that would be read as something else, and never writes an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_text(self, text: str) -> Any:
        plain = _PLAIN.fullmatch(text) and (len(text) > MAX_NUMBER or _meaning_or_none(text) == text)
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


def _meaning_or_none(text: str) -> Json:
    try:
        return _meaning(text, "core")
    except ValueError:
        return None


_Representer.add_representer(str, _Representer.represent_text)
