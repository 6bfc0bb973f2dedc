"""Requests that between them meet every fault, by kind of case: what a fault is tried on before a probe is."""

from dataclasses import dataclass
from typing import Any

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.formats.base import Format
from callwright.instruments.dice import Dice, make_dice
from callwright.instruments.script import Line, Script, write_script
from callwright.instruments.script_file import expected_output
from callwright.openai import write_tool
from callwright.tokens import Segment

CONTEXT = 4096
FACES = {"red": 0.5, "green": 0.3, "blue": 0.15, "rare": 0.05}
BOOK = Tool(
    "book",
    "Books <b>a table</b> & no more, für 2.",
    {
        "type": "object",
        "properties": {
            "type": {"type": "string", "description": "Kind"},
            "who": {"type": "string", "description": "Who", "pattern": "^[a-z]+$"},
            "count": {"type": "integer", "description": "How many", "minimum": 1, "default": 2},
            "price": {"type": "number", "description": "How much", "default": None},
        },
        "required": ["who"],
    },
)
CLOCK = Tool("clock", "Tells the time.", {"type": "object", "properties": {}})
TOOLS = (BOOK, CLOCK)
CALL = {"who": "zoë <z>", "price": 1.0, "count": None, "big": 1e20}
RESULT = '{"ok": true, "note": "für & <b>", "list": [' + ", ".join(["1"] * 60) + "]}"


@dataclass(frozen=True)
class Scenario:
    """One request.

    Attributes:
      name: What it is about.
      kind: The kind of case that asks so.
      body: The request, without options that do not matter.
    """

    name: str
    kind: str
    body: dict[str, Any]


def _user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def _called(arguments: str, content: str | None = None, **more: Any) -> dict[str, Any]:
    function = {"name": "book", "arguments": arguments}
    return {
        "role": "assistant",
        "content": content,
        "tool_calls": [{"id": "call00001", "type": "function", "function": function}],
        **more,
    }


def _result(text: str) -> dict[str, Any]:
    return {"role": "tool", "content": text, "tool_call_id": "call00001", "name": "book"}


_ANSWERED = [{"role": "assistant", "content": "Hello."}]


def _parallel() -> list[dict[str, Any]]:
    """A round of two calls."""
    names = {"call00001": "book", "call00002": "clock"}
    calls = [
        {"id": id_, "type": "function", "function": {"name": name, "arguments": "{}"}} for id_, name in names.items()
    ]
    results = [
        {"role": "tool", "content": f"of {id_}", "tool_call_id": id_, "name": name} for id_, name in names.items()
    ]
    return [_user("Both."), {"role": "assistant", "content": None, "tool_calls": calls}, *results]


def prompts(fmt: Format) -> list[Scenario]:
    """Conversations; the prompt is what counts."""
    tools = [write_tool(tool) for tool in TOOLS]
    arguments = '{"who": "zoë <z>", "price": 1.0, "count": null, "big": 1e20}'
    history = [_user("A table."), _called(arguments, "Let me see."), _result(RESULT)]
    silent = [_user("A table."), _called(arguments), _result("für 2")]
    found = {
        "tools": {"messages": [_user("Hi.")], "tools": tools},
        "system": {"messages": [{"role": "system", "content": "Be brief."}, _user("  Hi.\n")]},
        "tokens": {"messages": [_user("Is " + "".join(fmt.special_tokens) + " read?")]},
        "history": {"messages": [*history, _user("And?")], "tools": tools},
        "silent": {"messages": [*silent, _user("And?")], "tools": tools},
        "results": {"messages": silent, "tools": tools},
        "parallel": {"messages": [*_parallel(), _user("And?")], "tools": tools},
        "late system": {
            "messages": [_user("Hi."), *_ANSWERED, {"role": "system", "content": "Be brief."}, _user("So?")]
        },
        "continued": {"messages": [_user("Hi."), {"role": "assistant", "content": "Hel"}]},
        "thinking": {"messages": [_user("Hi.")], "chat_template_kwargs": {"enable_thinking": True}},
        "not thinking": {"messages": silent, "tools": tools, "chat_template_kwargs": {"enable_thinking": False}},
    }
    loop = {"messages": [_user("A table."), _called("{}", reasoning_content="Hm."), _result("ok")], "tools": tools}
    long = [{"role": "system", "content": "Be brief."}]
    long += [_user("word " * 150), {"role": "assistant", "content": "Yes."}] * 6 + [_user("And?")]
    return [
        *(Scenario(name, "prompt", body) for name, body in found.items()),
        Scenario("loop", "loop", loop),
        Scenario("long", "context", {"messages": long}),
    ]


