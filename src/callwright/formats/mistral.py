"""`mistral`: calls as `[TOOL_CALLS]` and JSON, in the three ways that Mistral's tokenizers v3, v11 and v13 know.

Turns are `[INST]...[/INST]` and the answer, which ends with `</s>`; nothing opens the model's turn. Of the markers all
are control tokens, and no space stands beside any of them.

- `v3` (Mistral Nemo): a turn that calls is one JSON array, ids included. Tools stand before the last user message, and
  system text inside it, but only where that message ends the conversation: otherwise it is left out.
- `v11` (Mistral Small 3.2): `[TOOL_CALLS]name[CALL_ID]id[ARGS]{...}` for each call. System text has a turn of its own.
- `v13` (Devstral 2507, Ministral 3): the same without ids. Tools follow the system text, reasoning stands between
  `[THINK]` and `[/THINK]`, and words may stand beside calls. Results are told apart by their order alone.

In v3 and v11 content beside calls is left out, and the ids of calls, which must be nine letters and digits, are
required; none are invented. What is left out, printed twice or printed unescaped (v3 prints a tool's own texts raw, and
every variant a result that is not text as Python would) is as the published templates have it; a warning says so where
the model would miss or misread something. v11's and v13's published templates bring a default system prompt of their
own; a conversation without system text has none here, as in mistral-common: give it as the system message, or use the
file itself as `template:PATH`. Thinking inside a system prompt, which v13 may have, cannot be said.

No marker closes a call: it is closed when its JSON is. In v3 a call before a broken or cut one is kept.

Sources, read in llama.cpp's collection (`models/templates`): v3 `mistralai-Mistral-Nemo-Instruct-2407.jinja`, sha256
e4676cb56dffea7782fd3e2b577cfaf1e123537e6ef49b3ec7caa6c095c62272; v11 `Mistral-Small-3.2-24B-Instruct-2506.jinja`,
5b8f31f11198696548d544dbe424a3c1ef244d00a475f4e1bffb351fda085608; v13 `mistralai-Ministral-3-14B-Reasoning-2512.jinja`,
39f03c383413f531fd302c06c7e982ad98c83f0657a8339ae25478ccb81fdcda. Where mistral-common differs, docs/peers.md says.
"""

from collections.abc import Iterator, Mapping, Sequence

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats.base import Format, Warn, control, refuse_reasoning, supervised_if, text_of
from callwright.formats.grammar import Grammar, Region, Thought
from callwright.formats.jsontext import dumps_at, needs_no_escape, reason
from callwright.formats.mistral_reading import ARGS, CALL_ID, EOS, ID, NAME, TOOL_CALLS, CallArray, NamedCall
from callwright.formats.schemas import source_function, source_tool
from callwright.tokens import Segment

BOS, THINK, END_THINK = "<s>", "[THINK]", "[/THINK]"
_V3 = (
    *("<unk>", BOS, EOS, "<pad>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", TOOL_CALLS),
    *("[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[IMG]", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]"),
)
_V11 = (*_V3, "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]", ARGS, CALL_ID)
SPECIAL_TOKENS = {"v3": _V3, "v11": _V11, "v13": (*_V11, THINK, END_THINK)}


