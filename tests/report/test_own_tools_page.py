"""What the page says of own tools: wrong arguments by parameter, and failing requests of every sort."""

from tests.support.evaluated_runs import row

from callwright.evaluation.row import RowCall
from callwright.report.own_tools import argument_errors, request_text


def call(name="light", **arguments):
    return RowCall(name=name, arguments=arguments)


def failing(error_type, expected, calls):
    return row("x", "single", False, error_type=f"tools:{error_type}", expected=tuple(expected), calls=tuple(calls))


def test_wrong_arguments_are_counted_by_tool_parameter_and_error():
    rows = [
        failing("wrong_value", [call(room="kitchen", level=3)], [call(room="cellar", level=4)]),
        failing("wrong_value", [call(room="hall")], [call(room="attic")]),
        failing("missing_argument", [call(room="hall", level=1)], [call(room="hall")]),
        failing("unexpected_argument", [call(room="hall")], [call(room="hall", color="red")]),
        failing("wrong_name", [call(room="hall")], [call("lock", room="attic")]),
    ]
    found = [(one.tool, one.parameter, one.error.removeprefix("tools:"), one.number) for one in argument_errors(rows)]
    assert found == [
        ("light", "room", "wrong_value", 2),
        ("light", "level", "wrong_value", 1),
        ("light", "level", "missing_argument", 1),
        ("light", "color", "unexpected_argument", 1),
    ]


def test_an_example_shows_the_argument_alone_expected_and_called():
    (found,) = argument_errors([failing("wrong_value", [call(room="hall", level=3)], [call(room="attic", level=3.0)])])
    assert found.example == '"hall" → "attic"'


def test_what_the_checker_counts_as_the_same_is_no_error():
    rows = [failing("wrong_value", [call(room="Living-room", level=3)], [call(room="living room", level=3.0)])]
    assert argument_errors(rows) == []


def test_of_several_calls_the_one_that_was_not_expected_is_compared_with_the_one_that_was_not_made():
    expected = [call(room="hall"), call(room="attic")]
    rows = [failing("wrong_value", expected, [call(room="attic"), call(room="cellar")])]
    (found,) = argument_errors(rows)
    assert found.example == '"hall" → "cellar"'


def test_a_default_that_was_named_is_no_unexpected_argument_of_a_wrong_value():
    rows = [failing("wrong_value", [call(room="hall")], [call(room="attic", level=1)])]
    assert [one.parameter for one in argument_errors(rows)] == ["room"]


def test_output_that_cannot_be_read_has_no_arguments():
    assert argument_errors([row("x", "single", False, error_type="tools:unreadable", calls=None)]) == []


def test_of_a_long_question_the_end_is_the_request():
    assert request_text(row("x", "single", True, question="history " * 100 + "lock the door")).endswith("lock the door")
    assert request_text(row("x", "single", True, question="short")) == "short"
