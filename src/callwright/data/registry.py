"""The sources by name, and their mixture.

A new source is a settings class, a class that implements `Source`, and one line here.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from callwright.data.openai_jsonl import OpenAIJsonlSettings, OpenAIJsonlSource
from callwright.data.own_tools.settings import OwnToolsSettings
from callwright.data.own_tools.source import ToolsSource
from callwright.data.rng import Rng
from callwright.data.source import Example, Source
from callwright.data.synthetic import SyntheticSettings, SyntheticSource
from callwright.errors import ConfigError, suggest
from callwright.notices import Notify, ignore
from callwright.settings import Settings, validated


@dataclass(frozen=True, slots=True)
class RegisteredSource:
    """A kind of source.

    Attributes:
      settings: Its settings.
      make: Makes it from them.
      user_data: Whether its examples are the user's. Then every one is checked, and compared with the benchmark. Of a
        source that makes its examples a sample is enough, and tests show that no seed makes a tool that the benchmark
        has.
    """

    settings: type[Settings]
    make: Callable[[Any], Source]
    user_data: bool = True


SOURCES: Mapping[str, RegisteredSource] = {
    "synthetic": RegisteredSource(SyntheticSettings, SyntheticSource, user_data=False),
    "openai_jsonl": RegisteredSource(OpenAIJsonlSettings, OpenAIJsonlSource),
    "tools": RegisteredSource(OwnToolsSettings, ToolsSource),
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
    registered = SOURCES.get(name)
    if registered is None:
        raise ConfigError("a source", repr(name), suggest(name, SOURCES))
    if not isinstance(options, Settings):
        options = validated(registered.settings, dict(options or {}), where=f"the settings of {name}")
    return registered.make(options)


class MixedSource:
    """All examples of several sources, once each, in one random order that is the same in every process."""

    name = "mixed"

    def __init__(self, sources: Sequence[Source], seed: int = 0) -> None:
        self._sources = sources
        self._starts = [sum(map(len, sources[:i])) for i in range(len(sources))]
        self._order = array("Q", Rng("mix", seed).shuffled(range(sum(map(len, sources)))))

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, index: int) -> Example:
        return self.read(index, ignore)

    def read(self, index: int, notify: Notify) -> Example:
        """See `Source.read`."""
        which, place = self._place(index)
        return self._sources[which].read(place, notify)

    def group(self, index: int) -> str:
        """See `Source.group`; groups of different sources differ."""
        which, place = self._place(index)
        return f"{which}/{self._sources[which].group(place)}"

    def _place(self, index: int) -> tuple[int, int]:
        """Which source has the example, and its index there."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        place = self._order[index]
        which = bisect_right(self._starts, place) - 1
        return which, place - self._starts[which]

    def digests(self) -> dict[str, str]:
        """See `Source.digests`."""
        return {path: digest for source in self._sources for path, digest in source.digests().items()}
