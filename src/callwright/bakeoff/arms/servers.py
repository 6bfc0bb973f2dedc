"""What the arms of servers share: where a server is, what it says of itself, and why a request failed."""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from callwright.bakeoff.arms.base import ArmError
from callwright.bakeoff.trace import HaltReason
from callwright.conversation import Json
from callwright.engines.http_client import HttpClient, HttpError
from callwright.engines.response_text import error_text

_TOO_LONG = re.compile(
    r"exceed\w*.{0,60}context|context.{0,40}(exceed|too (long|small)|overflow|limit)|prompt.{0,20}too long"
    r"|maximum context length|input length",
    re.IGNORECASE | re.DOTALL,
)
"""How servers refuse a prompt that does not fit (llama.cpp, Ollama, vLLM, OpenAI)."""
_NO_TIME = re.compile(r"within [\d.e+]+ seconds|timed out", re.IGNORECASE)
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_SECONDS = 10.0
_START = "start the server, or correct the arm's url"


def failure_of(error: str) -> HaltReason:
    """Which of the reasons a server's error, or a client's, is."""
    if _TOO_LONG.search(error):
        return "context_overflow"
    return "timeout" if _NO_TIME.search(error) else "http_error"


def is_local(url: str | None) -> bool:
    """Whether a server computes on this machine."""
    return url is None or urlsplit(url).hostname in _LOOPBACK


def llama_version(url: str) -> dict[str, Json]:
    """What a llama.cpp server says of itself: its version, its context, and the sha256 of its chat template.

    Raises:
      ArmError: No llama.cpp answers there.
    """
    answer = get_json(url, "/props", "a llama.cpp server")
    template = answer.get("chat_template")
    settings = answer.get("default_generation_settings")
    return {
        "version": answer.get("build_info"),
        "context": settings.get("n_ctx") if isinstance(settings, Mapping) else None,
        "chat_template_sha256": sha256(template.encode()).hexdigest() if isinstance(template, str) else None,
    }


def get_json(url: str, path: str, what: str) -> dict[str, Any]:
    """The object that a server answers at a path.

    Raises:
      ArmError: None comes.
    """
    client = HttpClient(url, _SECONDS)
    try:
        status, value, _ = client.get_json(path)
    except HttpError as error:
        raise ArmError("http_error", f"{what} at {url}", str(error), _START) from error
    finally:
        client.close()
    if status >= 300 or not isinstance(value, dict):
        raise ArmError("http_error", f"{what} at {url}", error_text(value) or f"HTTP {status}", _START)
    return value
