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

from collections.abc import Iterator, Sequence

from callwright.conversation import Json, Message, Tool
from callwright.formats.base import Warn, result_value, template_text, text_of
from callwright.formats.calllist import CallList, CallListFormat
from callwright.formats.gemma3 import Gemma3Format, refused_system, turn
from callwright.formats.grammar import Grammar
from callwright.formats.jsontext import dumps_at
from callwright.formats.schemas import source_function
from callwright.tokens import Segment

PROMPT = template_text("bfcl-system.txt")


class BfclFormat(CallListFormat, Gemma3Format):
    """The format."""

    name = "bfcl"
    grammar = Grammar((CallList("[", Gemma3Format.stops).region(),), stops=Gemma3Format.stops)

    def _tools_text(self, tools: Sequence[Tool], warn: Warn) -> str:
        functions: list[Json] = [source_function(tool) for tool in tools]
        return PROMPT + dumps_at(functions, "tools", indent=4, ensure_ascii=True) + "\n"

    def _text(self, message: Message, index: int) -> str:
        return text_of(message, f"messages[{index}]").strip()

    def _opening(self, tools_text: str, system: Sequence[str]) -> str:
        text = "\n\n".join([tools_text, *system] if tools_text else system).strip()
        return f"{text}\n\n" if text else ""

    def _turn_text(self, message: Message, content: str, where: str) -> str:
        return self.content_or_calls(message, content, where)

    def _user_turns(self, messages: Sequence[Message], start: int, stop: int, opening: str) -> Iterator[Segment]:
        """A turn for each message, as the leaderboard's handler writes them."""
        if opening and messages[start].role != "user":
            yield from turn("user", opening)
            opening = ""
        for index in range(start, stop):
            if messages[index].role == "user":
                yield from turn("user", opening + self._text(messages[index], index))
                opening = ""
            elif messages[index].role == "tool":
                self.check_order(messages, index)
                content = result_value(messages[index], f"messages[{index}]")
                where = f"messages[{index}].content"
                yield from turn("tool", content.strip() if isinstance(content, str) else dumps_at(content, where))
            else:
                raise refused_system(index)
