"""Faults that an answer suffers, the same whether it comes whole or streamed."""

import json
import re
from itertools import product
from typing import Any

from tests.support.fault import Faults, OutgoingReply, Refused, everywhere

FAULTS = Faults()
TAILS = ("", '"}', '"}}', "}", "}}", "}}}", "]}", "]}}", '"', "]", ")]", ")", '")]')


def _parsed(output: OutgoingReply, raw: Any = None, *, lenient: bool = False) -> Any:
    raw = output.raw if raw is None else raw
    return output.fmt.parse(raw, tools=output.tools, generation_prompt=output.opened, lenient=lenient)


def _markers(output: OutgoingReply) -> list[str]:
    """What means something to the format's parser, longest first."""
    regions = [text for region in output.fmt.grammar.regions for text in (region.opener, *region.closers)]
    return sorted({*output.fmt.special_tokens, *filter(lambda text: len(text) > 1, regions)}, key=len, reverse=True)


def _marker(output: OutgoingReply) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, _markers(output))))


def _call(name: str, arguments: Any) -> list[str]:
    return [name, json.dumps(dict(arguments), ensure_ascii=False)]


def _without_calls(output: OutgoingReply) -> None:
    output.calls.clear()
    output.finish = "stop" if output.finish == "tool_calls" else output.finish


@FAULTS.answer("call-left-in-content", "reply")
def calls_left_in_content(output: OutgoingReply) -> None:
    """The parser does not know the format, and gives all words as text."""
    if output.calls:
        output.content = output.text
        _without_calls(output)


@FAULTS.answer("call-dropped", "reply")
def calls_dropped(output: OutgoingReply) -> None:
    """Calls are taken out of the text, and lost."""
    _without_calls(output)


@FAULTS.answer("parallel-calls-lost", "reply")
def calls_after_the_first_lost(output: OutgoingReply) -> None:
    """Only the first call is read."""
    del output.calls[1:]


@FAULTS.answer("call-altered", "reply")
def arguments_lost(output: OutgoingReply) -> None:
    """The last of several arguments is lost."""
    output.change_arguments(lambda arguments: dict(list(arguments.items())[: max(1, len(arguments) - 1)]))


@FAULTS.answer("call-altered", "reply")
def names_made_identifiers(output: OutgoingReply) -> None:
    """A name is made an identifier, with _ for what cannot stand in one."""
    for call in output.calls:
        call[0] = re.sub(r"[^\w]", "_", call[0])


@FAULTS.answer("call-invented", "reply")
def a_call_out_of_prose(output: OutgoingReply) -> None:
    """A tool whose name the text mentions is called without arguments."""
    for tool in output.tools if not _parsed(output).errors else ():
        if not output.calls and tool.name in (output.content or ""):
            output.calls.append(_call(tool.name, {}))
            output.finish = "tool_calls" if output.finish == "stop" else output.finish


@FAULTS.answer("malformed-call-repaired", "reply")
def malformed_calls_repaired(output: OutgoingReply) -> None:
    """A malformed call is read as what it may have meant."""
    strict = _parsed(output)
    if strict.errors and strict.complete:
        lenient = _parsed(output, lenient=True)
        if len(lenient.tool_calls) > len(strict.tool_calls):
            output.calls[:] = [_call(call.name, call.arguments) for call in lenient.tool_calls]
            output.content = lenient.content
            output.finish = "tool_calls"


@FAULTS.answer("call-dropped", "reply")
def malformed_calls_swallowed(output: OutgoingReply) -> None:
    """A malformed call is taken out of the text and lost."""
    strict = _parsed(output)
    if strict.errors and strict.complete:
        opened = re.search("|".join(re.escape(region.opener) for region in output.fmt.grammar.regions), output.text)
        output.content = (
            (output.content or "").partition(opened[0])[0].rstrip("\n") or None if opened else output.content
        )


@FAULTS.answer("unclosed-call-accepted", "reply")
def unclosed_calls_accepted(output: OutgoingReply) -> None:
    """A call that the model left open when it ended its turn is closed for it."""
    if output.finish != "length" and not _parsed(output).complete:
        closers = {closer for region in output.fmt.grammar.regions for closer in region.closers}
        for tail, closer in product(TAILS, ["", *sorted(closers)]):
            closed = _parsed(output, output.text + tail + closer)
            if len(closed.tool_calls) > len(output.calls):
                output.calls[:] = [_call(call.name, call.arguments) for call in closed.tool_calls]
                output.finish = "tool_calls"
                return


@FAULTS.answer("cut-call-accepted", "reply")
def cut_calls_given(output: OutgoingReply) -> None:
    """A call that the limit cut is given with as much of its arguments as there is."""
    if output.finish == "length" and not output.calls:
        for tool in output.tools:
            rest = output.text.partition(tool.name)[2]
            if "{" in rest:
                output.calls.append([tool.name, rest[rest.index("{") :]])


@FAULTS.answer("server-error", "reply")
def errors_raised(output: OutgoingReply) -> None:
    """What cannot be parsed is the server's error."""
    if _parsed(output).errors:
        raise Refused(500, "Failed to parse input")


@FAULTS.answer("integer-rounded number-retyped", "reply")
def integers_through_float64(output: OutgoingReply) -> None:
    """Integers pass through float64."""
    output.change_arguments(lambda arguments: everywhere(arguments, lambda v: int(float(v)) if type(v) is int else v))


