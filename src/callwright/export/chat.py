"""A conversation in the terminal with a trained model, its calls shown as they come.

The model answers through any `Answerer`: a server, or the engine in this process. Calls of functions that the user
gave (`functions`) are run, each only once she has seen it and agreed, unless she said `--yes`; the result of any other
call is what she types. All that a model or a function says is printed so that a terminal shows it and obeys none of it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from callwright.conversation import Conversation, Json, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.evaluation.answerer import Answerer, ModelAnswer
from callwright.export.functions import PythonTool, load_functions
from callwright.invisible import visible

MAX_STEPS = 8
"""Answers with calls in a row, after which the user has the word again."""
HELP = "/new begins anew, /tools lists the tools, /quit ends"
_DECLINED: Json = {"error": "the user declined this call"}
Read = Callable[[str], str]
"""Asks the user for a line, as `input`; raises EOFError where there is none."""


@dataclass(frozen=True, slots=True)
class OfferedTools:
    """The tools of a chat.

    Attributes:
      tools: What the model is offered.
      functions: Those of them that can be run, by name.
    """

    tools: tuple[Tool, ...] = ()
    functions: Mapping[str, PythonTool] = field(default_factory=dict)


def offered_tools(own: Sequence[Tool], file: Path | None) -> OfferedTools:
    """The tools that the model was trained on, and the functions of a Python file.

    A function that has the name of a tool that the model was trained on is declared as it was there: to the byte, what
    the model knows.

    Args:
      own: The tools that the model was trained on.
      file: The Python file; None offers `own` alone.

    Raises:
      DataError: As `load_functions`.
    """
    functions = {} if file is None else load_functions(file)
    known = {tool.name for tool in own}
    further = [one.tool for name, one in functions.items() if name not in known]
    return OfferedTools((*own, *further), functions)


class TerminalChat:
    """A chat; `run` holds it.

    Args:
      answerer: Who answers.
      offered: The tools.
      system: The system prompt.
      yes: Whether functions are run without asking.
      max_new_tokens: How long an answer may be.
      read: Asks for a line.
      show: Prints a line.
    """

    def __init__(
        self,
        answerer: Answerer,
        offered: OfferedTools,
        *,
        system: str | None = None,
        yes: bool = False,
        max_new_tokens: int = 512,
        read: Read = input,
        show: Callable[[str], object] = print,
    ) -> None:
        self._answerer, self._offered, self._yes = answerer, offered, yes
        self._max_new_tokens, self._read, self._show = max_new_tokens, read, show
        self._beginning: tuple[Message, ...] = () if system is None else (Message("system", system),)

    def run(self) -> None:
        """Asks and answers until the user ends it."""
        messages = self._beginning
        self._show(f"{len(self._offered.tools)} tools are offered; {HELP}")
        while True:
            try:
                text = self._read("you> ").strip()
            except EOFError:
                return
            if text in ("/quit", "/exit"):
                return
            if text == "/new":
                messages = self._beginning
            elif text == "/tools":
                self._list_tools()
            elif text.startswith("/"):
                self._show(f"  {HELP}")
            elif text:
                messages = self._turn(messages, text)

    def _list_tools(self) -> None:
        for tool in self._offered.tools:
            runs = " (yours)" if tool.name in self._offered.functions else ""
            self._show(visible(f"  {tool.name}{runs}: {' '.join((tool.description or '').split())}"))

    def _turn(self, before: tuple[Message, ...], text: str) -> tuple[Message, ...]:
        """The conversation after the user's words and the answers to them; `before`, if there is no answer."""
        messages = (*before, Message("user", text))
        for _ in range(MAX_STEPS):
            answer = self._ask(messages)
            if answer is None:
                return before
            if answer.message is None:
                self._show_unreadable(answer)
                return before
            messages = (*messages, answer.message)
            self._show_answer(answer, answer.message)
            results = self._results(answer.message.tool_calls)
            if not results:
                return messages
            messages = (*messages, *results)
        self._show(f"  stopped after {MAX_STEPS} answers with calls")
        return messages

    def _ask(self, messages: tuple[Message, ...]) -> ModelAnswer | None:
        """The model's answer; None where there is none, which is shown."""
        try:
            prompt = self._answerer.prepare(Conversation(messages, self._offered.tools))
        except FormatError as error:
            self._show(visible(f"  {error}"))
            return None
        [answer] = self._answerer.answer([prompt], max_new_tokens=self._max_new_tokens)
        if answer.failure:
            self._show(visible(f"  no answer: {answer.failure}"))
            return None
        return answer

    def _show_answer(self, answer: ModelAnswer, message: Message) -> None:
        for note in answer.issues:
            self._show(visible(f"  not as the format has it: {note.message}"))
        if message.content:
            self._show(f"model> {visible(str(message.content))}")
        if not answer.complete:
            self._show("  the answer was cut")
        elif not message.content and not message.tool_calls:
            self._show("model> (nothing)")

    def _show_unreadable(self, answer: ModelAnswer) -> None:
        self._show(f"model> {visible(answer.text)}")
        reasons = "; ".join(issue.message for issue in answer.issues)
        self._show(visible(f"  a call that cannot be read ({reasons}), so this turn is left out of the conversation"))

    def _results(self, calls: Sequence[ToolCall]) -> tuple[Message, ...]:
        """A result for each call; () where there are no calls, or a result is not to be had."""
        results = []
        for call in calls:
            self._show(f"call> {visible(call_text(call))}")
            try:
                result = self._result(call)
            except EOFError:
                result = None
            if result is None:
                self._show("  left without a result")
                return ()
            results.append(result)
        return tuple(results)

    def _result(self, call: ToolCall) -> Message | None:
        """What came of a call; None where the user gave no result."""
        function = self._offered.functions.get(call.name)
        content: Json
        if function is None:
            typed = self._read("result (Enter for none)> ").strip()
            if not typed:
                return None
            content = _typed(typed)
        elif self._yes or self._read("run it? [y/N] ").strip().lower() in ("y", "yes"):
            try:
                content = function.run(call.arguments)
            except KeyboardInterrupt:
                content = {"error": "the user stopped this call"}
            self._show(f"  -> {visible(json.dumps(content, ensure_ascii=False))}")
        else:
            content = _DECLINED
            self._show("  not run")
        return Message("tool", content, name=call.name, tool_call_id=call.id)


def call_text(call: ToolCall) -> str:
    """A call in one line, as `f(a=1, b="x")`."""
    arguments = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in call.arguments.items())
    return f"{call.name}({', '.join(arguments)})"


def _typed(text: str) -> Json:
    """What the user typed as a result: JSON where it is some, else text."""
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value
