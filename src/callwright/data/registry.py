"""The sources by name, and their mixture.

A new source is a settings class, a class that implements `Source`, and one line here.
"""

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from callwright.data.openai_jsonl import OpenAIJsonlSettings, OpenAIJsonlSource
from callwright.data.source import Example, Source
from callwright.data.synthetic import SyntheticSettings, SyntheticSource
from callwright.data.synthetic.draw import Draw
from callwright.errors import ConfigError
from callwright.settings import Settings


@dataclass(frozen=True, slots=True)
class Entry:
    """A kind of source: its settings and what makes it from them."""

    settings: type[Settings]
    make: Callable[[Any], Source]


SOURCES: Mapping[str, Entry] = {
    "synthetic": Entry(SyntheticSettings, SyntheticSource),
    "openai_jsonl": Entry(OpenAIJsonlSettings, OpenAIJsonlSource),
}


def open_source(name: str, options: Settings | Mapping[str, Any] | None = None) -> Source:
    """The source of that name.

    Args:
      name: A key of `SOURCES`.
      options: Its settings, or what a configuration file says about it.

    Raises:
      ConfigError: There is no such source, or its options are wrong.
      DataError: A file it reads is.
    """
    entry = SOURCES.get(name)
    if entry is None:
        raise ConfigError(f"a source: {', '.join(SOURCES)}", repr(name), "name one of these")
    if not isinstance(options, Settings):
        try:
            options = entry.settings.model_validate(dict(options or {}))
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join((name, *map(str, first["loc"])))
            raise ConfigError(f"valid settings of {key}", first["msg"], "correct this key") from error
    return entry.make(options)


class MixedSource:
    """All examples of several sources, once each, in one random order that is the same in every process."""

    name = "mixed"

    def __init__(self, sources: Sequence[Source], seed: int = 0) -> None:
        self._sources = sources
        self._starts = [sum(map(len, sources[:i])) for i in range(len(sources))]
        self._order = array("Q", Draw("mix", seed).shuffled(range(sum(map(len, sources)))))

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, index: int) -> Example:
        if not 0 <= index < len(self):
            raise IndexError(index)
        place = self._order[index]
        which = max(i for i, start in enumerate(self._starts) if start <= place and len(self._sources[i]))
        return self._sources[which][place - self._starts[which]]
