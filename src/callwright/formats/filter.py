"""The cores of `callwright render` and `callwright parse`: one JSON line in, one result out, whatever the line holds.

`render` is `{"id", "format", "variant"?, "model"?, "tools"?, "messages", "add_generation_prompt"?, "enable_thinking"?}`
to `{"id", "prompt", "warnings"?}`; `parse` is `{"id", "format", "variant"?, "model"?, "raw", "tools"?,
"generation_prompt"?, "thinking"?, "finish_reason"?, "lenient"?}` to `{"id", "content", "reasoning", "tool_calls",
"complete", "errors", "repairs"?, "warnings"?}`. A key that nobody reads is named in a warning, null is the same as
absent, and a line that cannot be understood or represented is answered by `{"id", "error"}`.

What a server knows and the output does not show: `generation_prompt`, the end of the prompt, may have opened a thought;
where only `thinking` is given, the format's own prompt is taken for it. `finish_reason` "length" means a cut, and
"stop" that the model ended its turn by itself, without which lenient reading takes no call that nothing closes.
"""

from functools import lru_cache

from callwright.conversation import Conversation, Message
from callwright.formats import get_format
from callwright.formats.base import Format, Parsed
from callwright.formats.grammar import ParseIssue, Repair
from callwright.jsonlines import JsonObject, answer_row, field
from callwright.notices import Notice, notify_unread
from callwright.openai import KnownTools, read_conversation, read_tools


def render_line(line: str) -> JsonObject:
    """The answer of `callwright render` to one line; never raises on any line."""
    return answer_row(line, _render)


def parse_line(line: str) -> JsonObject:
    """The answer of `callwright parse` to one line; never raises on any line."""
    return answer_row(line, _parse)


_FORMAT_KEYS = frozenset({"id", "format", "variant", "model"})
_RENDER_KEYS = _FORMAT_KEYS | {"add_generation_prompt", "enable_thinking"}
_PARSE_KEYS = _FORMAT_KEYS | {
    *("raw", "tools", "functions", "generation_prompt", "thinking", "finish_reason", "lenient"),
}


_KNOWN_TOOLS: KnownTools = {}
"""Tools of the lines before, which are mostly those of the next."""


def _render(row: JsonObject) -> JsonObject:
    fmt = _format_of(row)
    notices: list[Notice] = []
    conversation = read_conversation(row, notices.append, read_elsewhere=_RENDER_KEYS, known_tools=_KNOWN_TOOLS)
    opened = field(row, "add_generation_prompt", bool, False)
    thinking = field(row, "enable_thinking", bool, None)
    rendered = fmt.render(conversation, add_generation_prompt=opened, thinking=thinking)
    return {"prompt": rendered.text, **_warnings([*map(str, notices), *rendered.warnings])}


def _parse(row: JsonObject) -> JsonObject:
    fmt = _format_of(row)
    notices: list[Notice] = []
    notify_unread(row, _PARSE_KEYS, "", notices.append)
    raw = field(row, "raw", str)
    prompt, thinking = field(row, "generation_prompt", str, None), field(row, "thinking", bool, None)
    if prompt is None:
        prompt = _thinking_prompt(fmt) if thinking else ""
    lenient = field(row, "lenient", bool, False)
    parsed = fmt.parse(
        raw,
        tools=read_tools(row, notices.append, _KNOWN_TOOLS),
        finish_reason=field(row, "finish_reason", str, None),
        generation_prompt=prompt,
        lenient=lenient,
    )
    repairs = {"repairs": list(map(_placed, parsed.repairs))} if lenient else {}
    return _described(parsed) | repairs | _warnings([*map(str, notices), *fmt.prompt_warnings(prompt, thinking)])


def _warnings(warnings: list[str]) -> JsonObject:
    return {"warnings": warnings} if warnings else {}


def _described(parsed: Parsed) -> JsonObject:
    return {
        "content": parsed.content,
        "reasoning": parsed.reasoning,
        "tool_calls": [{"name": call.name, "arguments": dict(call.arguments)} for call in parsed.tool_calls],
        "complete": parsed.complete,
        "errors": list(map(_placed, parsed.errors)),
    }


def _placed(found: ParseIssue | Repair) -> JsonObject:
    return {"message": found.message, "position": found.position}


def _format_of(row: JsonObject) -> Format:
    return _format(field(row, "format", str), field(row, "variant", str, None), field(row, "model", str, None))


@lru_cache(maxsize=64)
def _format(name: str, variant: str | None, model: str | None) -> Format:
    """Formats are stateless, so a template file is read once for all lines."""
    return get_format(name, variant, model)


@lru_cache(maxsize=64)
def _thinking_prompt(fmt: Format) -> str:
    """What the format writes to open the model's turn when the model is to think."""
    if fmt.grammar.thought is None:
        return ""
    return fmt.generation_prompt(Conversation((Message("user", "?"),)), thinking=True)
