r"""`functiongemma`: FunctionGemma's format, Gemma 3 turns with control tokens for tools, calls, results and strings.

Tools are declared in a developer turn, right behind the system text, and a call is
`<start_function_call>call:name{key:value,...}<end_function_call>` in the model's turn. The model stops at
`<start_function_response>`; the results are put after it, and it continues in the same turn. Keys are sorted, ignoring
case, so the order in which arguments were said is lost. Strings are raw between two `<escape>`, and nothing in them can
be escaped: a string that holds `<escape>` is refused. `<escape>42<escape>` is a string, `42` a number.

The model was trained with the system text "You are a model that can do function calling with the following functions".
It is not written by itself: a conversation that wants it says it. Results that are objects show their keys, all others
stand under the key `value`. After calls must come their results, after results the answer; everything else is refused,
because the turn is still open (the template in Google's LiteRT-LM, runtime/util/prompt_template_utils.cc, refuses calls
without results too). There is no thinking.

Source: the prompts that Google printed in the notebooks of gemma-cookbook at commit e119e3d24e2f618fafa7203662c8f7a2c79
1de35. What they do not show follows the rules that they and Gemma 4 have in common, with three decisions: null is
written `null`; a property named like a word of the schema (`type`, say) is shown; `nullable` is not.
"""

from collections.abc import Sequence

from callwright.conversation import Conversation, Message
from callwright.errors import FormatError
from callwright.formats.base import Format, Warn, refuse_reasoning, result_name, text_of
from callwright.formats.gemma_calls import GemmaCallReader
from callwright.formats.gemma_declaration import DeclarationWriter
from callwright.formats.gemma_notation import SegmentWriter, parts_joined
from callwright.formats.grammar import Grammar
from callwright.formats.omissions import Omissions
from callwright.tokens import Segment

DELIMITER = "<escape>"
TURN, TURN_END = "<start_of_turn>", "<end_of_turn>"
TOOL, TOOL_END = "<start_function_declaration>", "<end_function_declaration>"
CALL, CALL_END = "<start_function_call>", "<end_function_call>"
RESULT, RESULT_END = "<start_function_response>", "<end_function_response>"


class FunctionGemmaFormat(Format):
    """The format."""

    name = "functiongemma"
    bos = "<bos>"
    stops = (TURN_END, "<eos>", RESULT)
    special_tokens = ("<bos>", "<eos>", TURN, TURN_END, TOOL, TOOL_END, CALL, CALL_END, RESULT, RESULT_END, DELIMITER)
    grammar = Grammar(
        (GemmaCallReader(CALL, CALL_END, DELIMITER).region(),),
        stops=stops,
        lone_closers=(CALL_END,),
    )

    def _segments(
        self, conversation: Conversation, *, add_generation_prompt: bool, thinking: bool | None, warn: Warn
    ) -> Sequence[Segment]:
        out, messages = SegmentWriter(DELIMITER), conversation.messages
        out.control("<bos>")
        start = self._preamble(out, conversation, warn)
        waiting = ""  # what the model's open turn waits for
        for index in range(start, len(messages)):
            message = messages[index]
            if message.role == "tool":
                self._result(out, messages, index, expected=waiting in ("results", "more"), first=waiting == "results")
                waiting = "more"
            elif message.role == "assistant" and waiting != "results":
                waiting = self._assistant(out, message, index, goes_on=waiting == "more")
            elif message.role == "user" and not waiting:
                self._turn(out, "user", text_of(message, f"messages[{index}]", absent="", trim_parts=True).strip())
            else:
                self._refuse_order(message, index, waiting)
        if waiting == "results":
            out.supervised = True
            out.control(RESULT)
        elif add_generation_prompt and not waiting:
            out.control(TURN)
            out.text("model\n")
        return out.segments

    def _preamble(self, out: SegmentWriter, conversation: Conversation, warn: Warn) -> int:
        """The developer's turn; returns the index of the first message that is not in it."""
        messages = conversation.messages
        start = 1 if messages and messages[0].role == "system" else 0
        if not (start or conversation.tools):
            return start
        out.control(TURN)
        out.text("developer\n")
        if start:
            out.text(text_of(messages[0], "messages[0]", absent="", trim_parts=True).strip())
        for i, tool in enumerate(conversation.tools):
            out.control(TOOL)
            omissions = Omissions(f"tools[{i}]", tool.name)
            DeclarationWriter(out, omissions, gemma4=False).write(tool)
            omissions.tell(warn)
            out.control(TOOL_END)
        out.control(TURN_END)
        out.text("\n")
        return start

    def _turn(self, out: SegmentWriter, role: str, text: str) -> None:
        out.control(TURN)
        out.text(f"{role}\n{text}")
        out.control(TURN_END)
        out.text("\n")

    def _assistant(self, out: SegmentWriter, message: Message, index: int, *, goes_on: bool) -> str:
        """One message of the model, and what its turn waits for behind it."""
        refuse_reasoning(message, f"messages[{index}]")
        content = text_of(message, f"messages[{index}]", absent="", trim_parts=True).strip()
        self.check_reads_back(content, f"messages[{index}].content")
        if not goes_on:
            out.control(TURN)
            out.text("model\n")
        out.learning = message.supervised
        out.supervised = True
        out.text(content)
        out.calls(message.tool_calls, f"messages[{index}]", CALL, CALL_END)
        if not message.tool_calls:
            out.control(TURN_END)
        out.supervised = False
        out.text("" if message.tool_calls else "\n")
        return "results" if message.tool_calls else ""

    def _result(
        self, out: SegmentWriter, messages: tuple[Message, ...], index: int, *, expected: bool, first: bool
    ) -> None:
        name = result_name(messages, index)
        if not (expected and name):
            raise FormatError(
                f"messages[{index}] to answer a call before it, by id or by name",
                "no call to answer" if name else f"no name, and the id {messages[index].tool_call_id!r}",
                "put it behind the message that calls, and set name or the call's id",
            )
        where = f"messages[{index}].content"
        out.result(name, parts_joined(messages[index].content, where), where, RESULT, RESULT_END, first=first)

    def _refuse_order(self, message: Message, index: int, waiting: str) -> None:
        if message.role == "system":
            fix = "join them: move its text into the first system message"
            raise FormatError("a system message before all others", f"one as messages[{index}]", fix)
        expected = "the results of the calls" if waiting == "results" else "the assistant's answer to the results"
        raise FormatError(
            f"{expected} as messages[{index}]", f"role {message.role}", "add it, or drop the calls: the turn is open"
        )
