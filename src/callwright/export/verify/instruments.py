"""An export's template, stops and token types, tried with instruments that have them in its place.

The x-ray has the export's own tokenizer and template, taken from the file: it shows which of the model's tokens a chat
really becomes on its way through the server. The script says planned calls in the model's format, so what the client
gets is the server's reading and nothing of the model's.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from callwright.conversation import Conversation, Message, ToolCall
from callwright.engines.chat import ChatRequest
from callwright.engines.llama_server import serve
from callwright.engines.openai_chat import OpenAIChat
from callwright.errors import DataError
from callwright.export.verify.calls import same_calls
from callwright.export.verify.check import Check
from callwright.formats.base import Format
from callwright.instruments.files import write
from callwright.instruments.own_vocabulary import make_own_xray, read_own_xray, read_vocabulary
from callwright.instruments.script import Line, write_script
from callwright.instruments.script_file import expected_output
from callwright.instruments.vocabulary import cue_text
from callwright.tokens import Tokenizer, encode_segments

_ROOM = 64
"""Tokens of context beyond twice the prompt."""


def check_arrival(
    gguf: Path, fmt: Format, tokenizer: Tokenizer, conversation: Conversation, *, program: Path | None = None
) -> Check:
    """Whether a chat reaches the model as the very tokens that it was trained on, shown by an x-ray.

    Args:
      gguf: The export.
      fmt: The format.
      tokenizer: Ours.
      conversation: What is asked; short, because an x-ray of the model's vocabulary is half as large as the model.
      program: The llama-server.

    Raises:
      WeightsError: The export is no GGUF.
      WorkError: The server does not become ready.
      FormatError: The format cannot say the conversation.
    """
    expected, _ = encode_segments(tokenizer, fmt.render(conversation, add_generation_prompt=True).segments)
    xray = make_own_xray(read_vocabulary(gguf), len(expected))
    context = 2 * len(expected) + _ROOM
    with tempfile.TemporaryDirectory(prefix="callwright-") as scratch:
        path = Path(scratch) / "xray.gguf"
        xray.write(path, context=context)
        with serve(path, program=program, context=context) as server, OpenAIChat(server.url) as chat:
            asked = ChatRequest(conversation=conversation, max_tokens=len(expected) + _ROOM // 2)
            reply = chat.chat(asked)
    numbers = {"tokens": float(len(expected))}
    name = "tokens that reach the model"
    if reply.error or reply.prompt_tokens not in (None, len(expected)):
        got = reply.error or f"{reply.prompt_tokens} tokens, where {len(expected)} were trained"
        return Check(name, False, got, numbers)
    try:
        got_ids = read_own_xray(tokenizer.vocab_size, reply.words)
    except DataError as error:
        return Check(name, False, error.got, numbers)
    if got_ids == expected:
        return Check(name, True, f"all {len(expected)} of a chat with tools are those that were trained", numbers)
    at = next((n for n, pair in enumerate(zip(expected, got_ids, strict=False)) if pair[0] != pair[1]), len(got_ids))
    one, other = (tokenizer.decode(ids[at : at + 1]) for ids in (expected, got_ids))
    return Check(name, False, f"token {at} is {other!r}, where {one!r} was trained", numbers)


def check_reading(
    fmt: Format, planned: Mapping[str, Sequence[ToolCall]], conversation: Conversation, *, program: Path | None = None
) -> Check:
    """Whether the server reads the format's calls, shown by a script that says planned ones.

    Args:
      fmt: The format, of which the script has template, stops and token types.
      planned: The calls of an answer by its name, made of letters, digits, `_`, `.` and `-`.
      conversation: Its tools are offered; the planned calls are of these.
      program: The llama-server.

    Raises:
      WorkError: The server does not become ready.
    """
    answers = {cue: Message("assistant", None, tool_calls=tuple(calls)) for cue, calls in planned.items()}
    asked = Message("user", "Go.")
    lines = [
        Line(cue, expected_output(fmt, Conversation((asked, answer), conversation.tools)))
        for cue, answer in answers.items()
    ]
    wrong = list[str]()
    with tempfile.TemporaryDirectory(prefix="callwright-") as scratch:
        path = Path(scratch) / "script.gguf"
        write(write_script(fmt, lines), path)
        with serve(path, program=program) as server, OpenAIChat(server.url) as chat:
            for cue, answer in answers.items():
                messages = (replace(asked, content=f"Go. {cue_text(cue)}"),)
                reply = chat.chat(ChatRequest(conversation=Conversation(messages, conversation.tools)))
                message = reply.message()
                if reply.error or message is None or not same_calls(message.tool_calls, answer.tool_calls):
                    got = reply.error or f"{len(reply.calls)} calls and the text {reply.words[:60]!r}"
                    wrong.append(f"the planned calls of {cue} come as {got}")
    detail = f"{wrong[0]} ({len(wrong)} of {len(planned)})" if wrong else f"all {len(planned)} planned answers are read"
    numbers = {"planned": float(len(planned)), "different": float(len(wrong))}
    return Check("calls that the server reads", not wrong and bool(planned), detail, numbers)
