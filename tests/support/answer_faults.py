"""Faults that an answer suffers, the same whether it comes whole or streamed."""

import json
import re
from itertools import product
from typing import Any

from tests.support.fault import Faults, Refused, Said, everywhere

FAULTS = Faults()
TAILS = ("", '"}', '"}}', "}", "}}", "}}}", "]}", "]}}", '"', "]", ")]", ")", '")]')


def _parsed(said: Said, raw: Any = None, *, lenient: bool = False) -> Any:
    raw = said.raw if raw is None else raw
    return said.form.parse(raw, tools=said.tools, generation_prompt=said.opened, lenient=lenient)


def _markers(said: Said) -> list[str]:
    """What means something to the format's parser, longest first."""
    regions = [text for region in said.form.grammar.regions for text in (region.opener, *region.closers)]
    return sorted({*said.form.controls, *filter(lambda text: len(text) > 1, regions)}, key=len, reverse=True)


def _marker(said: Said) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, _markers(said))))


def _call(name: str, arguments: Any) -> list[str]:
    return [name, json.dumps(dict(arguments), ensure_ascii=False)]


def _without_calls(said: Said) -> None:
    said.calls.clear()
    said.finish = "stop" if said.finish == "tool_calls" else said.finish


@FAULTS.answer("call-left-in-content", "reply")
def calls_left_in_content(said: Said) -> None:
    """The parser does not know the format, and gives all words as text."""
    if said.calls:
        said.content = said.text
        _without_calls(said)


@FAULTS.answer("call-dropped", "reply")
def calls_dropped(said: Said) -> None:
    """Calls are taken out of the text, and lost."""
    _without_calls(said)


@FAULTS.answer("parallel-calls-lost", "reply")
def calls_after_the_first_lost(said: Said) -> None:
    """Only the first call is read."""
    del said.calls[1:]


@FAULTS.answer("call-altered", "reply")
def arguments_lost(said: Said) -> None:
    """The last of several arguments is lost."""
    said.change_arguments(lambda arguments: dict(list(arguments.items())[: max(1, len(arguments) - 1)]))


@FAULTS.answer("call-altered", "reply")
def names_made_identifiers(said: Said) -> None:
    """A name is made an identifier, with _ for what cannot stand in one."""
    for call in said.calls:
        call[0] = re.sub(r"[^\w]", "_", call[0])


@FAULTS.answer("call-invented", "reply")
def a_call_out_of_prose(said: Said) -> None:
    """A tool whose name the text mentions is called without arguments."""
    for tool in said.tools if not _parsed(said).errors else ():
        if not said.calls and tool.name in (said.content or ""):
            said.calls.append(_call(tool.name, {}))
            said.finish = "tool_calls" if said.finish == "stop" else said.finish


@FAULTS.answer("malformed-call-repaired", "reply")
def slips_mended(said: Said) -> None:
    """A malformed call is read as what it may have meant."""
    strict = _parsed(said)
    if strict.errors and strict.complete:
        lenient = _parsed(said, lenient=True)
        if len(lenient.tool_calls) > len(strict.tool_calls):
            said.calls[:] = [_call(call.name, call.arguments) for call in lenient.tool_calls]
            said.content = lenient.content
            said.finish = "tool_calls"


@FAULTS.answer("call-dropped", "reply")
def malformed_calls_swallowed(said: Said) -> None:
    """A malformed call is taken out of the text and lost."""
    strict = _parsed(said)
    if strict.errors and strict.complete:
        opened = re.search("|".join(re.escape(region.opener) for region in said.form.grammar.regions), said.text)
        said.content = (said.content or "").partition(opened[0])[0].rstrip("\n") or None if opened else said.content


@FAULTS.answer("unclosed-call-accepted", "reply")
def unclosed_calls_accepted(said: Said) -> None:
    """A call that the model left open when it ended its turn is closed for it."""
    if said.finish != "length" and not _parsed(said).complete:
        closers = {closer for region in said.form.grammar.regions for closer in region.closers}
        for tail, closer in product(TAILS, ["", *sorted(closers)]):
            closed = _parsed(said, said.text + tail + closer)
            if len(closed.tool_calls) > len(said.calls):
                said.calls[:] = [_call(call.name, call.arguments) for call in closed.tool_calls]
                said.finish = "tool_calls"
                return


@FAULTS.answer("cut-call-accepted", "reply")
def cut_calls_given(said: Said) -> None:
    """A call that the limit cut is given with as much of its arguments as there is."""
    if said.finish == "length" and not said.calls:
        for tool in said.tools:
            rest = said.text.partition(tool.name)[2]
            if "{" in rest:
                said.calls.append([tool.name, rest[rest.index("{") :]])


@FAULTS.answer("server-error", "reply")
def errors_raised(said: Said) -> None:
    """What cannot be parsed is the server's error."""
    if _parsed(said).errors:
        raise Refused(500, "Failed to parse input")


@FAULTS.answer("integer-rounded number-retyped", "reply")
def integers_through_float64(said: Said) -> None:
    """Integers pass through float64."""
    said.change_arguments(lambda arguments: everywhere(arguments, lambda v: int(float(v)) if type(v) is int else v))


