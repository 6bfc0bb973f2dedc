"""The runtimes that can be probed: one file each."""

import importlib
from collections.abc import Sequence

from callwright.errors import InputError, suggest
from callwright.probe.targets.base import Target

TARGETS = {
    "llamacpp": ("callwright.probe.targets.llamacpp", "LlamaCppTarget"),
    "ollama": ("callwright.probe.targets.ollama", "OllamaTarget"),
    "transformers": ("callwright.probe.targets.transformers_target", "TransformersTarget"),
}
"""The module and class of targets by name. A class is made with the overrides, and imported only then."""


def find_target(name_or_url: str, overrides: Sequence[str] = ()) -> Target:
    """The target of a name, or of the URL of an OpenAI-compatible server.

    Args:
      name_or_url: A key of TARGETS, or http(s)://HOST:PORT.
      overrides: Settings of the target, each `key=value`.

    Raises:
      InputError: There is no such target, or a setting is wrong.
      WorkError: It cannot be reached or made.
    """
    if name_or_url.startswith(("http://", "https://")):
        from callwright.probe.targets.server import ServerTarget

        return ServerTarget(name_or_url, overrides)
    if name_or_url not in TARGETS:
        fix = f"{suggest(name_or_url, TARGETS)}, or the URL of a server"
        raise InputError("a target to probe", repr(name_or_url), fix)
    module, name = TARGETS[name_or_url]
    target: Target = getattr(importlib.import_module(module), name)(overrides)
    return target
