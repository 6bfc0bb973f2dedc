"""The source of examples of a user's own tools, which a tools file declares."""

from pathlib import Path

from callwright.data.own_tools.generator import Generator
from callwright.data.own_tools.settings import OwnToolsSettings
from callwright.data.source import Example, file_digests
from callwright.data.tools_file.declaration import ToolGroup
from callwright.data.tools_file.includes import piece_paths, place
from callwright.data.tools_file.load import load_tools_file
from callwright.errors import DataError
from callwright.notices import Notify


def load_own_tools(path: Path) -> ToolGroup:
    """The tools of a file that all have a name.

    Raises:
      DataError: The file is no tools file, or one of its tools is declared by verbs and nouns.
    """
    file = load_tools_file(path)
    for number, tool in enumerate(file.tools):
        if tool.name is None:
            raise DataError(
                f"a name of every tool in {path}",
                f"a tool of verbs and nouns in {place(path, ('tools', number))} ({tool.verbs[0]}_{tool.nouns[0]})",
                "give it a name instead of them",
            )
    return file


class ToolsSource:
    """What training learns from of a tools file; `Generator` makes what is held out of it, too."""

    name = "tools"

    def __init__(self, settings: OwnToolsSettings) -> None:
        self.settings = settings
        self.file = load_own_tools(settings.path)
        self._generator = Generator(self.file, settings.mix, settings.context_share, seed=settings.seed, held_out=False)

    def __len__(self) -> int:
        return self.settings.examples

    def __getitem__(self, index: int) -> Example:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self._generator.example(index)

    def read(self, index: int, notify: Notify) -> Example:
        """See `Source.read`; there is nothing to tell."""
        return self[index]

    def group(self, index: int) -> str:
        """See `Source.group`; the examples with the same system prompt."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self._generator.group(index)

    def digests(self) -> dict[str, str]:
        """See `Source.digests`.

        Raises:
          DataError: The system refuses to read the file.
        """
        return file_digests(piece_paths(self.settings.path))
