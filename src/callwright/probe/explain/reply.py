"""What explains that an answer is not what the strict parser reads in the model's words.

The model's words are known to the token, so each difference has a cause that can be told from the two sides and the
words: a call that stands in the text was left there, one that stands nowhere was dropped, a value that float64 gives
was rounded. Text, reasoning, calls and finish reason are held against each other one by one, a call's arguments value
by value. If the server counts more or other tokens than the model would have said by itself, they were forced on it.
"""

from collections.abc import Iterator

from callwright.engines.chat import ChatReply
from callwright.formats.base import Format
from callwright.probe.explain.calls import explain_calls, invented, tail_in_content
from callwright.probe.explain.said import Said, reply_as_json, without_markers
from callwright.probe.faults import UNEXPLAINED


def explain_reply(said: Said, reply: ChatReply, *, says_tool_calls: bool = True) -> tuple[str, ...]:
    """The causes, none when the answer is what the words mean.

    Args:
      said: The model's words and their meaning.
      reply: What the server answered.
      says_tool_calls: Whether this wire has a finish reason of its own for calls.
    """
    if reply.error:
        return ("server-error",)
    causes = [*explain_calls(said, reply), *_reasoning(said, reply), *_content(said, reply)]
    causes += _finish(said, reply, says_tool_calls=says_tool_calls)
    if causes and not said.cut and said.is_counted_by(reply) is False:
        return ("tokens-forced",)
    return tuple(dict.fromkeys(causes))


def explain_stream(said: Said, whole: ChatReply, stream: ChatReply, *, says_tool_calls: bool = True) -> tuple[str, ...]:
    """The causes in the whole answer, and what the stream has beside them."""
    causes = explain_reply(said, whole, says_tool_calls=says_tool_calls)
    if reply_as_json(stream) == reply_as_json(whole) or (stream.error and whole.error):
        return causes
    streamed = explain_reply(said, stream, says_tool_calls=says_tool_calls)
    if not streamed and not causes:
        return ()
    if _lacks_arguments(stream) and not _lacks_arguments(whole):
        return (*causes, "arguments-not-streamed")
    return (*causes, "stream-differs")


def _lacks_arguments(reply: ChatReply) -> bool:
    return any(not call.arguments.strip() for call in reply.calls)


def _reasoning(said: Said, reply: ChatReply) -> Iterator[str]:
    expected, seen = said.parsed.reasoning or "", reply.reasoning
    if expected == seen:
        return
    if "".join(expected.split()) == "".join(seen.split()):
        if len(seen) < len(expected) or seen not in said.words:  # else it is as the model said it
            yield "content-whitespace"
    elif expected and not seen:
        yield "reasoning-in-content" if _is_thought_shown(said, reply) else "reasoning-lost"
    elif seen and not expected:
        if _is_taken_for_thought(said, reply):
            yield "content-as-reasoning"
        else:
            yield "content-lost" if seen.strip() in said.text else UNEXPLAINED
    else:
        yield "reasoning-lost"


def _is_thought_shown(said: Said, reply: ChatReply) -> bool:
    """Whether the reasoning stands in the text, perhaps with its markers, perhaps without a call that stood in it."""
    thought, seen = said.form.grammar.thought, reply.content
    opened = thought is not None and thought.opener in seen and thought.opener not in said.text
    return opened or (said.parsed.reasoning or "").strip() in seen


def _is_taken_for_thought(said: Said, reply: ChatReply) -> bool:
    """Whether text came as reasoning, because the server believes that a thought was opened."""
    return bool(reply.reasoning.strip()) and reply.reasoning.split() == said.text.split() and not reply.content.strip()


def _content(said: Said, reply: ChatReply) -> Iterator[str]:
    expected, seen = said.text, reply.content
    if expected == seen or _is_given_whole(said, seen) or _is_taken_for_thought(said, reply):
        return
    if tail_in_content(said, reply):
        return  # told already
    form, missing = said.form, len(reply.calls) < len(said.parsed.tool_calls)
    reasoning = said.parsed.reasoning or ""
    if reasoning and not reply.reasoning and _is_thought_shown(said, reply):
        return  # told already
    if said.unclosed and len(reply.calls) > len(said.parsed.tool_calls) and seen in (said.parsed.content or ""):
        return  # told already
    same_text = without_markers(form, seen) == without_markers(form, expected)
    if "".join(expected.split()) == "".join(seen.split()):
        yield "content-whitespace"
    elif missing and any(call.name in seen for call in said.parsed.tool_calls):
        return  # told already: a call is left in the text
    elif (
        said.cut
        and not same_text
        and not said.parsed.complete
        and seen.startswith(expected)
        and seen.strip() in said.words
    ):
        yield "call-left-in-content"
    elif any(seen.endswith(stop) and not expected.endswith(stop) for stop in form.stops):
        yield "stop-included"
    elif same_text and len(seen) > len(expected):
        if not said.parsed.errors:
            yield "marker-leaked"
    elif len(seen.strip()) < len(expected.strip()) and (expected.strip().startswith(seen.strip()) or not seen.strip()):
        yield _cause_of_shorter(said, reply)
    elif expected and expected.strip() in seen:
        yield "marker-leaked" if any(control in seen for control in form.controls) else UNEXPLAINED
    else:
        yield "content-lost" if len(seen) < len(expected) else UNEXPLAINED


def _is_given_whole(said: Said, seen: str) -> bool:
    """Whether text is as the model said it where the strict parser, rightly too, gives less.

    That is white space beside a marker, and a call that was opened and never made: it may be text if nothing cut it.
    """
    expected, words = said.text, said.words
    if "".join(seen.split()) == "".join(expected.split()):
        return bool(seen.strip()) and seen in words and len(seen) > len(expected)
    return not said.cut and not said.parsed.complete and not said.parsed.tool_calls and seen.strip() == words.strip()


def _cause_of_shorter(said: Said, reply: ChatReply) -> str:
    """Text that ends early, or is not there."""
    expected, seen = said.text.strip(), reply.content.strip()
    if said.unclosed and not any(tool.name in said.unclosed for tool in said.tools):
        return "content-cut-at-marker"
    rest, thought = expected[len(seen) :].lstrip(), said.form.grammar.thought
    if thought is not None and seen and rest.startswith((thought.opener, thought.closer)):
        return "content-cut-at-marker"
    if said.parsed.errors:
        if len(reply.calls) > len(said.parsed.tool_calls):
            return next(invented(said, reply, reply.calls[len(said.parsed.tool_calls) :]))
        return "call-dropped"
    if (seen or not said.parsed.tool_calls) and any(rest.startswith(marker) for marker in _markers(said.form)):
        return "content-cut-at-marker"
    return "content-lost"


def _markers(form: Format) -> Iterator[str]:
    """What means something to the family's parser, white space around it left out."""
    for region in form.grammar.regions:
        yield from filter(None, (text.strip() for text in (region.opener, *region.closers)))
    yield from form.controls


def _finish(said: Said, reply: ChatReply, *, says_tool_calls: bool) -> Iterator[str]:
    seen = reply.finish_reason
    if said.cut:
        if seen != "length":
            yield "limit-as-stop"
        return
    if reply.calls:
        wrong = seen != "tool_calls" if says_tool_calls else seen == "length"
    else:
        wrong = seen != "stop"
    if wrong:
        yield "finish-reason-wrong"
