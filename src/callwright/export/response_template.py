"""How transformers (5.13 and newer) is told to read calls: a `response_template` in tokenizer_config.json.

It is data, not code: markers, and where name and arguments stand in the JSON between them. Only formats whose calls are
JSON objects between two markers are written so; transformers has no reader for the others, and `parse_response` of
such an export says that it has no template. It is strict: on a malformed call, or one that was cut, it raises.
"""

import re
from typing import Any

from callwright.conversation import Conversation, Message
from callwright.formats.base import Format
from callwright.formats.tagged import TaggedJson


def response_template(fmt: Format) -> dict[str, Any] | None:
    """The template of a format; None where calls cannot be described to transformers."""
    readers = [region.read for region in fmt.grammar.regions if not region.lenient]
    if len(readers) != 1 or not isinstance(readers[0], TaggedJson) or fmt.grammar.thought:
        return None
    call = readers[0]
    function = {"name": "{content.name}", "arguments": f"{{content.{call.key}}}"}
    return {
        "version": 1,
        "defaults": {"role": "assistant"},
        "start_anchor": fmt.generation_prompt(Conversation((Message("user", "x"),))),
        "fields": {
            "content": {
                "close": [token for token in fmt.special_tokens if token in (*fmt.stops, "<eos>")],
                "content": "text",
                "content_args": {"strip": False},
                "repeats": True,
                "join": "",
            },
            "tool_calls": {
                "open_pattern": rf"\n?{re.escape(call.opener)}",
                # The closing marker may stand inside a string of the JSON, which ends in a brace.
                "close_pattern": rf"(?<=\}}\s*){re.escape(call.closer)}",
                "content": "json",
                "repeats": True,
                "transform": {"type": "function", "function": function},
            },
        },
    }