@FAULTS.answer("number-retyped", "reply")
def whole_floats_become_integers(output: OutgoingReply) -> None:
    """1.0 comes back as 1."""
    output.change_arguments(
        lambda arguments: everywhere(arguments, lambda v: int(v) if isinstance(v, float) and v.is_integer() else v)
    )


@FAULTS.answer("value-as-string", "reply")
def numbers_become_strings(output: OutgoingReply) -> None:
    """What is no string comes back as one."""
    output.change_arguments(
        lambda arguments: everywhere(arguments, lambda v: v if isinstance(v, str) else json.dumps(v))
    )


@FAULTS.answer("value-as-string", "reply")
def strings_become_values(output: OutgoingReply) -> None:
    """A string that looks like a number, a truth value or null comes back as one."""

    def cast(value: Any) -> Any:
        return (
            json.loads(value)
            if isinstance(value, str) and re.fullmatch(r"0|-?[1-9]\d*|true|false|null", value)
            else value
        )

    output.change_arguments(lambda arguments: everywhere(arguments, cast))


@FAULTS.answer("string-cut-at-delimiter", "reply")
def strings_cut_at_markers(output: OutgoingReply) -> None:
    """A marker of the format inside a string ends it."""
    marker = _marker(output)
    output.change_arguments(
        lambda arguments: everywhere(arguments, lambda v: marker.split(v)[0] if isinstance(v, str) else v)
    )


@FAULTS.answer("newlines-stripped", "reply")
def values_trimmed(output: OutgoingReply) -> None:
    """Whitespace at the edges of strings is lost."""
    output.change_arguments(lambda arguments: everywhere(arguments, lambda v: v.strip() if isinstance(v, str) else v))


@FAULTS.answer("argument-order-lost", "reply")
def arguments_sorted(output: OutgoingReply) -> None:
    """Arguments come from a map that is sorted by name."""
    output.change_arguments(lambda arguments: dict(sorted(arguments.items())))


@FAULTS.answer("marker-leaked", "reply")
def a_marker_left_over(output: OutgoingReply) -> None:
    """Behind a call the marker that ends it is left in the text."""
    special_tokens = [
        segment.text for segment in output.raw if segment.control and segment.text in output.fmt.special_tokens
    ]
    if output.calls and special_tokens:
        output.content = (output.content or "") + special_tokens[-1]


@FAULTS.answer("stop-included", "reply")
def stop_in_the_text(output: OutgoingReply) -> None:
    """The token that ends the turn is printed."""
    if output.finish != "length" and not output.calls:
        output.content = (output.content or "") + output.fmt.stops[0]


@FAULTS.answer("call-in-reasoning", "reply")
def calls_in_reasoning_made(output: OutgoingReply) -> None:
    """The thinking is searched for calls too."""
    for call in output.fmt.parse(output.reasoning or "", tools=output.tools).tool_calls:
        output.calls.append(_call(call.name, call.arguments))
        output.finish = "tool_calls"


@FAULTS.answer("reasoning-in-content", "reply")
def reasoning_given_as_text(output: OutgoingReply) -> None:
    """The thinking is not taken apart from the text."""
    thought = output.fmt.grammar.thought
    if output.reasoning and thought:
        output.content = f"{thought.opener}\n{output.reasoning}\n{thought.closer}\n\n{output.content or ''}"
        output.reasoning = None


@FAULTS.answer("content-as-reasoning", "reply", "qwen3", "gemma4")
def text_given_as_reasoning(output: OutgoingReply) -> None:
    """A thought is believed to be open from the first word on."""
    if not output.reasoning:
        output.content, output.reasoning = None, output.content


@FAULTS.answer("reasoning-lost", "reply")
def reasoning_dropped(output: OutgoingReply) -> None:
    """The thinking is not given."""
    output.reasoning = None


# Where the text is a second call that was never closed, nobody can tell whether a text or a call was dropped.
@FAULTS.answer("content-lost call-dropped", "reply")
def text_beside_calls_dropped(output: OutgoingReply) -> None:
    """Where there are calls the text is not given."""
    if output.calls:
        output.content = None


@FAULTS.answer("content-cut-at-marker", "reply")
def prose_cut_at_markers(output: OutgoingReply) -> None:
    """A marker that the text mentions ends it."""
    if output.content and not output.calls and not _parsed(output).errors:
        output.content = _marker(output).split(output.content)[0]


@FAULTS.answer("content-whitespace", "reply")
def text_trimmed(output: OutgoingReply) -> None:
    """Whitespace around the text is taken away."""
    output.content = output.content and output.content.strip()


@FAULTS.answer("limit-as-stop", "reply")
def limit_reported_as_stop(output: OutgoingReply) -> None:
    """An answer that the limit cut looks finished."""
    output.finish = "stop" if output.finish == "length" else output.finish


@FAULTS.answer("finish-reason-wrong", "reply")
def calls_reported_as_stop(output: OutgoingReply) -> None:
    """An answer with calls ends like one without."""
    output.finish = "stop" if output.finish == "tool_calls" else output.finish


@FAULTS.answer("state-leaks", "reply")
def calls_of_the_answer_before(output: OutgoingReply) -> None:
    """The parser's list of calls is not emptied between requests."""
    if output.calls:
        before = output.memory.get("calls", [])
        output.memory["calls"] = list(map(list, output.calls))
        output.calls[:0] = before
