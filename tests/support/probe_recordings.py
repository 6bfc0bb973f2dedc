"""The recordings of a real Ollama, as the fidelity set must have them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from callwright.conversation import Conversation
from callwright.openai import read_conversation

FOLDER = Path(__file__).parents[1] / "golden" / "ollama"
FORMATS = {
    "gemma4": ("gemma4/31b", "gemma4/e2b"),
    "functiongemma": ("functiongemma",),
    "qwen3-coder": ("qwen3-xml",),
    "qwen3.5": ("qwen3-xml",),
    "qwen3-vl-instruct": ("qwen3",),
    "xml-args-go": ("xml/args",),
    "xml-args-jinja": ("xml/args",),
    "xml-arguments-go": ("xml/arguments",),
    "xml-arguments-jinja": ("xml/arguments",),
}
"""The formats whose words each recorded setup speaks."""


def rows(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every row of that kind ("parse" or "prompt"), with its setup."""
    for setup in FORMATS:
        for line in (FOLDER / f"{setup}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row["kind"] == kind:
                yield setup, row


def asked(request: dict[str, Any]) -> Conversation:
    """The conversation of a recorded request, from Ollama's wire."""
    messages = []
    for message in request["messages"]:
        names = {"tool_name": "name", "thinking": "reasoning_content"}
        messages.append({names.get(key, key): value for key, value in message.items()})
    return read_conversation({"messages": messages, "tools": request.get("tools")})
