"""`bfcl`: the prompting text of the Berkeley Function Calling Leaderboard (BFCL V4), on Gemma 3 turns.

With tools at hand the first user turn opens with the leaderboard's system prompt, which lists the functions as JSON,
indented by four, everything but ASCII escaped; system text follows it, and then the user's words, as the leaderboard's
own handler for Gemma puts them, white space at the ends taken away. Without tools there is no prompt. A function stands
there as its source gave it, without the OpenAI wrapper. The answer is a list of calls, `[f(a=1), g(b="x")]`, and
nothing else: words beside calls are refused. Results come in turns of the role `tool`, which carry no name: only their
order says which is whose.

Reading is as strict as in the other formats. The leaderboard's own decoder forgives much, and its verdicts depend on
how; it is `callwright.scoring.decode`, not this.

Sources: bfcl-eval 2026.3.23, `constants/default_prompts.py` (plain text, classic style, Python return format) and
`model_handler/local_inference/gemma.py`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence

from callwright.conversation import Json, Message, Tool
from callwright.errors import FormatError
from callwright.formats.calllist import CallList, CallListFormat
from callwright.formats.gemma3 import Gemma3Format, text_of, turn
from callwright.formats.grammar import Grammar, Region
from callwright.formats.jsontext import dumps_at
from callwright.formats.pythonic import write_call
from callwright.openai import write_tool
from callwright.tokens import Segment

PROMPT = (
    "You are an expert in composing functions.You are given a question and a set of possible functions. Based on the "
    "question, you will need to make one or more function/tool calls to achieve the purpose. If none of the functions "
    "can be used, point it out. If the given question lacks the parameters required by the function, also point it out."
    "\n\nYou should only return the function calls in your "
    "response.\n\nIf you decide to invoke any of the function(s), "
    "you MUST put it in the format of [func_name1(params_name1=params_value1, params_name2=params_value2...), "
    "func_name2(params)].  You SHOULD NOT include any other text in the response.\n\nAt each turn, you should try your "
    "best to complete the tasks requested by the user within the current turn. Continue to output functions to call "
    "until you have fulfilled the user's request to the best of your ability. Once you have no more functions to call, "
    "the system will consider the current turn complete and proceed to the next turn or task.\n\nHere is a list of "
    "functions in json format that you can invoke.\n"
)


class BfclFormat(CallListFormat, Gemma3Format):
    """The format; the object holds nothing."""

    name = "bfcl"
    grammar = Grammar(
        (Region("[", CallList("[", Gemma3Format.stops), closers=("]",), at_start=True),), stops=Gemma3Format.stops
    )

    def _offer(self, tools: Sequence[Tool]) -> str:
        functions = [_function(tool) for tool in tools]
        dumps_at(functions, "tools")
        return PROMPT + json.dumps(functions, indent=4) + "\n"

    def _text(self, message: Message, index: int) -> str:
        return text_of(message, index).strip()

    def _opening(self, offer: str, system: Sequence[str]) -> str:
        text = "\n\n".join([offer, *system] if offer else system).strip()
        return f"{text}\n\n" if text else ""

    def _calls(self, message: Message, content: str, where: str) -> str:
        if not message.tool_calls:
            self.check_text(content, f"{where}.content")
            return content
        if content:
            raise FormatError(
                f"no text in {where}.content beside calls",
                "text and calls",
                "keep the calls, which are all of a message",
            )
        calls = [write_call(call, f"{where}.tool_calls[{n}]") for n, call in enumerate(message.tool_calls)]
        return f"[{', '.join(calls)}]"

    def _results(self, messages: Sequence[Message], start: int, stop: int) -> Iterator[Segment]:
        for index in range(start, stop):
            self.check_order(messages, index)
            content = messages[index].content
            where = f"messages[{index}].content"
            yield from turn("tool", content.strip() if isinstance(content, str) else dumps_at(content, where))


def _function(tool: Tool) -> Json:
    """The tool as its source gave it, without a wrapper."""
    given = tool.given or write_tool(tool)
    function = given.get("function", given)
    return dict(function) if isinstance(function, Mapping) else dict(given)
