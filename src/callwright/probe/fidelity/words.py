"""The words of a case: what the model says, in a format, as segments for a script.

A message is put into words by the format itself, and edits then spoil them, so that the same slip is made in every
format. Where a format has no such words (no second call, no thought, no marker to leave out) the case does not exist
there, and a `FormatError` says why.
"""

import re
from dataclasses import replace

from callwright.conversation import Conversation, Message
from callwright.errors import FormatError
from callwright.formats.base import Format, quiet
from callwright.formats.template_file import PREFIX
from callwright.instruments.lines import spoken
from callwright.probe.fidelity.atoms import Words, places, split_stop, text_of, to_segments, to_words
from callwright.probe.fidelity.case import Case, Says
from callwright.probe.fidelity.edits import NOT_TESTED, Edit, Editor
from callwright.tokens import Segment


def words(form: Format, says: Says, case: Case) -> tuple[Segment, ...]:
    """What goes into `Line.says` of a script.

    Args:
      form: The format.
      says: One of `case.says`.
      case: The case; its conversation, and the turns before this one, come before the words.

    Returns:
      Segments, each a control token or plain text. The end of the turn is the last, unless an edit took it away or the
      words are `raw` and have none.

    Raises:
      FormatError: The format cannot say it; the case is not tested there.
    """
    _check_applies(form, case)
    for name in _names(form):
        if name in says.raw:
            return to_segments(to_words(form, says.raw[name], control=True))
    if says.message is None:
        raise FormatError(f"words for {_names(form)[0]}", f"some for {', '.join(says.raw)} only", NOT_TESTED)
    said, end = split_stop(form, _spoken(form, says.message, _before(case, says)))
    editor = Editor(form, lambda message: _quoted(form, message))
    for fields in says.edits:
        said, end = editor.edited(Edit.model_validate(fields), said, end)
    return to_segments([*said, *end])


def check(form: Format, case: Case) -> None:
    """Checks that the format can say the case: each prompt of it, and all that the model says.

    Raises:
      FormatError: It cannot; the case is not tested there.
    """
    _check_applies(form, case)
    for says in case.says or (Says(),):
        with quiet():  # what a template leaves out is left out of what is expected
            form.render(_before(case, says), add_generation_prompt=True, thinking=case.thinking)
        if case.says:
            words(form, says, case)


def applies(case: Case, form: Format) -> bool:
    """Whether the case is meant for the format: `case.formats` names it, or nothing."""
    return not case.formats or bool(set(_names(form)) & set(case.formats))


def _check_applies(form: Format, case: Case) -> None:
    if not applies(case, form):
        raise FormatError(f"a case for {_names(form)[0]}", f"one for {', '.join(case.formats)} only", NOT_TESTED)


def _names(form: Format) -> tuple[str, str]:
    """`NAME/VARIANT` and `NAME`; of a template file, those of the format that reads it."""
    full = form.variant if form.name.startswith(PREFIX) else f"{form.name}/{form.variant}".removesuffix("/")
    return full, full.partition("/")[0]


def _before(case: Case, says: Says) -> Conversation:
    """The conversation in which these words are said."""
    turn = next((number for number, one in enumerate(case.says) if one is says), 0)
    messages = list(case.conversation.messages)
    for earlier, results in zip(case.says[:turn], case.results, strict=False):
        message = earlier.message or Message("assistant", "")
        messages.append(message)
        for call, result in zip(message.tool_calls, results, strict=False):
            messages.append(Message("tool", result, name=call.name, tool_call_id=call.id))
    return replace(case.conversation, messages=tuple(messages))


def _quoted(form: Format, message: Message) -> str:
    """A message's words as text, without the end of the turn."""
    return text_of(split_stop(form, _spoken(form, message, Conversation((Message("user", "Go."),))))[0])


def _spoken(form: Format, message: Message, before: Conversation) -> Words:
    """A message as the format says it, without the empty thought that some templates put into a last message."""
    thought = form.grammar.thought
    if message.reasoning and thought is None:
        raise FormatError(f"a message without reasoning in {form.name}", "reasoning", NOT_TESTED)
    if message.content and form.drops_content(message):
        raise FormatError(f"no words beside calls in {form.name}", "words and calls", NOT_TESTED)
    with quiet():
        segments = spoken(form, replace(before, messages=(*before.messages, message)))
    said: Words = []
    for segment in segments:
        said += to_words(form, segment.text, control=segment.control)
    if thought and not message.reasoning:
        empty = re.match(rf"{re.escape(thought.opener)}\s*{re.escape(thought.closer)}\s*", text_of(said))
        if empty:
            said = said[places(said, empty[0])[0][1] :]
    return said