def script(fmt: Format) -> tuple[Script, list[Scenario]]:
    """A script of things that a model may say, and the requests that make it say them.

    Written for formats with a thought whose calls are JSON between tags, because these can say all of it.
    """
    book = ToolCall("book", {"who": "  zoë\n", "price": 1.0, "count": 2**53 + 1, "big": "42"})
    clock = ToolCall("clock", {})
    region = fmt.grammar.regions[0]
    opener, closer = region.opener, region.closers[0]
    messages = {
        "plain": Message("assistant", "It is warm."),
        "padded": Message("assistant", "One:\n\n- two "),
        "call": Message("assistant", None, tool_calls=(book,)),
        "beside": Message("assistant", "Let me see.", tool_calls=(clock,)),
        "parallel": Message("assistant", None, tool_calls=(book, ToolCall("clock", {}))),
        "marker": Message("assistant", None, tool_calls=(ToolCall("book", {"who": f"a {closer} b"}),)),
        "unknown": Message("assistant", None, tool_calls=(ToolCall("see-it.now", {"who": 3}),)),
        "typed": Message("assistant", None, tool_calls=(ToolCall("book", {"who": 3}),)),
        "prose": Message("assistant", "The tool book does it."),
    }
    says: dict[str, tuple[Segment, ...] | str] = {}
    for name, message in messages.items():
        # A call need not be of a tool that was offered; untyped formats want a schema for its arguments all the same.
        offered = (*TOOLS, *(Tool(call.name) for call in message.tool_calls if call.name not in ("book", "clock")))
        says[name] = expected_output(fmt, Conversation((Message("user", "Go."), message), offered))
    whole = "".join(segment.text for segment in says["call"])
    says["malformed"] = whole.replace('"who"', "who", 1).replace("{who", "{'who'").replace('"  zo', "'zo", 1)
    says["trailing comma"] = whole.replace('"42"', '"42",', 1)
    says["unclosed"] = whole.partition(closer)[0].rstrip("\n")
    says["mention"] = (Segment(f"Write {opener} to begin, and more."),)
    if fmt.grammar.thought:
        thought = fmt.grammar.thought
        inside = "".join(segment.text for segment in says["beside"]).partition(closer)[0] + closer
        inside = inside[inside.index(opener) :]
        says["thinks"] = f"{thought.opener}\nHm, warm.\n{thought.closer}\n\nIt is cold."
        says["thinks of a call"] = f"{thought.opener}\nI may say\n{inside}\n{thought.closer}\n\nNo."
    written = write_script(fmt, [Line(name.replace(" ", "."), words) for name, words in says.items()])
    tools = [write_tool(tool) for tool in TOOLS]

    def asked(name: str, **more: Any) -> Scenario:
        body = {"messages": [_user(f"Go @@{name.replace(' ', '.')}@@")], "tools": tools, **more}
        return Scenario(name + (" cut" if more else ""), "reply", body)

    return written, [*(asked(name) for name in says), asked("call", max_tokens=14)]


def throws(fmt: Format) -> tuple[Dice, list[Scenario]]:
    """Dice, and requests that throw them with every option."""
    options: list[dict[str, Any]] = [
        {},
        {"seed": 1},
        {"temperature": 0.2, "seed": 1},
        {"top_k": 1, "seed": 1},
        {"top_p": 0.4, "seed": 1},
        {"min_p": 0.9, "seed": 1},
        {"repeat_penalty": 3.0, "seed": 1},
    ]
    body = {"messages": [_user("Throw.")], "max_tokens": 40}
    return make_dice(fmt, FACES), [
        Scenario(" ".join(map(str, one)) or "defaults", "sampling", body | one) for one in options
    ]
