"""A user's Python functions as tools: declared as she wrote them, run with arguments of the declared types only."""

import pytest

from callwright.errors import DataError
from callwright.export.functions import load_functions

FILE = '''
from __future__ import annotations
import os.path
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Literal
from os.path import join


class Unit(Enum):
    C = "celsius"
    F = "fahrenheit"


@dataclass
class Place:
    city: str


def get_weather(city: str, days: int = 1, unit: Unit | None = None) -> dict:
    """Get the weather
    for a city.

    It is made up.

    Args:
      city: The city, as one
        would say it.
      days (int): How many.

    Returns:
      days: not a parameter.
    """
    return {"city": city, "days": days, "unit": unit}


def set_light(on: bool, room: Literal["kitchen", "hall"], *, level: float = 1.0, tags: list[str] = []) -> str:
    return f"{room} {on} {level} {tags}"


def move(to: Place, when: date):
    raise KeyError(f"no {to.city} on {when:%Y}")


def nothing():
    pass


def _private(x: int): ...


limit = 3
'''


@pytest.fixture
def tools(tmp_path):
    (tmp_path / "my_tools.py").write_text(FILE)
    return load_functions(tmp_path / "my_tools.py")


def test_signature_and_docstring_are_the_declaration(tools):
    assert list(tools) == ["get_weather", "set_light", "move", "nothing"]
    tool = tools["get_weather"].tool
    assert tool.description == "Get the weather for a city."
    assert tool.parameters["required"] == ["city"]
    properties = tool.parameters["properties"]
    assert properties["city"] == {"type": "string", "description": "The city, as one would say it."}
    assert properties["days"]["type"] == "integer" and properties["days"]["description"] == "How many."
    assert properties["unit"]["anyOf"] == [{"$ref": "#/$defs/Unit"}, {"type": "null"}]
    assert tool.parameters["$defs"]["Unit"]["enum"] == ["celsius", "fahrenheit"]
    assert tools["set_light"].tool.description is None
    assert tools["set_light"].tool.parameters["properties"]["room"]["enum"] == ["kitchen", "hall"]


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("get_weather", {"city": "Oslo", "unit": "celsius"}, {"city": "Oslo", "days": 1, "unit": "celsius"}),
        ("set_light", {"on": True, "room": "hall", "level": 2, "tags": ["a"]}, "hall True 2.0 ['a']"),
        ("nothing", {}, None),
    ],
)
def test_a_function_is_run_with_its_arguments(tools, name, arguments, result):
    assert tools[name].run(arguments) == result


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("get_weather", {}, "get_weather: city is missing"),
        ("get_weather", {"city": "A", "place": 1}, "get_weather: no parameter place"),
        ("get_weather", {"city": "A", "days": "5"}, "days: Input should be a valid integer"),
        ("get_weather", {"city": 5}, "city: Input should be a valid string"),
        ("set_light", {"on": "yes", "room": "hall"}, "on: Input should be a valid boolean"),
        ("set_light", {"on": True, "room": "cellar"}, "room: Input should be 'kitchen' or 'hall'"),
        ("move", {"to": {"city": "X"}, "when": "2026-01-02"}, "KeyError: 'no X on 2026'"),
    ],
)
def test_what_goes_wrong_is_the_result(tools, name, arguments, error):
    assert tools[name].run(arguments) == {"error": error}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("def f(*args): ...", r"parameters with names of their own in .*my_tools\.py: f; got \*args"),
        ("async def f(): ...", "a plain function in .*; got an asynchronous one"),
        ("def f(x: Nowhere): ...\nfrom __future__ import annotations", "SyntaxError"),
        ("from __future__ import annotations\ndef f(x: Nowhere): ...", "annotations that name types in .*Nowhere"),
        ("class A: ...\ndef f(x: A): ...", "a type of x that JSON can say"),
        ("x = 1", "functions in .*; got none whose name is public"),
        ("1 / 0", "to be imported; got ZeroDivisionError: division by zero; correct the file"),
        ("exit()", "to be imported; got SystemExit"),
    ],
)
def test_a_file_that_cannot_be_tools_is_refused_in_one_line(tmp_path, text, error):
    (tmp_path / "my_tools.py").write_text(text)
    with pytest.raises(DataError, match=error) as raised:
        load_functions(tmp_path / "my_tools.py")
    assert "\n" not in str(raised.value)


def test_a_path_that_is_no_python_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"at .*tools\.yaml; got no such file; name a file such as my_tools\.py"):
        load_functions(tmp_path / "tools.yaml")
