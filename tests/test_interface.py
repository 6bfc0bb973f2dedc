"""What the library offers to programs: documented names, loaded when they are used, and without anything heavy."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import callwright

HEAVY = {"jax", "jaxlib", "flax", "tunix", "qwix", "optax", "orbax", "numpy", "scipy", "transformers", "pyarrow"}


def loaded_by(code):
    """The top-level packages that a new interpreter has after this code."""
    code += "\nimport sys; print(*{name.split('.')[0] for name in sys.modules})"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_importing_loads_nothing_and_using_loads_nothing_heavy():
    assert not (HEAVY | {"pydantic", "rich", "jinja2"}) & loaded_by("import callwright")
    code = (
        "import callwright\nfor name in callwright.__all__: getattr(callwright, name)\ncallwright.get_format('qwen3')"
    )
    assert not HEAVY & loaded_by(code)


@pytest.mark.parametrize("name", callwright.__all__)
def test_every_name_is_there_and_documented(name):
    value = getattr(callwright, name)
    assert inspect.getdoc(value)
    assert value.__name__ == name
    assert name in dir(callwright)


def test_a_name_that_is_none_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'get_fromat'"):
        callwright.get_fromat  # noqa: B018
    assert not hasattr(callwright, "pipeline_of_nobody")


def test_the_package_says_that_it_is_typed():
    assert (Path(callwright.__file__).parent / "py.typed").is_file()


def test_a_conversation_goes_through_a_format_and_back_and_is_scored():
    tool = callwright.Tool("get_weather", parameters={"type": "object", "properties": {"city": {"type": "string"}}})
    asked = callwright.Message("user", "How warm is it in Paris?")
    call = callwright.ToolCall("get_weather", {"city": "Paris"})
    conversation = callwright.Conversation((asked, callwright.Message("assistant", tool_calls=(call,))), (tool,))
    assert callwright.read_conversation(callwright.write_conversation(conversation)) == conversation
    fmt = callwright.get_format("xml")
    prompt = fmt.render(conversation).text
    output = prompt[prompt.rindex("<start_of_turn>model\n") + len("<start_of_turn>model\n") :]
    assert fmt.parse(output, tools=(tool,)).tool_calls == (call,)
    answers = ({"get_weather": {"city": ["Paris"]}},)
    function = {
        "name": "get_weather",
        "parameters": {"type": "dict", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
    entry = callwright.BfclEntry("mine", "simple_python", (asked,), (function,), answers)
    assert callwright.score_calls(entry, [call]).valid