class MistralFormat(Format):
    """The format; `variant` is the tokenizer's version: "v3", "v11" or "v13"."""

    name = "mistral"
    bos = BOS
    stops = (EOS,)
    text_markers = (ARGS,)

    def __init__(self, variant: str = "v3") -> None:
        self.variant = variant
        self.special_tokens = SPECIAL_TOKENS[variant]
        array = variant == "v3"
        reader = CallArray() if array else NamedCall(ids=variant == "v11")
        closers = (TOOL_CALLS, EOS, "]" if array else "}")  # the next call first: it bounds the search
        region = Region(TOOL_CALLS, reader, closers, repair=reader.repair)
        self.grammar = Grammar(
            (region,),
            stops=self.stops,
            thought=Thought(THINK, END_THINK, after="") if variant == "v13" else None,
            lone_closers=() if array else (ARGS,),
        )

    def drops_content(self, message: Message) -> bool:
        """See `Format.drops_content`: v3 and v11 have no words beside calls."""
        return self.variant != "v13" and bool(message.tool_calls)

    def _segments(
        self, conversation: Conversation, *, add_generation_prompt: bool, thinking: bool | None, warn: Warn
    ) -> Iterator[Segment]:
        """See `Format.render`; nothing opens the model's turn, and in v13 the system text decides about thinking."""
        messages, tools = conversation.messages, conversation.tools
        if thinking is not None and self.grammar.thought is not None:
            warn(f"thinking {'on' if thinking else 'off'} is left out: in v13 the system text decides about it")
        self._check_roles(messages)
        self._check_results(messages)
        last = max((index for index, message in enumerate(messages) if message.role == "user"), default=-1)
        system_text = self._system_text(messages, warn)
        yield control(BOS)
        if self.variant == "v13" and messages[0].role != "system":
            yield from self._tools(tools, warn)
        for index, message in enumerate(messages):
            match message.role:
                case "system":
                    if self.variant != "v3":
                        yield from _marked("SYSTEM_PROMPT", text_of(message, f"messages[{index}]"))
                    if self.variant == "v13":
                        yield from self._tools(tools, warn)
                case "user":
                    if self.variant != "v13" and message == messages[last]:
                        if tools and index != last:
                            warn(f"the tools are printed before messages[{index}] too: it is equal to the last user's")
                        yield from self._tools(tools, warn)
                    ends = index == len(messages) - 1
                    yield from _marked("INST", (system_text if ends else "") + text_of(message, f"messages[{index}]"))
                case "assistant":
                    yield from supervised_if(message.supervised, self._answer(message, index, warn))
                case "tool":
                    yield from self._result(message, index, warn)

    def _system_text(self, messages: Sequence[Message], warn: Warn) -> str:
        """What v3 puts before the words of a user who has the last word."""
        if self.variant != "v3" or messages[0].role != "system":
            return ""
        if messages[-1].role != "user":
            warn("the system text in messages[0] is left out, because the last message is not a user's")
        return text_of(messages[0], "messages[0]") + "\n\n"

    def _tools(self, tools: Sequence[Tool], warn: Warn) -> Iterator[Segment]:
        if tools and self.variant == "v3":
            parts = [_raw_tool(tool, f"tools[{i}]", warn) for i, tool in enumerate(tools)]
            yield from _marked("AVAILABLE_TOOLS", f"[{', '.join(parts)}]")
        elif tools:
            yield from _marked("AVAILABLE_TOOLS", dumps_at([source_tool(tool) for tool in tools], "tools"))

    def _answer(self, message: Message, index: int, warn: Warn) -> Iterator[Segment]:
        where = f"messages[{index}]"
        if self.variant != "v13":
            refuse_reasoning(message, where)
        reasoning = message.reasoning if message.reasoning_field == "reasoning_content" else None
        if message.reasoning and not reasoning:
            warn(f"{where}.{message.reasoning_field} is left out: the template knows reasoning_content only")
        if reasoning:
            self.check_reads_back(reasoning, f"{where}.reasoning", reasoning=True)
            yield control(THINK, supervised=True)
            yield Segment(reasoning, supervised=True)
            yield control(END_THINK, supervised=True)
        content = text_of(message, where, absent="")
        if not self.drops_content(message):
            self.check_reads_back(content, f"{where}.content")
            yield Segment(content, supervised=True)
            if self.variant == "v13" and not (content or reasoning or message.tool_calls):
                raise FormatError(f"content or tool_calls in {where}", "neither", "give the assistant something to say")
        elif content:
            warn(f"{where}.content is left out, because it stands beside calls")
        if message.tool_calls and self.variant == "v3":
            calls = [self._call_object(call, f"{where}.tool_calls[{n}]") for n, call in enumerate(message.tool_calls)]
            yield control(TOOL_CALLS, supervised=True)
            yield Segment(f"[{', '.join(calls)}]", supervised=True)
        elif message.tool_calls:
            for n, call in enumerate(message.tool_calls):
                yield from self._named_call(call, f"{where}.tool_calls[{n}]")
        yield control(EOS, supervised=True)

    def _call_object(self, call: ToolCall, where: str) -> str:
        _check_id(call.id, f"{where}.id")
        return dumps_at({"name": call.name, "arguments": dict(call.arguments), "id": call.id}, where)

    def _named_call(self, call: ToolCall, where: str) -> Iterator[Segment]:
        if not NAME.fullmatch(call.name):
            raise FormatError(
                f"{where}.name without [, {{, < and line breaks", repr(call.name), "rename the function: it stands bare"
            )
        yield control(TOOL_CALLS, supervised=True)
        yield Segment(call.name, supervised=True)
        if self.variant == "v11":
            yield control(CALL_ID, supervised=True)
            yield Segment(_check_id(call.id, f"{where}.id"), supervised=True)
        yield control(ARGS, supervised=True)
        yield Segment(dumps_at(dict(call.arguments), f"{where}.arguments"), supervised=True)

    def _result(self, message: Message, index: int, warn: Warn) -> Iterator[Segment]:
        content = message.content
        if isinstance(content, Mapping) and "content" in content and self.variant != "v13":
            if len(content) > 1:
                warn(f"of messages[{index}].content only its own `content` is printed")
            content = content["content"]
        try:
            text = str(content)
        except (ValueError, RecursionError) as error:
            raise FormatError(f"a printable messages[{index}].content", reason(error), "give its text") from error
        if self.variant == "v3":
            text = f'{{"content": {text}, "call_id": "{message.tool_call_id}"}}'
        elif self.variant == "v11":
            yield control("[TOOL_RESULTS]")
            yield Segment(str(message.tool_call_id))
            yield control("[TOOL_CONTENT]")
            yield Segment(text)
            yield control("[/TOOL_RESULTS]")
            return
        yield from _marked("TOOL_RESULTS", text)

    def _check_roles(self, messages: Sequence[Message]) -> None:
        """User and assistant take turns, calls and their results aside."""
        if not messages:
            raise FormatError("at least one message", "none", "add a user message")
        turn = "user"
        for index, message in enumerate(messages):
            if index == 0 and message.role == "system":
                continue
            if message.role == "system" and not (self.variant == "v11" and turn == "assistant"):
                raise FormatError(
                    "system text as the first message",
                    f"messages[{index}].role system",
                    "join them: move it into the first one",
                )
            before = messages[index - 1] if index else None
            if message.role == "assistant" and before and before.role == "assistant" and not before.tool_calls:
                raise FormatError(
                    f"the user's words or results as messages[{index}]",
                    "the assistant's turn again",
                    f"join it to messages[{index - 1}]: the model would learn to stop between them",
                )
            if message.role == "tool" or message.tool_calls:
                continue
            if (message.role == "user") != (turn == "user"):
                raise FormatError(
                    f"messages[{index}].role to be {turn}",
                    message.role,
                    "let user and assistant take turns; only calls and their results may stand between",
                )
            turn = "assistant" if turn == "user" else "user"

    def _check_results(self, messages: Sequence[Message]) -> None:
        """Every result answers a call; where ids are not printed, in the order of the calls."""
        made: list[str | None] = []
        pending: list[str | None] = []
        for index, message in enumerate(messages):
            if message.role != "tool":
                pending = [call.id for call in message.tool_calls]
                made += pending
                continue
            where = f"messages[{index}]"
            if self.variant != "v13":
                if _check_id(message.tool_call_id, f"{where}.tool_call_id") not in made:
                    raise FormatError(
                        f"{where}.tool_call_id to be the id of an earlier call",
                        repr(message.tool_call_id),
                        "give the result the id of the call it answers",
                    )
            elif not pending:
                raise FormatError(f"a call that {where} answers", "none before it", "put results behind their calls")
            else:
                expected = pending.pop(0)
                if message.tool_call_id is not None and expected is not None and message.tool_call_id != expected:
                    raise FormatError(
                        f"the result of call {expected!r} as {where}",
                        f"that of {message.tool_call_id!r}",
                        "put results in the order of their calls: no id is printed that would tell them apart",
                    )


def _raw_tool(tool: Tool, where: str, warn: Warn) -> str:
    """The function with its own texts raw, as v3 prints it."""
    parts = []
    for key, value in source_function(tool).items():
        if key == "return":
            warn(f"{where} {tool.name} loses {key}")
            continue
        if isinstance(value, str):
            if not needs_no_escape(value):
                warn(f"{where}.{key} is printed unescaped, so the list of tools is no JSON")
            parts.append(f'"{key}": "{value}"')
        else:
            parts.append(f'"{key}": {dumps_at(value, f"{where}.{key}")}')
    return f'{{"type": "function", "function": {{{", ".join(parts)}}}}}'


def _marked(name: str, text: str) -> Iterator[Segment]:
    yield control(f"[{name}]")
    yield Segment(text)
    yield control(f"[/{name}]")


def _check_id(value: str | None, where: str) -> str:
    if value is None or not ID.fullmatch(value):
        raise FormatError(f"nine letters and digits as {where}", repr(value), "give the call such an id")
    return value
