"""The user's own package installer, so that the mirrors and certificates she set up are used for downloads."""

import importlib.util
import shutil
import sys

from callwright.errors import FetchError


def pip_command() -> list[str]:
    """The command line that runs pip: this interpreter's own, or one that uv brings.

    Raises:
      FetchError: There is neither.
    """
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if uv := shutil.which("uv"):
        return [uv, "tool", "run", "--python", sys.executable, "pip"]
    raise FetchError("pip or uv to download with", "neither", "run `python -m ensurepip` or install uv")
