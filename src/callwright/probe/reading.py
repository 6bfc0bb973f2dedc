"""`callwright instrument read` for the probe's own instruments: what one says of a prompt, or an answer with it."""

import json
import sys
from collections.abc import Sequence

from callwright.engines.chat import ChatReply
from callwright.engines.ollama_api import OllamaResponse
from callwright.engines.ollama_chat import read_reply
from callwright.engines.openai_replies import ReplyReader
from callwright.errors import ConfigError, DataError
from callwright.formats.base import Format
from callwright.instruments.command import print_tokens
from callwright.probe.cases.schema import Case
from callwright.probe.plan import Part, make_plan
from callwright.probe.prompt import split_display

_OK = 200


def print_prompt(data: bytes, fmt: Format, cases: Sequence[Case], part: Part, *, as_text: bool) -> None:
    """Prints the prompt that an instrument of the probe shows; what else there is to say goes to standard error.

    Args:
      data: What it said, or the answer of a chat endpoint that holds it.
      fmt: The format that the instrument was built for.
      cases: The cases that it was built for.
      part: Which instrument it is.
      as_text: See `print_tokens`.

    Raises:
      ConfigError: The instrument shows no prompts.
      DataError: There is no prompt in `data`.
    """
    if part not in ("reader", "both"):
        raise ConfigError("the part that reads prompts, reader or both", part, "name the one that was built")
    display = make_plan(fmt, cases, one_file=part == "both").display
    reply = _reply(data)
    before, output = split_display(display, reply)
    if reply.error and not output:
        raise DataError("an answer that shows a prompt", reply.error, "send the request to the instrument")
    if not output:
        fix = "load the instrument that is built with the same --format, --part and --cases"
        raise DataError(
            "private-use characters of the probe's instrument", repr(before[:60]) if before else "no text", fix
        )
    count = reply.prompt_tokens or len(output)
    ids = display.read(output, min(max(count, 1), len(display.cues)))
    print_tokens(display.vocabulary, ids, as_text=as_text)
    if before:
        print(f"callwright: before the prompt stands {before[:200]!r}", file=sys.stderr)
    if len(output) != count:
        print(f"callwright: {len(output)} of the {count} tokens of the prompt, no more are shown", file=sys.stderr)


def _reply(data: bytes) -> ChatReply:
    """The reply of OpenAI's endpoint or Ollama's, as `curl` prints it, or the text that the model said."""
    text = data.decode("utf-8", "replace")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return ChatReply(status=_OK, content=text.rstrip("\r\n"))
    if isinstance(body, dict) and isinstance(body.get("message"), dict):
        return read_reply(OllamaResponse(_OK, text.strip()), streamed=False)
    reader = ReplyReader()
    reader.status = _OK
    reader.read_whole(data)
    return reader.reply()
