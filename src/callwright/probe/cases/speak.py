"""The words of a case: the model output in a format, as segments for a script.

The format itself puts a message into words, and edits then change them, so that the same mistake is made in every
format. Where a format has no such words (no second call, no thought, no marker to leave out) the case is not tested
there, and a `FormatError` says why.
"""

import re
from dataclasses import replace

from callwright.conversation import Conversation, Message
from callwright.errors import FormatError
from callwright.formats.base import Format
from callwright.formats.template_file import PREFIX
from callwright.instruments.script_file import expected_output
from callwright.probe.cases.edits import (
    NOT_TESTED,
    Editor,
    Words,
    places,
    split_stop,
    text_of,
    to_segments,
    to_words,
)
from callwright.probe.cases.schema import Case
from callwright.tokens import Segment


def words(fmt: Format, case: Case, turn: int = 0) -> tuple[Segment, ...]:
    """The words of one turn, for `Line.says` of a script.

    Args:
      fmt: The format.
      case: The case; its conversation and the turns before this one come before the words.
      turn: The index of the turn in `case.says`.

    Returns:
      Segments, each a control token or plain text. The end of the turn is the last, unless an edit took it away or the
      words are `raw` and have none.

    Raises:
      FormatError: The format cannot say it; the case is not tested there.
    """
    _check_applies(fmt, case)
    says = case.says[turn]
    for name in _names(fmt):
        if name in says.raw:
            return to_segments(to_words(fmt, says.raw[name], control=True))
    if says.message is None:
        raise FormatError(f"words for {_names(fmt)[0]}", f"some for {', '.join(says.raw)} only", NOT_TESTED)
    before = _before(case, turn)
    # Where the prompt opens a thought, words begin in it, and an empty one must be closed; unless an edit does that.
    thinks = fmt.grammar.thought is not None
    opened = thinks and fmt.grammar.opens_thought(fmt.generation_prompt(before, thinking=case.thinking))
    own = any("{think}" in (edit.prepend or "") for edit in says.edits)
    output, end = split_stop(fmt, _spoken(fmt, says.message, before, empty_thought=opened and not own))
    editor = Editor(fmt, lambda message: _quoted(fmt, message))
    for edit in says.edits:
        output, end = editor.edited(edit, output, end)
    return to_segments([*output, *end])


def check(fmt: Format, case: Case) -> None:
    """Checks that the format can say the case: each prompt of it, and all that the model says.

    Raises:
      FormatError: It cannot; the case is not tested there.
    """
    _check_applies(fmt, case)
    for turn in range(max(1, len(case.says))):
        # What a template leaves out is left out of what is expected: warnings do not matter here.
        fmt.render(_before(case, turn), add_generation_prompt=True, thinking=case.thinking)
        if case.says:
            words(fmt, case, turn)


def applies(case: Case, fmt: Format) -> bool:
    """Whether the case is meant for the format: `case.formats` names it, or nothing."""
    return not case.formats or bool(set(_names(fmt)) & set(case.formats))


def _check_applies(fmt: Format, case: Case) -> None:
    if not applies(case, fmt):
        raise FormatError(f"a case for {_names(fmt)[0]}", f"one for {', '.join(case.formats)} only", NOT_TESTED)


def _names(fmt: Format) -> tuple[str, str]:
    """`NAME/VARIANT` and `NAME`; of a template file, those of the format that reads it."""
    full = fmt.variant if fmt.name.startswith(PREFIX) else fmt.id
    return full, full.partition("/")[0]


def _before(case: Case, turn: int) -> Conversation:
    """The conversation before a turn: that of the case, and the earlier turns with their results."""
    messages = list(case.messages)
    for earlier, results in zip(case.says[:turn], case.results, strict=False):
        message = earlier.message or Message("assistant", "")
        messages.append(message)
        for call, result in zip(message.tool_calls, results, strict=False):
            messages.append(Message("tool", result, name=call.name, tool_call_id=call.id))
    return Conversation(tuple(messages), case.tools)


def _quoted(fmt: Format, message: Message) -> str:
    """A message's words as text, without the end of the turn."""
    return text_of(split_stop(fmt, _spoken(fmt, message, Conversation((Message("user", "Go."),))))[0])


def _spoken(fmt: Format, message: Message, before: Conversation, *, empty_thought: bool = False) -> Words:
    """A message as the format says it, without the empty thought that some templates put into a last message."""
    thought = fmt.grammar.thought
    if message.reasoning and thought is None:
        raise FormatError(f"a message without reasoning in {fmt.name}", "reasoning", NOT_TESTED)
    if message.content and fmt.drops_content(message):
        raise FormatError(f"no words beside calls in {fmt.name}", "words and calls", NOT_TESTED)
    segments = expected_output(fmt, replace(before, messages=(*before.messages, message)))
    output: Words = []
    for segment in segments:
        output += to_words(fmt, segment.text, control=segment.control)
    if thought and not message.reasoning and not empty_thought:
        empty = re.match(rf"{re.escape(thought.opener)}\s*{re.escape(thought.closer)}\s*", text_of(output))
        if empty:
            output = output[places(output, empty[0])[0][1] :]
    return output
