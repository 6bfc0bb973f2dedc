"""A chat in the terminal: calls are seen before they are run, and nothing is run that the user did not agree to."""

import pytest

from callwright.conversation import Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.evaluation.answerer import ModelAnswer, Prompt
from callwright.export.chat import MAX_STEPS, TerminalChat, offered_tools
from callwright.formats.grammar import ParseIssue

LIGHT = Tool("set_light", "As the model was trained.", {"type": "object", "properties": {"on": {"type": "boolean"}}})
CALL = ToolCall("set_light", {"on": True}, id="1")
ON = ModelAnswer(text="", message=Message("assistant", None, tool_calls=(CALL,)))
DONE = ModelAnswer(text="Done.", message=Message("assistant", "Done."))
FILE = """
from pathlib import Path

def set_light(on: bool) -> str:
    "Mine."
    with open(Path(__file__).with_name("lights"), "a") as file:
        file.write(f"{on} ")
    return "lit"

def dim(): "Dim."
"""


class Planned:
    """Answers what is planned, and keeps what it was asked."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def prepare(self, conversation):
        self.asked.append(conversation)
        if any(message.content == "refuse me" for message in conversation.messages):
            raise FormatError("other words", "these", "say it otherwise")
        return Prompt(conversation)

    def answer(self, prompts, *, max_new_tokens):
        return [self.answers.pop(0) for _ in prompts]


@pytest.fixture
def tools_file(tmp_path):
    (tmp_path / "my_tools.py").write_text(FILE)
    return tmp_path / "my_tools.py"


@pytest.fixture
def lights(tmp_path):
    """How often, and to what, the user's function has set the light."""
    path = tmp_path / "lights"
    return lambda: path.read_text().split() if path.exists() else []


def hold(answerer, offered, lines, **options):
    """What is shown in a chat in which the user types these lines."""
    shown, left = [], list(lines)

    def read(prompt):
        if not left:
            raise EOFError
        shown.append(f"{prompt}{left[0]}")
        return left.pop(0)

    TerminalChat(answerer, offered, read=read, show=shown.append, **options).run()
    assert not left
    return shown


def test_a_function_of_a_known_name_is_declared_as_the_model_was_trained(tools_file):
    offered = offered_tools([LIGHT], tools_file)
    assert [tool.name for tool in offered.tools] == ["set_light", "dim"]
    assert offered.tools[0] is LIGHT
    assert offered_tools([LIGHT], None).functions == {}


def test_a_call_is_shown_run_on_consent_and_answered(tools_file, lights):
    answerer = Planned(ON, DONE)
    shown = hold(answerer, offered_tools([LIGHT], tools_file), ["light please", "y"], system="Be brief.")
    assert shown[1:] == [
        "you> light please",
        "call> set_light(on=true)",
        "run it? [y/N] y",
        '  -> "lit"',
        "model> Done.",
    ]
    assert lights() == ["True"]
    roles = [(message.role, message.content) for message in answerer.asked[1].messages]
    assert roles == [("system", "Be brief."), ("user", "light please"), ("assistant", None), ("tool", "lit")]
    assert answerer.asked[1].messages[-1].tool_call_id == "1"


@pytest.mark.parametrize("typed", ["", "n", "what?"])
def test_nothing_is_run_without_a_yes(tools_file, lights, typed):
    answerer = Planned(ON, DONE)
    hold(answerer, offered_tools([LIGHT], tools_file), ["light", typed])
    assert lights() == []
    assert answerer.asked[1].messages[-1].content == {"error": "the user declined this call"}


def test_nothing_is_run_where_the_terminal_is_gone(tools_file, lights):
    hold(Planned(ON), offered_tools([LIGHT], tools_file), ["light"])
    assert lights() == []


def test_with_yes_nobody_is_asked_and_every_call_is_shown(tools_file, lights):
    shown = hold(Planned(ON, ON, DONE), offered_tools([LIGHT], tools_file), ["light"], yes=True)
    assert lights() == ["True", "True"]
    assert shown.count("call> set_light(on=true)") == 2


def test_the_result_of_a_tool_without_a_function_is_typed():
    answerer = Planned(ON, DONE)
    hold(answerer, offered_tools([LIGHT], None), ["light", '{"lit": 1}'])
    assert answerer.asked[1].messages[-1].content == {"lit": 1}
    assert "  left without a result" in hold(Planned(ON), offered_tools([LIGHT], None), ["light", ""])


def test_the_user_has_the_word_again_after_many_calls_in_a_row(tools_file, lights):
    shown = hold(Planned(*[ON] * MAX_STEPS), offered_tools([LIGHT], tools_file), ["light"], yes=True)
    assert shown[-1] == f"  stopped after {MAX_STEPS} answers with calls" and len(lights()) == MAX_STEPS


def test_what_cannot_be_answered_or_read_is_told_and_left_out():
    broken = ModelAnswer(text="<tool_call>{", issues=(ParseIssue("not JSON", 0),), complete=False)
    answerer = Planned(ModelAnswer(text="", failure="no answer from the server"), broken, DONE)
    shown = hold(answerer, offered_tools([], None), ["one", "two", "refuse me", "three"])
    assert "  no answer: no answer from the server" in shown
    assert any("a call that cannot be read (not JSON), so this turn is left out" in line for line in shown)
    assert any("expected other words; got these" in line for line in shown)
    assert [message.content for message in answerer.asked[-1].messages] == ["three"]


def test_nothing_that_is_said_reaches_the_terminal_as_a_command():
    call = ToolCall("f\x1b[2J", {"a": "\x1b]0;x\x07"})
    hostile = ModelAnswer(text="", message=Message("assistant", "\x1b[31mred\u202e", tool_calls=(call,)))
    shown = hold(Planned(hostile), offered_tools([], None), ["go", ""])
    assert all(line.isprintable() for line in shown)


def test_a_cut_and_an_empty_answer_are_told():
    cut = ModelAnswer(text="No", complete=False, message=Message("assistant", "No"))
    empty = ModelAnswer(text="", message=Message("assistant", None))
    shown = hold(Planned(cut, empty), offered_tools([], None), ["a", "b"])
    assert shown[-4:] == ["model> No", "  the answer was cut", "you> b", "model> (nothing)"]


def test_words_with_a_slash_are_commands():
    answerer = Planned(DONE, DONE)
    shown = hold(answerer, offered_tools([LIGHT], None), ["hi", "/new", "/tools", "/what", " ", "hi", "/quit"])
    assert [len(conversation.messages) for conversation in answerer.asked] == [1, 1]
    assert "  set_light: As the model was trained." in shown
