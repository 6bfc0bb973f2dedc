"""The package's own tools files, in an order in which any first few tools come from different trades.

The very first tool has a result, so that even one tool makes every kind of dialogue.
"""

from functools import cache
from itertools import zip_longest
from pathlib import Path

from callwright.data.tools_file.declaration import DeclaredTool, ToolGroup
from callwright.data.tools_file.load import declare_tools
from callwright.yaml_files import read_package_yaml

FILES = (
    "weather", "geometry", "finance", "food", "calendar", "physics", "real_estate", "smart_home", "sports", "database",
    "chemistry", "history", "farming", "law", "travel", "algebra", "investing", "music", "messages", "electricity",
    "shopping", "health", "games", "systems", "biology", "genealogy", "building", "education", "transport",
    "statistics", "screen_and_page", "personnel", "astronomy", "museums",
)  # fmt: skip


@cache
def tool_groups() -> tuple[ToolGroup, ...]:
    """A group for each file."""
    paths = [Path(__file__).parent / f"{name}.yaml" for name in FILES]
    return tuple(map(declare_tools, read_package_yaml(paths), paths))


@cache
def declared_tools() -> tuple[tuple[ToolGroup, DeclaredTool], ...]:
    """All tools with their groups: the first of each group, then the second of each, and so on."""
    groups = tool_groups()
    return tuple(
        (group, declared)
        for row in zip_longest(*(group.tools for group in groups))
        for group, declared in zip(groups, row, strict=True)
        if declared is not None
    )