@FAULTS.answer("number-retyped", "reply")
def whole_floats_become_integers(said: Said) -> None:
    """1.0 comes back as 1."""
    said.change_arguments(
        lambda arguments: everywhere(arguments, lambda v: int(v) if isinstance(v, float) and v.is_integer() else v)
    )


@FAULTS.answer("value-as-string", "reply")
def numbers_become_strings(said: Said) -> None:
    """What is no string comes back as one."""
    said.change_arguments(lambda arguments: everywhere(arguments, lambda v: v if isinstance(v, str) else json.dumps(v)))


@FAULTS.answer("value-as-string", "reply")
def strings_become_values(said: Said) -> None:
    """A string that looks like a number, a truth value or null comes back as one."""

    def cast(value: Any) -> Any:
        return (
            json.loads(value)
            if isinstance(value, str) and re.fullmatch(r"0|-?[1-9]\d*|true|false|null", value)
            else value
        )

    said.change_arguments(lambda arguments: everywhere(arguments, cast))


@FAULTS.answer("string-cut-at-delimiter", "reply")
def strings_cut_at_markers(said: Said) -> None:
    """A marker of the format inside a string ends it."""
    marker = _marker(said)
    said.change_arguments(
        lambda arguments: everywhere(arguments, lambda v: marker.split(v)[0] if isinstance(v, str) else v)
    )


@FAULTS.answer("newlines-stripped", "reply")
def values_trimmed(said: Said) -> None:
    """Whitespace at the edges of strings is lost."""
    said.change_arguments(lambda arguments: everywhere(arguments, lambda v: v.strip() if isinstance(v, str) else v))


@FAULTS.answer("argument-order-lost", "reply")
def arguments_sorted(said: Said) -> None:
    """Arguments come from a map that is sorted by name."""
    said.change_arguments(lambda arguments: dict(sorted(arguments.items())))


@FAULTS.answer("marker-leaked", "reply")
def a_marker_left_over(said: Said) -> None:
    """Behind a call the marker that ends it is left in the text."""
    controls = [segment.text for segment in said.raw if segment.control and segment.text in said.form.controls]
    if said.calls and controls:
        said.content = (said.content or "") + controls[-1]


@FAULTS.answer("stop-included", "reply")
def stop_in_the_text(said: Said) -> None:
    """The token that ends the turn is printed."""
    if said.finish != "length" and not said.calls:
        said.content = (said.content or "") + said.form.stops[0]


@FAULTS.answer("call-in-reasoning", "reply")
def calls_in_reasoning_made(said: Said) -> None:
    """The thinking is searched for calls too."""
    for call in said.form.parse(said.reasoning or "", tools=said.tools).tool_calls:
        said.calls.append(_call(call.name, call.arguments))
        said.finish = "tool_calls"


@FAULTS.answer("reasoning-in-content", "reply")
def reasoning_given_as_text(said: Said) -> None:
    """The thinking is not taken apart from the text."""
    thought = said.form.grammar.thought
    if said.reasoning and thought:
        said.content = f"{thought.opener}\n{said.reasoning}\n{thought.closer}\n\n{said.content or ''}"
        said.reasoning = None


@FAULTS.answer("content-as-reasoning", "reply", "qwen3", "gemma4")
def text_given_as_reasoning(said: Said) -> None:
    """A thought is believed to be open from the first word on."""
    if not said.reasoning:
        said.content, said.reasoning = None, said.content


@FAULTS.answer("reasoning-lost", "reply")
def reasoning_dropped(said: Said) -> None:
    """The thinking is not given."""
    said.reasoning = None


# Where the text is a second call that was never closed, nobody can tell whether a text or a call was dropped.
@FAULTS.answer("content-lost call-dropped", "reply")
def text_beside_calls_dropped(said: Said) -> None:
    """Where there are calls the text is not given."""
    if said.calls:
        said.content = None


@FAULTS.answer("content-cut-at-marker", "reply")
def prose_cut_at_markers(said: Said) -> None:
    """A marker that the text mentions ends it."""
    if said.content and not said.calls and not _parsed(said).errors:
        said.content = _marker(said).split(said.content)[0]


@FAULTS.answer("content-whitespace", "reply")
def text_trimmed(said: Said) -> None:
    """Whitespace around the text is taken away."""
    said.content = said.content and said.content.strip()


@FAULTS.answer("limit-as-stop", "reply")
def limit_reported_as_stop(said: Said) -> None:
    """An answer that the limit cut looks finished."""
    said.finish = "stop" if said.finish == "length" else said.finish


@FAULTS.answer("finish-reason-wrong", "reply")
def calls_reported_as_stop(said: Said) -> None:
    """An answer with calls ends like one without."""
    said.finish = "stop" if said.finish == "tool_calls" else said.finish


@FAULTS.answer("state-leaks", "reply")
def calls_of_the_answer_before(said: Said) -> None:
    """The parser's list of calls is not emptied between requests."""
    if said.calls:
        before = said.memory.get("calls", [])
        said.memory["calls"] = list(map(list, said.calls))
        said.calls[:0] = before
